"""Joins descriptions of wrong rows for error messages."""

from collections.abc import Sequence

_SHOWN = 5


def first_problems(problems: Sequence[str]) -> str:
    """The first five problems in one line, followed by the number of the others.

    >>> first_problems(["row 1: empty id", "row 4: empty name"])
    'row 1: empty id; row 4: empty name'
    """
    shown = "; ".join(problems[:_SHOWN])
    more = len(problems) - _SHOWN
    return shown + (f"; and {more} more" if more > 0 else "")


def number_of_mistakes(problems: Sequence[str]) -> str:
    """How many problems there are, in words.

    >>> number_of_mistakes(["row 1: no id"]), number_of_mistakes(["row 1: no id"] * 2)
    ('1 mistake', '2 mistakes')
    """
    return f"{len(problems):,} mistake{'s' * (len(problems) != 1)}"
