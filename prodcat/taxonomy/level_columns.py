"""Recognises columns that hold one level of a path each, by their names."""

import re
from collections.abc import Iterable

_LEVEL = re.compile(r"(.*?(?:level|lvl|category|categorie|categoria|cat|l))[ _.-]?(\d{1,2})", re.I)


def level_columns(names: Iterable[str]) -> list[str]:
    """The columns of the levels of a path, coarsest first; none if there are not at least two.

    Their names are equal but for a number that counts from 0 or 1.

    >>> level_columns(["sku", "level_2", "level_1", "price"]), level_columns(["sku", "level_7"])
    (['level_1', 'level_2'], [])
    """
    series: dict[str, dict[int, str]] = {}
    for name in names:
        match = _LEVEL.fullmatch(name.strip())
        if match:
            series.setdefault(match[1].lower(), {})[int(match[2])] = name
    for numbered in series.values():
        counted = sorted(numbered)
        if len(counted) > 1 and counted[0] in (0, 1) and counted[-1] - counted[0] < len(counted):
            return [numbered[number] for number in counted]
    return []
