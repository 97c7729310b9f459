"""What an evaluation says, in sentences."""

from collections.abc import Iterator, Sequence

from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.report.categories import CategoryFigures

_PARTS = (2, 3, 4, 5, 10)
_TOLERANCE = 0.025
_ALLOWED_ERRORS = 0.05  # of the answers that need no check
_FEWEST_SHARE = 0.05  # of titles; a smaller part that needs no check is not worth a sentence


def rough_share(share: float) -> tuple[str, int, int]:
    """A share as people say it: the ending of a text's key, a number, and of how many.

    >>> rough_share(0.794), rough_share(0.93), rough_share(0.2)
    (('about', 4, 5), ('about', 93, 100), ('about.one', 1, 5))
    >>> [rough_share(share)[0] for share in (0.999, 1.0, 0.0, 0.001)]
    ['most', 'all', 'none', 'least']
    """
    if share in (0.0, 1.0):
        return "all" if share else "none", 0, 0
    for whole in _PARTS:
        part = round(share * whole)
        if 0 < part < whole and abs(part / whole - share) <= _TOLERANCE:
            return "about.one" if part == 1 else "about", part, whole
    if share > 0.99:
        return "most", 99, 100
    part = round(100 * share)
    if share < 0.01:
        return "least", 1, 100
    return "about.one" if part == 1 else "about", part, 100


def verdict(
    evaluation: Evaluation, checks: Sequence[CategoryFigures], language: PageLanguage
) -> str:
    """The verdict on a classifier in one sentence.

    Args:
        evaluation: The evaluation.
        checks: The categories that are to be checked first.
        language: The language of the sentence.
    """
    right = _in_words(language, "report.right", evaluation.path_accuracy)
    if not checks:
        return f"{right}."
    return language.counted("report.check", len(checks), right=right)


def _in_words(language: PageLanguage, key: str, of_all: float, **values: str) -> str:
    """The text about a share that people say, such as "about 4 in 5"."""
    ending, part, whole = rough_share(of_all)
    return language(f"{key}.{ending}", part=str(part), whole=str(whole), **values)


def details(
    evaluation: Evaluation,
    checks: Sequence[CategoryFigures],
    language: PageLanguage,
    *,
    has_weights: bool,
) -> Iterator[str]:
    """The sentences below the verdict.

    Args:
        evaluation: The evaluation.
        checks: The categories that are to be checked first.
        language: The language of the sentences.
        has_weights: Whether a wrong answer costs more for some titles than for others.
    """
    accuracy, rows = evaluation.path_accuracy, evaluation.rows
    right = language.number(round(accuracy * rows))
    share = language.shown("share", accuracy)
    sentence = language.counted("report.exact", rows, right=right, share=share)
    interval = evaluation.intervals.get("path_accuracy")
    if interval is not None:
        ends = language.shown("interval", (interval.low, interval.high))
        sentence += " " + language("report.expect", interval=ends)
    yield sentence
    if checks:
        held = language.shown("share", sum(category.share for category in checks))
        key = "report.held.cost" if has_weights else "report.held"
        yield language.counted(key, len(checks), share=held)
    if accuracy < 1 and len(evaluation.levels) > 1:
        first = evaluation.levels[0].accuracy
        near = min(1.0, max(0.0, (first - accuracy) / (1 - accuracy)))
        yield _in_words(language, "report.near", near, share=language.shown("share", first))
    yield from _unseen(evaluation, language)


def _unseen(evaluation: Evaluation, language: PageLanguage) -> Iterator[str]:
    """How many answers may be used without a check."""
    safe = [point for point in evaluation.risk_coverage if point[1] <= _ALLOWED_ERRORS]
    if not safe or evaluation.path_accuracy >= 1 - _ALLOWED_ERRORS:
        return
    share, error, confidence = max(safe)
    if share >= _FEWEST_SHARE:
        yield language(
            "report.sure",
            share=language.shown("share", share),
            confidence=language.shown("share", confidence),
            right=language.shown("share", 1 - error),
        )
