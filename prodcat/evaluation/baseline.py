"""The results of a baseline, for comparison with a classifier's on the same rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prodcat.errors import ArtifactError, ConfigError, check_range, check_whole
from prodcat.evaluation.intervals import Interval
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html


@dataclass(frozen=True)
class Baseline(Framed):
    """The results of TF-IDF and a linear support vector machine, with scikit-learn's defaults.

    The baseline learned the titles that the classifier learned when it was evaluated.

    Attributes:
        rows: The number of rows that both answered: all rows of the evaluation, or those of one
            fold.
        path_accuracy: Share of these rows, 0 to 1, whose whole path the baseline has right.
        level_accuracy: Share of these rows that the baseline has right at each level, coarsest
            first.
        classifier_accuracy: Share of these rows whose whole path the classifier has right.
        difference: The classifier's path accuracy minus the baseline's, with its 95 % interval
            from paired bootstrap resamples of the rows.
    """

    rows: int
    path_accuracy: float
    level_accuracy: tuple[float, ...]
    classifier_accuracy: float
    difference: Interval

    @property
    def is_better(self) -> bool:
        """Whether the baseline is better than the classifier by more than chance."""
        return self.difference.high < 0

    def summary(self) -> list[tuple[str, str, str]]:
        """The lines of a table, for the path and for each level: a name, a value and a remark."""
        remark = f"the classifier is {self.difference} on these {self.rows:,} rows"
        lines = [("path accuracy of TF-IDF and SVM", f"{self.path_accuracy:.4f}", remark)]
        for level, accuracy in enumerate(self.level_accuracy, start=1):
            lines.append((f"  at level {level}", f"{accuracy:.4f}", ""))
        return lines

    def _columns(self) -> Mapping[str, Any]:
        return {
            "level": list(range(1, len(self.level_accuracy) + 1)),
            "accuracy": list(self.level_accuracy),
        }

    def _repr_html_(self) -> str:
        numbers = [
            f"{self.rows:,} rows",
            f"path accuracy {self.path_accuracy:.1%}",
            f"the classifier's {self.classifier_accuracy:.1%}, a difference of {self.difference}",
        ]
        levels = [
            (str(level), f"{accuracy:.4f}")
            for level, accuracy in enumerate(self.level_accuracy, start=1)
        ]
        table = NotebookTable(("level", "accuracy"), levels)
        return notebook_html("Baseline: TF-IDF and a linear SVM", numbers, table)

    def to_dict(self) -> dict[str, Any]:
        """The attributes by name, as values that JSON can represent."""
        return {**asdict(self), "level_accuracy": list(self.level_accuracy)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Baseline":
        """Make it from the result of :meth:`to_dict`.

        Raises:
            ArtifactError: The values are not as :meth:`to_dict` makes them.
        """
        try:
            difference = Interval(**values["difference"])
            levels = tuple(values["level_accuracy"])
            baseline = cls(**{**values, "level_accuracy": levels, "difference": difference})
            check_whole("rows", baseline.rows, 1)
            shares = (baseline.path_accuracy, baseline.classifier_accuracy, *levels)
            for share in shares:
                check_range("accuracy", share, 0, 1)
            for end in (difference.value, difference.low, difference.high):
                check_range("difference", end, -1, 1)
        except (KeyError, TypeError, ConfigError) as error:
            raise ArtifactError(
                f"The baseline of an evaluation is not as prodcat writes it: {error}. Save the "
                "classifier again."
            ) from error
        return baseline
