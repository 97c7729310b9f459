"""Finds the rows of two tables of products that the rows of a table of pairs name."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from prodcat.errors import CatalogError
from prodcat.matching.products import Products, text_of

_SIDES = ("our", "their")
_NAMES = tuple(f"{side}_{name}" for name in ("row", "id", "title") for side in _SIDES)
_ROW = re.compile(r"([0-9]{1,18})(?:\.0)?")  # a spreadsheet may write 12 as 12.0
_SWAPPED = " The pair fits if the two tables are swapped: give them in the other order."


class _Side:
    """The products of one table, with the rows that have each id.

    Args:
        name: ``our`` or ``their``.
        products: The products.
    """

    def __init__(self, name: str, products: Products) -> None:
        self.name = name
        self.products = products
        self.rows: dict[str, list[int]] = {}  # the rows of each id
        for row, each in enumerate(products.ids or ()):
            if each:
                self.rows.setdefault(each, []).append(row)

    def title(self, row: int) -> str:
        """The title of a row."""
        return self.products.titles[row].strip()

    @cached_property
    def longer(self) -> dict[str, list[str]]:
        """The ids with leading zeros, by what remains without these."""
        ids: dict[str, list[str]] = {}
        for each in self.rows:
            if each.startswith("0"):
                ids.setdefault(each.lstrip("0"), []).append(each)
        return ids

    def row_number(self, text: str | None) -> int | None:
        """The row that a text names by its number; None if there is no such row."""
        number = None if text is None else _ROW.fullmatch(text)
        row = -1 if number is None else int(number[1])
        return row if 0 <= row < len(self.products) else None


class PairRows:
    """Finds the rows of both tables that a row of a table of pairs names.

    Args:
        ours: Our products.
        theirs: Theirs.
        noun: What the pairs are called in messages, such as ``labelled pairs``.

    Attributes:
        restored: The ids that lacked leading zeros, each after its side, with the ids that they
            stand for.
    """

    def __init__(self, ours: Products, theirs: Products, noun: str) -> None:
        self._sides = {"our": _Side("our", ours), "their": _Side("their", theirs)}
        self._has_ids = ours.ids is not None and theirs.ids is not None
        self._noun = noun
        self.restored: dict[tuple[str, str], str] = {}

    def check_columns(self, columns: Mapping[str, Any]) -> None:
        """Refuse a table that names no products.

        Raises:
            CatalogError: It lacks columns.
        """
        rows = "our_row" in columns and "their_row" in columns
        if not rows and not self._is_by_id(columns):
            raise CatalogError(
                f"The {self._noun} have the columns {', '.join(map(repr, columns))}; expected "
                "'our_row' and 'their_row', the numbers of rows counted from 0, or 'our_id' and "
                "'their_id' if both tables of products have a column with ids."
            )

    def _is_by_id(self, columns: Mapping[str, Any]) -> bool:
        return self._has_ids and "our_id" in columns and "their_id" in columns

    def pair(self, piece: Mapping[str, Any], row: int, number: int) -> tuple[int, int]:
        """The rows of both tables.

        Args:
            piece: The columns of a piece of the table of pairs.
            row: The row of the piece.
            number: That row in the whole table, from 0.

        Raises:
            CatalogError: There is no such row, or its title is another one.
        """
        cells = {name: text_of(piece[name][row]) for name in _NAMES if name in piece}
        row_of = self._by_id if self._is_by_id(cells) else self._by_number
        where = f"Row {number + 1:,} of the {self._noun}"
        one, other = (row_of(side, cells, where) for side in self._sides.values())
        return one, other

    def _by_number(self, side: _Side, cells: Mapping[str, str], where: str) -> int:
        """The row of a table that a pair names by its number and title."""
        text = cells.get(f"{side.name}_row", "")
        row = side.row_number(text)
        if row is None:
            raise CatalogError(
                f"{where} names {side.name}_row {text!r}; expected a number from 0 to "
                f"{len(side.products) - 1:,}.{self._swap_hint(cells)}"
            )
        self._check_title(side, row, f"row {text}", cells, where)
        return row

    def _check_title(
        self, side: _Side, row: int, name: str, cells: Mapping[str, str], where: str
    ) -> None:
        """Refuse a pair whose title is not that of the row.

        Raises:
            CatalogError: It is another one.
        """
        written = cells.get(f"{side.name}_title")
        if written is None or written == side.title(row):
            return
        swapped = self._swap_hint(cells)
        advice = swapped or (
            " Give the tables that the pairs were made from, or name ids, which stay the same."
            if name.startswith("row ")
            else " Give the tables that the pairs were made from, in which no id was given to "
            f"another product. If only the title changed, write it into {side.name}_title."
        )
        raise CatalogError(
            f"{where} says that {name} of {side.name} table is {written!r}, but it is "
            f"{side.products.titles[row]!r}.{advice}"
        )

    def _by_id(self, side: _Side, cells: Mapping[str, str], where: str) -> int:
        """The row of a table that a pair names by its id, or by its number if that is not enough.

        Raises:
            CatalogError: There is no such row, or there are several.
        """
        name = cells[f"{side.name}_id"]
        if not name:
            return self._without_id(side, cells, where)
        if name not in side.rows:
            name = self._with_zeros(side, name, cells, where)
        rows, title = side.rows[name], cells.get(f"{side.name}_title")
        fits = [row for row in rows if title is None or side.title(row) == title]
        if not fits:
            self._check_title(side, rows[0], f"{side.name}_id {name!r}", cells, where)
        number = side.row_number(cells.get(f"{side.name}_row"))
        if len(fits) > 1 and number not in fits:
            raise CatalogError(
                f"Rows {fits[0] + 1:,} and {fits[1] + 1:,} of {side.name} table have one id, "
                f"{name!r}, which {where[0].lower()}{where[1:]} names; expected ids that name one "
                f"row each, or {side.name}_row and {side.name}_title beside them."
            )
        return fits[0] if len(fits) == 1 or number is None else number

    def _without_id(self, side: _Side, cells: Mapping[str, str], where: str) -> int:
        """The row that a pair names by its number, as it has no id.

        Raises:
            CatalogError: It has no number either, or another product is there.
        """
        if not cells.get(f"{side.name}_row"):
            raise CatalogError(
                f"{where} has no {side.name}_id; expected an id of {side.name} table, or "
                f"{side.name}_row and {side.name}_title, which name a product without one."
            )
        row = self._by_number(side, cells, where)
        name = (side.products.ids or ())[row]
        if f"{side.name}_title" not in cells and name:
            raise CatalogError(
                f"{where} has no {side.name}_id, but row {row:,} of {side.name} table has {name!r};"
                f" expected the id, or {side.name}_title, which shows that this product is meant."
            )
        return row

    def _with_zeros(self, side: _Side, name: str, cells: Mapping[str, str], where: str) -> str:
        """The id that a spreadsheet took the leading zeros from.

        Raises:
            CatalogError: There is none, or the titles do not tell which.
        """
        longer, title = side.longer.get(name, []), cells.get(f"{side.name}_title")
        fits = [each for each in longer if any(side.title(row) == title for row in side.rows[each])]
        if len(fits) == 1:
            self.restored[side.name, name] = fits[0]
            return fits[0]
        message = (
            f"{where} names {side.name}_id {name!r}, which {side.name} table has not; expected an "
            "id of that table."
        )
        if longer:
            message += (
                f" It has {' and '.join(map(repr, longer[:3]))}: a spreadsheet may have taken the "
                f"leading zeros away. Write the ids with their zeros, or also {side.name}_title, "
                "by which they are recognised."
            )
        raise CatalogError(message + self._swap_hint(cells))

    def _swap_hint(self, cells: Mapping[str, str]) -> str:
        """A sentence if the products of a pair are those of the other table each."""
        is_by_id = self._is_by_id(cells)
        for side, other in zip(_SIDES, reversed(_SIDES), strict=True):
            table, title = self._sides[other], cells.get(f"{side}_title")
            rows = table.rows.get(cells[f"{side}_id"], []) if is_by_id else []
            if not rows and (row := table.row_number(cells.get(f"{side}_row"))) is not None:
                rows = [row]
            if not title or not any(table.title(row) == title for row in rows):
                return ""
        return _SWAPPED
