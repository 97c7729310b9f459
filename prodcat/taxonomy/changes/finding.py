"""Finds what changed from one tree to the next."""

from collections.abc import Mapping

import numpy as np

from prodcat.errors import TaxonomyError, check_choice
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.alignment import align
from prodcat.taxonomy.changes.change import made_rows
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.changes.kinds import kinds_of, reason_of
from prodcat.taxonomy.changes.splits import find_splits
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.changes.weights import SURE, WEIGHTS
from prodcat.taxonomy.changes.words import Titles, words_of

_ALIKE = 0.5  # of equal ids, with equal names too: they are stable
_BY_ID = 0.999  # confidence


def find_changes(
    old: Tree, new: Tree, *, ids: str = "auto", titles: tuple[Titles, Titles] | None = None
) -> TreeChanges:
    """Find what changed from one tree to the next; see :meth:`Taxonomy.diff`.

    Raises:
        ConfigError: ``ids`` is not supported.
        TaxonomyError: The titles are not two mappings from known ids.
    """
    check_choice("ids", ids, ("auto", "stable", "ignore"))
    _check_titles(old, new, titles)
    known = np.full(len(old), -1, np.int64) if ids == "ignore" else _by_id(old, new, ids)
    alignment = align(old, new, known, WEIGHTS, titles)
    targets: list[tuple[int, ...]] = [
        (target,) if target >= 0 else () for target in alignment.state.target.tolist()
    ]
    confidence = np.where(known >= 0, _BY_ID, alignment.state.confidence)
    for node, (parts, chance) in find_splits(old, new, alignment).items():
        targets[node] = parts
        confidence[node] = chance
    reasons = [""] * len(old)
    kinds = kinds_of(old, new, targets)
    for node, kind in enumerate(kinds):
        reasons[node] = reason_of(node, kind, old, new, targets, has_same_id=bool(known[node] >= 0))
    rounded = np.round(np.clip(confidence, 0, 1), 4).tolist()
    sure = [chance >= SURE for chance in rounded]
    return TreeChanges(*made_rows(old, new, targets, rounded, sure, reasons), old, new)


def _by_id(old: Tree, new: Tree, ids: str) -> Ints:
    """The new node with the id of each old node: int64 [old nodes], -1 for none.

    With ``"auto"``, ids count only if most of those in both trees have the same name in both: ids
    that are counted anew in each version may be equal by chance.
    """
    places = {key: node for node, key in enumerate(new.ids)}
    known = np.array([places.get(key, -1) for key in old.ids], np.int64)
    shared = np.flatnonzero(known >= 0)
    alike = [
        words_of(old.names[node]) == words_of(new.names[int(known[node])])
        for node in shared.tolist()
    ]
    if ids == "auto" and (not alike or sum(alike) < _ALIKE * len(alike)):
        return np.full(len(old), -1, np.int64)
    return known


def _check_titles(old: Tree, new: Tree, titles: tuple[Titles, Titles] | None) -> None:
    if titles is None:
        return
    pair = list(titles) if isinstance(titles, (tuple, list)) else []
    if len(pair) != 2 or not all(isinstance(each, Mapping) for each in pair):
        raise TaxonomyError(
            "titles is no pair of mappings; expected (titles of the old tree, titles of the new "
            "tree), each as {id of a category: [titles]}."
        )
    for name, tree, given in (("old", old, pair[0]), ("new", new, pair[1])):
        known = set(tree.ids)
        unknown = [key for key in given if key not in known]
        if unknown:
            raise TaxonomyError(
                f"titles has {len(unknown):,} ids that are not in the {name} tree, such as "
                f"{unknown[0]!r}. Use the ids of the {name} tree."
            )
        texts = [key for key, values in given.items() if isinstance(values, str)]
        if texts:
            raise TaxonomyError(
                f"titles has one text for {texts[0]!r}; expected a list of titles for each id."
            )
