"""How good the answers are at one level of the tree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prodcat.evaluation.judged_rows import JudgedRows
from prodcat.evaluation.reliability import ReliabilityBin, reliability_bins

LEVEL_HEADER = ("level", "rows", "accuracy", "macro F1", "ECE", "Brier", "end here")


@dataclass(frozen=True)
class LevelResult:
    """One level, 1 = coarsest.

    Attributes:
        level: The number of the level.
        rows: Rows whose truth or answer reaches the level.
        accuracy: Share of rows that are right at this level; a level that is missing in
            both counts as right, and rows whose label says nothing of it do not count.
        macro_f1: Mean F1 of the level's nodes that occur as truth or answer.
        answers_end: Share of all answers that end at this level.
        ece: Expected calibration error of the answers that reach the level, in 15 equal
            bins; None without probabilities.
        brier: Mean square of confidence minus being right, of the same answers; or None.
        reliability: The bins of ``ece`` that hold rows.
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
    """The result of one level.

    Args:
        rows: The judged rows.
        values: Their metrics by name.
        level: The level, counted from 0.
        answers_end: Share of all answers that end at the level.
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
    """One row of cells for each level, under :data:`LEVEL_HEADER`."""

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
