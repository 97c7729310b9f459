"""The result of an audit as a page, a table and a text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.splits import LeakAudit
from prodcat.catalog.text import readable
from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.insight.audit.out_of_fold import OutOfFold
from prodcat.insight.audit.page import (
    MOST_ROWS,
    add_conflicts,
    add_leaks,
    add_levels,
    add_problems,
)
from prodcat.insight.audit.problems import Conflict, LabelProblem
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.taxonomy.paths import join_path

if TYPE_CHECKING:
    import pyarrow as pa

_CONTRADICTED = 0.9  # the least probability of the answer
_MOST_LINES = 10  # of labels in the text


@dataclass(frozen=True, eq=False)
class Audit(Shown):
    """The result of an audit.

    Attributes:
        catalog: Titles with their categories.
        rows: int64 [labelled]: positions of the labelled rows in the catalog.
        probabilities: Probabilities of the labelled rows, by models not trained on them.
        suspicion: float64 [labelled]: the suspicion against each label, which ranks the rows.
        level: int64 [labelled]: the first level at which label and suggestion differ, 1 for
            departments; 0 if they do not differ.
        conflicts: Near duplicates with different labels.
        leaks: Held-out titles that are in the catalog, or None if no such titles were given.
        judged: Bool [labelled]: whether other parts have the row's category, without which its
            label cannot be checked; None if all labels could be checked.
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
        """int64 [labelled]: positions in ``rows``, the most suspicious first."""
        last = np.zeros(len(self.rows), bool) if self.judged is None else ~self.judged
        order: Ints = np.lexsort((self.rows, -self.suspicion, last))
        return order

    @property
    def contradicted(self) -> Flags:
        """Bool [labelled]: whether another answer has a probability of at least 0.9."""
        contradicted: Flags = (self.level > 0) & (self.probabilities.sure >= _CONTRADICTED)
        return contradicted if self.judged is None else contradicted & self.judged

    @property
    def by_level(self) -> Ints:
        """int64 [levels]: contradicted labels by the first level at which they differ."""
        level = self.level[self.contradicted]
        return np.bincount(level, minlength=self.catalog.tree.depth + 1)[1:].astype(np.int64)

    @property
    def _not_judged(self) -> int:
        return 0 if self.judged is None else int((~self.judged).sum())

    def problems(self, most: int | None = None) -> list[LabelProblem]:
        """The most suspicious labels.

        Args:
            most: The largest number of labels; by default the number of contradicted labels.
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
        """The numbers and the most suspicious labels as lines of text."""
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

    def table(self) -> "pa.Table":
        """One row for each label that differs from the answer or from that of a near duplicate.

        Returns:
            The columns rank, row (in the source), title, label, suggestion, probability (of the
            label), suggested (probability of the suggestion), suspicion, level, and conflict (the
            number of the group of near duplicates with different labels).
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
        yield "contradicted", f"{contradicted:,}", "another category has at least 90 %"
        yield "not checked", f"{self._not_judged:,}", "alone in their category"
        yield "conflicts", f"{conflicts:,}", "near duplicates with different labels"
        if self.leaks is not None:
            yield "leaks", f"{self.leaks.leaked:,}", f"of {self.leaks.held_out:,} held-out titles"

    def html(self) -> str:
        """One HTML file with everything in it."""
        page = Page(
            "Labels that are probably wrong",
            "Each label is checked by a model that was not trained on it. The most suspicious "
            "labels come first, a wrong department before a wrong sibling category.",
        )
        page.section("Results")
        page.numbers(self._headlines())
        add_levels(page, self.by_level)
        problems = self.problems(MOST_ROWS)
        add_problems(page, problems, [int(self.catalog.rows[problem.row]) for problem in problems])
        if self.leaks is not None and self.leaks.examples:
            add_leaks(page, self.leaks)
        if self.conflicts:
            add_conflicts(page, self.conflicts)
        return page.html()
