"""The columns that reading offers adds to a table, each with its type and meaning."""

from collections.abc import Collection
from typing import Any

from prodcat.errors import CatalogError

PREFIX = "offer_"
# The type in Arrow's words, and the meaning.
COLUMNS: dict[str, tuple[str, str]] = {
    "offer_brand": ("string", "the brand; empty if it is not known"),
    "offer_brand_from": ("string", "where the brand is from: column, or list (given or learned)"),
    "offer_status": ("string", "read; none (no size is named); unknown (it is not sure)"),
    "offer_size": ("double", "the amount of one item as it is written: 33 of 6 x 33 cl"),
    "offer_unit": ("string", "its unit: kg, g, lb, fl oz, ml, cl, dl, l, piece, wash, dose"),
    "offer_count": ("int64", "how many items of this size: 6 of 6 x 33 cl"),
    "offer_total": ("double", "size times count in the base unit: 1980"),
    "offer_total_unit": ("string", "the base unit: g, ml, piece, wash, dose"),
    "offer_pieces": ("int64", "the number of pieces in the pack, if it is told"),
    "offer_washes": ("int64", "how many washes the pack is for, if it is told"),
    "offer_doses": ("int64", "capsules, tablets, pods or doses in the pack, if they are told"),
    "offer_drained_g": ("double", "the drained weight in grams, if it is told"),
    "offer_approximate": ("bool", "whether the text says that the size is approximate"),
    "offer_size_text": ("string", "what the size was read from, in small letters"),
    "offer_price": ("double", "the price of the pack"),
    "offer_currency": ("string", "the currency, as a code of ISO 4217, if it is told"),
    "offer_price_per_kg": ("double", "price for a kilogram, drained where that is told"),
    "offer_price_per_l": ("double", "price for a litre"),
    "offer_price_per_piece": ("double", "price for a piece"),
    "offer_price_per_wash": ("double", "price for a wash"),
    "offer_price_per_dose": ("double", "price for a capsule, tablet, pod or dose"),
    "offer_stated_price": ("double", "a unit price that stands in the row"),
    "offer_stated_unit": ("string", "what it is for: kg, l, piece, wash, dose"),
    "offer_problem": ("string", "what could not be read, or contradicts itself; else empty"),
}


def arrow_type(name: str) -> Any:
    """The Arrow type of a column of :data:`COLUMNS`."""
    import pyarrow as pa

    makers = {"string": pa.string, "double": pa.float64, "int64": pa.int64, "bool": pa.bool_}
    return makers[COLUMNS[name][0]]()


def check_free(names: Collection[str]) -> None:
    """Refuse a table that has a column with the name of one that is added.

    Args:
        names: The names of the table's columns.

    Raises:
        CatalogError: It has.
    """
    taken = [name for name in COLUMNS if name in names]
    if taken:
        raise CatalogError(
            f"The table has a column {taken[0]!r}, which reading offers adds; expected other "
            "names. Rename the column, or read the table from which it was made."
        )
