"""Describes the wrong rows of a source, and labels that are likely to be mistakes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.text_encoding import for_terminal

OnError = Literal["raise", "aside", "accept"]

# What can be wrong with a row.
UNREADABLE = "row cannot be read"
EMPTY_TITLE = "empty title"
NO_TEXT = "value that is no text"
INVALID_UTF8 = "invalid UTF-8"
TOO_LONG = "text too long"
LOST_DIGITS = "number without all its digits"
UNREADABLE_PATH = "path cannot be read"
SKIPPED_LEVEL = "path skips a level"
UNKNOWN_CATEGORY = "unknown category"
NO_CATEGORY = "no category"
AMBIGUOUS_IDS = "path and ids differ"

# What can be doubtful about the labels of rows that are read.
UNLABELLED = "no column with categories"
SPELLINGS = "names that differ only in spelling"
ACCENTS = "names that differ only in accents"
MERGED = "spellings that were merged"
STRAY = "single labels at an inner category"
LIKE_MISSING = "categories named like a missing value"
UNSPLIT = "categories that look like whole paths"
SEVERAL = "categories that look like several paths"
BRACKETS = "categories that look like lists without quotes"
CODES = "names with codes of HTML"
ONE_ID = "names that share an id"

_ADVICE = {
    SPELLINGS: "merge='spelling' (--merge spelling) makes one category of each.",
    ACCENTS: "merge='accents' (--merge accents) makes one category of each.",
    STRAY: "Each becomes a category of its own, unless inner='partial' (--inner partial) says that "
    "more is not known.",
    UNSPLIT: "If that is what stands between the names of a path, set it with separator= "
    "(--separator).",
    SEVERAL: "A title has one category: keep one path in each cell, and in a list only the names "
    "of one path.",
    BRACKETS: 'Write the lists with quotes, such as ["Food", "Milk"], or as Food > Milk.',
    ONE_ID: "Each id is one category, which gets the first name. If the names are in several "
    "languages, name the column with the languages with language= (--language); otherwise correct "
    "the ids.",
    CODES: "Decode the column before, for example with html.unescape of Python.",
    LIKE_MISSING: "If that means that there is no category, leave the cells empty.",
}

UNANSWERED = (EMPTY_TITLE, NO_TEXT, TOO_LONG)  # the reasons for which a row gets no answer


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
class LabelWarning:
    """Labels that are likely to be a mistake, although their rows are read.

    Attributes:
        reason: One of the reasons in this module, such as ``"names that differ only in spelling"``.
        detail: Which labels these are, and what was made of them.
        rows: The numbers of their rows in the source, counted from 0 after the header.
    """

    reason: str
    detail: str
    rows: tuple[int, ...] = field(repr=False, default=())


def numbered(rows: Sequence[int]) -> str:
    """How many rows these are, and which are the first three as people count them, from 1.

    >>> numbered([4]), numbered([0, 1, 2, 3])
    ('1 row: no. 5', '4 rows: no. 1, 2, 3, …')
    """
    first = ", ".join(f"{row + 1:,}" for row in rows[:3])
    return (
        f"{len(rows):,} row{'s' if len(rows) > 1 else ''}: no. {first}"
        f"{', …' if len(rows) > 3 else ''}"
    )


@dataclass(frozen=True)
class CatalogReport(Framed):
    """The number of rows in a source, the problems of the wrong rows, and doubtful labels.

    Attributes:
        rows_read: The number of rows in the source.
        problems: The problems in the order of the rows; a row may have several.
        on_error: What was done with wrong rows: ``"raise"`` (an error was raised), ``"aside"``
            (they were left out) or ``"accept"`` (they were kept).
        warnings: Labels that are likely to be mistakes.  Their rows are read.
    """

    rows_read: int = 0
    problems: tuple[RowProblem, ...] = ()
    on_error: OnError = "raise"
    warnings: tuple[LabelWarning, ...] = ()

    def counts(self) -> dict[str, int]:
        """The number of problems for each reason."""
        return dict(Counter(problem.reason for problem in self.problems))

    def __str__(self) -> str:
        """A summary for people, with the first three rows or labels for each reason.

        Here rows are counted from 1, after the header; in the attributes they are from 0.
        """
        return "\n".join([self.problems_text(), *self.warning_lines()])

    def warning_lines(self) -> list[str]:
        """A line for people for each reason of the warnings, with the first three of them."""
        lines = []
        for reason, count in Counter(warning.reason for warning in self.warnings).items():
            first = [warning.detail for warning in self.warnings if warning.reason == reason][:3]
            shown = "; ".join(map(for_terminal, first)) + ("; …" if count > len(first) else "")
            lines.append(f"  {reason}: {count:,} ({shown}). {_ADVICE.get(reason, '')}".rstrip())
        return lines

    def problems_text(self) -> str:
        """The summary without the warnings."""
        if not self.problems:
            return f"{self.rows_read:,} rows read, none wrong."
        done = {"aside": "kept aside", "accept": "accepted", "raise": "refused"}[self.on_error]
        lines = [f"{self.rows_read:,} rows read, {self.wrong_rows:,} wrong ({done}):"]
        for reason, count in self.counts().items():
            first = [problem for problem in self.problems if problem.reason == reason][:3]
            shown = "; ".join(
                f"row {problem.row + 1:,}: {for_terminal(problem.detail)}" for problem in first
            )
            lines.append(f"  {reason}: {count:,} ({shown}{'; …' if count > len(first) else ''})")
        return "\n".join(lines)

    @property
    def wrong_rows(self) -> int:
        """The number of rows with a problem."""
        return len({problem.row for problem in self.problems})

    def _columns(self) -> Mapping[str, Any]:
        return {
            "row_number": [problem.row + 1 for problem in self.problems],
            "reason": [problem.reason for problem in self.problems],
            "detail": [problem.detail for problem in self.problems],
        }

    def _repr_html_(self) -> str:
        numbers = [f"{self.rows_read:,} rows read", f"{self.wrong_rows:,} wrong"]
        kinds = Counter(warning.reason for warning in self.warnings)
        first = {warning.reason: warning.detail for warning in reversed(self.warnings)}
        wrong = [
            (f"{problem.row + 1:,}", problem.reason, problem.detail) for problem in self.problems
        ]
        doubtful = [(reason, f"{count:,}", first[reason]) for reason, count in kinds.items()]
        return notebook_html(
            "Catalog report",
            numbers,
            NotebookTable(("row_number", "reason", "detail"), wrong, "wrong rows"),
            NotebookTable(("warning", "labels", "the first"), doubtful, "doubtful labels"),
        )
