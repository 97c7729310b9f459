r"""Calibration: combine the scores of encoder and n-grams into calibrated probabilities.

The following weights are fitted on titles that training did not see.  All of them act inside one
softmax over outcomes.  So whatever their values, the probability of a node is the sum of those of
its children and its own as an outcome, and confidence never rises with depth:

- Each source of scores (the encoder's heads and the n-grams) has a weight.  Scaling
  log-probabilities before a softmax is temperature scaling (Guo et al., ICML 2017); with two
  sources it is a logarithmic opinion pool (Genest and Zidek, Statistical Science 1986).
- Each level has a weight: the inverse temperature of the step from parent to child.
- Each title has an inverse temperature that depends on its distribution: parameterised
  temperature scaling (Tomani et al., ECCV 2022) with ``exp(a + b m + c H)``, where ``m`` is
  the greatest log-probability and ``H`` the entropy, both in nats.

The loss is minus the log-probability of the truth plus the binary log-loss of the answer's
confidence, which is the number that users see.  Both are proper scoring rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prodcat.model.config import Method
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.arrays import Ints

_MOST_CELLS = 20_000_000  # the greatest number of log-probabilities that weights are fitted on
_PRIOR_DEVIATION = 0.5  # prior standard deviation of the logarithms of the weights


@dataclass(frozen=True)
class Weights:
    """The weights of a calibration; call the object to compute calibrated log-probabilities.

    Attributes:
        evidence: float32 [2]: the weights of the encoder's and of the n-grams' scores.
        levels: float32 [level]: the weight of the step from parent to child at each level.
        sharpness: float32 [3]: ``a``, ``b`` and ``c`` in the inverse temperature of a title,
            which the module explains.

    >>> [weights.tolist() for weights in Weights.neutral(levels=2)]
    [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0, 0.0]]
    """

    evidence: Tensor
    levels: Tensor
    sharpness: Tensor

    @classmethod
    def neutral(cls, levels: int) -> "Weights":
        """Neutral weights, with which scores are only added and normalised.

        Args:
            levels: The number of levels of the tree.
        """
        return cls(torch.ones(2), torch.ones(levels), torch.zeros(3))

    def fits(self, levels: int) -> bool:
        """Whether types and shapes are those for a tree with this number of levels."""
        return [(tensor.dtype, tuple(tensor.shape)) for tensor in self] == [
            (torch.float32, shape) for shape in ((2,), (levels,), (3,))
        ]

    def to(self, device: torch.device) -> "Weights":
        """The same weights on a device."""
        return Weights(*(tensor.to(device) for tensor in self))

    def __iter__(self) -> Iterator[Tensor]:
        """Iterate over ``evidence``, ``levels`` and ``sharpness``."""
        return iter((self.evidence, self.levels, self.sharpness))

    def __call__(
        self, paths: PathModel, encoder_scores: Tensor | None, lexical_scores: Tensor | None
    ) -> Tensor:
        """The calibrated log-probabilities, float [batch, outcome].

        Args:
            paths: The path model.
            encoder_scores: float [batch, outcome]: log-probabilities of the heads, or None.
            lexical_scores: float [batch, outcome]: margins of the n-grams, or None.  At least one
                of the two must be given.
        """
        return self.applied(paths, encoder_scores, lexical_scores, *self.acting())

    def acting(self) -> tuple[bool, bool]:
        """Which of the weights other than ``evidence`` have an effect.

        Returns:
            Whether ``levels`` has an effect, and whether ``sharpness`` has one.
        """
        levels = self.levels.requires_grad or bool((self.levels != 1).any())
        return levels, self.sharpness.requires_grad or bool((self.sharpness != 0).any())

    def applied(
        self,
        paths: PathModel,
        encoder_scores: Tensor | None,
        lexical_scores: Tensor | None,
        levels: bool,
        sharpness: bool,
    ) -> Tensor:
        """Compute the calibrated log-probabilities, given the result of :meth:`acting`.

        :meth:`acting` makes the CPU wait for the GPU, so for many batches it is called only once.

        Args:
            paths: The path model.
            encoder_scores: float [batch, outcome]: log-probabilities of the heads, or None.
            lexical_scores: float [batch, outcome]: margins of the n-grams, or None.
            levels: Whether to use the weights of the levels.
            sharpness: Whether to use a temperature for each title.

        Returns:
            float [batch, outcome].
        """
        evidence = [
            weight * scores
            for weight, scores in zip(self.evidence, (encoder_scores, lexical_scores), strict=True)
            if scores is not None
        ]
        log_probs = torch.stack(evidence).sum(dim=0).log_softmax(dim=1)
        if levels:
            log_probs = paths.temper(log_probs, self.levels)
        if sharpness:
            most = log_probs.amax(dim=1)
            entropy = -(log_probs.exp() * log_probs).sum(dim=1)
            certainty = torch.stack([torch.ones_like(most), most, entropy], dim=1).detach()
            inverse_temperature = (certainty @ self.sharpness).clamp(-3, 3).exp()
            log_probs = (log_probs * inverse_temperature[:, None]).log_softmax(dim=1)
        return log_probs


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
        lexical_scores: float [rows, outcome]: margins of the n-grams; None without a lexical
            branch.
        method: Which weights to fit.  ``"temperature"``: those of encoder and n-grams;
            ``"levels"``: also one for each level; ``"adaptive"``: also the temperature of each
            title.  Only ``"adaptive"`` includes the log-loss of the confidence in the loss.

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
    parameters = _Parameters(levels, method, targets.device)
    optimizer = torch.optim.LBFGS(
        parameters.fitted, lr=0.5, max_iter=80, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        log_probs = parameters.weights()(paths, encoder_scores, lexical_scores)
        loss = -paths.target_log_probs(log_probs, targets).mean()
        if method == "adaptive":
            loss = loss + _confidence_loss(paths, log_probs, targets)
        # The prior keeps the weights close to neutral if the number of titles is small.
        squares = (parameter.square().sum() for parameter in parameters.fitted)
        loss = loss + sum(squares, loss.new_zeros(())) / (2 * _PRIOR_DEVIATION**2 * len(targets))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
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
