r"""Which titles the n-grams answer alone, so that the encoder need not read them.

Most titles are easy: the n-grams are sure of their answer, and the encoder would not change it.
So n-grams alone answer a title if their calibrated confidence is high enough.  The threshold is
chosen on the titles of the calibration, which neither n-grams nor encoder have learned, such that
hardly any right answer is lost; see :func:`choose_cascade`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.decisions.calibration import fit_weights
from prodcat.decisions.weights import Weights
from prodcat.model.config import Method
from prodcat.model.elementwise import exp
from prodcat.model.path_model import PathModel

MOST_LOST = 0.001  # path accuracy that the cascade may lose on the titles it is chosen on
MOST_BOUND = 0.005  # the highest upper bound of the loss with which there is a cascade
CERTAINTY = 0.9  # of the upper bound
_QUANTILES = 1_001


@dataclass(frozen=True)
class Cascade:
    """When n-grams alone answer a title, and what this costs on the titles it was chosen on.

    Attributes:
        weights: The calibration of answers by n-grams alone.
        quantiles: float32 [1001]: quantiles of their confidence in their answers, ascending.
        threshold: The lowest confidence with which they answer alone; infinite if they never do.
        share: The share of titles that they answer alone, 0 to 1.
        loss: The path accuracy that is lost by it, 0 to 1; negative if their answers are better.
        bound: An upper bound of this loss that holds with a probability of 0.9.
        titles: The number of titles.
    """

    weights: Weights
    quantiles: Tensor
    threshold: float
    share: float
    loss: float
    bound: float
    titles: int

    def __str__(self) -> str:
        """What it does, in one sentence."""
        if not self.acts:
            return (
                f"The encoder reads every title: {self.titles} titles of the calibration do not "
                f"show that n-grams alone would lose at most {100 * MOST_BOUND:.1f} points."
            )
        answered = (
            f"N-grams alone answer {self.share:.0%} of the titles, those with a confidence of at "
            f"least {self.threshold:.3f}."
        )
        if math.isnan(self.loss):
            return f"{answered} What this costs was not measured."
        return (
            f"{answered} This costs {100 * self.loss:.2f} points of path accuracy, and with a "
            f"probability of 90 % at most {100 * self.bound:.2f} ({self.titles} titles)."
        )

    @property
    def acts(self) -> bool:
        """Whether n-grams alone answer any title."""
        return math.isfinite(self.threshold)

    def with_share(self, share: float) -> "Cascade":
        """The same cascade with another threshold, whose loss is not known.

        Args:
            share: The share of titles that n-grams alone answer, 0 to 1.
        """
        place = round((1 - share) * (len(self.quantiles) - 1))
        threshold = float(self.quantiles[place]) if share else math.inf
        unknown = math.nan if share else 0.0
        return replace(self, threshold=threshold, share=share, loss=unknown, bound=unknown)

    def tensors(self) -> dict[str, Tensor]:
        """The tensors by name."""
        return {**self.weights.tensors(), "quantiles": self.quantiles}

    def figures(self) -> dict[str, float | None]:
        """All numbers by name, as values that JSON can represent."""
        names = ("threshold", "share", "loss", "bound", "titles")
        values = {name: getattr(self, name) for name in names}
        return {name: value if math.isfinite(value) else None for name, value in values.items()}

    @classmethod
    def of(
        cls, tensors: Mapping[str, Tensor], figures: Mapping[str, Any], levels: int
    ) -> "Cascade":
        """The cascade with these tensors and numbers.

        Args:
            tensors: What :meth:`tensors` returned.
            figures: What :meth:`figures` returned.
            levels: The number of levels of the tree.

        Raises:
            ValueError: Types or values are not those of a cascade.
        """
        weights, quantiles = Weights.of(tensors), tensors["quantiles"]
        missing = {"threshold": math.inf, "loss": math.nan, "bound": math.nan}
        numbers = {name: figures[name] for name in ("threshold", "share", "loss", "bound")}
        numbers = {
            name: missing[name] if value is None and name in missing else value
            for name, value in numbers.items()
        }
        titles = figures["titles"]
        if (
            not weights.fits(levels)
            or quantiles.dtype != torch.float32
            or tuple(quantiles.shape) != (_QUANTILES,)
            or not all(isinstance(value, int | float) for value in numbers.values())
            or not isinstance(titles, int)
        ):
            raise ValueError("the cascade has other types or shapes")
        return cls(weights, quantiles, titles=titles, **numbers)


def fit_cascade(
    paths: PathModel,
    targets: Tensor,
    scores: tuple[Tensor, Tensor],
    weights: Weights,
    method: Method,
) -> tuple[Cascade, Tensor]:
    """Calibrate the n-grams alone, and choose the threshold of their confidence.

    Args:
        paths: The path model.
        targets: int64 [rows]: the node of each label, which may be a partial label.
        scores: float [rows, outcome]: log-probabilities of the heads; float [rows, choice]: margins
            of the n-grams.
        weights: The calibration of both together.
        method: How to calibrate; see :func:`prodcat.decisions.calibration.fit_weights`.

    Returns:
        The cascade, and the confidence of each row's answer with it, float [rows].
    """
    encoder, lexical = scores
    weights_alone = fit_weights(paths, targets, None, lexical, method)
    with torch.no_grad():
        together, outcome = weights.to(targets.device)(paths, encoder, lexical).max(dim=1)
        right = paths.covers(targets, outcome)
        alone, outcome = weights_alone.to(targets.device)(paths, None, lexical).max(dim=1)
        right_alone = paths.covers(targets, outcome)
    confidence = exp(alone)
    cascade = choose_cascade(
        weights_alone,
        confidence.double().cpu().numpy(),
        right_alone.cpu().numpy(),
        right.cpu().numpy(),
    )
    sure = confidence >= cascade.threshold
    return cascade, torch.where(sure, confidence, exp(together))


def choose_cascade(
    weights: Weights,
    confidence: NDArray[np.float64],
    alone: NDArray[np.bool_],
    together: NDArray[np.bool_],
) -> Cascade:
    """Choose the lowest threshold with which hardly any right answer is lost.

    With a threshold, path accuracy falls by the share of titles above it that only n-grams and
    encoder together answer rightly, and rises by the share that only the n-grams answer rightly.
    The difference must be at most ``MOST_LOST``, and the upper bound of the first share alone (of
    Clopper and Pearson, Biometrika 1934) at most ``MOST_BOUND``; otherwise there is no cascade.

    Args:
        weights: The calibration of answers by n-grams alone.
        confidence: float64 [titles]: their confidence in the answer.
        alone: bool [titles]: whether this answer is right.
        together: bool [titles]: whether the answer by n-grams and encoder is right.
    """
    order = np.argsort(-confidence, kind="stable")
    titles, sorted_confidence = len(order), confidence[order]
    lost: NDArray[np.int64] = np.cumsum(together[order] & ~alone[order], dtype=np.int64)
    gained: NDArray[np.int64] = np.cumsum(alone[order] & ~together[order], dtype=np.int64)
    # Titles of equal confidence are on the same side.
    is_last = np.append(sorted_confidence[1:] < sorted_confidence[:-1], True)[:titles]
    is_cheap = (lost - gained) <= MOST_LOST * titles
    good: NDArray[np.bool_] = is_last & is_cheap & (_bounds(lost, titles) <= MOST_BOUND)
    steps = np.linspace(0, 1, _QUANTILES)
    quantiles = np.quantile(confidence, steps) if titles else steps
    stored = torch.from_numpy(quantiles.astype(np.float32))
    if not good.any():
        return Cascade(weights, stored, math.inf, 0.0, 0.0, 0.0, titles)
    last = int(np.flatnonzero(good)[-1])
    return Cascade(
        weights,
        stored,
        threshold=float(sorted_confidence[last]),
        share=(last + 1) / titles,
        loss=int(lost[last] - gained[last]) / titles,
        bound=float(_bounds(lost[last : last + 1], titles)[0]),
        titles=titles,
    )


def _bounds(counts: NDArray[np.int64], titles: int) -> NDArray[np.float64]:
    """Upper bounds of shares of which these counts of titles were observed."""
    from scipy.stats import beta

    distinct, place = np.unique(counts, return_inverse=True)
    rest = np.maximum(titles - distinct, 1)
    bounds = np.where(distinct < titles, beta.ppf(CERTAINTY, distinct + 1, rest), 1.0)
    return bounds[place.reshape(-1)]
