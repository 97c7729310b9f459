"""What an audit of labels tells, as a page, a table and a text."""

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
    add_headlines,
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

_SURE = 0.9
_MOST_LINES = 10  # of labels in the text


@dataclass(frozen=True, eq=False)
class Audit(Shown):
    """What an audit of labels tells.

    Attributes:
        catalog: Titles with their categories.
        rows: int64 [labelled]: positions of the labelled rows in the catalog.
        probabilities: What is known of each labelled row from a model that has not seen it.
        suspicion: float64 [labelled]: what speaks against the label; what rows are ranked by.
        level: int64 [labelled]: where label and suggestion part, 1 for the top; 0 where they
            do not.
        conflicts: Near duplicates with different labels.
        leaks: Held-out titles that are in the catalog, where such titles were given.
        judged: Bool [labelled]: whether the other parts have the row's category, without which
            nothing can be said of its label; None for all.
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
        """int64 [labelled]: places in ``rows``, the worst first."""
        last = np.zeros(len(self.rows), bool) if self.judged is None else ~self.judged
        order: Ints = np.lexsort((self.rows, -self.suspicion, last))
        return order

    @property
    def contradicted(self) -> Flags:
        """Bool [labelled]: whether another answer has a probability of at least 0.9."""
        contradicted: Flags = (self.level > 0) & (self.probabilities.sure >= _SURE)
        return contradicted if self.judged is None else contradicted & self.judged

    @property
    def by_level(self) -> Ints:
        """int64 [levels]: contradicted labels by the level at which they part from the answer."""
        level = self.level[self.contradicted]
        return np.bincount(level, minlength=self.catalog.tree.depth + 1)[1:].astype(np.int64)

    @property
    def _not_judged(self) -> int:
        return 0 if self.judged is None else int((~self.judged).sum())

    def problems(self, most: int | None = None) -> list[LabelProblem]:
        """The worst labels.

        Args:
            most: At most so many; as many as are contradicted if not given.
        """
        most = int(self.contradicted.sum()) if most is None else most
        problems: list[LabelProblem] = []
        for place in self.ranked.tolist():
            if len(problems) >= most:
                break
            if not self.level[place]:  # the answer is the label
                continue
            if self.judged is not None and not self.judged[place]:
                break
            problems.append(self._problem(place))
        return problems

    def _problem(self, place: int) -> LabelProblem:
        tree, row = self.catalog.tree, int(self.rows[place])
        return LabelProblem(
            row=row,
            title=self.catalog.titles[row],
            label=tree.paths[int(self.catalog.targets[row])],
            suggestion=tree.paths[int(self.probabilities.best[place])],
            probability=float(self.probabilities.levels[place, -1]),
            suggested=float(self.probabilities.sure[place]),
            level=int(self.level[place]),
        )

    def __str__(self) -> str:
        """What the audit tells, for people."""
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
                f"{self._not_judged:,} labels are alone in their category and cannot be judged"
            )
        if self.leaks is not None:
            lines.append(
                f"{self.leaks.leaked:,} of {self.leaks.held_out:,} held-out titles have a near "
                "duplicate here"
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
        """One row for each label that differs from the answer, the worst first.

        Returns:
            The columns rank, row (in the source), title, label, suggestion, probability (of the
            label), suggested (that of the suggestion), suspicion, level, and conflict (the number
            of its group of near duplicates with different labels).
        """
        import pyarrow as pa

        group = {
            row: number for number, conflict in enumerate(self.conflicts) for row in conflict.rows
        }
        tree, catalog = self.catalog.tree, self.catalog
        places = [
            place
            for place in self.ranked.tolist()
            if self.level[place] or int(self.rows[place]) in group
        ]
        rows = [int(self.rows[place]) for place in places]
        return pa.table(
            {
                "rank": list(range(1, len(places) + 1)),
                "row": [int(catalog.rows[row]) for row in rows],
                "title": [readable(catalog.titles[row]) for row in rows],
                "label": [join_path(tree.paths[int(catalog.targets[row])]) for row in rows],
                "suggestion": [
                    join_path(tree.paths[int(self.probabilities.best[place])]) for place in places
                ],
                "probability": self.probabilities.levels[places, -1],
                "suggested": self.probabilities.sure[places],
                "suspicion": self.suspicion[places],
                "level": self.level[places],
                "conflict": pa.array([group.get(row) for row in rows], pa.int64()),
            }
        )

    def html(self) -> str:
        """One HTML file with everything in it."""
        page = Page(
            "Labels that are probably wrong",
            "By models that have not seen the row, what most speaks against first; a wrong "
            "department before a wrong sibling of which as much is known.",
        )
        add_headlines(
            page,
            labels=len(self.rows),
            contradicted=int(self.contradicted.sum()),
            not_judged=self._not_judged,
            conflicts=len(self.conflicts),
            leaks=self.leaks,
        )
        add_levels(page, self.by_level)
        problems = self.problems(MOST_ROWS)
        add_problems(page, problems, [int(self.catalog.rows[one.row]) for one in problems])
        if self.leaks is not None and self.leaks.examples:
            add_leaks(page, self.leaks)
        if self.conflicts:
            add_conflicts(page, self.conflicts)
        return page.html()
