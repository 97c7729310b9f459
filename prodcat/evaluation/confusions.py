"""Finds the most frequent mistakes, and the nodes at which wrong answers leave the true path."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.evaluation.judged_rows import NO_PATH, JudgedRows
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

_SHOWN_CONFUSIONS = 50
_SHOWN_BRANCHES = 10
_NO_PATH_NAME = "(no path of the tree)"
_ROOT_NAME = "(root)"


@dataclass(frozen=True)
class ConfusionGroup:
    """The mistakes with the same deepest common ancestor of truth and answer.

    Attributes:
        ancestor: The path of this ancestor in one line, or ``(root)``.
        level: The level of the ancestor, 0 for the root; the smaller, the worse are the mistakes.
        rows: The number of these mistakes.
        share: Their share of all mistakes, 0 to 1.
        branches: The most frequent pairs of nodes directly below the ancestor: the name on the
            true path, the name on the answer's path, and the number of rows.
    """

    ancestor: str
    level: int
    rows: int
    share: float
    branches: tuple[tuple[str, str, int], ...]


def commonest_confusions(taxonomy: Taxonomy, rows: JudgedRows) -> tuple[tuple[str, str, int], ...]:
    """The 50 most frequent mistakes.

    Args:
        taxonomy: The tree.
        rows: The labels and answers.

    Returns:
        The path of the label, the path of the answer, and the number of rows, most frequent first.
    """
    wrong = ~rows.correct
    if not wrong.any():
        return ()
    both = np.stack([rows.targets[wrong], rows.answers[wrong]], axis=1)
    names = [*map(join_path, taxonomy.paths), _NO_PATH_NAME, _ROOT_NAME]
    return _commonest_pairs(both, names, _SHOWN_CONFUSIONS)


def confusion_groups(taxonomy: Taxonomy, rows: JudgedRows) -> tuple[ConfusionGroup, ...]:
    """Group all mistakes by the deepest common ancestor of label and answer, largest first."""
    wrong = np.flatnonzero(~rows.correct)
    if not len(wrong):
        return ()
    shared_levels = (rows.same[wrong] & (rows.truth[wrong] >= 0)).sum(axis=1)
    deepest = np.clip(shared_levels - 1, 0, None)
    ancestor = np.where(shared_levels > 0, rows.truth[wrong, deepest], -1)
    below = _nodes_below(rows, wrong, shared_levels)
    names = [*taxonomy.names, _NO_PATH_NAME, "(ends here)"]
    nodes, counts = np.unique(ancestor, return_counts=True)
    by_count = sorted(zip(nodes.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1])
    return tuple(
        ConfusionGroup(
            ancestor=join_path(taxonomy.paths[node]) if node >= 0 else _ROOT_NAME,
            level=int(taxonomy.level[node]) if node >= 0 else 0,
            rows=count,
            share=count / len(wrong),
            branches=_commonest_pairs(below[ancestor == node], names, _SHOWN_BRANCHES),
        )
        for node, count in by_count
    )


def _nodes_below(rows: JudgedRows, wrong: NDArray[np.intp], level: Ints) -> Ints:
    """The nodes directly below the common ancestor on the paths of label and answer.

    Args:
        rows: The labels and answers.
        wrong: int [wrong]: the positions of the wrong rows.
        level: int64 [wrong]: the level, counted from 0, at which label and answer differ.

    Returns:
        int64 [wrong, 2]: -1 if a path ends at the ancestor, -2 for an answer that is no path.
    """
    ended = np.full((len(wrong), 1), -1)
    truth, answer = (
        np.concatenate([chain[wrong], ended], axis=1)[np.arange(len(wrong)), level]
        for chain in (rows.truth, rows.answer)
    )
    answer = np.where(rows.answers[wrong] == NO_PATH, NO_PATH, answer)
    return np.stack([truth, answer], axis=1)


def _commonest_pairs(pairs: Ints, names: list[str], most: int) -> tuple[tuple[str, str, int], ...]:
    """The most frequent pairs of nodes, as names with the number of rows.

    Args:
        pairs: int64 [rows, 2]: indices in ``names``.
        names: The name of each node, followed by those for -2 and -1.
        most: The greatest number of pairs to return.
    """
    different, counts = np.unique(pairs, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    return tuple((names[different[i, 0]], names[different[i, 1]], int(counts[i])) for i in order)
