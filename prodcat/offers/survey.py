"""A first pass over a table: its columns and their types, and the brands that it names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prodcat.offers.brands import BrandSample
from prodcat.offers.columns import check_free
from prodcat.offers.rows import OfferColumns, is_encodable
from prodcat.storage.containers import is_missing
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.tables import iter_tables

_Types = dict[str, Any]


@dataclass
class Survey:
    """What is known of a table after the first pass.

    Attributes:
        rows: The number of its rows.
        types: The Arrow type of each column by its name, in the order of the table.
        sample: Titles and brands, from which brands are learned.
    """

    rows: int = 0
    types: _Types = field(default_factory=dict)
    sample: BrandSample = field(default_factory=BrandSample)


def survey_table(
    source: object, columns: OfferColumns, options: ReadOptions = DEFAULTS, *, learn: bool = True
) -> Survey:
    """Read a table once, in bounded memory.

    Args:
        source: Any table that :func:`prodcat.storage.tables.iter_tables` reads twice.
        columns: The columns that are read.
        options: How a text file is to be read.
        learn: Whether brands are collected.

    Raises:
        CatalogError: The table cannot be read, lacks a column, or has one of the names of the
            columns that are added.
    """
    survey = Survey()
    wrong: dict[int, str] = {}
    for piece in iter_tables(source, options=options, report=wrong.__setitem__):
        first = survey.rows
        survey.rows += len(next(iter(piece.values()), ()))
        for name, values in piece.items():
            survey.types[name] = _joined(survey.types.get(name), _type_of(values))
        if learn:
            readable = [row not in wrong for row in range(first, survey.rows)]
            _sample(survey.sample, piece, columns, readable)
    check_free(survey.types)
    columns.check(list(survey.types))
    return survey


def _sample(
    sample: BrandSample,
    piece: Mapping[str, Sequence[Any]],
    columns: OfferColumns,
    readable: Sequence[bool],
) -> None:
    """Add the rows of a piece that could be read from the file."""
    blank = [None] * len(readable)
    titles = piece.get(columns.title, blank)
    brands = piece.get(columns.brand or "", blank)
    kinds = [piece.get(name, blank) for name in columns.product_type]
    for place in (place for place, is_readable in enumerate(readable) if is_readable):
        kind = " > ".join(_text(column[place]) for column in kinds)
        sample.add(_text(titles[place]), kind.strip(" >"), _text(brands[place]))


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return " > ".join(map(str, value))
    text = "" if is_missing(value) else str(value).strip()
    return text if is_encodable(text) else ""


def _type_of(values: Sequence[Any]) -> Any:
    """The Arrow type of values; a string if they have none in common, null if all are missing."""
    import pyarrow as pa

    if all(type(value) is str or value is None for value in values):
        return pa.string() if any(value is not None for value in values) else pa.null()
    kept = [None if is_missing(value) else value for value in values]
    if any(isinstance(value, (dict, list, tuple, set)) for value in kept):
        return pa.string()
    try:
        kind = pa.array(kept).type
    except (pa.ArrowException, OverflowError, TypeError, ValueError, UnicodeEncodeError):
        return pa.string()
    return kind


def _joined(one: Any, other: Any) -> Any:
    """The type of a column whose pieces have these two."""
    import pyarrow.types as kinds

    if one is None or kinds.is_null(one) or one == other:
        return other
    if kinds.is_null(other):
        return one
    import pyarrow as pa

    numbers = [kinds.is_floating(kind) or kinds.is_integer(kind) for kind in (one, other)]
    return pa.float64() if all(numbers) else pa.string()


def arrow_column(values: Sequence[Any], kind: Any) -> Any:
    """The values of a column as an Arrow array of a type; what does not fit becomes a text.

    Args:
        values: The values.
        kind: The type, from :func:`survey_table`.

    Raises:
        ValueError: A value does not fit the type, which the first pass did not see.
    """
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_string(kind):
        return pa.array([as_text(value) for value in values], kind)
    kept = [None if is_missing(value) else value for value in values]
    return pa.array(kept, kind)


def as_text(value: Any) -> str | None:
    r"""A value as text: lists and objects as JSON, invalid bytes as backslash escapes.

    >>> as_text({"de": "Milch"}), as_text(None), as_text("a\udcff")
    ('{"de": "Milch"}', None, 'a\\udcff')
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (dict, list, tuple)):
        return as_text(json.dumps(value, ensure_ascii=False, default=str))
    return None if is_missing(value) else str(value)
