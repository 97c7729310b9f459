r"""Promises about answers, from labelled titles that nothing else has seen.

**Coverage.**  An answer's path gives a climb: its nodes from the whole path up to the root,
with probabilities that only grow.  With a threshold, the deepest node whose probability is
above it is answered.  A calibration title's score is the probability of the first wrong node
of its path, 0 where all are right: from this threshold on, the answer is the truth or an
ancestor of it.  With the ``ceil((n + 1) (1 - alpha))``-th smallest of ``n`` scores as the
threshold, an exchangeable new title is answered with the truth or an ancestor of it with
probability at least ``1 - alpha``, whatever the model is, and at most ``1 - alpha +
1/(n + 1)`` where no two scores are equal (split conformal prediction: Vovk et al., 2005;
Lei et al., JASA 2018).  With groups, each has its own threshold and promise (Mondrian).

**Error among the answered.**  Not monotone in the threshold, so it is tested: thresholds in
an order fixed before the calibration titles are seen, each kept as long as the exact
binomial tail of "so few errors among so many answered, if the true error were too high" is
small (Learn then Test: Angelopoulos et al., 2021; fixed sequences with several starts).

Both hold for titles drawn like the calibration titles, and end where the assortment drifts.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.decisions.answers import Answers

_STARTS = (0.2, 0.4, 0.6, 0.8)  # shares of the titles that are answered first
_STEP = 0.01  # by which the share of the answered grows


def conformal_threshold(scores: NDArray[np.float64], guarantee: float) -> float:
    """The ceil((n + 1) guarantee)-th smallest score.

    Args:
        scores: float64 [n], with ``n >= guarantee / (1 - guarantee)``.
        guarantee: ``1 - alpha``.
    """
    rank = math.ceil((len(scores) + 1) * guarantee - 1e-9)
    return float(np.partition(scores, rank - 1)[rank - 1])


def least_answered(max_error: float, level: float) -> int:
    """How many answers without an error show, at this level, that the error is small enough.

    Args:
        max_error: The largest share of errors.
        level: The probability of being wrong about it, at most.
    """
    needed = math.log(level) / min(math.log1p(-max_error), -1e-15)
    return math.ceil(needed - 1e-9)


def selective_threshold(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    max_error: float,
    certainty: float,
    reference: NDArray[np.float64],
) -> float | None:
    """The lowest confidence from which on the error among the answered is small enough.

    Args:
        confidence: float64 [rows]: of each calibration title's answer.
        right: bool [rows]: whether it is right.
        max_error: The largest share of errors among rows of at least the threshold.
        certainty: The least probability that the error is no larger.
        reference: float64, ascending: confidences of other titles.  Their quantiles are
            the thresholds, from few answered to all.

    Returns:
        The threshold, or None where none can be shown to keep the error so small.
    """
    from scipy.stats import binom

    starts = [
        share
        for share in _STARTS
        if share * len(right) >= least_answered(max_error, (1 - certainty) / len(_STARTS))
    ] or [1.0]
    level = (1 - certainty) / len(starts)
    best = None
    for start in starts:
        shares = np.arange(start, 1, _STEP)
        # The last threshold answers all titles, also those below every reference.
        for threshold in [*np.quantile(reference, 1 - shares, method="lower").tolist(), 0.0]:
            answered = confidence >= threshold
            errors = int((answered & ~right).sum())
            if binom.cdf(errors, int(answered.sum()), max_error) > level:
                break
            best = threshold if best is None else min(best, threshold)
    return best


def reference(confidence: NDArray[Any]) -> NDArray[np.float64]:
    """What a guarantee keeps of other titles' confidences: 1,001 quantiles, ascending.

    Args:
        confidence: float [titles].
    """
    return np.quantile(confidence.astype(np.float64), np.linspace(0, 1, 1_001))


def climb_scores(
    answers: Answers, truth: NDArray[np.int64], chains: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The score of each calibration title; see the text of this module.

    Args:
        answers: One for each row.
        truth: int64 [rows, level]: the label's chain, -1 below its end.  Below a partial
            label any node counts as wrong, so that the promise holds whatever is true.
        chains: int64 [rows, level]: the answer's chain.

    Returns:
        float64 [rows].
    """
    levels = answers.level_confidence[:, 0].cpu().numpy().astype(np.float64)
    wrong = (chains >= 0) & (chains != truth)
    first = wrong.argmax(axis=1)
    scores = np.where(wrong.any(axis=1), levels[np.arange(len(levels)), first], 0.0)
    return np.asarray(scores, np.float64)


def stop(
    answers: Answers, chains: NDArray[np.int64], limits: NDArray[np.float64], whole: bool
) -> Answers:
    """Answer with a coarser node where the promise asks for it.

    Args:
        answers: One for each row.
        chains: int64 [rows, level]: the answers' chains, -1 below their ends.
        limits: float64 [rows]: the threshold of each row.
        whole: If true, an answer stays whole where its confidence reaches the threshold, and
            becomes the root elsewhere.  If false, it keeps the nodes whose probability is above
            the threshold.
    """
    levels = answers.level_confidence[:, 0]
    if whole:
        sure = answers.confidence[:, 0].cpu().numpy().astype(np.float64) >= limits
        kept = np.where(sure, (chains >= 0).sum(axis=1), 0)
    else:
        sums = levels.cpu().numpy().astype(np.float64)
        kept = ((chains >= 0) & (sums > limits[:, None])).sum(axis=1)
    rooted = np.concatenate([np.full((len(chains), 1), -1), chains], axis=1)
    nodes = torch.from_numpy(rooted[np.arange(len(rooted)), kept]).to(levels.device)
    depth = torch.from_numpy(kept).to(levels.device)[:, None]
    levels = levels.masked_fill(torch.arange(levels.shape[1], device=levels.device) >= depth, 0.0)
    last = answers.confidence if whole else levels.gather(1, (depth - 1).clamp(min=0))
    confidence = torch.where(depth > 0, last, 1.0)
    exact = whole and answers.exact
    return Answers(nodes[:, None], confidence, levels[:, None], answers.value, exact)
