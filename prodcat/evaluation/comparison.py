"""Comparison of two sets of answers to the same rows."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from prodcat.errors import CatalogError
from prodcat.evaluation.intervals import Interval, difference_intervals
from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.evaluation.metric_names import is_loss, metric_name


@dataclass(frozen=True)
class Comparison:
    """The differences of two evaluations of the same rows.

    Attributes:
        rows: The number of rows.
        differences: The first evaluation minus the second, for each metric by name, with the
            95 % interval from paired bootstrap resamples of the rows.
    """

    rows: int
    differences: Mapping[str, Interval]

    def verdict(self, name: str) -> str:
        """``"better"`` or ``"worse"``, or ``"even"`` if the interval contains 0."""
        difference = self.differences[name]
        if difference.low <= 0 <= difference.high:
            return "even"
        return "better" if (difference.value < 0) == is_loss(name) else "worse"

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain values for JSON."""
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
        """The comparison as a table for people."""
        lines = [f"{'difference on ' + format(self.rows, ',') + ' rows':<32}{'95 % interval':>29}"]
        for name, difference in self.differences.items():
            lines.append(f"{metric_name(name):<32}{difference}  {self.verdict(name)}")
        return "\n".join(lines)


def compare_rows(ours: JudgedRows, theirs: JudgedRows) -> Comparison:
    """Subtract the metrics of one set of answers from those of another one.

    Args:
        ours: The first set of answers.
        theirs: The set that is subtracted.

    Raises:
        CatalogError: The rows are not the same.
    """
    same_tree = ours.tree_hash == theirs.tree_hash
    if not same_tree or not np.array_equal(ours.targets, theirs.targets):
        raise CatalogError(
            f"Found {len(ours):,} and {len(theirs):,} rows with different labels; a paired "
            "comparison needs the same rows of one tree in the same order. Evaluate both "
            "on one catalog."
        )
    return Comparison(rows=len(ours), differences=difference_intervals(ours, theirs))
