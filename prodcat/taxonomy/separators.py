"""Recognises names that are whole paths with another separator than the one they were split at."""

from collections.abc import Mapping

_WHOLE = 0.9  # share of the names that have a mark, from which on it is taken for a separator
_SEPARATORS = ("&gt;", ">>", "->", "::", ">", "›", "»", "→", "|", "/", "\\", ";")


def mark_in_names(counts: Mapping[str, int]) -> tuple[str, list[str]] | None:
    """A mark that stands between words in nearly all names, and the names that have it; or None.

    Args:
        counts: How often each name occurs.

    >>> mark_in_names({"Food/Milk": 3, "Food/Bread": 1})
    ('/', ['Food/Milk', 'Food/Bread'])
    """
    for mark in _SEPARATORS:
        whole = [name for name in counts if mark in name and all(map(str.strip, name.split(mark)))]
        if whole and sum(counts[name] for name in whole) >= _WHOLE * sum(counts.values()):
            return mark, whole
    return None
