"""Whether the intervals of an assortment hold what they say."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import frozen_sets
from benchmarks.insight.catalogs import fit_ngrams, known_rows
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat import Taxonomy
    from prodcat.insight.prevalence import Counts

SIMULATED = 200
SIZES = (200, 500, 1_000)


def simulate_competitors(options: Options, name: str) -> Row:
    """Competitors drawn from the test rows, their departments with other shares."""
    from prodcat.catalog.targets import targets_in
    from prodcat.insight.prevalence import Confusion, gather, prevalence

    train, validation, test = frozen_sets.read(options.data, name, "all")
    classifier = fit_ngrams(train)  # which has not seen the validation rows
    tree = classifier.taxonomy
    tops = np.array(tree.children())
    test, truth = known_rows(test, tree)
    judged = validation.take(validation.labelled)
    evidence = gather(classifier, judged, keep_each=True)
    confusion = Confusion(tree, evidence, targets_in(judged, tree))
    department = tree.chains[truth, 0]
    usual = np.bincount(department, minlength=len(tree))[tops] / len(truth)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(SIMULATED):
        share = rng.dirichlet(8 * usual + 1e-9)
        sizes = rng.multinomial(rng.choice(SIZES), share)
        parts = []
        for top, count in zip(tops, sizes, strict=True):
            pool = np.flatnonzero(department == top)
            parts.append(rng.choice(pool, min(count, len(pool)), replace=False))
        chosen = np.concatenate(parts).astype(np.int64)
        drawn = gather(classifier, test.take(chosen))
        estimate = prevalence(tree, drawn, confusion, seed=number)
        rows.append(competitor_row(tree, tops, estimate, truth[chosen]))
    return {"dispersion": confusion.dispersion, "errors": confusion.relative.tolist(), "rows": rows}


def competitor_row(
    tree: "Taxonomy", tops: NDArray[Any], estimate: "Counts", truth: NDArray[np.int64]
) -> Row:
    """How often the intervals hold the true counts of one competitor.

    Args:
        tree: The tree.
        tops: The departments' nodes.
        estimate: The counts with their intervals.
        truth: The node of each of the competitor's products.
    """
    from prodcat.insight.prevalence import at_or_below
    from prodcat.insight.report import wilson

    counts, size = at_or_below(tree, truth), len(truth)
    inside = (estimate.low <= counts + 1e-9) & (counts <= estimate.high + 1e-9)
    low, high = wilson(estimate.naive[tops], np.full(len(tops), size))
    naive = (low <= counts[tops] / size) & (counts[tops] / size <= high)
    seen = estimate.count >= 0.5
    return {
        "size": size,
        "departments": len(tops),
        "inside": int(inside[tops].sum()),
        "present": int((counts[tops] > 0).sum()),
        "present_inside": int(inside[tops][counts[tops] > 0].sum()),
        "naive_inside": int(naive.sum()),
        "width": float(((estimate.high - estimate.low)[tops] / size).mean()),
        "error": float(np.abs(estimate.count - counts)[tops].sum() / size),
        "naive_error": float(np.abs(estimate.naive - counts)[tops].sum() / size),
        "below": [
            [int(inside[a:b][seen[a:b]].sum()), int(seen[a:b].sum())]
            for a, b in tree.level_bounds[1:]
        ],
    }
