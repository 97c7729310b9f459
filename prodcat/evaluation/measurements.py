"""The parts of an evaluation that tables, plots and notebooks show."""

from collections.abc import Mapping
from typing import Protocol

from prodcat.evaluation.baseline import Baseline
from prodcat.evaluation.confusions import ConfusionGroup
from prodcat.evaluation.intervals import Interval
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.evaluation.levels import LevelResult


class Measurements(Protocol):
    """The parts of an evaluation that are shown; :class:`prodcat.Evaluation` describes them."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    @property
    def path_accuracy(self) -> float:
        """Share of rows whose answer is right at every level."""

    @property
    def levels(self) -> tuple[LevelResult, ...]:
        """The metrics of each level."""

    @property
    def answers_end_at_root(self) -> float:
        """Share of answers that are the root."""

    @property
    def inconsistent(self) -> float:
        """Share of answers that are not a path of the tree."""

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """The 95 % interval of every metric."""

    @property
    def confusions(self) -> tuple[tuple[str, str, int], ...]:
        """The most frequent mistakes."""

    @property
    def confusion_groups(self) -> tuple[ConfusionGroup, ...]:
        """All mistakes, by common ancestor."""

    @property
    def baseline(self) -> Baseline | None:
        """The results of a baseline."""

    @property
    def judged(self) -> JudgedRows | None:
        """The individual rows."""
