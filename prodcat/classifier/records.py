"""The results of the epochs of a training, as they are stored in a classifier."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from prodcat.taxonomy.notebook import MOST_ROWS, Framed, NotebookTable, notebook_html


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


class History(Framed, tuple[EpochResult, ...]):
    """The results of all epochs of a training, in their order, as a tuple."""

    __slots__ = ()

    def _columns(self) -> Mapping[str, Any]:
        names = [field.name for field in fields(EpochResult)]
        return {name: [getattr(result, name) for result in self] for name in names}

    def notebook_table(self) -> NotebookTable:
        """The last epochs as a table for a notebook, which is folded."""
        rows = [
            (
                str(result.epoch),
                "" if result.loss is None else f"{result.loss:.4f}",
                f"{result.path_accuracy:.2%}",
                f"{result.log_loss:.4f}",
                f"{result.seconds:.1f}",
            )
            for result in self[-MOST_ROWS:]
        ]
        header = ("epoch", "loss", "path accuracy", "log loss", "seconds")
        return NotebookTable(header, rows, "training, epoch by epoch", len(self), is_folded=True)

    def _repr_html_(self) -> str:
        best = max((result.path_accuracy for result in self), default=0.0)
        numbers = [f"{len(self):,} results", f"best path accuracy {best:.2%}"]
        return notebook_html("Training", numbers, replace(self.notebook_table(), is_folded=False))
