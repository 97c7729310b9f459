"""The records that a classifier keeps of its training."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class EpochResult:
    """One line of the training history.

    Attributes:
        epoch: 0 for the closed-form start, then from 1.
        loss: Mean training loss, in nats; None for the start.
        path_accuracy: On the validation titles, both kinds of evidence together.
        log_loss: The same, in nats.
        seconds: Since training began.
        titles_per_second: Training titles, in this epoch; 0 for the start.
        tokens_per_second: Their own tokens, padding not counted.
        padded_share: Share of the batches' tokens that was padding.
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
        """Plain values for JSON."""
        return asdict(self)
