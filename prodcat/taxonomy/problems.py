"""Wrong rows of a source, as a part of an error message."""

from collections.abc import Sequence

_SHOWN = 5


def first_problems(problems: Sequence[str]) -> str:
    """The first problems in one line, and how many more there are."""
    shown = "; ".join(problems[:_SHOWN])
    more = len(problems) - _SHOWN
    return shown + (f"; and {more} more" if more > 0 else "")
