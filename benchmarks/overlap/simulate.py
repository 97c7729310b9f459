"""Simulates competitors of whom the truth is known, and asks whether the intervals hold it."""

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import frozen_sets
from benchmarks.insight.catalogs import fit_ngrams, known_rows
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat.insight.prevalence import Evidence

SIZES = (200, 500, 1_000)
REVIEWED = 300  # products
_SHIFT = 0.7  # standard deviation of the logarithms of a department's odds of a shared product
_OF_REVIEWS = 2  # competitors that are counted with the help of the same reviewed products
_OF_LABELS = 10  # the same of labelled rows
_SPLITS = ("train", "validation", "test")
_LEAST_OF_CATEGORY = 30


@dataclass(frozen=True)
class Pool:
    """Products of which a matcher's answer and the truth are known.

    Attributes:
        probability: float64 [products]: the matcher's probability that we have the product.
        same: bool [products]: whether we have it.
        department: int64 [products]: its department.
    """

    probability: NDArray[np.float64]
    same: NDArray[np.bool_]
    department: NDArray[np.int64]


def generated_pool(language: str, rows: int) -> Pool:
    """Generated catalogs, matched without any labelled pair."""
    from benchmarks.matching.generate import catalogs
    from prodcat.demo.quick_commerce import products
    from prodcat.matching import MatchColumns, Matcher, read_both

    made = catalogs(rows, language, seed=11)
    ours, theirs = read_both(
        made.ours, made.theirs, MatchColumns(price="price", brand="brand"),
        MatchColumns(price="price"),
    )  # fmt: skip
    table = Matcher().match(ours, theirs).table
    probability = np.zeros(len(made.theirs))
    np.maximum.at(probability, table["their_row"].to_numpy(), table["probability"].to_numpy())
    same = np.zeros(len(made.theirs), bool)
    same[[other for _, other in made.same()]] = True
    names = [str(products()[item[0][0]].path[0]) for item in made.their_items]
    return Pool(probability, same, np.unique(names, return_inverse=True)[1].astype(np.int64))


def public_pool(name: str, options: Options) -> Pool:
    """The right-hand products of a public set of pairs, matched without any labelled pair."""
    from benchmarks.matching.measure import columns_of, place_of
    from prodcat.matching import Candidates, Matcher, read_both

    tables: tuple[list[Any], list[Any]] = ([], [])
    pairs, truth = [], []
    for split in _SPLITS:
        with gzip.open(options.data / "matching" / name / f"{split}.jsonl.gz", "rt") as file:
            for row in map(json.loads, file):
                sides = zip(tables, ("left", "right"), strict=True)
                pairs.append([place_of(table, row[side]) for table, side in sides])
                truth.append(bool(row["same"]))
    ours, theirs = read_both(*tables, columns_of(name))
    rows = np.array(pairs)
    every = Candidates(rows[:, 0], rows[:, 1])
    scores = Matcher().probabilities(ours, theirs, every)
    probability, same = np.zeros(len(tables[1])), np.zeros(len(tables[1]), bool)
    np.maximum.at(probability, rows[:, 1], scores)
    np.logical_or.at(same, rows[:, 1], np.array(truth))
    names = [str(row.get("category") or row.get("manufacturer") or "") for row in tables[1]]
    kinds, place, sizes = np.unique(names, return_inverse=True, return_counts=True)
    few = sizes < _LEAST_OF_CATEGORY
    return Pool(probability, same, np.where(few[place], len(kinds), place).astype(np.int64))


