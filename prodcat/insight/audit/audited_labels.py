"""The labels of an audit with their probabilities, and which of them are suspicious."""

from dataclasses import dataclass

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.splits import LeakAudit
from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.insight.audit.out_of_fold import OutOfFold
from prodcat.insight.audit.problems import Conflict, LabelProblem

_CONTRADICTED = 0.9  # the smallest probability of an answer that clearly contradicts the label


@dataclass(frozen=True, eq=False, repr=False)
class AuditedLabels:
    """Labels, and the probabilities of models that were not trained on them.

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
        id_column: Name of the kept column that identifies the rows, such as an article number;
            empty if none was named.
        language: The language of the page.
    """

    catalog: Catalog
    rows: Ints
    probabilities: OutOfFold
    suspicion: Floats
    level: Ints
    conflicts: tuple[Conflict, ...]
    leaks: LeakAudit | None = None
    judged: Flags | None = None
    id_column: str = ""
    language: str = "en"

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
    def checked(self) -> Flags:
        """Bool [labelled]: whether a model that learned the label's category checked the label."""
        return np.ones(len(self.rows), np.bool_) if self.judged is None else self.judged

    @property
    def not_checked(self) -> int:
        """Number of labels that could not be checked, as they are alone in their category."""
        return int((~self.checked).sum())

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

    @property
    def conflict_of_row(self) -> dict[int, int]:
        """The number of the group of near duplicates with different labels, by row."""
        conflicts = enumerate(self.conflicts)
        return {row: number for number, conflict in conflicts for row in conflict.rows}

    @property
    def suspicious(self) -> Ints:
        """int64 [suspicious]: positions in ``rows`` of the rows of :meth:`table`, in its order."""
        conflicts = np.array(list(self.conflict_of_row), np.int64)
        ranked = self.ranked
        kept: Ints = ranked[(self.level[ranked] > 0) | np.isin(self.rows[ranked], conflicts)]
        return kept
