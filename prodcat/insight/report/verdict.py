"""What an evaluation says, in sentences."""

from collections.abc import Iterator, Sequence

from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.page_table import number_of, shown
from prodcat.insight.report.categories import CategoryFigures

_PARTS = (2, 3, 4, 5, 10)
_TOLERANCE = 0.025
_ALLOWED_ERRORS = 0.05  # of the answers that need no check
_FEWEST_SHARE = 0.05  # of titles; a smaller part that needs no check is not worth a sentence


def in_words(share: float) -> str:
    """A share as people say it.

    >>> in_words(0.794), in_words(0.93), in_words(0.999), in_words(1.0), in_words(0.0)
    ('about 4 in 5', 'about 93 in 100', 'more than 99 in 100', 'all', 'none')
    """
    if share in (0.0, 1.0):
        return "all" if share else "none"
    for whole in _PARTS:
        part = round(share * whole)
        if 0 < part < whole and abs(part / whole - share) <= _TOLERANCE:
            return f"about {part} in {whole}"
    if share > 0.99:
        return "more than 99 in 100"
    return f"about {round(100 * share)} in 100" if share >= 0.01 else "fewer than 1 in 100"


def verdict(evaluation: Evaluation, checks: Sequence[CategoryFigures]) -> str:
    """The verdict on a classifier in one sentence.

    Args:
        evaluation: The evaluation.
        checks: The categories that are to be checked first.
    """
    words = in_words(evaluation.path_accuracy)
    right = f"{words[0].upper()}{words[1:]} answers are right"
    if not checks:
        return f"{right}."
    these = "this category" if len(checks) == 1 else f"these {len(checks)} categories"
    return f"{right}; check {these} first."


def details(
    evaluation: Evaluation, checks: Sequence[CategoryFigures], *, has_weights: bool
) -> Iterator[str]:
    """The sentences below the verdict.

    Args:
        evaluation: The evaluation.
        checks: The categories that are to be checked first.
        has_weights: Whether a wrong answer costs more for some titles than for others.
    """
    accuracy, rows = evaluation.path_accuracy, evaluation.rows
    sentence = (
        f"{round(accuracy * rows):,} of {number_of(rows, 'title')} ({shown('share', accuracy)}) "
        "got exactly the category of their label."
    )
    interval = evaluation.intervals.get("path_accuracy")
    if interval is not None:
        ends = shown("interval", (interval.low, interval.high))
        sentence += f" On further titles of this kind, expect {ends} (95 % interval)."
    yield sentence
    if checks:
        share = sum(category.share for category in checks)
        held = "the cost of all wrong answers" if has_weights else "all wrong answers"
        start = "This category holds" if len(checks) == 1 else f"The {len(checks)} categories hold"
        yield f"{start} {shown('share', share)} of {held}."
    if accuracy < 1 and len(evaluation.levels) > 1:
        first = evaluation.levels[0].accuracy
        yield (
            f"The department is right for {shown('share', first)}: {_how_far(first, accuracy)} "
            "wrong answers stay in the right department."
        )
    yield from _unseen(evaluation)


def _how_far(first: float, accuracy: float) -> str:
    words = in_words(min(1.0, max(0.0, (first - accuracy) / (1 - accuracy))))
    return words if words in ("all", "none") else f"{words} of the"


def _unseen(evaluation: Evaluation) -> Iterator[str]:
    """How many answers may be used without a check."""
    safe = [point for point in evaluation.risk_coverage if point[1] <= _ALLOWED_ERRORS]
    if not safe or evaluation.path_accuracy >= 1 - _ALLOWED_ERRORS:
        return
    share, error, confidence = max(safe)
    if share >= _FEWEST_SHARE:
        yield (
            f"The surest {shown('share', share)} of the answers (confidence of at least "
            f"{shown('share', confidence)}) are right in {shown('share', 1 - error)}: these need "
            "no check one by one."
        )
