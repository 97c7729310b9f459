"""Pairs that people labelled or reviewed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError, did_you_mean
from prodcat.matching.comparison import Candidates
from prodcat.matching.products import Products, text_of
from prodcat.matching.relations import NONE, OTHER_SIZE, RELATIONS, SAME, SUBSTITUTE
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.tables import iter_tables

ANSWER = "answer"
_LABELS = (ANSWER, "relation", "same", "label")
# What may stand for a relation, in small letters; the relations themselves come first.
ANSWER_WORDS = {
    **{word: word for word in RELATIONS},
    "same": SAME,
    "1": SAME,
    "true": SAME,
    "yes": SAME,
    "other size": OTHER_SIZE,
    "size": OTHER_SIZE,
    "0": NONE,
    "false": NONE,
    "no": NONE,
    "other": NONE,
    "substitutes": SUBSTITUTE,
}


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs of rows with the relation that a person gave them.

    Attributes:
        pairs: The rows of both tables.
        relations: One of :data:`~prodcat.matching.relations.RELATIONS` for each pair.
    """

    pairs: Candidates
    relations: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.relations)

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether each pair is the same product, bool [pairs]."""
        return np.array([each == SAME for each in self.relations], bool)

    def joined(self, other: "LabelledPairs") -> "LabelledPairs":
        """These pairs and others, which count where a pair is in both."""
        answers = dict(zip(self._keys(), self.relations, strict=True))
        answers.update(zip(other._keys(), other.relations, strict=True))
        return labelled_pairs(list(answers), list(answers.values()))

    def _keys(self) -> list[tuple[int, int]]:
        return list(zip(self.pairs.ours.tolist(), self.pairs.theirs.tolist(), strict=True))


def labelled_pairs(
    rows: Sequence[tuple[int, int]], relations: Sequence[str | bool | int]
) -> LabelledPairs:
    """Labelled pairs of the numbers of their rows.

    Args:
        rows: The row of our table and that of their table, counted from 0, for each pair.
        relations: The relation of each pair; 1 or True for the same product, 0 or False for none.

    Raises:
        CatalogError: A relation is not known, or there is not one for each pair.
    """
    if len(rows) != len(relations):
        raise CatalogError(
            f"There are {len(rows):,} pairs and {len(relations):,} relations; expected one for "
            "each pair."
        )
    places = np.array(rows, np.int64).reshape(-1, 2)
    named = tuple(_relation(each, place) for place, each in enumerate(relations))
    return LabelledPairs(Candidates(places[:, 0], places[:, 1]), named)


def _relation(value: object, place: int) -> str:
    text = text_of(int(value) if isinstance(value, bool) else value).lower()
    if text not in ANSWER_WORDS:
        guess = did_you_mean(text, ANSWER_WORDS) or "."
        raise CatalogError(
            f"The label of pair {place + 1:,} is {value!r}; expected one of "
            f"{', '.join(map(repr, RELATIONS))}, or 1 or 0{guess}"
        )
    return ANSWER_WORDS[text]


def read_pairs(
    source: object, ours: Products, theirs: Products, *, options: ReadOptions = DEFAULTS
) -> LabelledPairs:
    """Read labelled pairs of a table, such as reviewed doubtful pairs.

    A pair is named by the columns ``our_id`` and ``their_id`` if both tables of products have ids
    and the pairs have these columns, and by ``our_row`` and ``their_row`` otherwise.  The label is
    in the first of the columns ``answer``, ``relation``, ``same`` and ``label`` that there is; rows
    in which it is empty are left out.

    Args:
        source: A path, URI or glob of files, or a table in memory.
        ours: Our products.
        theirs: Theirs.
        options: How a text file is to be read.

    Returns:
        The pairs.  If a pair is labelled twice, the last label counts.

    Raises:
        CatalogError: A column is missing, a label is not known, a row or id does not exist, or a
            title is not that of the row.
    """
    answers: dict[tuple[int, int], str] = {}
    reader: _PairReader | None = None
    seen = 0
    for lazy in iter_tables(source, options=options):
        piece = {name: list(values) for name, values in lazy.items()}
        reader = reader or _PairReader(ours, theirs, piece)
        for row in range(len(piece[reader.label])):
            if text_of(piece[reader.label][row]):
                pair = reader.pair(piece, row, seen)
                answers[pair] = _relation(piece[reader.label][row], seen)
            seen += 1
    return labelled_pairs(list(answers), list(answers.values()))


class _PairReader:
    """Finds the rows of both tables that a row of a table of pairs names.

    Args:
        ours: Our products.
        theirs: Theirs.
        columns: The columns of the table of pairs.

    Raises:
        CatalogError: The table lacks columns.
    """

    def __init__(self, ours: Products, theirs: Products, columns: Mapping[str, Any]) -> None:
        labels = [name for name in _LABELS if name in columns]
        if not labels:
            raise CatalogError(
                f"The labelled pairs have the columns {', '.join(map(repr, columns))}; expected "
                f"the label in one of {', '.join(map(repr, _LABELS))}."
            )
        self.label = labels[0]
        self._tables = {"our": ours, "their": theirs}
        has_ids = ours.ids is not None and theirs.ids is not None
        self._by_id = has_ids and "our_id" in columns and "their_id" in columns
        self._places: dict[str, dict[str, int]] = {}
        if self._by_id:
            self._places = {side: _places(side, each) for side, each in self._tables.items()}
        elif "our_row" not in columns or "their_row" not in columns:
            raise CatalogError(
                f"The labelled pairs have the columns {', '.join(map(repr, columns))}; expected "
                "'our_row' and 'their_row', the numbers of rows counted from 0, or 'our_id' and "
                "'their_id' if both tables of products have a column with ids."
            )

    def pair(self, piece: Mapping[str, Any], row: int, number: int) -> tuple[int, int]:
        """The rows of both tables."""
        one, other = (self._row(side, piece, row, number) for side in self._tables)
        return one, other

    def _row(self, side: str, piece: Mapping[str, Any], row: int, number: int) -> int:
        if self._by_id:
            name = text_of(piece[f"{side}_id"][row])
            if name not in self._places[side]:
                raise CatalogError(
                    f"Row {number + 1:,} of the labelled pairs names {side}_id {name!r}, which "
                    f"{side} table has not; expected an id of that table."
                )
            return self._places[side][name]
        text = text_of(piece[f"{side}_row"][row])
        size = len(self._tables[side])
        if not text.isdigit() or int(text) >= size:
            raise CatalogError(
                f"Row {number + 1:,} of the labelled pairs names {side}_row {text!r}; expected a "
                f"number from 0 to {size - 1:,}."
            )
        title = piece.get(f"{side}_title")
        written = None if title is None else text_of(title[row])
        if written is not None and written != self._tables[side].titles[int(text)].strip():
            raise CatalogError(
                f"Row {number + 1:,} of the labelled pairs says that row {text} of {side} table is "
                f"{written!r}, but it is {self._tables[side].titles[int(text)]!r}. Give the tables "
                "that the pairs were made from, or name ids, which stay the same."
            )
        return int(text)


def _places(side: str, products: Products) -> dict[str, int]:
    """The row of each id.

    Raises:
        CatalogError: Two rows have one id.
    """
    places: dict[str, int] = {}
    for row, name in enumerate(products.ids or ()):
        if name and name in places:
            raise CatalogError(
                f"Rows {places[name] + 1:,} and {row + 1:,} of {side} table have one id, {name!r}; "
                "expected ids that name one row each."
            )
        places[name] = row
    places.pop("", None)
    return places
