"""Which columns of a table hold the titles and the categories, by their names and their values."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from prodcat.errors import CatalogError
from prodcat.insight.first_look.words import is_category, key, title_rank
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.paths import join_path, split_path

_MOST_VALUES = 5_000  # of each column that are looked at
_SEPARATORS = (" > ", ">", " / ", "/", " | ", "|", " » ", "»", "::", " - ", ";", "\\", "~", ",")
_SPLIT = 0.5  # share of a column's values that a separator must divide
_MOST_NAMES = 10  # of unused columns that are shown
_DETERMINES = 0.97  # share of rows in which a finer column tells the coarser one
_LINK = re.compile(r"^(?:https?://|www\.|data:)|\.(?:jpe?g|png|webp)$", re.IGNORECASE)


@dataclass(frozen=True)
class GuessedColumns:
    """The columns that a table of products was found to have.

    Attributes:
        title: The column with the titles.
        path: The column with whole paths, or one column for each level, the coarsest first.
        separator: What stands between the names of a path.
        unused: The other columns.
    """

    title: str
    path: str | list[str]
    separator: str
    unused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line for people."""
        if isinstance(self.path, str):
            path = f"categories in {self.path!r}"
            path += f", divided by {self.separator.strip()!r}" if self.separator else ""
        else:
            path = f"categories in {' > '.join(map(repr, self.path))}"
        names = ", ".join(map(repr, self.unused[:_MOST_NAMES]))
        more = ", …" if len(self.unused) > _MOST_NAMES else ""
        unused = f"; not used: {names}{more}" if names else ""
        return f"titles in {self.title!r}, {path}{unused}"


@dataclass(frozen=True)
class _Column:
    """What the first values of a column look like.

    Attributes:
        name: The name of the column.
        values: Its values as texts, empty where there is none.
    """

    name: str
    values: Sequence[str]

    @property
    def filled(self) -> list[str]:
        return [value for value in self.values if value]

    @property
    def distinct(self) -> int:
        return len(set(self.filled))

    @property
    def words(self) -> float:
        """Mean number of words of a value."""
        filled = self.filled
        return sum(len(value.split()) for value in filled) / max(len(filled), 1)

    @property
    def is_text(self) -> bool:
        """Whether most values are words: no numbers, links or pieces of HTML."""
        filled = self.filled
        worded = [v for v in filled if re.search(r"[^\W\d_]{2}", v) and not _LINK.search(v)]
        return len(worded) > 0.7 * max(len(filled), 1)

    @property
    def repeats(self) -> bool:
        """Whether values occur several times, as names of categories do."""
        filled = self.filled
        return 1 < self.distinct <= max(len(filled) / 2, 2)


def guess_columns(
    table: Mapping[str, Sequence[Any]],
    title: str | None = None,
    path: str | Sequence[str] | None = None,
    separator: str | None = None,
) -> GuessedColumns:
    """Guess which columns hold titles and categories.

    Names count first, in English, German, French, Spanish, Italian, Dutch, Portuguese and Turkish;
    then the values: titles have several words and rarely repeat, categories repeat.

    Args:
        table: The columns by name, all of the same length.
        title: The column with the titles, if it is known.
        path: The column or columns with the categories, if they are known.
        separator: What stands between the names of a path, if it is known.

    Returns:
        The columns.

    Raises:
        CatalogError: No column, or none of several, is likely enough.
    """
    columns = [
        _Column(name, list(map(_shown, values[:_MOST_VALUES]))) for name, values in table.items()
    ]
    known = {path} if isinstance(path, str) else set(path or ())
    if title is None:
        title = _guess_title([column for column in columns if column.name not in known])
    rest = [column for column in columns if column.name != title]
    if path is None:
        path = _guess_path(rest)
    names = [path] if isinstance(path, str) else list(path)
    unused = [column.name for column in rest if column.name not in names]
    if len(names) > 1:
        return GuessedColumns(title, names, separator or ">", unused)
    values = next((column.filled for column in rest if column.name == names[0]), [])
    return GuessedColumns(title, names[0], separator or separator_of(values) or ">", unused)


def _shown(value: Any) -> str:
    """The text of a value; empty for an object, which is neither a title nor a category."""
    return "" if isinstance(value, Mapping) else cell_text(value)


