"""Titles and answers as JSON: one document, or a document in each line."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.answer_settings import SETTINGS, read_settings
from prodcat.serving.query import MOST_LETTERS, Query
from prodcat.serving.refusal import Refusal, shown
from prodcat.serving.settings import Limits
from prodcat.storage.document import count_values

_VALUES = 64  # most values in a document, for each title that a request may have
_CONTAINERS = ("instances", "inputs")  # names under which an object may hold the titles


def read_json(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    """Read ``["title", …]``, ``{"instances": …}``, ``{"inputs": …}`` or a single title.

    Args:
        body: The bytes of the body.
        known: Names of further columns that the model can read.
        limits: The limits of a request.

    Raises:
        Refusal: The body holds something else, or is too large.
    """
    content = _parsed(body, "The body", limits)
    settings, form = AnswerOptions(), "list"
    if isinstance(content, dict):
        content, settings, form = _unwrapped(content)
    if isinstance(content, (str, dict)):
        if form == "instances":
            raise Refusal(400, f"instances is {shown(content)}; expected a list.")
        content, form = [content], "one"
    if not isinstance(content, list):
        raise Refusal(400, f"Found {shown(content)}; expected a list of titles.")
    columns, errors = _columns(content, known)
    if errors:
        row = min(errors)
        raise Refusal(400, f"Title {row}: {errors[row]}")
    return Query(columns, settings=settings, form=form)


def read_lines(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    """Read lines of JSON, each with a title; a faulty line becomes an error of its row.

    Args:
        body: The bytes of the body.
        known: Names of further columns that the model can read.
        limits: The limits of a request.

    Raises:
        Refusal: There are too many lines.
    """
    lines = body.removesuffix(b"\n").split(b"\n")
    if len(lines) > limits.titles:
        raise Refusal(
            413,
            f"Found {len(lines):,} lines; expected at most {limits.titles:,} in one request. Send "
            "several.",
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


def write_json(records: Sequence[Mapping[str, Any]], form: str) -> bytes:
    """Write answers as one document, laid out as the titles were.

    Args:
        records: The answer to each title.
        form: The layout; see :class:`Query`.
    """
    if form == "one":
        return _dumps(records[0])
    return _dumps({"predictions": records} if form == "instances" else list(records))


def write_lines(records: Sequence[Mapping[str, Any]]) -> bytes:
    """Write answers as lines of JSON.

    Args:
        records: The answer to each title.
    """
    return b"".join(_dumps(record) + b"\n" for record in records)


def _dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _parsed(text: bytes, what: str, limits: Limits) -> Any:
    if count_values(text) > _VALUES * limits.titles:
        raise Refusal(413, f"{what} holds too many values; expected titles. Send several requests.")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise Refusal(400, f"{what} is nested too deep; expected titles.") from error
    except UnicodeDecodeError as error:
        raise Refusal(400, f"{what} is not valid UTF-8: {error}.") from error
    except ValueError as error:
        raise Refusal(400, f"{what} is not valid JSON: {error}.") from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")


def _unwrapped(content: dict[str, Any]) -> tuple[Any, AnswerOptions, str]:
    """The titles of an object, the settings in it, and the form of the answers."""
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
    if not titles:  # the object is a title itself
        return content, settings, "list"
    if content:
        name = next(iter(content))
        raise Refusal(
            400, f"{name!r} is not known; expected one of {list(SETTINGS)} next to the titles."
        )
    [(container, wrapped)] = titles.items()
    return wrapped, settings, "instances" if container == "instances" else "list"


def _columns(
    titles: Sequence[Any], known: Sequence[str]
) -> tuple[dict[str, list[Any]], dict[int, str]]:
    """The columns of titles or of objects with a title, and the errors by row."""
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
        return {}, f"found {shown(title)}; expected a text, or an object with a title."
    if "title" not in values:
        return {}, f"found an object with {shown(sorted(values))}; expected a title."
    for name, value in values.items():
        if name != "title" and name not in known:
            expected = ", ".join(map(repr, ("title", *known)))
            return {}, f"{shown(name)} is not read by this model; expected {expected}."
        if value is not None and not isinstance(value, str):
            return {}, f"{name} is {shown(value)}; expected a text."
        if value is not None and len(value) > MOST_LETTERS:
            return {}, f"{name} has {len(value):,} letters; expected at most {MOST_LETTERS:,}."
    return values, None