def simulate_overlap(pool: Pool, competitors: int) -> list[Row]:
    """How often the intervals of the number of shared products hold the truth.

    Each department of a competitor has another share of the products, and another share of it is
    sold by us, than in the reviewed sample.
    """
    from prodcat.insight.overlap import MatchMistakes, count_overlap

    rng, rows = np.random.default_rng(0), []
    _, department = np.unique(pool.department, return_inverse=True)
    departments = int(department.max()) + 1
    usual = np.bincount(department) / len(department)
    for number in range(competitors):
        if number % _OF_REVIEWS == 0:
            order = rng.permutation(len(department))
            seen, left = order[:REVIEWED], order[REVIEWED:]
            mistakes = MatchMistakes.measured(
                pool.probability[seen], pool.same[seen], department[seen]
            )
        share, odds = rng.dirichlet(8 * usual), np.exp(rng.normal(0, _SHIFT, departments))
        weight = np.where(pool.same[left], odds[department[left]], 1.0)
        weight *= (share / usual)[department[left]]
        size = min(int(rng.choice(SIZES)), len(left) // 2)
        chosen = rng.choice(left, size, replace=False, p=weight / weight.sum())
        names = [str(each) for each in department[chosen]]
        counted = count_overlap(pool.probability[chosen], names, mistakes=mistakes, seed=number)
        true = {name: 0 for name in names}
        for name, same in zip(names, pool.same[chosen], strict=True):
            true[name] += int(same)
        every, *parts = counted.rows()
        by_answers = int((pool.probability[chosen] >= 0.5).sum())
        total = int(pool.same[chosen].sum())
        rows.append({
            "overall": every["shared_low"] <= total <= every["shared_high"],
            "departments": len(parts),
            "departments held": sum(
                row["shared_low"] <= true[row["category"]] <= row["shared_high"] for row in parts
            ),
            "width": (every["shared_high"] - every["shared_low"]) / size,
            "error": abs(every["shared"] - total) / size,
            "error by answers": abs(by_answers - total) / size,
        })  # fmt: skip
    return rows


def simulate_shares(name: str, competitors: int, options: Options) -> list[Row]:
    """How often the intervals of the departments' counts hold the truth.

    The rows that the classifier was not trained on are divided anew for each ten competitors, into
    as many labelled rows as the set has validation rows, and those that competitors are drawn from.
    """
    from prodcat.insight.prevalence import Confusion, gather, prevalence

    train, validation, test = frozen_sets.read(options.data, name, "all")
    classifier = fit_ngrams(train)
    tree = classifier.taxonomy
    parts = [known_rows(part, tree) for part in (validation, test)]
    evidence = [gather(classifier, part, keep_each=True) for part, _ in parts]
    truth = np.concatenate([targets for _, targets in parts])
    pool = _Answers(
        np.concatenate([part.each for part in evidence]),
        np.concatenate([part.cells for part in evidence]),
    )
    tops = np.array(tree.children())
    department = tree.chains[truth, 0]
    rng, rows = np.random.default_rng(0), []
    for number in range(competitors):
        if number % _OF_LABELS == 0:
            order = rng.permutation(len(truth))
            seen, left = np.split(order, [len(evidence[0].answers)])
            confusion = Confusion(tree, pool.evidence(seen, len(tree), tops), truth[seen])
            usual = np.bincount(department[left], minlength=len(tops)) / len(left)
        sizes = rng.multinomial(rng.choice(SIZES), rng.dirichlet(8 * usual + 1e-9))
        drawn = [
            rng.choice(rest, min(count, len(rest)), replace=False)
            for top, count in enumerate(sizes)
            for rest in [left[department[left] == top]]
        ]
        chosen = np.concatenate(drawn).astype(np.int64)
        counts = prevalence(tree, pool.evidence(chosen, len(tree), tops), confusion, seed=number)
        true = np.bincount(department[chosen], minlength=len(tops))
        held = (counts.low[tops] <= true + 1e-9) & (true <= counts.high[tops] + 1e-9)
        rows.append({
            "departments": len(tops),
            "held": int(held.sum()),
            "present": int((true > 0).sum()),
            "present held": int(held[true > 0].sum()),
            "width": float((counts.high - counts.low)[tops].mean() / len(chosen)),
            "error": float(np.abs(counts.count[tops] - true).sum() / len(chosen)),
        })  # fmt: skip
    return rows


@dataclass(frozen=True)
class _Answers:
    """A classifier's probabilities of the departments, and the cell of each title."""

    each: NDArray[np.float32]
    cells: NDArray[np.int64]

    def evidence(self, rows: NDArray[np.int64], nodes: int, tops: NDArray[Any]) -> "Evidence":
        """The evidence of some rows, of which only the departments are known."""
        from prodcat.insight.prevalence import Evidence
        from prodcat.insight.prevalence.evidence import CELLS

        cells, each = self.cells[rows], self.each[rows]
        count = len(tops) * CELLS
        sums = np.zeros((count, nodes))
        at_tops = np.zeros((count, len(tops)))
        np.add.at(at_tops, cells, each.astype(np.float64))
        sums[:, tops] = at_tops
        return Evidence(
            sizes=np.bincount(cells, minlength=count).astype(np.int64),
            sums=sums,
            squares=sums.copy(),
            answers=tops[each.argmax(axis=1)].astype(np.int64),
            cells=cells,
            tops=at_tops.T,
            each=each,
            confidence=each.max(axis=1),
        )
