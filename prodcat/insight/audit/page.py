"""The sections of the page about labels that are probably wrong."""

from collections.abc import Sequence

from prodcat.catalog.splits import LeakAudit
from prodcat.catalog.text import readable
from prodcat.insight.arrays import Ints
from prodcat.insight.audit.problems import Conflict, LabelProblem
from prodcat.insight.page import Page
from prodcat.taxonomy.paths import join_path

MOST_ROWS = 200  # in a table


def add_levels(page: Page, by_level: Ints) -> None:
    """Add a table of the number of contradicted labels, int64 [levels], by level."""
    page.table(
        [("level", "count"), ("contradicted labels", "count")],
        [(level + 1, count) for level, count in enumerate(by_level.tolist())],
        "First level at which a contradicted label differs from the suggestion",
    )


def add_problems(page: Page, problems: Sequence[LabelProblem], rows: Sequence[int]) -> None:
    """Add a table of the most suspicious labels.

    Args:
        page: The page.
        problems: The labels, the most suspicious first.
        rows: For each label, the number of its row in the source.
    """
    page.section(
        "The most suspicious labels",
        f"At most {MOST_ROWS} labels; the table file has all of them.",
    )
    page.table(
        [("row", "count"), ("title", "text"), ("label", "text"), ("suggestion", "text"),
         ("probability of the label", "share"), ("of the suggestion", "share")],
        [
            (row, readable(problem.title), join_path(problem.label),
             join_path(problem.suggestion), problem.probability, problem.suggested)
            for row, problem in zip(rows, problems, strict=True)
        ],
        "Labels, the most suspicious first",
    )  # fmt: skip


def add_leaks(page: Page, leaks: LeakAudit) -> None:
    """Add examples of held-out titles that are in the catalog."""
    page.section("Leaks", "Examples of held-out titles with a near duplicate in the catalog.")
    page.table(
        [("held-out title", "text"), ("title in the catalog", "text")],
        [[readable(title) for title in pair] for pair in leaks.examples],
        "Leaks",
    )


def add_conflicts(page: Page, conflicts: Sequence[Conflict]) -> None:
    """Add a table of near duplicates with different labels."""
    page.section(
        "Conflicts",
        "Titles that differ only in case, diacritics, pack size or word order, and have "
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
