r"""Computes guarantees for answers from calibration titles: labelled titles used for nothing else.

**Coverage.**  From the end of an answer's path up to the root, the probabilities of the nodes only
grow.  Given a threshold, the answer is the deepest node whose probability is above the threshold.
The score of a calibration title is the probability of the first wrong node of its path, or 0 if no
node is wrong: with this threshold or a higher one, the answer is the truth or an ancestor of it.
If the threshold is the ``ceil((n + 1) (1 - alpha))``-th smallest of ``n`` scores, the answer for an
exchangeable new title is the truth or an ancestor of it with a probability of at least
``1 - alpha``, whatever the model is, and at most ``1 - alpha + 1/(n + 1)`` if no two scores are
equal (split conformal prediction: Vovk et al., 2005; Lei et al., JASA 2018).  If there are groups,
each has a separate threshold and a separate guarantee (Mondrian).

**Error among the answered titles.**  This is not monotone in the threshold, so thresholds are
tested in an order that is fixed before the calibration titles are seen.  A threshold is accepted if
the observed number of errors would be improbably small for a true error above the limit, by the
exact tail of the binomial distribution; a sequence of tests ends at the first threshold that is not
accepted (Learn then Test: Angelopoulos et al., 2021; fixed sequences with several starts).

Both guarantees are valid for titles from the same distribution as the calibration titles, and no
longer after the assortment has changed.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.decisions.answers import Answers
from prodcat.taxonomy.arrays import Flags, Floats, Ints

_STARTS = (0.2, 0.4, 0.6, 0.8)  # shares of answered titles at which the sequences of tests start
_STEP = 0.01  # by how much the share of answered titles grows from one test to the next


def conformal_threshold(scores: Floats, guarantee: float) -> float:
    """The threshold that gives a coverage: the ``ceil((n + 1) guarantee)``-th smallest score.

    Args:
        scores: float64 [n]: the scores of the calibration titles, with
            ``n >= guarantee / (1 - guarantee)``.
        guarantee: The coverage ``1 - alpha``, between 0 and 1.

    >>> conformal_threshold(np.arange(1, 20) / 20, 0.9)
    0.9
    """
    rank = math.ceil((len(scores) + 1) * guarantee - 1e-9)
    return float(np.partition(scores, rank - 1)[rank - 1])


def least_answered(max_error: float, level: float) -> int:
    """The least number of answers that can show, if all are right, that the error is small enough.

    Args:
        max_error: The largest share of errors.
        level: Significance level: the largest probability of accepting a larger share.

    >>> least_answered(max_error=0.05, level=0.05)
    59
    """
    needed = math.log(level) / min(math.log1p(-max_error), -1e-15)
    return math.ceil(needed - 1e-9)


def selective_threshold(
    confidence: Floats, right: Flags, max_error: float, certainty: float, reference: Floats
) -> float | None:
    """The lowest threshold of confidence at which the error is shown to be small enough.

    Args:
        confidence: float64 [rows]: the confidence of each calibration title's answer.
        right: bool [rows]: whether each answer is right.
        max_error: The largest share of errors among the answers at or above the threshold.
        certainty: The least probability that the true share of errors is no larger.
        reference: float64 [n]: confidences of other titles, ascending.  Their quantiles are the
            thresholds that are tested, from high to low.

    Returns:
        The threshold, or None if this can be shown for no threshold.

    >>> confidence = np.repeat([0.9, 0.5], 100)
    >>> selective_threshold(confidence, confidence > 0.6, 0.05, 0.9, np.linspace(0, 1, 101))
    0.51
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
        # The last threshold, 0, is one at which all titles are answered, also those with less
        # confidence than any in the reference.
        for threshold in [*np.quantile(reference, 1 - shares, method="lower").tolist(), 0.0]:
            answered = confidence >= threshold
            errors = int((answered & ~right).sum())
            if binom.cdf(errors, int(answered.sum()), max_error) > level:
                break
            best = threshold if best is None else min(best, threshold)
    return best


def reference(confidence: NDArray[Any]) -> Floats:
    """The quantiles of confidences at 0, 0.001, ..., 1: float64 [1001], ascending.

    Args:
        confidence: float [titles]: the confidence of each title's answer.

    >>> reference(np.array([0.0, 0.5, 1.0]))[[0, 500, 1_000]].tolist()
    [0.0, 0.5, 1.0]
    """
    return np.quantile(confidence.astype(np.float64), np.linspace(0, 1, 1_001))


def climb_scores(answers: Answers, truth: Ints, chains: Ints) -> Floats:
    """The score of each calibration title: the probability of the first wrong node of its answer.

    Args:
        answers: One answer for each title.
        truth: int64 [rows, level]: the nodes on the path of each label, -1 below its end.  Every
            node below a partial label counts as wrong, so the guarantee is valid whatever the
            true node is.
        chains: int64 [rows, level]: the nodes on the path of each answer, -1 below its end.

    Returns:
        float64 [rows]; 0 if no node is wrong.
    """
    levels = answers.level_confidence[:, 0].cpu().numpy().astype(np.float64)
    wrong = (chains >= 0) & (chains != truth)
    first = wrong.argmax(axis=1)
    scores = np.where(wrong.any(axis=1), levels[np.arange(len(levels)), first], 0.0)
    return np.asarray(scores, np.float64)


def stop(answers: Answers, chains: Ints, limits: Floats, whole: bool) -> Answers:
    """Replace answers that are less certain than a threshold by coarser ones.

    Args:
        answers: One answer for each row.
        chains: int64 [rows, level]: the nodes on the path of each answer, -1 below its end.
        limits: float64 [rows]: the threshold of each row.
        whole: If true, an answer whose confidence is at or above the threshold does not change,
            and any other becomes the root.  If false, an answer becomes the deepest node of its
            path whose probability is above the threshold.

    Returns:
        One answer for each row.
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
