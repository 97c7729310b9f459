"""Stops where nearly no label of a table is in the given tree: the labels are of another tree."""

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from prodcat.catalog.spellings import Spellings, accent_key, spelling_key
from prodcat.errors import CatalogError
from prodcat.taxonomy.paths import Path, is_like_list, join_path, split_path
from prodcat.taxonomy.tree import Taxonomy

_FEWEST = 20  # labels: of fewer, each unknown one is reported
_MOST_UNKNOWN = 0.9
_EXAMPLES = 3
_LIKE = 0.7  # similarity of names, from 0 to 1
_SEPARATORS = (">", "/", "|", ";", "::", "»", ",", "-", ".")
_EXPLAINED = 0.5  # share of the unknown labels that a remedy must find


def refuse_unknown(names: Sequence[Path], unknown: Sequence[int], taxonomy: Taxonomy) -> None:
    """Check that the labels of a table are not of another tree.

    Args:
        names: The names along the path of every row; empty for a row without a label.
        unknown: The numbers of the rows whose labels the tree lacks.
        taxonomy: The tree.

    Raises:
        CatalogError: At least nine in ten of 20 labels or more are unknown.
    """
    labels = sum(map(bool, names))
    if labels < _FEWEST or len(unknown) < _MOST_UNKNOWN * labels:
        return
    counts = Counter(names[row] for row in unknown)
    by_name = _paths_by_name(taxonomy)
    examples = [
        f"{join_path(path)!r} in {rows:,} ({_near(path, taxonomy, by_name)})"
        for path, rows in counts.most_common(_EXAMPLES)
    ]
    raise CatalogError(
        f"{len(unknown):,} of {labels:,} rows with a label have one that is not in the tree of "
        f"{len(taxonomy):,} categories, such as {', '.join(examples)}; {_remedy(counts, taxonomy)}."
    )


def _paths_by_name(taxonomy: Taxonomy) -> dict[str, Path]:
    """A path for each name, by its key."""
    paths: dict[str, Path] = {}
    for path in taxonomy.paths:
        paths.setdefault(accent_key(path[-1]), path)
    return paths


def _near(path: Path, taxonomy: Taxonomy, by_name: Mapping[str, Path]) -> str:
    """The path of the tree that is most like another, in words."""
    if taxonomy.get(path) is not None:
        return "which the tree has with other ids"
    near = _path_down(path, taxonomy)
    for name in reversed(path if len(near) < len(path) else ()):
        close = get_close_matches(accent_key(name), by_name, n=1, cutoff=_LIKE)
        if close:
            near = by_name[close[0]]
            break
    return f"the nearest is {join_path(near)!r}" if near else "none is like it"


def _path_down(path: Path, taxonomy: Taxonomy) -> Path:
    """The names of the tree that are most like those of a path, as far as there are some."""
    names: Path = ()
    node = -1
    for name in path:
        siblings = {taxonomy.names[child]: child for child in taxonomy.children(node)}
        close = [name] if name in siblings else get_close_matches(name, siblings, n=1, cutoff=_LIKE)
        if not close:
            break
        names, node = (*names, close[0]), siblings[close[0]]
    return names


def _remedy(counts: Counter[Path], taxonomy: Taxonomy) -> str:
    """What to do, as the end of a sentence."""
    if _share(counts, {path: path for path in counts}, taxonomy):
        return "most are if their names tell them: leave out path_ids= (--path-ids)"
    for separator in _SEPARATORS:
        divided = {
            p: split_path(p[0], separator) if len(p) == 1 and not is_like_list(p[0]) else p
            for p in counts
        }
        if _share(counts, divided, taxonomy):
            return f"most are if {separator!r} separates their names: set separator= (--separator)"
    for merge, key in (("spelling", spelling_key), ("accents", accent_key)):
        spellings = Spellings.of_tree(taxonomy, key)
        if _share(counts, {path: spellings.merged(path) for path in counts}, taxonomy):
            return f"most are with another spelling: set merge={merge!r} (--merge {merge})"
    return (
        "give the tree that these labels are of as taxonomy= (--taxonomy), or translate the "
        "labels, or read the titles alone with path=None"
    )


def _share(counts: Counter[Path], changed: Mapping[Path, Path], taxonomy: Taxonomy) -> bool:
    """Whether the tree has at least half of the labels if they are changed."""
    known = sum(rows for path, rows in counts.items() if taxonomy.get(changed[path]) is not None)
    return known >= _EXPLAINED * sum(counts.values())
