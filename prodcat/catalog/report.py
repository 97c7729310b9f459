"""The report on wrong rows of a source."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

OnError = Literal["raise", "aside", "accept"]

# The reasons for which a row is wrong.
EMPTY_TITLE = "empty title"
INVALID_UTF8 = "invalid UTF-8"
SKIPPED_LEVEL = "path skips a level"
UNKNOWN_CATEGORY = "unknown category"
NO_CATEGORY = "no category"
AMBIGUOUS_IDS = "path and ids differ"


@dataclass(frozen=True)
class RowProblem:
    """One wrong row.

    Attributes:
        row: The row's number in the source, counted from 0 after the header.
        reason: One of the reasons in this module, such as ``"empty title"``.
        detail: The value that is wrong.
        record: The values of the row in the requested columns.
    """

    row: int
    reason: str
    detail: str
    record: Mapping[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class CatalogReport:
    """The number of rows in a source, and those that are wrong.

    Attributes:
        rows_read: The number of rows in the source.
        problems: The wrong rows, in the order of the source.
        on_error: What was done with wrong rows: ``"aside"`` (left out) or ``"accept"`` (kept).
    """

    rows_read: int = 0
    problems: tuple[RowProblem, ...] = ()
    on_error: OnError = "raise"

    def counts(self) -> dict[str, int]:
        """The number of problems by reason."""
        return dict(Counter(problem.reason for problem in self.problems))

    def __str__(self) -> str:
        """The report in a few lines for people, with the first three rows of each reason."""
        if not self.problems:
            return f"{self.rows_read:,} rows read, none wrong."
        done = {"aside": "kept aside", "accept": "accepted", "raise": "refused"}[self.on_error]
        wrong = len({problem.row for problem in self.problems})
        lines = [f"{self.rows_read:,} rows read, {wrong:,} wrong ({done}):"]
        for reason, count in self.counts().items():
            first = [problem for problem in self.problems if problem.reason == reason][:3]
            shown = "; ".join(f"row {problem.row}: {problem.detail}" for problem in first)
            lines.append(f"  {reason}: {count:,} ({shown}{'; …' if count > len(first) else ''})")
        return "\n".join(lines)
