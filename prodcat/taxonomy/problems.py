"""Joins descriptions of wrong rows for error messages."""

from collections.abc import Sequence

_SHOWN = 5


def first_problems(problems: Sequence[str]) -> str:
    """The first five problems in one line, followed by the number of the others.

    >>> first_problems(["row 0: empty id", "row 3: empty name"])
    'row 0: empty id; row 3: empty name'
    """
    shown = "; ".join(problems[:_SHOWN])
    more = len(problems) - _SHOWN
    return shown + (f"; and {more} more" if more > 0 else "")
