"""What a scoring did, for its caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ScoringReport:
    """What a call of :func:`prodcat.score` did.

    Attributes:
        output: The folder, or the one file.
        rows: Rows answered by this call.
        errors: How many of them say in ``error`` what is wrong with them.
        parts: Parts written by this call.
        skipped: Parts of this process's share that were there already.
        seconds: How long it took, without the loading of the model.
        summary: Counts over all rows of all processes, once all parts are there; see
            :mod:`prodcat.scoring.finished_parts`.
    """

    output: str
    rows: int
    errors: int
    parts: int
    skipped: int
    seconds: float
    summary: Mapping[str, Any] | None = None

    @property
    def complete(self) -> bool:
        """Whether every row of the input has its answer."""
        return self.summary is not None

    def __str__(self) -> str:
        """One line."""
        pace = f", {self.rows / self.seconds:,.0f} rows/s" if self.rows and self.seconds else ""
        there = f"; {self.skipped:,} parts were there already" if self.skipped else ""
        wrong = f", {self.errors:,} of them with an error" if self.errors else ""
        state = (
            f"{self.output} is complete"
            if self.complete
            else f"other shares are still missing in {self.output}"
        )
        done = f"{self.rows:,} titles answered in {self.seconds:,.1f} s{pace}{wrong}{there}"
        return f"{done}; {state}."
