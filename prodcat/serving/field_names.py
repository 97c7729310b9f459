"""Which fields of a request a model reads: one rule for JSON, lines of JSON, CSV and Parquet.

A model reads the title and the columns that it was trained with.  The name of a field may have
blanks around it and other upper and lower case, unless another field has the exact name.  Two
fields of one name are refused.  All further fields are not read, whatever they hold: clients send
ids and prices that they want back next to the answers.  Their names are told in a header of the
answer.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from prodcat.serving.refusal import Refusal, shown

UNREAD = "Prodcat-Unread-Fields"  # a header of answers
TITLE = "title"
_MOST_NAMES = 20  # in the header
_MOST_LETTERS = 40  # of a name in the header


class FieldNames:
    """The names of the fields that a model reads.

    Args:
        known: The names of further columns that the model uses.

    Attributes:
        exact: The names as the model knows them, with the title first.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self.exact = tuple(dict.fromkeys((TITLE, *known)))
        counts = Counter(map(_folded, self.exact))
        self._by_folded = {
            folded: name for name in self.exact if counts[folded := _folded(name)] == 1
        }

    def read_as(self, name: str) -> str | None:
        """The model's name of a field, or None if the model does not read it.

        >>> FieldNames(["brand"]).read_as(" Brand"), FieldNames([]).read_as("brand")
        ('brand', None)
        """
        return name if name in self.exact else self._by_folded.get(_folded(name))

    def have_title(self, names: Iterable[str]) -> bool:
        """Whether one of these names is that of the title."""
        return TITLE in map(_folded, names) and any(self.read_as(name) == TITLE for name in names)

    def have_another(self, names: Sequence[str]) -> bool:
        """Whether these are names of all columns, and one stands where the model has it.

        >>> FieldNames(["brand"]).have_another(["titel", "Brand"])
        True
        """
        return len(names) == len(self.exact) and any(
            self.read_as(name) == known
            for name, known in zip(names[1:], self.exact[1:], strict=True)
        )

    def places(self, names: Sequence[str]) -> dict[str, int]:
        """Find the columns of a table that the model reads.

        Args:
            names: The names of all columns; those without a name are not read.

        Returns:
            The position of each column that is read, by the model's name of it.

        Raises:
            Refusal: With status 400 if two columns have one name.
        """
        if len(set(names)) < len(names):
            named = [name for name in names if name.strip()]
            if len(set(named)) < len(named):
                raise _twice(names)
        places = {name: place for place, name in enumerate(names) if name in self.exact}
        for place, name in enumerate(names) if len(places) < len(self.exact) else ():
            known = self.read_as(name)
            if known is None or names[places.get(known, place)] == known:
                continue  # the column is not read, or another one has the exact name
            if places.setdefault(known, place) != place:
                raise _twice(names)
        return places


@lru_cache(maxsize=64)
def field_names(known: tuple[str, ...]) -> FieldNames:
    """The names of the fields that a model reads, kept for further requests.

    Args:
        known: The names of further columns that the model uses.
    """
    return FieldNames(known)


def unread_header(names: Sequence[str]) -> str:
    r"""The value of the header that names the fields which the model did not read.

    Args:
        names: The names of the fields.

    Returns:
        A JSON list of the first 20 names in ASCII; if there are more, a last text has their number.

    >>> unread_header(["sku", "Größe"])
    '["sku", "Gr\\u00f6\\u00dfe"]'
    """
    told = [shortened(name) for name in names[:_MOST_NAMES]]
    if len(names) > _MOST_NAMES:
        told.append(f"and {len(names) - _MOST_NAMES:,} more")
    return json.dumps(told).replace("\x7f", "\\u007f")


def shortened(name: str) -> str:
    """A name from a request for people to see, of at most 40 letters."""
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"


def _folded(name: str) -> str:
    return name.strip().lower()


def _twice(names: Sequence[str]) -> Refusal:
    return Refusal(400, f"Found two columns of one name: {shown(names)}. Rename or remove one.")
