"""What the n-grams read of the further text columns: their words, or in which range a number is."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.fields import BORDER

_MOST = 100  # further columns of a row; the rest are read as part of the last one
_RANGES = 16
_SHARE_OF_NUMBERS = 0.95  # of a column's values; with fewer, it is read as text
_NUMBER = re.compile(r"([^\d\s+-]{0,4} ?)([+-]?\d[\d.,' ]*)( ?[^\d\s][^\d]{0,15})?")
_LONGEST_NUMBER = 40


@dataclass(frozen=True)
class Field:
    """How a further text column is read.

    Attributes:
        kind: ``"text"``: by its words and n-grams; ``"number"``: by the ranges that it is in.
        edges: The borders between 16 ranges with equally many training rows, ascending; only for
            numbers.
    """

    kind: Literal["text", "number"]
    edges: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: Sequence[str]) -> "Field":
        """Choose how to read a column from its values in the training rows.

        It is a number if at least 95 % of the values are, and more than 16 of them are different.

        >>> Field.of(["Oatly", "Alpro"]).kind, Field.of([f"{n}.99 €" for n in range(20)]).edges[:2]
        ('text', (2.1775, 3.365))
        """
        filled = [value for value in values if value]
        numbers = np.array([number(value) for value in filled])
        numbers = numbers[~np.isnan(numbers)]
        if len(numbers) < _SHARE_OF_NUMBERS * len(filled) or len(np.unique(numbers)) <= _RANGES:
            return cls("text")
        edges = np.quantile(numbers, np.arange(1, _RANGES) / _RANGES)
        return cls("number", tuple(edges.tolist()))

    def ranges(self, values: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """The ranges that numbers are in: of 16, and of 8 and 4 that contain these.

        Returns:
            The position, int64 [entry], of a value that is a number, and a code from 1 to 48 of a
            range, uint64 [entry].

        >>> Field("number", tuple(range(15))).ranges(["3,5", "?"])
        (array([0, 0, 0]), array([ 5, 19, 34], dtype=uint64))
        """
        numbers = np.array([number(value) for value in values], np.float64)
        rows = np.flatnonzero(~np.isnan(numbers))
        fine = np.searchsorted(self.edges, numbers[rows]).astype(np.uint64)
        codes = [fine // np.uint64(1 << level) + np.uint64(16 * level + 1) for level in range(3)]
        return np.tile(rows, 3), np.concatenate(codes)

    def stored(self) -> dict[str, Any]:
        """The field as it is stored in an artifact."""
        return {"kind": self.kind, **({"edges": list(self.edges)} if self.edges else {})}


def choose_fields(texts: Sequence[str]) -> tuple[Field, ...]:
    """Choose how to read each further column of joined texts; nothing for titles alone."""
    rows = [row for row in map(split_fields, texts) if len(row) > 1]
    count = max(map(len, rows), default=1)
    return tuple(
        Field.of([row[place] for row in rows if len(row) > place]) for place in range(1, count)
    )


def columns_of(texts: Sequence[str], count: int) -> list[list[str]]:
    """The titles of joined texts, and the values of ``count`` further columns; empty if missing."""
    rows = [split_fields(text) for text in texts]
    return [[row[place] if place < len(row) else "" for row in rows] for place in range(count + 1)]


def split_fields(text: str) -> list[str]:
    """The title and the further texts of a joined text."""
    return text.split(BORDER, _MOST)


def number(text: str) -> float:
    """The number that a text consists of, besides a unit or currency; NaN if it is none.

    Of several separators the last one separates the decimals, unless it occurs twice.

    >>> [number(text) for text in ("1.39 €", "1,39", "12", "£1,299.50", "1.000.000", "2e3")]
    [1.39, 1.39, 12.0, 1299.5, 1000000.0, 2000.0]
    >>> number("6x200 ml"), number("inf")
    (nan, nan)
    """
    if len(text) > _LONGEST_NUMBER or not (text[:1].isprintable() and text):
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = _with_unit(text)
    return value if math.isfinite(value) else math.nan


def _with_unit(text: str) -> float:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return math.nan
    digits = re.sub("[ ']", "", match[2])
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return float(digits)
    whole, decimals = digits[:last], digits[last + 1 :]
    if digits[last] in whole:  # it separates thousands
        whole, decimals = whole + decimals, ""
    return float(re.sub("[.,]", "", whole) + "." + (decimals or "0"))


def read_fields(stored: object, columns: int) -> tuple[Field, ...]:
    """The fields that an artifact names.

    Args:
        stored: The value in its config.
        columns: The number of its further text columns.

    Raises:
        ValueError: They are not as :meth:`Field.stored` makes them.
    """
    if not isinstance(stored, list) or len(stored) != min(columns, _MOST):
        raise ValueError(f"its fields are not a list of {min(columns, _MOST)}")
    return tuple(_read_field(field) for field in stored)


def _read_field(stored: object) -> Field:
    if isinstance(stored, Mapping) and dict(stored) == {"kind": "text"}:
        return Field("text")
    edges = stored.get("edges") if isinstance(stored, Mapping) else None
    if (
        not isinstance(stored, Mapping)
        or dict(stored) != {"kind": "number", "edges": edges}
        or not isinstance(edges, list)
        or len(edges) != _RANGES - 1
        or not all(type(edge) is float and math.isfinite(edge) for edge in edges)
        or any(before > after for before, after in pairwise(edges))
    ):
        raise ValueError(f"its field {str(stored)[:100]} is neither text nor a number with edges")
    return Field("number", tuple(edges))
