"""The sections of the page that shows which labels are probably wrong."""

from collections.abc import Sequence

from prodcat.catalog.splits import LeakAudit
from prodcat.catalog.text import readable
from prodcat.insight.arrays import Ints
from prodcat.insight.audit.problems import Conflict, LabelProblem
from prodcat.insight.page import Page
from prodcat.taxonomy.paths import join_path

MOST_ROWS = 200  # of a table


def add_headlines(
    page: Page,
    *,
    labels: int,
    contradicted: int,
    not_judged: int,
    conflicts: int,
    leaks: LeakAudit | None,
) -> None:
    """Add what the audit tells, in numbers.

    Args:
        page: The page.
        labels: How many labels there are.
        contradicted: How many of them are clearly contradicted.
        not_judged: How many of them are alone in their category.
        conflicts: How many groups of near duplicates have different labels.
        leaks: Held-out titles that are in the catalog, where such titles were given.
    """
    page.section("What was found")
    numbers = [
        ("labels", f"{labels:,}", ""),
        ("contradicted", f"{contradicted:,}", "another answer of at least 90 %"),
        ("not judged", f"{not_judged:,}", "alone in their category"),
        ("conflicts", f"{conflicts:,}", "near duplicates with different labels"),
    ]
    if leaks is not None:
        numbers.append(("leaks", f"{leaks.leaked:,}", f"of {leaks.held_out:,} held out"))
    page.numbers(numbers)


def add_levels(page: Page, by_level: Ints) -> None:
    """Add a table of contradicted labels, int64 [levels], by level."""
    page.table(
        [("level", "count"), ("contradicted labels", "count")],
        [(level + 1, count) for level, count in enumerate(by_level.tolist())],
        "Where contradicted labels part from the answer",
    )


def add_problems(page: Page, problems: Sequence[LabelProblem], rows: Sequence[int]) -> None:
    """Add a table of the worst labels.

    Args:
        page: The page.
        problems: The worst labels.
        rows: For each of them, the number of its row in the source.
    """
    page.section("The worst labels", f"The first {MOST_ROWS}; the whole list is in the table file.")
    page.table(
        [("row", "count"), ("title", "text"), ("label", "text"), ("suggestion", "text"),
         ("label's probability", "share"), ("suggestion's", "share")],
        [
            (row, readable(problem.title), join_path(problem.label),
             join_path(problem.suggestion), problem.probability, problem.suggested)
            for row, problem in zip(rows, problems, strict=True)
        ],
        "Labels, the worst first",
    )  # fmt: skip


def add_leaks(page: Page, leaks: LeakAudit) -> None:
    """Add examples of held-out titles that are in the catalog."""
    page.section("Leaks", "Held-out titles with a near duplicate here, for example.")
    page.table(
        [("held out", "text"), ("here", "text")],
        [[readable(title) for title in pair] for pair in leaks.examples],
        "Leaks",
    )


def add_conflicts(page: Page, conflicts: Sequence[Conflict]) -> None:
    """Add a table of near duplicates with different labels."""
    page.section(
        "Conflicts",
        "Titles that are equal but for case, diacritics, pack size and word order, with "
        "different labels.",
    )
    page.table(
        [("titles", "text"), ("labels", "text")],
        [
            (
                "; ".join(dict.fromkeys(readable(title) for title in conflict.titles)),
                "; ".join(dict.fromkeys(join_path(path) for path in conflict.labels)),
            )
            for conflict in conflicts[:MOST_ROWS]
        ],
        "Near duplicates with different labels",
    )
