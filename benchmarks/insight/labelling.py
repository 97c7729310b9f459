"""How many labels the review queue saves."""

from typing import TYPE_CHECKING

import numpy as np

from benchmarks import frozen_sets
from benchmarks.insight.catalogs import fit_ngrams, known_rows
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from prodcat import Classifier

BATCH = 200  # titles that are labelled before the classifier is trained again
LABELS = 2_000


def label_by_queue(options: Options, seed: int) -> Row:
    """Accuracy by number of labels, chosen by the queue and at random."""
    import dataclasses

    from prodcat.insight.queue import review_queue

    train, _, test = frozen_sets.read(options.data, "food-terms", "all")
    test, truth = known_rows(test, train.tree)
    tree = train.tree

    def fit(rows: "NDArray[np.int64]") -> "tuple[Classifier, float]":
        classifier = fit_ngrams(train.take(np.sort(rows)))
        best = classifier.predict_proba(test).argmax(axis=1)
        return classifier, float((tree.outcomes[best] == truth).mean())

    order = np.random.default_rng(seed).permutation(len(train))
    # Each seed has another pool.
    order = order[: round(0.8 * len(train))]
    points = [[n, fit(order[:n])[1]] for n in range(2 * BATCH, LABELS + 1, 2 * BATCH)]
    labelled: NDArray[np.int64] = np.zeros(0, np.int64)
    queue: list[list[float]] = []
    classifier: Classifier | None = None
    while len(labelled) < LABELS:
        pool = np.setdiff1d(order, labelled)
        open_rows = dataclasses.replace(train.take(pool), targets=np.full(len(pool), -1))
        chosen = review_queue(open_rows, classifier, BATCH)
        place_of = {int(row): place for place, row in enumerate(open_rows.rows)}
        labelled = np.concatenate([labelled, pool[[place_of[item.row] for item in chosen]]])
        classifier, accuracy = fit(labelled)
        queue.append([len(labelled), accuracy])
        print(seed, queue[-1], flush=True)
    return {"seed": seed, "random": points, "queue": queue, "wanted": points[-1][1]}


def labels_needed(run: Row) -> float | None:
    """Labels until the accuracy of random ones, on a straight line between two trainings."""
    before = [0, 0.0]
    for point in run["queue"]:
        if point[1] >= run["wanted"]:
            rise = point[1] - before[1]
            part = 1.0 if rise <= 0 else (run["wanted"] - before[1]) / rise
            needed: float = before[0] + part * (point[0] - before[0])
            return needed
        before = point
    return None
