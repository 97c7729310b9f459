"""Cells of a table of matches, and whether the table is of the products that are given with it."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from prodcat.errors import CatalogError
from prodcat.storage.containers import is_missing

# What spreadsheets in several languages write for yes and for no.
YES = {
    "1", "1.0", "true", "yes", "wahr", "ja", "vrai", "oui", "verdadero", "sí", "si", "vero",
    "verdadeiro", "sim", "waar",
}  # fmt: skip
NO = {
    "0", "0.0", "false", "no", "falsch", "nein", "faux", "non", "falso", "não", "onwaar", "nee",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_GROUPED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+")  # 1.234,56


@dataclass(frozen=True)
class Cell:
    """A cell of a table of matches; all columns of a CSV file are texts.

    Attributes:
        value: The value.
        column: The name of its column.
        place: What error messages begin with, such as ``The matches of 'Rival', row 3``.
    """

    value: object
    column: str
    place: str

    def text(self) -> str:
        """The text without white space around it; empty if the cell is."""
        if is_missing(self.value):
            return ""
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(value).strip()

    def number(self) -> float | None:
        """The number, which may have a decimal comma; None if the cell is empty.

        Raises:
            CatalogError: It is no finite number.

        >>> Cell("0,98", "probability", "Row 1").number()
        0.98
        """
        text = self.text()
        if not text:
            return None
        if not isinstance(self.value, bool):
            if _GROUPED.fullmatch(text):
                text = text.replace(".", "")
            is_number = isinstance(self.value, str) and _NUMBER.fullmatch(text)
            number = _float(text.replace(",", ".") if is_number else self.value)
            if number is not None and (is_number or not isinstance(self.value, str)):
                return number
        raise self.error("a number such as 0.98, or nothing")

    def probability(self) -> float:
        """The number from 0 to 1.

        Raises:
            CatalogError: It is none, or the cell is empty.
        """
        expected = "a number from 0 to 1, as prodcat match writes it"
        try:
            number = self.number()
        except CatalogError as error:
            raise self.error(expected) from error
        if number is None or not 0 <= number <= 1:
            raise self.error(expected)
        return number

    def row(self) -> int:
        """The number of a row, counted from 0.

        Raises:
            CatalogError: It is no whole number of at least 0.
        """
        expected = "the number of a row, counted from 0"
        try:
            number = self.number()
        except CatalogError as error:
            raise self.error(expected) from error
        if number is None or number < 0 or number != int(number):
            raise self.error(expected)
        return int(number)

    def is_true(self) -> bool:
        """Whether it says yes; an empty cell does not.

        Raises:
            CatalogError: It says neither yes nor no.
        """
        text = self.text().casefold()
        if text and text not in YES | NO:
            raise self.error("true or false")
        return text in YES

    def error(self, expected: str) -> CatalogError:
        """The error that says what was found and what was expected."""
        given = "empty" if not self.text() else repr(self.value)
        return CatalogError(f"{self.place}: {self.column} is {given}; expected {expected}.")


def _float(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def same_title(title: str) -> str:
    """The form in which a title of a table of matches is that of the product's own table.

    An apostrophe before a title, which keeps spreadsheets from taking it for a formula, is left
    out.

    >>> same_title("'=Tea  50 G"), same_title("=tea 50 g")
    ('=tea 50 g', '=tea 50 g')
    """
    return " ".join(title.casefold().split()).removeprefix("'")


def swapped_advice(would_fit: int, rows: int) -> str:
    """The advice for a table of matches that is not of the products given.

    Args:
        would_fit: How many of its rows would fit if our side and theirs were exchanged.
        rows: How many rows there are.
    """
    if 2 * would_fit > rows:
        return (
            f"With the two sides exchanged, {would_fit:,} of {rows:,} rows fit: match the tables "
            "in the order of our products and then theirs."
        )
    return "Give the tables that were matched, or match these tables again."


def check_titles(
    pairs: Sequence[tuple[str, str]], ours: frozenset[str], theirs: frozenset[str], place: str
) -> tuple[list[bool], str]:
    """Check that the titles of matches are those of the products that are compared.

    Args:
        pairs: Our title and theirs of each match.
        ours: The titles of our products, as :func:`same_title` writes them.
        theirs: The same of their products.
        place: What messages begin with, such as ``The matches of 'Rival'``.

    Returns:
        Whether each match is of products that are compared, and a warning if some are not; empty
        otherwise.

    Raises:
        CatalogError: Most are not, or more are with the two sides exchanged.
    """
    keys = [(same_title(one), same_title(other)) for one, other in pairs]
    fits = [one in ours and other in theirs for one, other in keys]
    count = sum(fits)
    if count == len(pairs):
        return fits, ""
    would_fit = sum(one in theirs and other in ours for one, other in keys)
    first = fits.index(False)
    side = 0 if keys[first][0] not in ours else 1
    sentence = (
        f"{place}: {len(pairs) - count:,} of {len(pairs):,} name a product that is not compared, "
        f"such as {pairs[first][side]!r} of {('ours', 'theirs')[side]}"
    )
    if 2 * count < len(pairs) or would_fit > count:
        raise CatalogError(f"{sentence}. {swapped_advice(would_fit, len(pairs))}")
    return fits, f"{sentence}; these matches are left out."
