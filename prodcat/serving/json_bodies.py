"""Parse titles from JSON and write answers as JSON: one document, or a document per line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.answer_settings import SETTINGS, read_settings
from prodcat.serving.query import Query
from prodcat.serving.refusal import Refusal, answer_too_large, shown
from prodcat.serving.settings import Limits
from prodcat.storage.document import count_values
from prodcat.storage.tables import MOST_LETTERS

_VALUES = 64  # maximum number of JSON values in a document, for each title that a request may have
_MOST_DIGITS = 1_000
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_CONTAINERS = ("instances", "inputs")  # keys of an object that may contain the titles


def read_json(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    """Parse ``["title", …]``, ``{"instances": …}``, ``{"inputs": …}`` or a single title.

    Args:
        body: The bytes of the request's body.
        known: The names of further columns that the model uses.
        limits: The maximum size of a request.

    Raises:
        Refusal: With status 400 if the body is something else or has wrong options, or 413 if it
            has too many values.
    """
    content = _parsed(body, "The body", limits)
    settings, form = AnswerOptions(), "list"
    if isinstance(content, dict):
        content, settings, form = _unwrapped(content)
    if isinstance(content, (str, dict)):
        if form == "instances":
            raise Refusal(400, f"instances is {shown(content)}; expected a list of titles.")
        content, form = [content], "one"
    if not isinstance(content, list):
        raise Refusal(400, f"The body is {shown(content)}; expected a list of titles.")
    columns, errors = _columns(content, known)
    if errors:
        row = min(errors)
        raise Refusal(400, f"Title {row}: {errors[row]}")
    return Query(columns, settings=settings, form=form)


def read_lines(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    """Parse lines of JSON, each with a title; a line that is not valid gives its row an error.

    Args:
        body: The bytes of the request's body.
        known: The names of further columns that the model uses.
        limits: The maximum size of a request.

    Raises:
        Refusal: With status 413 if there are too many lines.
    """
    lines = body.removesuffix(b"\n").split(b"\n")
    if len(lines) > limits.titles:
        raise Refusal(
            413,
            f"Found {len(lines):,} lines; expected at most {limits.titles:,} in one request. Send "
            "several requests.",
        )
    titles: list[Any] = []
    unreadable: dict[int, str] = {}
    for row, line in enumerate(lines):
        try:
            titles.append(_parsed(line.strip(), "The line", limits))
        except Refusal as refusal:
            titles.append("")
            unreadable[row] = refusal.reason
    columns, errors = _columns(titles, known)
    return Query(columns, {**errors, **unreadable}, form="lines")


def write_json(records: Iterable[Mapping[str, Any]], form: str, most: int) -> bytes:
    """Write answers as one JSON document, with the same layout as the request.

    Args:
        records: The answer to each title.
        form: The layout; see the attribute ``form`` of :class:`Query`.
        most: Maximum size of the document, in bytes.

    Raises:
        Refusal: With status 413 if the document would be larger.
    """
    answers = b",".join(_written(records, most))
    if form == "one":
        return answers
    return b'{"predictions":[' + answers + b"]}" if form == "instances" else b"[" + answers + b"]"


def write_lines(records: Iterable[Mapping[str, Any]], most: int) -> bytes:
    """Write answers as lines of JSON.

    Args:
        records: The answer to each title.
        most: Maximum size of all lines together, in bytes.

    Raises:
        Refusal: With status 413 if the lines would be larger.
    """
    return b"".join(answer + b"\n" for answer in _written(records, most))


def _written(records: Iterable[Mapping[str, Any]], most: int) -> list[bytes]:
    """Each answer as JSON; the objects are made one at a time, as they take much memory."""
    answers, size = [], 0
    for record in records:
        answers.append(_ENCODER.encode(record).encode("utf-8", "replace"))
        size += len(answers[-1])
        if size > most:
            raise answer_too_large(most)
    return answers


def _parsed(text: bytes, what: str, limits: Limits) -> Any:
    if count_values(text) > _VALUES * limits.titles:
        raise Refusal(
            413, f"{what} has too many JSON values; expected titles. Send several requests."
        )
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=_whole_number)
    except RecursionError as error:
        raise Refusal(400, f"{what} is nested too deeply; expected titles.") from error
    except UnicodeDecodeError as error:
        raise Refusal(400, f"{what} is not valid UTF-8: {error}.") from error
    except ValueError as error:
        raise Refusal(400, f"{what} is not valid JSON: {error}.") from error


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits; expected at most {_MOST_DIGITS:,}")
    return int(digits)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")


def _unwrapped(content: dict[str, Any]) -> tuple[Any, AnswerOptions, str]:
    """The titles in an object, the options in it, and the layout of the answers."""
    titles = {name: content.pop(name) for name in _CONTAINERS if name in content}
    parameters = content.pop("parameters", {})
    if not isinstance(parameters, dict):
        raise Refusal(400, f"parameters is {shown(parameters)}; expected an object.")
    if len(titles) != 1 and not (not titles and "title" in content):
        raise Refusal(
            400,
            'Expected {"instances": [titles]}, {"inputs": titles} or a list; found an '
            f"object with {shown(sorted(content))}.",
        )
    given = {name: content.pop(name) for name in SETTINGS if name in content}
    settings = read_settings({**given, **parameters})
    if not titles:  # the object itself is a title
        return content, settings, "list"
    if content:
        name = next(iter(content))
        raise Refusal(
            400,
            f"The key {name!r} is not known; expected one of {list(SETTINGS)} next to the titles.",
        )
    [(container, wrapped)] = titles.items()
    return wrapped, settings, "instances" if container == "instances" else "list"


def _columns(
    titles: Sequence[Any], known: Sequence[str]
) -> tuple[dict[str, list[Any]], dict[int, str]]:
    """The values of each column by column name, and the error messages by row number."""
    columns: dict[str, list[Any]] = {"title": []}
    errors: dict[int, str] = {}
    for row, title in enumerate(titles):
        values, error = _texts(title, known)
        if error is not None:
            errors[row] = error
        for name in values:
            columns.setdefault(name, [None] * row)
        for name, column in columns.items():
            column.append(values.get(name))
    return columns, errors


def _texts(title: Any, known: Sequence[str]) -> tuple[dict[str, Any], str | None]:
    """The texts of one title by column, or an error."""
    values = {"title": title} if isinstance(title, str) else title
    if not isinstance(values, dict):
        return {}, f"found {shown(title)}; expected a text, or an object with the key title."
    if "title" not in values:
        return {}, f"found an object with the keys {shown(sorted(values))}; expected a title."
    for name, value in values.items():
        if name != "title" and name not in known:
            expected = ", ".join(map(repr, ("title", *known)))
            return {}, f"The key {shown(name)} is not read by this model; expected only {expected}."
        if value is not None and not isinstance(value, str):
            return {}, f"{name} is {shown(value)}; expected a text."
        if value is not None and len(value) > MOST_LETTERS:
            return {}, f"{name} has {len(value):,} letters; expected at most {MOST_LETTERS:,}."
    return values, None
