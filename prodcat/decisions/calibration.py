r"""Fit a calibration on titles that training did not see.

:mod:`prodcat.decisions.weights` says what the weights do.  The loss is minus the log-probability of
the truth plus the binary log-loss of the answer's confidence, which is the number that users see.
Both are proper scoring rules.
"""

import numpy as np
import torch
from torch import Tensor

from prodcat.decisions.minimising import minimise
from prodcat.decisions.step_calibration import fit_steps
from prodcat.decisions.weights import Weights
from prodcat.model.config import Method
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.arrays import Ints

_MOST_CELLS = 20_000_000  # the greatest number of log-probabilities that weights are fitted on
_MOST_ROUNDS = 80
_PRIOR_DEVIATION = 0.5  # prior standard deviation of the logarithms of the weights


def rows_to_fit(rows: int, outcomes: int) -> Ints:
    """Choose the rows on which weights are fitted: all, or an evenly spaced sample of many.

    Args:
        rows: The number of rows.
        outcomes: The number of outcomes.

    Returns:
        int64 [rows to fit]: positions of rows, ascending.

    >>> rows_to_fit(3, outcomes=10)
    array([0, 1, 2])
    >>> len(rows_to_fit(5_000, outcomes=10_000))
    2000
    """
    most = max(_MOST_CELLS // outcomes, 1_000)
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.int64)


def fit_weights(
    paths: PathModel,
    targets: Tensor,
    encoder_scores: Tensor | None,
    lexical_scores: Tensor | None,
    method: Method = "adaptive",
) -> Weights:
    """Find the weights with the smallest loss.

    Args:
        paths: The path model.
        targets: int64 [rows]: the node of each label, which may be a partial label.
        encoder_scores: float [rows, outcome]: log-probabilities of the heads; None without an
            encoder.
        lexical_scores: float [rows, outcome]: margins of the n-grams, with further columns for the
            branches if there are any; None without a lexical branch.
        method: Which weights to fit.  ``"temperature"``: those of encoder and n-grams;
            ``"levels"``: also one for each level; ``"adaptive"``: also the temperature of each
            title; ``"steps"``: the weights of the choices at every branch.  Only ``"adaptive"``
            and ``"steps"`` include the log-loss of the confidence in the loss.

    Returns:
        The weights on the CPU.  Weights that are not fitted, and those of missing scores, are
        neutral.
    """
    rows = rows_to_fit(len(targets), len(paths.outcomes))
    if len(rows) < len(targets):
        sample = torch.from_numpy(rows).to(targets.device)
        targets = targets[sample]
        encoder_scores, lexical_scores = (
            None if scores is None else scores[sample]
            for scores in (encoder_scores, lexical_scores)
        )
    levels = len(paths.level_bounds)
    if not len(rows) or (encoder_scores is None and lexical_scores is None):
        return Weights.neutral(levels)
    if method == "steps":
        pooled = fit_weights(paths, targets, encoder_scores, lexical_scores, "temperature")
        return fit_steps(paths, targets, encoder_scores, lexical_scores, pooled)
    parameters = _Parameters(levels, method, targets.device)

    def loss_of_weights() -> Tensor:
        log_probs = parameters.weights()(paths, encoder_scores, lexical_scores)
        loss = -paths.target_log_probs(log_probs, targets).mean()
        if method == "adaptive":
            loss = loss + _confidence_loss(paths, log_probs, targets)
        # The prior keeps the weights close to neutral if the number of titles is small.
        squares = (parameter.square().sum() for parameter in parameters.fitted)
        return loss + sum(squares, loss.new_zeros(())) / (2 * _PRIOR_DEVIATION**2 * len(targets))

    minimise(loss_of_weights, parameters.fitted, _MOST_ROUNDS)
    missing = torch.tensor([scores is None for scores in (encoder_scores, lexical_scores)])
    return parameters.solution(missing)


class _Parameters:
    """The parameters that are optimised: logarithms of weights, and ``sharpness`` itself.

    Args:
        levels: The number of levels of the tree.
        method: Which weights to fit; see :func:`fit_weights`.
        device: The device of the scores.
    """

    def __init__(self, levels: int, method: Method, device: torch.device) -> None:
        adaptive = method == "adaptive"
        self.every = [
            torch.zeros(size, device=device, requires_grad=fitted)
            for size, fitted in ((2, True), (levels, method != "temperature"), (3, adaptive))
        ]
        self.fitted = [parameter for parameter in self.every if parameter.requires_grad]

    def weights(self) -> Weights:
        """The weights for the current values of the parameters."""
        evidence, levels = (parameter.clamp(-6, 6).exp() for parameter in self.every[:2])
        return Weights(evidence, levels, self.every[2])

    @torch.no_grad()
    def solution(self, missing: Tensor) -> Weights:
        """The weights on the CPU for the current values of the parameters.

        Args:
            missing: bool [2]: whether the encoder's and the n-grams' scores are missing, whose
                weights then become neutral.
        """
        evidence, levels, sharpness = (tensor.detach().cpu() for tensor in self.weights())
        return Weights(evidence.masked_fill(missing, 1.0), levels, sharpness)


def _confidence_loss(paths: PathModel, log_probs: Tensor, targets: Tensor) -> Tensor:
    """The mean binary log-loss of the probability of each title's most likely path.

    Args:
        paths: The path model.
        log_probs: float [rows, outcome]: calibrated log-probabilities.
        targets: int64 [rows]: the node of each label.

    Returns:
        float [], a scalar.
    """
    most, outcome = log_probs.max(dim=1)
    most = most.clamp(max=-1e-6)
    right = paths.covers(targets, outcome)
    return -torch.where(right, most, torch.log(-torch.expm1(most))).mean()
