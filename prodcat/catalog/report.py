"""What was wrong with the rows of a source, and what was done with them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

OnError = Literal["raise", "aside", "accept"]

# The reasons.
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
        row: Its number in the source, counted from 0, the header not counted.
        reason: One of the module's reasons, e.g. ``"empty title"``.
        detail: What was found.
        record: The values of the row in the columns that were asked for.
    """

    row: int
    reason: str
    detail: str
    record: Mapping[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class CatalogReport:
    """What was read, and what was wrong with it.

    Attributes:
        rows_read: Rows in the source.
        problems: The wrong rows, in order.
        on_error: What was done with them: ``"aside"`` (left out) or ``"accept"`` (kept).
    """

    rows_read: int = 0
    problems: tuple[RowProblem, ...] = ()
    on_error: OnError = "raise"

    def counts(self) -> dict[str, int]:
        """Wrong rows by reason."""
        return dict(Counter(problem.reason for problem in self.problems))

    def __str__(self) -> str:
        """A few lines for people, with the first rows of each reason."""
        if not self.problems:
            return f"{self.rows_read:,} rows read, none wrong."
        done = {"aside": "kept aside", "accept": "accepted", "raise": "refused"}[self.on_error]
        wrong = len({problem.row for problem in self.problems})
        lines = [f"{self.rows_read:,} rows read, {wrong:,} wrong ({done}):"]
        for reason, count in self.counts().items():
            some = [problem for problem in self.problems if problem.reason == reason][:3]
            shown = "; ".join(f"row {problem.row}: {problem.detail}" for problem in some)
            lines.append(f"  {reason}: {count:,} ({shown}{'; …' if count > len(some) else ''})")
        return "\n".join(lines)
