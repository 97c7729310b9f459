r"""What the scores of encoder and n-grams are worth: one coherent, calibrated distribution.

Weights are fitted on titles that training did not see, all in one softmax over outcomes, so
that whatever they are, children sum to their parent and confidence never rises with depth:

- each kind of evidence has a weight.  Scaling log-probabilities before a softmax is
  temperature scaling (Guo et al., ICML 2017); with two kinds it is a logarithmic opinion
  pool (Genest and Zidek, Statistical Science 1986);
- each level has a weight: a temperature of its own for the step from parent to child;
- a title's own temperature depends on how sure the distribution is of it: parameterised
  temperature scaling (Tomani et al., ECCV 2022) with ``exp(a + b m + c H)``, where ``m`` is
  the greatest log-probability and ``H`` the entropy, both in nats.

The loss is minus the log-probability of the truth plus the binary log-loss of the answer's
confidence: both are proper, and the second is about the number that people act on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.model.config import Method
from prodcat.model.path_model import PathModel

_MOST_CELLS = 20_000_000
_SPREAD = 0.5  # standard deviation of the weights' logarithms before any title is seen


@dataclass(frozen=True)
class Weights:
    """Calibration, as small tensors on one device.

    Attributes:
        evidence: float [2]: weights of the encoder's and the n-grams' scores.
        levels: float [level]: the weight of each level's step.
        sharpness: float [3]: ``a``, ``b`` and ``c`` of the title's own inverse temperature.
    """

    evidence: Tensor
    levels: Tensor
    sharpness: Tensor

    @classmethod
    def neutral(cls, levels: int) -> "Weights":
        """Weights that change nothing."""
        return cls(torch.ones(2), torch.ones(levels), torch.zeros(3))

    def fits(self, levels: int) -> bool:
        """Whether these are weights for a tree of so many levels."""
        return [(tensor.dtype, tuple(tensor.shape)) for tensor in self] == [
            (torch.float32, shape) for shape in ((2,), (levels,), (3,))
        ]

    def to(self, device: torch.device) -> "Weights":
        """The same weights on a device."""
        return Weights(*(tensor.to(device) for tensor in self))

    def __iter__(self) -> Iterator[Tensor]:
        """Evidence, levels, sharpness."""
        return iter((self.evidence, self.levels, self.sharpness))

    def __call__(
        self, paths: PathModel, encoder_scores: Tensor | None, lexical_scores: Tensor | None
    ) -> Tensor:
        """The calibrated log-probabilities, float [batch, outcome].

        Args:
            paths: The path model.
            encoder_scores: float [batch, outcome]: the heads' log-probabilities, or None.
            lexical_scores: float [batch, outcome]: the n-grams' margins, or None.
        """
        return self.applied(paths, encoder_scores, lexical_scores, *self.acting())

    def acting(self) -> tuple[bool, bool]:
        """Whether the levels' weights and the title's temperature change anything."""
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
        """The same without looking at the weights' values.

        Args:
            paths: The path model.
            encoder_scores: float [batch, outcome], or None.
            lexical_scores: float [batch, outcome], or None.
            levels: Whether the levels' weights change anything, as :meth:`acting` tells.
            sharpness: Whether the title's temperature changes anything.
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


def rows_to_fit(rows: int, outcomes: int) -> NDArray[np.int64]:
    """Which rows the weights are fitted on: all, or evenly spaced ones where memory is too small.

    Args:
        rows: Number of rows.
        outcomes: Number of outcomes.

    Returns:
        int64 [rows to fit], ascending.
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
    """Find the weights with the least loss.

    Args:
        paths: The path model.
        targets: int64 [rows], node positions, partial labels included.
        encoder_scores: float [rows, outcome], or None where there is no encoder.
        lexical_scores: float [rows, outcome], or None where there is no lexical branch.
        method: ``"temperature"``: the weights of the evidence alone, by the log-probability
            of the truth; ``"levels"``: a weight for each level too; ``"adaptive"``: a
            temperature for each title too.

    Returns:
        The weights; those of evidence that is missing, and of what the method leaves out,
        are neutral.
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
        # A mild pull toward neutral weights: few titles should not claim much.
        squares = (parameter.square().sum() for parameter in parameters.fitted)
        loss = loss + sum(squares, loss.new_zeros(())) / (2 * _SPREAD**2 * len(targets))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    missing = torch.tensor([scores is None for scores in (encoder_scores, lexical_scores)])
    return parameters.solution(missing)


class _Parameters:
    """What is fitted: the weights' logarithms, and the sharpness.

    Args:
        levels: Levels of the tree.
        method: See :func:`fit_weights`.
        device: Where the scores are.
    """

    def __init__(self, levels: int, method: Method, device: torch.device) -> None:
        self.every = [
            torch.zeros(size, device=device, requires_grad=fitted)
            for size, fitted in (
                (2, True),
                (levels, method != "temperature"),
                (3, method == "adaptive"),
            )
        ]
        self.fitted = [parameter for parameter in self.every if parameter.requires_grad]

    def weights(self) -> Weights:
        """The weights that the parameters stand for."""
        evidence, levels = (parameter.clamp(-6, 6).exp() for parameter in self.every[:2])
        return Weights(evidence, levels, self.every[2])

    @torch.no_grad()
    def solution(self, missing: Tensor) -> Weights:
        """The weights on the CPU, those of missing evidence, bool [2], neutral."""
        evidence, levels, sharpness = (tensor.detach().cpu() for tensor in self.weights())
        return Weights(evidence.masked_fill(missing, 1.0), levels, sharpness)


def _confidence_loss(paths: PathModel, log_probs: Tensor, targets: Tensor) -> Tensor:
    """Binary log-loss of the most likely path's probability."""
    most, outcome = log_probs.max(dim=1)
    most = most.clamp(max=-1e-6)
    right = paths.covers(targets, outcome)
    return -torch.where(right, most, torch.log(-torch.expm1(most))).mean()
