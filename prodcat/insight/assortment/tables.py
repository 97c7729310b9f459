"""The tables behind the page, one for each of its parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from prodcat.insight.assortment.column_rows import ColumnRows, Row
from prodcat.insight.assortment.opportunities import category_rows, opportunity_rows
from prodcat.insight.assortment.price_rows import band_rows, comparison_rows, shared_rows
from prodcat.insight.assortment.ranges import brand_rows, change_rows, only_theirs_rows
from prodcat.insight.assortment.table_columns import COLUMNS, FLAGS, TEXTS, WHOLE_NUMBERS
from prodcat.insight.assortment.versus import Versus


@dataclass(frozen=True, eq=False)
class BuyingTables:
    """The rows of every part of the page about one other retailer.

    Attributes:
        versus: Our assortment and theirs.
    """

    versus: Versus

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Row]]:
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

    def column(self, name: str, column: str) -> list[Any]:
        """The values of one column of a table."""
        rows = self.rows[name]
        if isinstance(rows, ColumnRows):
            return rows.column(column) if len(rows) else []
        return [row[column] for row in rows]


def arrow_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The rows of a table as an Arrow table, whose types do not depend on the rows.

    Args:
        name: The name of the table, a key of :data:`COLUMNS`.
        rows: Its rows.
    """
    import pyarrow as pa

    held = rows if isinstance(rows, ColumnRows) and len(rows) else None
    columns = {}
    for column in COLUMNS[name]:
        values = [row[column] for row in rows] if held is None else held.column(column)
        if column in TEXTS:
            columns[column] = pa.array(
                [None if value is None else _text(value) for value in values], pa.string()
            )
        elif column in WHOLE_NUMBERS:
            columns[column] = pa.array(values, pa.int64())
        elif column in FLAGS:
            columns[column] = pa.array(values, pa.bool_())
        else:
            columns[column] = pa.array(values, pa.float64())
    return pa.table(columns)


def _text(value: Any) -> str:
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
