"""The report that a scoring job returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ScoringReport:
    """What a call of :func:`prodcat.score` did.

    Attributes:
        output: The URI of the output folder, or of the single output file.
        rows: The number of rows that this call answered.
        errors: The number of these rows that have an error.
        parts: The number of parts that this call wrote.
        skipped: The number of parts in this process's share that had been finished before.
        seconds: The duration in seconds, without the time to load the model.
        summary: If the parts of all processes are finished, the content of ``summary.json``: the
            ``job`` hash and the total numbers of ``files``, ``parts``, ``rows``, ``errors`` and
            ``bytes``; otherwise None.
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
