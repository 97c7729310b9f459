"""Fit the weights of prodcat/taxonomy/changes/weights.py; see README.md.

    python -m benchmarks.trees.fit --data DIR

Prints the weights, and how well weights that were fitted without some departments do on these.  The
simulated changes have other seeds than those of the benchmark.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.jobs import Options
from benchmarks.trees.measure import SETS, published_pair, simulated_pair

if TYPE_CHECKING:
    from prodcat import Taxonomy

SEEDS = (1, 2)
ADDED = (0.15, 0.4, 0.8)  # new categories for each old one, in turns
ROUNDS = 3
SHRINKAGE = 3e-4
FOLDS = 5
PUBLISHED = "published"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two versions of a tree, and the nodes that each old node may have become."""

    name: str
    old: "Taxonomy"
    new: "Taxonomy"
    targets: list[set[int]]


@dataclass(frozen=True)
class Choices:
    """The candidates of the old nodes of a pair: which one is right, and what speaks for each.

    Attributes:
        pair: The pair.
        features: float64 [candidate, feature].
        right: bool [candidate].
        sizes: int64 [node]: the number of candidates of each old node, which stand together.
        tops: int64 [node]: the department of each old node.
    """

    pair: Pair
    features: Floats
    right: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    tops: NDArray[np.int64]


def pairs_of(options: Options) -> list[Pair]:
    """The published pair, and trees with simulated changes."""
    old, new, targets = published_pair(options)
    pairs = [Pair(PUBLISHED, old, new, [right or set() for right in targets])]
    for name in SETS:
        for seed in SEEDS:
            added = ADDED[(seed + len(pairs)) % len(ADDED)]
            simulated = simulated_pair(options, name, seed, added)
            right = [nodes or {-1} for nodes in simulated.targets]
            pairs.append(Pair(name, simulated.old, simulated.new, right))
    return pairs


def choices_of(pair: Pair, weights: Floats) -> Choices | None:
    """The candidates that an alignment with these weights has; None if all ids are the same."""
    from prodcat.taxonomy.changes.alignment import align

    found = align(pair.old, pair.new, np.full(len(pair.old), -1), weights)
    nodes, candidates = found.pairs.old, found.pairs.new
    if not len(nodes):
        return None
    begins = np.flatnonzero(np.r_[True, nodes[1:] != nodes[:-1]])
    right = [
        new in pair.targets[old]
        for old, new in zip(nodes.tolist(), candidates.tolist(), strict=True)
    ]
    tops = pair.old.chains[nodes[begins], 0]
    sizes = np.diff(np.r_[begins, len(nodes)])
    return Choices(pair, found.features, np.array(right), sizes, tops)


def fitted(every: list[Choices], weights: Floats, without: NDArray[np.int64]) -> Floats:
    """Weights of a conditional logistic regression; each pair counts the same.

    Args:
        every: The choices.
        weights: What to start from.
        without: Departments of the published pair that are left out.
    """
    from scipy.optimize import minimize

    features, right, sizes, shares = [], [], [], []
    for choices in every:
        begins = np.r_[0, np.cumsum(choices.sizes)[:-1]]
        kept = np.add.reduceat(choices.right, begins) > 0
        if choices.pair.name == PUBLISHED:
            kept &= ~np.isin(choices.tops, without)
        rows = np.repeat(kept, choices.sizes)
        features.append(choices.features[rows])
        right.append(choices.right[rows])
        sizes.append(choices.sizes[kept])
        shares.append(np.full(kept.sum(), 1 / len(kept)))
    x, hits, counts = np.vstack(features), np.concatenate(right), np.concatenate(sizes)
    share = np.concatenate(shares) / np.concatenate(shares).sum()
    begins = np.r_[0, np.cumsum(counts)[:-1]]

    def loss(values: Floats) -> tuple[float, Floats]:
        scores = x @ values
        grown = np.exp(scores - np.repeat(np.maximum.reduceat(scores, begins), counts))
        whole = np.add.reduceat(grown, begins)
        hit = np.maximum(np.add.reduceat(grown * hits, begins), 1e-300)
        by_row = grown * hits / np.repeat(hit, counts) - grown / np.repeat(whole, counts)
        slope = x.T @ (by_row * np.repeat(share, counts))
        value = -(share * np.log(hit / whole)).sum() + SHRINKAGE * (values @ values) / 2
        return float(value), -slope + SHRINKAGE * values

    result: Floats = minimize(loss, weights, jac=True, method="L-BFGS-B").x
    return result


def check(every: list[Choices], weights: Floats) -> None:
    """Print how well weights do that were fitted without the departments that are measured."""
    from prodcat.taxonomy.changes.alignment import align
    from prodcat.taxonomy.changes.weights import SURE

    [published] = [choices for choices in every if choices.pair.name == PUBLISHED]
    pair = published.pair
    changed = np.array(
        [bool(to) and path not in {pair.new.paths[n] for n in to} for path, to in
         zip(pair.old.paths, pair.targets, strict=True)]
    )  # fmt: skip
    departments = sorted(set(published.tops.tolist()), key=lambda t: -(published.tops == t).sum())
    counts = np.zeros(3)
    for fold in range(FOLDS):
        without = np.array(departments[fold::FOLDS])
        values = fitted(every, weights, without)
        found = align(pair.old, pair.new, np.full(len(pair.old), -1), values).state
        asked = changed & np.isin(pair.old.chains[:, 0], without)
        right = np.array(
            [n in to for n, to in zip(found.target.tolist(), pair.targets, strict=True)]
        )
        sure = found.confidence >= SURE
        counts += [(asked & right).sum(), (asked & sure).sum(), (asked & sure & right).sum()]
    all_right, all_sure, sure_right = counts.tolist()
    print(
        f"without the departments that are measured: {all_right / changed.sum():.1%} right, "
        f"sure of {all_sure / changed.sum():.1%}, of which {sure_right / all_sure:.1%} right"
    )


def main() -> None:
    """Fit the weights, from those that are there."""
    from prodcat.taxonomy.changes.features import FEATURES
    from prodcat.taxonomy.changes.weights import WEIGHTS

    parser = argparse.ArgumentParser(prog="python -m benchmarks.trees.fit")
    parser.add_argument("--data", type=Path, required=True)
    pairs = pairs_of(Options(parser.parse_args().data, Path()))
    weights, every = WEIGHTS.copy(), []
    for _ in range(ROUNDS):
        every = [choices for pair in pairs if (choices := choices_of(pair, weights)) is not None]
        weights = fitted(every, weights, np.zeros(0, np.int64))
    print({name: round(float(value), 2) for name, value in zip(FEATURES, weights, strict=True)})
    check(every, weights)


if __name__ == "__main__":
    main()
