"""The columns of the tables behind the page: names that stay the same, and their types."""

from collections.abc import Mapping, Sequence

_PLACE = "retailer node_id department category"
_TEXTS = (
    f"{_PLACE} parent_id sure title brand unit closest_of_ours relation our_title their_title "
    "cheaper basis band only kind examples"
)
_WHOLE_NUMBERS = (
    "level our_products our_products_low our_products_high their_products their_products_low "
    "their_products_high rank category_rank missing_products listed_products row_number "
    "our_compared their_compared products products_low products_before products_now new_products "
    "gone_products dearer_products cheaper_products"
)
TEXTS, WHOLE_NUMBERS = frozenset(_TEXTS.split()), frozenset(_WHOLE_NUMBERS.split())
FLAGS = frozenset(["is_new"])
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
