"""Names of categories that differ only in their spelling: finds them among labels, and merges them.

Two names are spelled alike if they are equal in Unicode's form NFKC, without invisible characters,
in lower case (with the Turkish ı and İ as i) and with single blanks.  Names that also differ in
accents, such as Käse and Kase, are told apart from these.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from prodcat.catalog.text import fold
from prodcat.taxonomy.paths import Path
from prodcat.taxonomy.tree import Taxonomy

Key = Callable[[str], str]
_JOINERS = "\u200c\u200d"  # which change words of some scripts


def spelling_key(name: str) -> str:
    r"""A key that is equal for names that differ only in case, blanks or Unicode's form.

    >>> spelling_key("  KIRMIZI\u00a0Et"), spelling_key("Kırmızı  et")
    ('kirmizi et', 'kirmizi et')
    >>> spelling_key("Ka\u0308se") == spelling_key("KÄSE"), spelling_key("Kase")
    (True, 'kase')
    """
    lower = unicodedata.normalize("NFKC", name).casefold().replace("i\u0307", "i").replace("ı", "i")
    visible = (c for c in lower if unicodedata.category(c) != "Cf" or c in _JOINERS)
    return " ".join(unicodedata.normalize("NFKC", "".join(visible)).split())


def accent_key(name: str) -> str:
    """A key that is equal for names that differ only as for :func:`spelling_key`, or in accents.

    >>> accent_key("KÄSE"), accent_key("Kase")
    ('kase', 'kase')
    """
    return " ".join(fold(spelling_key(name)).split())


@dataclass(frozen=True)
class Twins:
    """Several spellings of one category.

    Attributes:
        path: The path of the category with the most frequent spelling of each name.
        counts: The number of labels at or below each other spelling, by the name.
        rows: The rows with each of these spellings, by the name.
    """

    path: Path
    counts: Mapping[str, int]
    rows: Mapping[str, Sequence[int]]


def find_twins(paths: Sequence[Path], rows: Sequence[int], key: Key) -> tuple[Twins, ...]:
    """The categories that have several spellings in some rows.

    Args:
        paths: The path of every row.
        rows: The numbers of the rows to compare.
        key: Gives the key that is equal for names that are spelled alike.

    Returns:
        The categories, the most frequent first.
    """
    spelled = Spellings.of([paths[row] for row in rows], key)
    if not spelled.has_twins:
        return ()
    others: dict[Path, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for prefix, name in spelled.others(paths[row]):
            others[prefix][name].append(row)
    twins = [
        Twins(
            tuple(spelled.names[prefix[:end]] for end in range(1, len(prefix) + 1)),
            {name: len(each) for name, each in by_name.items()},
            by_name,
        )
        for prefix, by_name in others.items()
    ]
    return tuple(sorted(twins, key=lambda each: -sum(each.counts.values())))


class Spellings:
    """The most frequent spelling of each category.

    Args:
        names: The name to take, by the keys of the names along the path.
        key: Gives the key that is equal for names that are spelled alike.
        has_twins: Whether a category has several spellings.
    """

    def __init__(self, names: Mapping[Path, str], key: Key, *, has_twins: bool) -> None:
        self.names, self.has_twins = names, has_twins
        self._key = cache(key)
        self._others = cache(self._find_others)
        self.merged = cache(self._merge)

    @classmethod
    def of(cls, paths: Sequence[Path], key: Key) -> "Spellings":
        """The most frequent spellings in paths; of equally frequent ones, the first."""
        counts: dict[Path, Counter[str]] = defaultdict(Counter)
        key = cache(key)
        for path, count in Counter(paths).items():
            keys = tuple(map(key, path))
            for end, name in enumerate(path, 1):
                counts[keys[:end]][name] += count
        names = {prefix: each.most_common(1)[0][0] for prefix, each in counts.items()}
        return cls(names, key, has_twins=any(len(each) > 1 for each in counts.values()))

    @classmethod
    def of_tree(cls, taxonomy: Taxonomy, key: Key) -> "Spellings":
        """The spellings in a tree; of names that are spelled alike, the first."""
        names: dict[Path, str] = {}
        for path in taxonomy.paths:
            names.setdefault(tuple(map(key, path)), path[-1])
        return cls(names, key, has_twins=True)

    def others(self, path: Path) -> list[tuple[Path, str]]:
        """The names of a path that have another spelling here: the keys up to each, and the name.

        Args:
            path: The names.
        """
        return self._others(path)

    def _find_others(self, path: Path) -> list[tuple[Path, str]]:
        keys = tuple(map(self._key, path))
        return [
            (keys[:end], name)
            for end, name in enumerate(path, 1)
            if self.names.get(keys[:end], name) != name
        ]

    def _merge(self, path: Path) -> Path:
        """The path with the spellings here; a name that is not known stays as it is."""
        keys = tuple(map(self._key, path))
        return tuple(self.names.get(keys[:end], name) for end, name in enumerate(path, 1))