def _guess_title(columns: Sequence[_Column]) -> str:
    suited = [c for c in columns if c.is_text and len(c.filled) > 0.5 * len(c.values)]
    named = [(title_rank(column.name), column) for column in suited]
    ranked = [(rank, column) for rank, column in named if rank is not None]
    if ranked:
        varied = [(rank, c) for rank, c in ranked if not c.repeats] or ranked
        return min(varied, key=lambda ranked: ranked[0])[1].name
    likely = [c for c in suited if not c.repeats and 1.5 <= c.words <= 25]
    likely = [c for c in likely if not is_category(c.name)]
    if len(likely) == 1:
        return likely[0].name
    raise _no_column("titles", "title", "--title", [c.name for c in likely], columns)


def _guess_path(columns: Sequence[_Column]) -> str | list[str]:
    suited = [c for c in columns if c.is_text and c.repeats]
    named = [c for c in suited if is_category(c.name)]
    whole = [c for c in named if separator_of(c.filled)]
    if whole:
        return max(whole, key=lambda c: (_depth(c), c.distinct)).name
    levels = _numbered_levels(suited)
    if levels and (not named or {column.name for column in named} <= set(levels)):
        return levels
    if named:
        chain = _chain(named)
        return chain[0] if len(chain) == 1 else chain
    whole = [c for c in suited if separator_of(c.filled)]
    if len(whole) == 1:
        return whole[0].name
    raise _no_column("categories", "path", "--path", [c.name for c in whole or suited], columns)


def _numbered_levels(columns: Sequence[_Column]) -> list[str]:
    """Columns whose names differ in a number only and that are levels of each other, in order."""
    groups: dict[str, list[tuple[int, _Column]]] = {}
    for column in columns:
        if match := re.search(r"\d+", column.name):
            stem = column.name[: match.start()] + "#" + column.name[match.end() :]
            groups.setdefault(stem, []).append((int(match.group()), column))
    for group in groups.values():
        ordered = [column for _, column in sorted(group, key=lambda numbered: numbered[0])]
        steps = pairwise(ordered)
        if len(ordered) > 1 and all(_determines(finer, coarser) for coarser, finer in steps):
            return [column.name for column in ordered]
    return []


def _chain(columns: Sequence[_Column]) -> list[str]:
    """The columns that are levels of each other, the coarsest first."""
    ordered = sorted(columns, key=lambda c: (c.distinct, key(c.name)))
    chain = [ordered[-1]]  # the finest one, and above it all that it tells
    for coarser in reversed(ordered[:-1]):
        if coarser.distinct < chain[0].distinct and _determines(chain[0], coarser):
            chain.insert(0, coarser)
    return [column.name for column in chain]


def _determines(finer: _Column, coarser: _Column) -> bool:
    """Whether a value of one column nearly always stands beside the same one of the other."""
    pairs = Counter((f, c) for f, c in zip(finer.values, coarser.values, strict=True) if f and c)
    most: dict[str, int] = {}
    for (fine, _), count in pairs.items():
        most[fine] = max(most.get(fine, 0), count)
    return sum(most.values()) >= _DETERMINES * max(pairs.total(), 1)


def separator_of(values: Sequence[str]) -> str:
    """What most likely stands between the names of paths; empty if nothing does.

    >>> separator_of(["Food > Milk", "Food > Bread"]), separator_of(["Food/Milk", "Food/Tea"])
    (' > ', '/')
    >>> separator_of(["Nuts, salted", "Milk"])
    ''
    """
    if not values or sum(value.startswith("[") for value in values) > _SPLIT * len(values):
        return ""
    for mark in _SEPARATORS:
        paths = [split_path(value, mark) for value in values if mark in value]
        if len(paths) <= _SPLIT * len(values):
            continue
        tops = {path[0] for path in paths}
        if len(tops) < len({join_path(path) for path in paths}) and "" not in tops:
            return mark
    return ""


def _depth(column: _Column) -> float:
    """Mean number of names in the paths of a column."""
    mark, filled = separator_of(column.filled), column.filled
    return sum(len(split_path(value, mark)) for value in filled) / max(len(filled), 1)


def _no_column(
    what: str, argument: str, option: str, likely: Sequence[str], columns: Sequence[_Column]
) -> CatalogError:
    names = [column.name for column in columns]
    likeliest = (
        f"several that may hold {what}: {likely}" if likely else f"none that looks like {what}"
    )
    return CatalogError(
        f"Of the columns {names}, found {likeliest}; expected one. Name it with {argument}= "
        f"({option})."
    )
