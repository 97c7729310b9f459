"""What differences chance alone makes: the titles of both sets, dealt into two sets at random."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import title_hashes
from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.taxonomy.tree import Taxonomy

DEALS = 499  # times that titles are dealt into two sets
_DEALS_AT_ONCE = 25


@dataclass(frozen=True, eq=False)
class PooledTitles:
    """The titles of both sets, those of the first before those of the second.

    Attributes:
        texts: What the classifier reads of each title.
        nodes: int64 [titles]: the node at which each title ends.
        groups: int64 [titles]: a number that is the same for titles that are equal.
        second: Bool [titles]: whether the title is of the second set.
    """

    texts: list[str]
    nodes: Ints
    groups: Ints
    second: Flags

    @classmethod
    def of(
        cls, before: Sequence[str], after: Sequence[str], nodes: tuple[Ints, Ints]
    ) -> "PooledTitles":
        """Put two sets together.

        Args:
            before: Texts of the first set.
            after: Texts of the second set.
            nodes: int64 [titles] for each of them: the nodes at which the titles end.
        """
        texts = [*before, *after]
        groups = np.unique(title_hashes(texts), return_inverse=True)[1].astype(np.int64)
        second = np.repeat(np.array([False, True]), (len(before), len(after)))
        return cls(texts, np.concatenate(nodes), groups, second)


def dealt_sets(
    groups: Ints, second: Flags, rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """Deal titles into two sets, again and again.

    Groups of equal titles are dealt whole, among those that are listed as often.

    Args:
        groups: int64 [titles]: a number that is the same for titles that are equal.
        second: Bool [titles]: whether the title is of the second set.
        rng: Draws the deals.

    Yields:
        float32 [deals, titles]: what of a title is in the second set, some deals at a time.  The
        first of all is how the sets are.
    """
    count = np.bincount(groups)
    share = (np.bincount(groups, second, minlength=len(count)) / count).astype(np.float32)
    order = np.argsort(count, kind="stable")
    listed_as_often = [order[start:end] for start, end in equal_runs(count[order])]
    for start in range(0, DEALS + 1, _DEALS_AT_ONCE):
        deals = np.empty((min(_DEALS_AT_ONCE, DEALS + 1 - start), len(groups)), np.float32)
        for number in range(len(deals)):
            dealt = share.copy()
            if start + number:
                for alike in listed_as_often:
                    dealt[alike] = share[rng.permutation(alike)]
            deals[number] = dealt[groups]
        yield deals


def equal_runs(ordered: Ints) -> list[tuple[int, int]]:
    """Start and end of each run of equal numbers; they are in order and at least 0."""
    edges = np.flatnonzero(np.diff(ordered, prepend=-1, append=-1))
    return list(itertools.pairwise(edges.tolist()))


def rows_of_nodes(tree: Taxonomy, nodes: Ints) -> Any:
    """A sparse float32 matrix [nodes, titles]: 1 where a title is at or below a node.

    Args:
        tree: The tree.
        nodes: int64 [titles]: the node at which each title ends.
    """
    from scipy.sparse import csr_matrix

    chains = tree.chains[nodes]
    row, level = np.nonzero(chains >= 0)
    values = np.ones(len(row), np.float32)
    return csr_matrix((values, (chains[row, level], row)), (len(tree), len(nodes)))


def corrected_p(statistics: Floats, levels: Ints) -> Floats:
    """The p of many statistics at once, every level having an equal part in the false alarms.

    Args:
        statistics: float64 [1 + deals, statistics]: as the sets are, then as they were dealt.
        levels: int64 [statistics]: the level of each.

    Returns:
        float64 [statistics]: the probability that any of them is as far beyond chance where
        nothing changed.
    """
    names, place = np.unique(levels, return_inverse=True)
    ordered, share = [], np.empty((len(statistics), len(names)))
    for level in range(len(names)):
        largest = statistics[:, place == level].max(axis=1)
        ordered.append(np.sort(largest))
        share[:, level] = _share_at_least(ordered[-1], largest)
    smallest = np.sort(share.min(axis=1))  # of all levels, in each deal
    single = np.empty(statistics.shape[1])
    for level in range(len(names)):
        single[place == level] = _share_at_least(ordered[level], statistics[0, place == level])
    p: Floats = np.searchsorted(smallest, single + 1e-12, "right") / len(statistics)
    return np.where(statistics[0] > 1e-9, np.maximum(p, 1 / len(statistics)), 1.0)


def _share_at_least(ordered: Floats, values: Floats) -> Floats:
    """Of ascending numbers the share that is at least as great as each of the values."""
    above = len(ordered) - np.searchsorted(ordered, values - 1e-9)
    share: Floats = np.maximum(above, 1) / len(ordered)
    return share
