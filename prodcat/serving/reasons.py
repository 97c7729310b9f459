"""The reasons for answers that a request asks for with ``"explain": true``.

An explanation takes some milliseconds for each title, and a second or more where the encoder reads
it many times on a slow machine.  So a request may ask for few, they are made in a thread of their
own, and a request that would wait too long for others is refused.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.explanation.explaining import Explainer
from prodcat.classifier.inference import take_cores
from prodcat.decisions.decider import Decider
from prodcat.decisions.options import AnswerOptions
from prodcat.serving.media_types import JSON, LINES
from prodcat.serving.refusal import Refusal, shown, too_late

EXPLAIN = "explain"  # the key of a request
MOST_EXPLAINED = 16  # titles of a request
MOST_LETTERS = 4_000  # of all titles of such a request, further columns included
_LETTER_BYTES = 40  # of an explanation for each letter of a title, at one level
_LEVEL_BYTES = 1_500  # of an explanation at one level


def read_explain(*objects: dict[str, Any]) -> bool:
    """Take ``"explain"`` out of the objects of a request that may have it.

    Raises:
        Refusal: With status 400 if it is neither true nor false.
    """
    asked = False
    for given in objects:
        value = given.pop(EXPLAIN, None)
        if value is not None and not isinstance(value, bool):
            raise Refusal(400, f"explain is {shown(value)}; expected true or false.")
        asked = asked or bool(value)
    return asked


def check_explained(titles: int) -> None:
    """Refuse a request for the reasons of too many answers.

    Raises:
        Refusal: With status 413.
    """
    if titles > MOST_EXPLAINED:
        raise Refusal(
            413,
            f"Found {titles:,} titles with explain; expected at most {MOST_EXPLAINED} in one "
            "request. Send several requests, or leave explain out.",
        )


def check_explained_letters(texts: Sequence[str]) -> None:
    """Refuse a request for the reasons of answers to titles that are too long.

    Raises:
        Refusal: With status 413.
    """
    letters = sum(map(len, texts))
    if letters > MOST_LETTERS:
        raise Refusal(
            413,
            f"Found {letters:,} letters in titles with explain; expected at most {MOST_LETTERS:,} "
            "in one request. Send several requests, or leave explain out.",
        )


def check_kind(kind: str) -> None:
    """Refuse an answer with reasons in a media type that has no place for them.

    Raises:
        Refusal: With status 406.
    """
    if kind not in (JSON, LINES):
        raise Refusal(
            406, f"Reasons are written as {JSON} or {LINES}; found Accept: {kind}. Ask for these."
        )


def estimated_bytes(classifier: Classifier, texts: Sequence[str]) -> int:
    """The approximate size of the reasons for answers to texts, in bytes."""
    depth = classifier.taxonomy.depth
    return depth * sum(_LEVEL_BYTES + _LETTER_BYTES * len(text) for text in texts)


def explained(
    classifier: Classifier,
    options: AnswerOptions,
    decide: Decider,
    texts: Sequence[str],
    groups: Sequence[str] | None,
    stopped: Callable[[], bool] = bool,
    until: float = float("inf"),
) -> list[dict[str, Any]]:
    """Explain the answers to texts, one after the other, in the calling thread.

    Args:
        classifier: The classifier.
        options: The options of the answers, with the precision of the encoder.
        decide: The decider for these options.
        texts: The texts of the titles.
        groups: The group of each title, or None.
        stopped: Is called before each title; once it returns true, no further title is explained.
        until: The time on the monotonic clock after which no further title is explained.

    Returns:
        The reasons for each answer, as values of JSON.

    Raises:
        Refusal: With status 503 if it was stopped, or too late.
    """
    explainer = Explainer(classifier.reader, decide, options)
    made: list[dict[str, Any]] = []
    for row, text in enumerate(texts):
        if stopped() or time.monotonic() > until:
            raise too_late()
        [explanation] = explainer([text], None if groups is None else [groups[row]])
        made.append(explanation.to_json())
    return made


def on_one_core(call: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Explain on one core, so that the thread that answers others keeps the rest."""
    take_cores(1)
    return call()


def with_reasons(
    records: Iterable[Mapping[str, Any]], reasons: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Add to the JSON object of each answer the reasons for it; an error has none.

    Args:
        records: The answers, as of :meth:`AnswerRecords.records`.
        reasons: The reasons for each.
    """
    for record, reason in zip(records, reasons, strict=True):
        yield {**record, **({} if "error" in record else {"explanation": reason})}


def options_of(settings: AnswerOptions, precision: str) -> AnswerOptions:
    """The options by which the answers of a server are made.

    Args:
        settings: The options of a request.
        precision: The precision of the encoder that the server was started with.
    """
    return replace(settings, precision=precision)
