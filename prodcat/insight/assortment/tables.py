"""The tables behind the page, one for each of its parts, with columns of stable names and types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from prodcat.insight.assortment.opportunities import Row, category_rows, opportunity_rows
from prodcat.insight.assortment.price_rows import band_rows, comparison_rows, shared_rows
from prodcat.insight.assortment.ranges import brand_rows, change_rows, only_theirs_rows
from prodcat.insight.assortment.versus import Versus

_PLACE = "retailer node_id department category"
_TEXTS = (
    f"{_PLACE} parent_id sure title brand unit closest_of_ours relation our_title their_title "
    "cheaper basis band only kind examples"
)
_WHOLE = (
    "level our_products our_products_low our_products_high their_products their_products_low "
    "their_products_high rank category_rank missing_products listed_products row_number "
    "our_compared their_compared products products_low products_before products_now new_products "
    "gone_products dearer_products cheaper_products"
)
_FLAG = "is_new"
_COLUMNS = {
    "categories": (
        f"{_PLACE} parent_id level our_products our_products_low our_products_high our_share "
        "our_share_low our_share_high their_products their_products_low their_products_high "
        "their_share their_share_low their_share_high difference difference_low difference_high "
        "times times_low times_high sure"
    ),
    "opportunities": (
        f"{_PLACE} rank our_products their_products our_share their_share times times_low "
        "times_high missing_products median_price worth worth_index listed_products probability "
        "sure"
    ),
    "products_to_list": (
        f"{_PLACE} rank category_rank title brand price price_per_unit unit closest_of_ours "
        "relation is_new worth probability sure row_number"
    ),
    "shared_products": (
        f"{_PLACE} our_title their_title brand our_price their_price our_price_per_unit "
        "their_price_per_unit unit difference cheaper basis probability sure"
    ),
    "price_comparison": (
        f"{_PLACE} basis our_typical their_typical our_compared their_compared difference "
        "difference_low difference_high cheaper p_value sure"
    ),
    "price_bands": (
        f"{_PLACE} level band price_from price_to our_products their_products our_share "
        "their_share difference p_value sure"
    ),
    "brands": f"{_PLACE} brand our_products their_products difference only",
    "only_theirs": f"{_PLACE} kind brand products products_low examples sure",
    "changes": (f"{_PLACE} kind title brand price_before price difference probability sure"),
    "changed_categories": (
        f"{_PLACE} products_before products_now new_products gone_products dearer_products "
        "cheaper_products"
    ),
}
COLUMNS: Mapping[str, Sequence[str]] = {name: text.split() for name, text in _COLUMNS.items()}


@dataclass(frozen=True, eq=False)
class BuyingTables:
    """The rows of every part of the page about one other retailer.

    Attributes:
        versus: Our assortment and theirs.
    """

    versus: Versus

    @cached_property
    def rows(self) -> Mapping[str, list[Row]]:
        """The rows of each table by its name, a key of :data:`COLUMNS`."""
        opportunities, products = opportunity_rows(self.versus)
        changed, changes = change_rows(self.versus)
        shared = shared_rows(self.versus)
        return {
            "categories": category_rows(self.versus),
            "opportunities": opportunities,
            "products_to_list": products,
            "shared_products": shared,
            "price_comparison": comparison_rows(self.versus, shared),
            "price_bands": band_rows(self.versus),
            "brands": brand_rows(self.versus),
            "only_theirs": only_theirs_rows(self.versus),
            "changes": changes,
            "changed_categories": changed,
        }


def arrow_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The rows of a table as an Arrow table, whose types do not depend on the rows.

    Args:
        name: The name of the table, a key of :data:`COLUMNS`.
        rows: Its rows.
    """
    import pyarrow as pa

    columns = {}
    for column in COLUMNS[name]:
        values = [row[column] for row in rows]
        if column in _TEXTS.split():
            columns[column] = pa.array(
                [None if value is None else _text(value) for value in values], pa.string()
            )
        elif column in _WHOLE.split():
            columns[column] = pa.array(values, pa.int64())
        elif column == _FLAG:
            columns[column] = pa.array(values, pa.bool_())
        else:
            columns[column] = pa.array(values, pa.float64())
    return pa.table(columns)


def _text(value: Any) -> str:
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
