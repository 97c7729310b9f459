"""Evaluates answers; nodes are identified by their path, never by their name alone.

Let ``A(n)`` be the set of a node and its ancestors without the root, ``y`` the truth and ``p`` the
answer.  Hierarchical precision is ``sum |A(p) & A(y)| / sum |A(p)|`` with sums over rows, recall
has the denominator ``sum |A(y)|``, and F1 is their harmonic mean (Kiritchenko et al., 2006).  The
"macro" variants are means of the same three metrics of individual rows.  The tree distance is the
number of steps from answer to truth along the tree.

A label that ends at a node where no product may end does not determine the levels below it.  So
an answer below that node is right, and is evaluated only down to the label's level.

>>> tree = Taxonomy.from_paths([("Food", "Fruit"), ("Food", "Bread")])
>>> fruit, bread = tree.find(("Food", "Fruit")), tree.find(("Food", "Bread"))
>>> evaluation = evaluate_nodes(tree, np.array([fruit, bread]), np.array([fruit, fruit]))
>>> evaluation.path_accuracy, evaluation.level_accuracy, evaluation.tree_distance
(0.5, (1.0, 0.5), 1.0)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.evaluation.confusions import commonest_confusions, confusion_groups
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.judged_rows import NO_PATH, JudgedRows
from prodcat.evaluation.judging import pair_answers
from prodcat.evaluation.levels import LevelResult, level_result
from prodcat.evaluation.reliability import ReliabilityBin, reliability_bins
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.tree import Taxonomy


def evaluate_nodes(
    taxonomy: Taxonomy,
    targets: Ints,
    answers: Ints,
    confidence: NDArray[np.floating[Any]] | None = None,
    target_log_probs: NDArray[np.floating[Any]] | None = None,
    *,
    level_confidence: NDArray[np.floating[Any]] | None = None,
    exact: bool = True,
    counts: Ints | None = None,
) -> Evaluation:
    """Evaluate answers to labelled rows.

    Args:
        taxonomy: The tree.
        targets: int64 [rows]: the node of each row's label.
        answers: int64 [rows]: the node of each row's answer; -1 for the root (no category),
            -2 for an answer that is not a path of the tree.
        confidence: float [rows]: the probability that the answer is right; None if unknown.
        target_log_probs: float [rows]: the log-probability of the label, in nats; None if unknown.
        level_confidence: float [rows, level]: the probability of the answer's node at each
            level; None if unknown.
        exact: True if ``confidence`` is the probability that the whole path is right; False for
            answers that may be coarser on purpose, if it is the probability that the product is
            at or below the answer.
        counts: int64 [nodes]: the number of training titles of each node; None if unknown.

    Raises:
        CatalogError: There are no rows, shapes do not match, numbers are NaN, or a node is not in
            the tree.
    """
    rows = pair_answers(
        taxonomy,
        targets,
        answers,
        confidence=confidence,
        level_confidence=level_confidence,
        target_log_probs=target_log_probs,
        exact=exact,
        counts=counts,
    )
    every_row_once = np.ones((1, len(rows)))
    values = {name: float(score[0]) for name, score in rows.scores(every_row_once).items()}
    scalars: dict[str, Any] = {
        name: None if np.isnan(value) else value
        for name, value in values.items()
        if not name.startswith("level_")
    }
    levels, end_at_root = _level_results(rows, values)
    return Evaluation(
        rows=len(rows),
        **scalars,
        levels=levels,
        answers_end_at_root=end_at_root,
        risk_coverage=() if rows.confidence is None else tuple(rows.risk_coverage()),
        reliability=_reliability(rows),
        confusions=commonest_confusions(taxonomy, rows),
        confusion_groups=confusion_groups(taxonomy, rows),
        judged=rows,
    )


def _level_results(
    rows: JudgedRows, values: Mapping[str, float]
) -> tuple[tuple[LevelResult, ...], float]:
    """The metrics of each level, and the share of answers that are the root.

    Args:
        rows: The labels and answers.
        values: All metrics of these rows by name.
    """
    depth = rows.answer.shape[1]
    length = (rows.answer >= 0).sum(axis=1)
    ends = np.bincount(length, minlength=depth + 1) / len(rows)
    no_path = float((rows.answers == NO_PATH).mean())
    levels = tuple(
        level_result(rows, values, level, float(ends[level + 1])) for level in range(depth)
    )
    return levels, float(ends[0]) - no_path


def _reliability(rows: JudgedRows) -> tuple[ReliabilityBin, ...]:
    """The bins of the rows whose answer is not the root; empty without probabilities."""
    if rows.confidence is None:
        return ()
    return reliability_bins(rows.confidence[rows.rated], rows.right[rows.rated])
