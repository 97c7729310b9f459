"""The metrics of the answers at individual levels of the tree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.evaluation.reliability import ReliabilityBin, reliability_bins

LEVEL_HEADER = (
    "level", "rows", "right (accuracy)", "macro F1", "off by (ECE)", "squared error (Brier)",
    "end here",
)  # fmt: skip


@dataclass(frozen=True)
class LevelResult:
    """The metrics of the answers at one level.

    Attributes:
        level: The number of the level, 1 for the coarsest.
        rows: The number of rows whose truth or answer reaches the level.
        accuracy: Share of rows that are right at this level.  If neither truth nor answer
            reaches the level, the row is right; rows whose label does not determine the
            level are left out.
        macro_f1: Mean F1 over the nodes of the level that occur as truth or answer.
        answers_end: Share of all answers whose path ends at this level.
        ece: Expected calibration error of the answers that reach the level, in 15 equal
            bins; None without probabilities.
        brier: Mean squared difference between confidence and correctness (0 or 1) of these
            answers; None without probabilities.
        reliability: The bins of ``ece`` that contain rows.
    """

    level: int
    rows: int
    accuracy: float
    macro_f1: float
    answers_end: float = 0.0
    ece: float | None = None
    brier: float | None = None
    reliability: tuple[ReliabilityBin, ...] = field(repr=False, default=())


def level_result(
    rows: JudgedRows, values: Mapping[str, float], level: int, answers_end: float
) -> LevelResult:
    """Collect the metrics of one level.

    Args:
        rows: The labels and answers.
        values: All metrics of these rows by name, with names such as ``level_1_accuracy``.
        level: The level, counted from 0.
        answers_end: The share of all answers that end at the level.
    """
    reach = rows.reach(level)
    reliability: tuple[ReliabilityBin, ...] = ()
    if rows.level_confidence is not None:
        reliability = reliability_bins(rows.level_confidence[reach, level], rows.same[reach, level])
    name = f"level_{level + 1}"
    return LevelResult(
        level=level + 1,
        rows=int(((rows.truth[:, level] >= 0) | (rows.answer[:, level] >= 0)).sum()),
        accuracy=values[f"{name}_accuracy"],
        macro_f1=values[f"{name}_macro_f1"],
        answers_end=answers_end,
        ece=values.get(f"{name}_ece"),
        brier=values.get(f"{name}_brier"),
        reliability=reliability,
    )


def level_table(levels: Sequence[LevelResult]) -> list[tuple[str, ...]]:
    """The table of all levels: for each level the texts in the columns of :data:`LEVEL_HEADER`."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    return [
        (
            str(result.level),
            f"{result.rows:,}",
            number(result.accuracy),
            number(result.macro_f1),
            number(result.ece),
            number(result.brier),
            f"{result.answers_end:.1%}",
        )
        for result in levels
    ]
