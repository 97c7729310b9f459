"""Validation: results of the network on titles that it is not trained on."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from prodcat.classifier.records import EpochResult
from prodcat.decisions.calibration import fit_weights
from prodcat.decisions.weights import Weights
from prodcat.model.config import Method
from prodcat.model.network import Network
from prodcat.training.rows import Rows


class Validator:
    """Measures a network on the validation titles, and fits its calibration on them.

    To compare epochs, only the weights of the encoder's and of the n-grams' scores are fitted; the
    whole calibration is fitted once, at the end.

    Args:
        network: The network.
        validation: The validation titles.
    """

    def __init__(self, network: Network, validation: Rows) -> None:
        self.network = network
        self.targets = torch.from_numpy(validation.targets).to(network.device)
        self.lexical_scores: Tensor | None = None
        if validation.margins is not None:
            self.lexical_scores = validation.margins.to(network.device)

    def is_finite(self, pooled: Tensor | None) -> bool:
        """Whether the current network's scores of the validation titles are finite numbers.

        Args:
            pooled: float [rows, hidden]: the validation titles, pooled by the encoder; None
                without an encoder.
        """
        scores = self._encoder_scores(pooled)
        return scores is None or bool(torch.isfinite(scores).all())

    def measure(
        self, epoch: int, pooled: Tensor | None, loss: float | None, seconds: float
    ) -> EpochResult:
        """Measure the current network.

        Args:
            epoch: The number of the epoch, 0 before the first step.
            pooled: float [rows, hidden]: the validation titles, pooled by the encoder; None
                without an encoder.
            loss: Mean training loss of the epoch, in nats; None before the first step.
            seconds: Seconds since training began.

        Returns:
            The result of the epoch.
        """
        paths, encoder_scores = self.network.paths, self._encoder_scores(pooled)
        weights = fit_weights(
            paths, self.targets, encoder_scores, self.lexical_scores, "temperature"
        )
        with torch.no_grad():
            weights = weights.to(self.targets.device)
            log_probs = weights(paths, encoder_scores, self.lexical_scores)
            right = paths.covers(self.targets, log_probs.argmax(dim=1))
            log_loss = -paths.target_log_probs(log_probs, self.targets).mean()
        return EpochResult(epoch, loss, float(right.float().mean()), float(log_loss), seconds)

    def calibrate(self, pooled: Tensor | None, method: Method) -> Weights:
        """Fit the whole calibration for the current network.

        Args:
            pooled: float [rows, hidden]: the validation titles, pooled by the encoder; None
                without an encoder.
            method: See :func:`prodcat.decisions.calibration.fit_weights`.

        Returns:
            The calibration.
        """
        encoder_scores = self._encoder_scores(pooled)
        return fit_weights(
            self.network.paths, self.targets, encoder_scores, self.lexical_scores, method
        )

    @torch.no_grad()
    def _encoder_scores(self, pooled: Tensor | None) -> Tensor | None:
        if pooled is None or self.network.heads is None:
            return None
        return self.network.paths.log_probs(self.network.heads(pooled))


def is_better(
    result: EpochResult, best: EpochResult, history: Sequence[EpochResult], rows: int
) -> bool:
    """Whether an epoch is better than the best one so far.

    Accuracies within half a standard error of the highest one count as equal, because such a
    difference comes from a title or two.  Among equal accuracies the lower log-loss is better, to
    which every title contributes.

    Args:
        result: The epoch's result.
        best: The best result before it.
        history: The results of all epochs, this one included.
        rows: Number of validation titles.

    >>> first, second = EpochResult(1, 0.9, 0.80, 0.7, 1.0), EpochResult(2, 0.8, 0.81, 0.6, 2.0)
    >>> is_better(second, first, [first, second], rows=100)
    True
    """
    top = max(entry.path_accuracy for entry in history)
    floor = top - 0.5 * math.sqrt(top * (1 - top) / rows)
    if result.path_accuracy < floor:
        return False
    return best.path_accuracy < floor or result.log_loss < best.log_loss


def best_of(history: Sequence[EpochResult], rows: int) -> EpochResult | None:
    """The best of several epochs, or None if there are none; arguments as for :func:`is_better`."""
    best = None
    for number, result in enumerate(history):
        if best is None or is_better(result, best, history[: number + 1], rows):
            best = result
    return best
