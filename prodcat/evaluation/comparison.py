"""Compares the answers of two classifiers for the same rows."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from prodcat.errors import CatalogError
from prodcat.evaluation.intervals import Interval, difference_intervals
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.evaluation.metric_names import is_loss, metric_name
from prodcat.taxonomy.notebook import MOST_ROWS, Framed, NotebookTable, notebook_html


@dataclass(frozen=True)
class Comparison(Framed):
    """The differences between two evaluations of the same rows.

    Attributes:
        rows: The number of rows.
        differences: For each metric by name, the first evaluation minus the second, with its 95 %
            interval from paired bootstrap resamples of the rows.
    """

    rows: int
    differences: Mapping[str, Interval]

    def verdict(self, name: str) -> str:
        """Whether the first evaluation is better in a metric.

        Args:
            name: The name of a metric in ``differences``.

        Returns:
            ``"better"`` or ``"worse"``, or ``"even"`` if the interval contains 0.

        Raises:
            KeyError: There is no difference for this metric.
        """
        difference = self.differences[name]
        if difference.low <= 0 <= difference.high:
            return "even"
        return "better" if (difference.value < 0) == is_loss(name) else "worse"

    def to_dict(self) -> dict[str, Any]:
        """The comparison as values for JSON, with the verdict for each metric."""
        return {
            "rows": self.rows,
            "differences": {
                name: {**asdict(difference), "verdict": self.verdict(name)}
                for name, difference in self.differences.items()
            },
        }

    def to_json(self) -> str:
        """The comparison as a JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    def __str__(self) -> str:
        """The comparison as a text table for people."""
        width = max(32, *(len(metric_name(name)) + 2 for name in self.differences))
        head = f"difference on {self.rows:,} rows"
        lines = [f"{head:<{width}}{'95 % interval':>29}"]
        for name, difference in self.differences.items():
            lines.append(f"{metric_name(name):<{width}}{difference}  {self.verdict(name)}")
        return "\n".join(lines)

    def _columns(self) -> Mapping[str, Any]:
        differences = self.differences.values()
        return {
            "metric": list(self.differences),
            "difference": [difference.value for difference in differences],
            "low": [difference.low for difference in differences],
            "high": [difference.high for difference in differences],
            "verdict": [self.verdict(name) for name in self.differences],
        }

    def _repr_html_(self) -> str:
        rows = [
            (metric_name(name), f"{each.value:+.4f}", f"[{each.low:+.4f}, {each.high:+.4f}]",
             self.verdict(name))
            for name, each in self.differences.items()
        ]  # fmt: skip
        numbers = [f"{self.rows:,} rows"]
        if "path_accuracy" in self.differences:
            accuracy = self.differences["path_accuracy"]
            numbers.append(f"path accuracy {accuracy}, {self.verdict('path_accuracy')}")
        header = ("metric", "difference", "95 % interval", "verdict")
        more = NotebookTable(header, rows[MOST_ROWS:], "further metrics", most=99, is_folded=True)
        return notebook_html("Comparison", numbers, NotebookTable(header, rows[:MOST_ROWS]), more)


def compare_rows(ours: JudgedRows, theirs: JudgedRows) -> Comparison:
    """Compute the differences between the metrics of two sets of answers, ours minus theirs.

    Args:
        ours: The first set of answers.
        theirs: The second set of answers, to the same rows in the same order.

    Raises:
        CatalogError: The trees, the numbers of rows or the labels differ.
    """
    same_tree = ours.tree_hash == theirs.tree_hash
    if not same_tree or not np.array_equal(ours.targets, theirs.targets):
        raise CatalogError(
            f"The two evaluations of {len(ours):,} and {len(theirs):,} rows differ in their "
            "labels or trees; a paired comparison needs the same rows in the same order. Evaluate "
            "both on one catalog."
        )
    return Comparison(rows=len(ours), differences=difference_intervals(ours, theirs))
