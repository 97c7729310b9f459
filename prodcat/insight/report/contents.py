"""The contents of a report, whatever its language: what was counted and which answers are wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prodcat.evaluation.comparison import Comparison
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.insight.arrays import Floats
from prodcat.insight.report.categories import (
    CategoryFigures,
    departments,
    to_check,
    worst_categories,
)
from prodcat.insight.report.examples import Example
from prodcat.insight.report.figures import NodeFigures, node_figures
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False)
class Contents:
    """The contents of a report.

    Attributes:
        name: Name of the classifier that was evaluated; empty if it has none.
        evaluation: The evaluation.
        taxonomy: The tree of the labels and answers.
        comparison: Differences from the classifier in production, or None.
        examples: Examples of wrong answers; empty without titles or if individual rows are not
            known.
        weights: float64 [rows]: what a wrong answer to each row costs; None if all cost the same.
        has_reasons: Whether the classifier was asked why the answers of the examples are wrong.
        has_neighbours: Whether similar labelled titles were searched for the examples.
    """

    name: str
    evaluation: Evaluation
    taxonomy: Taxonomy
    comparison: Comparison | None
    examples: Sequence[Example]
    weights: Floats | None = None
    has_reasons: bool = False
    has_neighbours: bool = False

    @cached_property
    def figures(self) -> NodeFigures | None:
        """Rows and correct answers of each node; None if individual rows are not known."""
        judged = self.evaluation.judged
        return None if judged is None else node_figures(judged, len(self.taxonomy))

    @cached_property
    def departments(self) -> Sequence[CategoryFigures]:
        """The departments, the costliest first; empty if individual rows are not known."""
        judged = self.evaluation.judged
        return [] if judged is None else departments(judged, self.taxonomy, self._cost(judged))

    @cached_property
    def worst(self) -> Sequence[CategoryFigures]:
        """The categories with the costliest wrong answers; empty without individual rows."""
        judged = self.evaluation.judged
        return [] if judged is None else worst_categories(judged, self.taxonomy, self._cost(judged))

    @property
    def checks(self) -> Sequence[CategoryFigures]:
        """The categories that are to be checked first."""
        return to_check(self.worst)

    @property
    def has_weights(self) -> bool:
        """Whether a wrong answer costs more for some titles than for others."""
        return self.weights is not None

    def _cost(self, judged: JudgedRows) -> Floats:
        return np.ones(len(judged)) if self.weights is None else self.weights
