"""The tables of ``prodcat overlap``: matches and answers, whose rows name rows of their table."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prodcat.errors import CatalogError, ConfigError, no_column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prodcat.insight.overlap.match_tables import Cell

_SAME = "same product"


@dataclass
class NamedRows:
    """The rows of their table that another table names, with the titles it has for them.

    Attributes:
        source: The other table.
        titles: The title of each row of theirs, by its number, counted from 0.
        exchanged: The same of our rows, which would be theirs if the sides were exchanged.
        largest: The largest number of a row.
    """

    source: str
    titles: dict[int, str] = field(default_factory=dict)
    exchanged: dict[int, str] = field(default_factory=dict)
    largest: int = -1
    _fits: Counter[str] = field(default_factory=Counter)
    _would_fit: Counter[str] = field(default_factory=Counter)
    _others: dict[str, tuple[int, str]] = field(default_factory=dict)

    def compare(self, column: str, values: Sequence[object], start: int) -> None:
        """Compare the titles with a piece of a column of their table, which starts at a row."""
        from prodcat.insight.overlap.match_tables import Cell, same_title

        for row, value in enumerate(values, start):
            here = self.titles.get(row), self.exchanged.get(row)
            if here == (None, None):
                continue
            text = Cell(value, column, "").text()
            key = same_title(text)
            self._would_fit[column] += here[1] is not None and same_title(here[1]) == key
            if here[0] is not None and same_title(here[0]) == key:
                self._fits[column] += 1
            elif here[0] is not None:
                self._others.setdefault(column, (row, text))

    def check(self, products: int) -> None:
        """Check that the rows exist and have these titles.

        Args:
            products: Number of rows of their table.

        Raises:
            CatalogError: A row does not exist, or has another title.
        """
        from prodcat.insight.overlap.match_tables import swapped_advice

        would_fit = max(self._would_fit.values(), default=0)
        advice = swapped_advice(would_fit, len(self.exchanged))
        if self.largest >= products:
            raise CatalogError(
                f"{self.source!r} has the their_row {str(self.largest)!r}; their table has "
                f"{products:,} rows, counted from 0. {advice}"
            )
        column = max(self._others, key=lambda name: self._fits[name], default=None)
        if column is None or len(self.titles) in self._fits.values():
            return
        row, other = self._others[column]
        fits = self._fits[column]
        is_title = len(self._others) == 1 or 2 * fits > len(self.titles)
        there = f"which is {other!r} there" if is_title else "whose row there has no such title"
        raise CatalogError(
            f"{self.source!r} has other titles than their table in {len(self.titles) - fits:,} of "
            f"{len(self.titles):,} rows, such as {self.titles[row]!r} for the their_row {row}, "
            f"{there}. {advice}"
        )


@dataclass
class MatchRows(NamedRows):
    """The matches of a table that ``prodcat match`` wrote.

    Attributes:
        pairs: Their row, the probability and our title of each match.
        certain: Their rows with a reviewed match of the same product.
    """

    pairs: list[tuple[int, float, str]] = field(default_factory=list)
    certain: set[int] = field(default_factory=set)

    def likeliest(
        self, products: int
    ) -> "tuple[NDArray[np.float64], dict[int, str], NDArray[np.bool_]]":
        """The largest probability of each of their rows, our title there, and which are certain."""
        import numpy as np

        largest, titles = np.zeros(products), dict[int, str]()
        for row, probability, title in self.pairs:
            if probability >= largest[row]:
                largest[row] = probability
                titles[row] = title
        certain = np.zeros(products, bool)
        certain[sorted(self.certain)] = True
        return largest, titles, certain


def read_match_rows(source: str) -> MatchRows:
    """Read the table of matches.

    Raises:
        CatalogError: The table is none that ``prodcat match`` wrote, or a cell is not as expected.
    """
    named = MatchRows(source)
    needed = ("their_row", "probability", "our_title")
    for cells in _rows(source, needed, "Expected the table that prodcat match wrote."):
        row = _named_row(named, cells)
        named.pairs.append((row, cells["probability"].probability(), cells["our_title"].text()))
        if "our_row" in cells and cells["our_row"].text():
            named.exchanged.setdefault(cells["our_row"].row(), cells["our_title"].text())
        reviewed = "reviewed" in cells and cells["reviewed"].is_true()
        if reviewed and "relation" in cells and cells["relation"].text() == _SAME:
            named.certain.add(row)
    return named


def read_answers(source: str) -> tuple[NamedRows, dict[int, bool]]:
    """Whether we have each of their rows, as the table of ``--checked`` says.

    Raises:
        CatalogError: A column is missing, an answer is neither yes nor no, or there is none.
    """
    from prodcat.insight.overlap.match_tables import NO, YES

    named, answers = NamedRows(source), dict[int, bool]()
    expected = "Expected a table of --to-check whose column answer was filled in."
    for cells in _rows(source, ("their_row", "answer"), expected):
        text = cells["answer"].text().casefold()
        if not text or text == "nan":
            continue
        if text not in YES | NO:
            raise CatalogError(
                f"{source!r} has the answer {cells['answer'].value!r}; expected 1 if we have the "
                "product, 0 if not, or nothing."
            )
        answers[_named_row(named, cells)] = text in YES
    if not answers:
        raise CatalogError(
            f"{source!r} has no answer; expected 1 or 0 in its column answer. Fill in some, or "
            "leave --checked out."
        )
    return named, answers


def check_unanswered(source: str | None) -> None:
    """Refuse to replace a table of ``--to-check`` that a person filled in.

    Raises:
        ConfigError: It has answers.
    """
    from contextlib import suppress

    from prodcat.insight.overlap.match_tables import Cell
    from prodcat.storage.tables import iter_tables

    count = 0
    # What does not exist or is no table has no answers.
    with suppress(CatalogError, OSError):
        if source is not None:
            for piece in iter_tables(source):
                values = list(piece.get("answer", ()))
                count += sum(bool(Cell(value, "answer", "").text()) for value in values)
    if count:
        raise ConfigError(
            f"--to-check {source!r} has {count:,} answer{'s' * (count > 1)}, which would be lost. "
            "Give it as --checked, and another name as --to-check."
        )


def _rows(source: str, needed: Sequence[str], expected: str) -> "Iterator[Mapping[str, Cell]]":
    """The cells of each row by the name of their column.

    Raises:
        CatalogError: A column is missing.
    """
    from prodcat.insight.overlap.match_tables import Cell
    from prodcat.storage.tables import iter_tables

    names = (*needed, "their_title", "our_row", "relation", "reviewed")
    number = 0
    for piece in iter_tables(source):
        for name in needed:
            if name not in piece:
                raise CatalogError(f"{no_column(repr(source), name, piece)} {expected}")
        columns: dict[str, list[Any]] = {name: list(piece[name]) for name in names if name in piece}
        for values in zip(*columns.values(), strict=True):
            number += 1
            place = f"{source}, row {number:,}"
            yield {
                name: Cell(value, name, place) for name, value in zip(columns, values, strict=True)
            }


def _named_row(named: NamedRows, cells: "Mapping[str, Cell]") -> int:
    row = cells["their_row"].row()
    named.largest = max(named.largest, row)
    if "their_title" in cells:
        named.titles.setdefault(row, cells["their_title"].text())
    return row
