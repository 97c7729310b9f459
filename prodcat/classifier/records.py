"""The result of an epoch of the training, as it is stored in a classifier."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class EpochResult:
    """The results of one epoch.

    Attributes:
        epoch: Number of the epoch, from 1; 0 before the first step.
        loss: Mean training loss of a title, in nats; None before the first step.
        path_accuracy: Share of the validation titles, 0 to 1, whose most likely path is right, by
            the scores of encoder and n-grams together.
        log_loss: Mean log-loss on the validation titles, in nats.
        seconds: Seconds since training began.
        titles_per_second: Training titles per second in this epoch; 0 before the first step.
        tokens_per_second: Tokens of these titles per second, padding not counted.
        padded_share: Share of the batches' tokens that was padding, 0 to 1.
    """

    epoch: int
    loss: float | None
    path_accuracy: float
    log_loss: float
    seconds: float
    titles_per_second: float = 0.0
    tokens_per_second: float = 0.0
    padded_share: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The attributes by name, as values that JSON can represent."""
        return asdict(self)
