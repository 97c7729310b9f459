"""What a classifier keeps of the epochs of its training."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class EpochResult:
    """The results of one epoch.

    Attributes:
        epoch: Number of the epoch, from 1; 0 for the closed-form start.
        loss: Mean training loss, in nats; None for the start.
        path_accuracy: Path accuracy on the validation titles, by both kinds of evidence together.
        log_loss: Log loss on the validation titles, in nats.
        seconds: Seconds since training began.
        titles_per_second: Training titles per second in this epoch; 0 for the start.
        tokens_per_second: Tokens of these titles per second, padding not counted.
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
