"""Permutation tests, which divide the titles of two sets at random many times."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import title_hashes
from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.taxonomy.tree import Taxonomy

PERMUTATIONS = 499  # random divisions of the titles into two sets
_CHUNK = 25  # permutations that are in memory at once


@dataclass(frozen=True, eq=False)
class PooledTitles:
    """The titles of two sets, those of the first set before those of the second.

    Attributes:
        texts: The classifier's input text for each title.
        nodes: int64 [titles]: the node of each title's label or answer.
        groups: int64 [titles]: a number from 0, which is the same for equal titles.
        second: Bool [titles]: whether the title is in the second set.
    """

    texts: list[str]
    nodes: Ints
    groups: Ints
    second: Flags

    @classmethod
    def of(
        cls, before: Sequence[str], after: Sequence[str], nodes: tuple[Ints, Ints]
    ) -> "PooledTitles":
        """Pool the titles of two sets.

        Args:
            before: Texts of the first set.
            after: Texts of the second set.
            nodes: For each of the two sets, int64 [titles]: the node of each title.

        Returns:
            The titles of both sets.
        """
        texts = [*before, *after]
        groups = np.unique(title_hashes(texts), return_inverse=True)[1].astype(np.int64)
        second = np.repeat(np.array([False, True]), (len(before), len(after)))
        return cls(texts, np.concatenate(nodes), groups, second)


def permuted_sets(
    groups: Ints, second: Flags, rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """Divide titles into two sets at random many times.

    Equal titles stay together: only groups with the same number of titles are exchanged.

    Args:
        groups: int64 [titles]: a number from 0, which is the same for equal titles.
        second: Bool [titles]: whether the title is in the second set.
        rng: Random numbers for the permutations.

    Yields:
        float32 [permutations, titles]: for each title, which part of its group is in the second
        set, 0 to 1.  Each array has some of the permutations; the very first permutation is the
        actual division.
    """
    count = np.bincount(groups)
    share = (np.bincount(groups, second, minlength=len(count)) / count).astype(np.float32)
    order = np.argsort(count, kind="stable")
    equal_sizes = [order[start:end] for start, end in equal_runs(count[order])]
    for start in range(0, PERMUTATIONS + 1, _CHUNK):
        sets = np.empty((min(_CHUNK, PERMUTATIONS + 1 - start), len(groups)), np.float32)
        for number in range(len(sets)):
            permuted = share.copy()
            if start + number:
                for equal in equal_sizes:
                    permuted[equal] = share[rng.permutation(equal)]
            sets[number] = permuted[groups]
        yield sets


def equal_runs(ordered: Ints) -> list[tuple[int, int]]:
    """Find the start and end of each run of equal numbers in an ascending array of numbers >= 0.

    >>> equal_runs(np.array([0, 0, 3]))
    [(0, 2), (2, 3)]
    """
    edges = np.flatnonzero(np.diff(ordered, prepend=-1, append=-1))
    return list(itertools.pairwise(edges.tolist()))


def rows_of_nodes(tree: Taxonomy, nodes: Ints) -> Any:
    """Create a matrix that tells which titles are at or below which node.

    Args:
        tree: The tree.
        nodes: int64 [titles]: the node of each title.

    Returns:
        A sparse float32 matrix [nodes, titles]: 1 where the title is at or below the node, else 0.
    """
    from scipy.sparse import csr_matrix

    chains = tree.chains[nodes]
    row, level = np.nonzero(chains >= 0)
    values = np.ones(len(row), np.float32)
    return csr_matrix((values, (chains[row, level], row)), (len(tree), len(nodes)))


def corrected_p(statistics: Floats, levels: Ints) -> Floats:
    """Compute p-values that are corrected for the number of statistics (Westfall and Young, 1993).

    Each level of the tree gets an equal part of the false alarms.

    Args:
        statistics: float64 [1 + permutations, statistics]: the statistics of the actual division
            in the first row, and those of the permutations in the others.
        levels: int64 [statistics]: the level of the tree that each statistic belongs to.

    Returns:
        float64 [statistics]: the probability that at least one of the statistics is as extreme as
        this one by chance, if nothing changed.
    """
    names, level_of = np.unique(levels, return_inverse=True)
    ordered, share = [], np.empty((len(statistics), len(names)))
    for level in range(len(names)):
        largest = statistics[:, level_of == level].max(axis=1)
        ordered.append(np.sort(largest))
        share[:, level] = _share_at_least(ordered[-1], largest)
    smallest = np.sort(share.min(axis=1))  # over all levels, in each permutation
    single = np.empty(statistics.shape[1])
    for level in range(len(names)):
        here = level_of == level
        single[here] = _share_at_least(ordered[level], statistics[0, here])
    p: Floats = np.searchsorted(smallest, single + 1e-12, "right") / len(statistics)
    return np.where(statistics[0] > 1e-9, np.maximum(p, 1 / len(statistics)), 1.0)


def _share_at_least(ordered: Floats, values: Floats) -> Floats:
    """The share of the ascending numbers that are at least as large as each value."""
    above = len(ordered) - np.searchsorted(ordered, values - 1e-9)
    share: Floats = np.maximum(above, 1) / len(ordered)
    return share
