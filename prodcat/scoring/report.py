"""The report of a scoring job, for its caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ScoringReport:
    """What a call of :func:`prodcat.score` did.

    Attributes:
        output: The output folder, or the single output file.
        rows: The number of rows that this call answered.
        errors: The number of these rows that have an error.
        parts: The number of parts that this call wrote.
        skipped: The number of parts in this process's share that were finished before.
        seconds: The duration without the loading of the model.
        summary: Counts over all rows of all processes, once all parts are finished, else None; see
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
        """The report in one line."""
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
