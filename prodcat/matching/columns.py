"""The columns of a table of matches, each with its type and meaning."""

from collections.abc import Mapping
from typing import Any

# The type in Arrow's words, and the meaning.
COLUMNS: dict[str, tuple[str, str]] = {
    "our_row": ("int64", "the row of our table, counted from 0"),
    "their_row": ("int64", "the row of their table, counted from 0"),
    "our_id": ("string", "our id; empty if our table has no column with ids"),
    "their_id": ("string", "their id; empty if their table has no column with ids"),
    "our_title": ("string", "our title"),
    "their_title": ("string", "their title"),
    "relation": ("string", "same product; same but other size; substitute; none"),
    "probability": ("double", "the probability of the same product, 0 to 1"),
    "reviewed": ("bool", "whether a person gave the relation"),
    "our_brand": ("string", "our brand; empty if it is not known"),
    "their_brand": ("string", "their brand; empty if it is not known"),
    "our_size": ("double", "how much our pack has; empty if it is not known"),
    "our_size_unit": ("string", "what our_size is in: g, ml, piece, wash, dose"),
    "their_size": ("double", "how much their pack has; empty if it is not known"),
    "their_size_unit": ("string", "what their_size is in: g, ml, piece, wash, dose"),
    "our_price": ("double", "our price of the pack"),
    "their_price": ("double", "their price of the pack"),
    "our_price_per_unit": (
        "double",
        "our price for one unit; empty if units or currencies differ",
    ),
    "their_price_per_unit": (
        "double",
        "their price for one unit; empty if units or currencies differ",
    ),
    "unit": ("string", "the unit of both prices: kg, l, piece, wash, dose"),
    "price_difference": (
        "double",
        "theirs / ours - 1, for one unit where that is known, else for the pack",
    ),
}
ANSWER: dict[str, tuple[str, str]] = {
    "answer": ("string", "the relation, to be filled in by a person; empty if it is open")
}
CHANGES: dict[str, tuple[str, str]] = {
    "change": ("string", "came; went; dearer; cheaper; renamed; unchanged"),
    "before_row": ("int64", "the row of the earlier table, counted from 0; empty if it came"),
    "after_row": ("int64", "the row of the later table, counted from 0; empty if it went"),
    "before_id": ("string", "the earlier id; empty if there is none"),
    "after_id": ("string", "the later id; empty if there is none"),
    "before_title": ("string", "the earlier title"),
    "after_title": ("string", "the later title"),
    "matched_by": ("string", "what says that both are one product: id, title, matcher"),
    "probability": ("double", "the matcher's probability of the same product, 0 to 1"),
    "before_price": ("double", "the earlier price of the pack"),
    "after_price": ("double", "the later price of the pack"),
    "price_change": ("double", "the later price / the earlier price - 1"),
}


def arrow_table(columns: Mapping[str, Any], kinds: Mapping[str, tuple[str, str]]) -> Any:
    """An Arrow table of columns with the types of one of the tables above.

    Args:
        columns: The values of each column; NaN is empty.
        kinds: The type and the meaning of each column.
    """
    import pyarrow as pa

    from prodcat.offers.survey import as_text

    arrays = {}
    for name, kind in arrow_types(kinds).items():
        values = columns[name]
        if kinds[name][0] == "string":
            values = [as_text(each) or None for each in values]
        arrays[name] = pa.array(values, kind, from_pandas=True)
    return pa.table(arrays)


def arrow_types(kinds: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """The Arrow type of each column of one of the tables above."""
    import pyarrow as pa

    makers = {"string": pa.string, "double": pa.float64, "int64": pa.int64, "bool": pa.bool_}
    return {name: makers[kind]() for name, (kind, _) in kinds.items()}
