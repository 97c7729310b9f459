"""Describes the wrong rows of a source."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from prodcat.text_encoding import for_terminal

OnError = Literal["raise", "aside", "accept"]

# What can be wrong with a row.
UNREADABLE = "row cannot be read"
EMPTY_TITLE = "empty title"
INVALID_UTF8 = "invalid UTF-8"
TOO_LONG = "text too long"
SKIPPED_LEVEL = "path skips a level"
UNKNOWN_CATEGORY = "unknown category"
NO_CATEGORY = "no category"
AMBIGUOUS_IDS = "path and ids differ"

UNANSWERED = (EMPTY_TITLE, TOO_LONG)  # the reasons for which a row gets no answer


@dataclass(frozen=True)
class RowProblem:
    """One wrong row.

    Attributes:
        row: The row's number in the source, counted from 0 after the header.
        reason: One of the reasons in this module, such as ``"empty title"``.
        detail: What exactly is wrong, with the value.
        record: The values of the row by column, for the columns that were read.
    """

    row: int
    reason: str
    detail: str
    record: Mapping[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class CatalogReport:
    """The number of rows in a source, and the problems of the wrong rows.

    Attributes:
        rows_read: The number of rows in the source.
        problems: The problems in the order of the rows; a row may have several.
        on_error: What was done with wrong rows: ``"raise"`` (an error was raised), ``"aside"``
            (they were left out) or ``"accept"`` (they were kept).
    """

    rows_read: int = 0
    problems: tuple[RowProblem, ...] = ()
    on_error: OnError = "raise"

    def counts(self) -> dict[str, int]:
        """The number of problems for each reason."""
        return dict(Counter(problem.reason for problem in self.problems))

    def __str__(self) -> str:
        """A summary for people, with the first three rows for each reason."""
        if not self.problems:
            return f"{self.rows_read:,} rows read, none wrong."
        done = {"aside": "kept aside", "accept": "accepted", "raise": "refused"}[self.on_error]
        wrong = len({problem.row for problem in self.problems})
        lines = [f"{self.rows_read:,} rows read, {wrong:,} wrong ({done}):"]
        for reason, count in self.counts().items():
            first = [problem for problem in self.problems if problem.reason == reason][:3]
            shown = "; ".join(
                f"row {problem.row}: {for_terminal(problem.detail)}" for problem in first
            )
            lines.append(f"  {reason}: {count:,} ({shown}{'; …' if count > len(first) else ''})")
        return "\n".join(lines)
