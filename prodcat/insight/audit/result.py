"""The result of an audit of labels as an HTML page, a table and a text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.splits import LeakAudit
from prodcat.catalog.text import readable
from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.insight.audit.out_of_fold import OutOfFold
from prodcat.insight.audit.problems import Conflict, LabelProblem
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.taxonomy.paths import join_path

_CONTRADICTED = 0.9  # the smallest probability of an answer that clearly contradicts the label
_MOST_LINES = 10  # of labels in the text
_MOST_ROWS = 200  # in a table of the page


@dataclass(frozen=True, eq=False)
class Audit(Shown):
    """The result of an audit of labels.

    Attributes:
        catalog: Titles with their categories.
        rows: int64 [labelled]: positions of the labelled rows in the catalog.
        probabilities: Probabilities of the labelled rows, by models not trained on them.
        suspicion: float64 [labelled]: the score by which the rows are ranked; the higher, the more
            probably the label is wrong.
        level: int64 [labelled]: the first level at which label and suggestion differ, 1 for
            departments; 0 if they do not differ.
        conflicts: Near duplicates with different labels.
        leaks: Held-out titles with a near duplicate in the catalog, or None if no held-out titles
            were given.
        judged: Bool [labelled]: whether the label could be checked.  It could not if its category
            is in no other fold, so that the model did not learn it.  None if all could be checked.
    """

    catalog: Catalog
    rows: Ints
    probabilities: OutOfFold
    suspicion: Floats
    level: Ints
    conflicts: tuple[Conflict, ...]
    leaks: LeakAudit | None = None
    judged: Flags | None = None

    @property
    def ranked(self) -> Ints:
        """int64 [labelled]: positions in ``rows``, the most suspicious label first."""
        last = np.zeros(len(self.rows), bool) if self.judged is None else ~self.judged
        order: Ints = np.lexsort((self.rows, -self.suspicion, last))
        return order

    @property
    def contradicted(self) -> Flags:
        """Bool [labelled]: whether the answer differs and has a probability of at least 0.9."""
        contradicted: Flags = (self.level > 0) & (self.probabilities.sure >= _CONTRADICTED)
        return contradicted if self.judged is None else contradicted & self.judged

    @property
    def by_level(self) -> Ints:
        """int64 [levels]: number of contradicted labels by the level at which they first differ."""
        level = self.level[self.contradicted]
        return np.bincount(level, minlength=self.catalog.tree.depth + 1)[1:].astype(np.int64)

    @property
    def _not_judged(self) -> int:
        return 0 if self.judged is None else int((~self.judged).sum())

    def problems(self, most: int | None = None) -> list[LabelProblem]:
        """List the most suspicious labels among those that differ from the answer.

        Args:
            most: The largest number of labels; by default the number of contradicted labels.

        Returns:
            The labels, the most suspicious first.
        """
        most = int(self.contradicted.sum()) if most is None else most
        problems: list[LabelProblem] = []
        for position in self.ranked.tolist():
            if len(problems) >= most:
                break
            if not self.level[position]:  # the answer is the label
                continue
            if self.judged is not None and not self.judged[position]:
                break
            problems.append(self._problem(position))
        return problems

    def _problem(self, position: int) -> LabelProblem:
        tree, row = self.catalog.tree, int(self.rows[position])
        return LabelProblem(
            row=row,
            title=self.catalog.titles[row],
            label=tree.paths[int(self.catalog.targets[row])],
            suggestion=tree.paths[int(self.probabilities.best[position])],
            probability=float(self.probabilities.levels[position, -1]),
            suggested=float(self.probabilities.sure[position]),
            level=int(self.level[position]),
        )

    def __str__(self) -> str:
        """The numbers and the most suspicious labels, as text."""
        lines = [
            f"{len(self.rows):,} labels, {int(self.contradicted.sum()):,} clearly contradicted",
            *(
                f"  at level {level + 1}: {count:,}"
                for level, count in enumerate(self.by_level.tolist())
            ),
            f"{len(self.conflicts):,} groups of near duplicates with different labels",
        ]
        if self._not_judged:
            lines.append(
                f"{self._not_judged:,} labels are alone in their category and cannot be checked"
            )
        if self.leaks is not None:
            lines.append(
                f"{self.leaks.leaked:,} of {self.leaks.held_out:,} held-out titles have a near "
                "duplicate in the catalog"
            )
        return "\n".join([*lines, *self._problem_lines()])

    def _problem_lines(self) -> Iterator[str]:
        for problem in self.problems(_MOST_LINES):
            row = int(self.catalog.rows[problem.row])
            label, suggestion = join_path(problem.label), join_path(problem.suggestion)
            yield (
                f"  row {row}: {problem.title!r} is {label!r} ({problem.probability:.1%}), "
                f"probably {suggestion!r} ({problem.suggested:.0%})"
            )

    def table(self) -> Any:
        """The suspicious labels as an Arrow table.

        Returns:
            One row for each label that differs from the model's answer or from the label of a near
            duplicate, with the columns rank (from 1), row (in the source), title, label,
            suggestion, probability (of the label), suggested (probability of the suggestion),
            suspicion, level, and conflict (number of the group of near duplicates with different
            labels, or null).
        """
        import pyarrow as pa

        group = {
            row: number for number, conflict in enumerate(self.conflicts) for row in conflict.rows
        }
        tree, catalog = self.catalog.tree, self.catalog
        order = [at for at in self.ranked if self.level[at] or int(self.rows[at]) in group]
        rows = [int(self.rows[at]) for at in order]
        best = self.probabilities.best[order].tolist()
        return pa.table(
            {
                "rank": list(range(1, len(order) + 1)),
                "row": [int(catalog.rows[row]) for row in rows],
                "title": [readable(catalog.titles[row]) for row in rows],
                "label": [join_path(tree.paths[int(catalog.targets[row])]) for row in rows],
                "suggestion": [join_path(tree.paths[node]) for node in best],
                "probability": self.probabilities.levels[order, -1],
                "suggested": self.probabilities.sure[order],
                "suspicion": self.suspicion[order],
                "level": self.level[order],
                "conflict": pa.array([group.get(row) for row in rows], pa.int64()),
            }
        )

    def _headlines(self) -> Iterator[tuple[str, str, str]]:
        contradicted, conflicts = int(self.contradicted.sum()), len(self.conflicts)
        yield "labels", f"{len(self.rows):,}", ""
        yield "contradicted", f"{contradicted:,}", "the model gives another category at least 90 %"
        yield "not checked", f"{self._not_judged:,}", "alone in their category"
        yield "conflicts", f"{conflicts:,}", "near duplicates with different labels"
        if self.leaks is not None:
            yield "leaks", f"{self.leaks.leaked:,}", f"of {self.leaks.held_out:,} held-out titles"

    def html(self) -> str:
        """A self-contained HTML page."""
        page = Page(
            "Labels that are probably wrong",
            "Each label is checked by a model that was not trained on it. The most suspicious "
            "labels come first; a probably wrong department comes before an equally probable wrong "
            "sibling category.",
        )
        page.section("Results")
        page.numbers(self._headlines())
        add_levels(page, self.by_level)
        problems = self.problems(_MOST_ROWS)
        add_problems(page, problems, [int(self.catalog.rows[problem.row]) for problem in problems])
        if self.leaks is not None and self.leaks.examples:
            add_leaks(page, self.leaks)
        if self.conflicts:
            add_conflicts(page, self.conflicts)
        return page.html()


def add_levels(page: Page, by_level: Ints) -> None:
    """Add a table of ``by_level`` to the page: contradicted labels by level."""
    page.table(
        [("level", "count"), ("contradicted labels", "count")],
        [(level + 1, count) for level, count in enumerate(by_level.tolist())],
        "Contradicted labels by the first level at which label and suggestion differ",
    )


def add_problems(page: Page, problems: Sequence[LabelProblem], rows: Sequence[int]) -> None:
    """Add a table of the most suspicious labels to the page.

    Args:
        page: The page.
        problems: The labels, the most suspicious first.
        rows: For each label, the number of its row in the source.
    """
    page.section(
        "The most suspicious labels",
        f"This page shows at most {_MOST_ROWS} labels. Save the audit as .csv or .parquet to get "
        "all of them.",
    )
    page.table(
        [("row", "count"), ("title", "text"), ("label", "text"), ("suggestion", "text"),
         ("probability of the label", "share"), ("of the suggestion", "share")],
        [
            (row, readable(problem.title), join_path(problem.label),
             join_path(problem.suggestion), problem.probability, problem.suggested)
            for row, problem in zip(rows, problems, strict=True)
        ],
        "Labels that are probably wrong, the most suspicious first",
    )  # fmt: skip


def add_leaks(page: Page, leaks: LeakAudit) -> None:
    """Add examples of held-out titles with a near duplicate in the catalog to the page."""
    page.section("Leaks", "Examples of held-out titles with a near duplicate in the catalog.")
    page.table(
        [("held-out title", "text"), ("title in the catalog", "text")],
        [[readable(title) for title in pair] for pair in leaks.examples],
        "Held-out titles with a near duplicate in the catalog",
    )


def add_conflicts(page: Page, conflicts: Sequence[Conflict]) -> None:
    """Add a table of near duplicates with different labels to the page."""
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
            for conflict in conflicts[:_MOST_ROWS]
        ],
        "Near duplicates with different labels",
    )
