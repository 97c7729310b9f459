"""Parse titles from JSON and write answers as JSON: one document, or a document per line."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.answer_settings import SETTINGS, read_settings
from prodcat.serving.charsets import advice_for_other_file
from prodcat.serving.field_names import TITLE, FieldNames, field_names
from prodcat.serving.query import DEFAULT_SETTINGS, Query
from prodcat.serving.reasons import EXPLAIN, check_explained, read_explain
from prodcat.serving.refusal import Refusal, answer_too_large, shown
from prodcat.serving.settings import Limits
from prodcat.storage.document import count_values
from prodcat.storage.tables import MOST_LETTERS

_VALUES = 64  # maximum number of JSON values in a document, for each title that a request may have
_MOST_DIGITS = 1_000
_MOST_SHOWN = 80  # letters of a value in a message
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
    content, fields = _parsed(body, "The body", limits), field_names(tuple(known))
    settings, form, explain = DEFAULT_SETTINGS, "list", False
    if isinstance(content, dict):
        content, settings, form, explain = _unwrapped(content, fields)
    if isinstance(content, (str, dict)):
        if form == "instances":
            raise Refusal(400, f"instances is {_shown(content)}; expected a list of titles.")
        content, form = [content], "one"
    if not isinstance(content, list):
        raise Refusal(400, f"The body is {_shown(content)}; expected a list of titles.")
    columns, errors, unread = _columns(content, fields)
    if errors:
        row = min(errors)
        raise Refusal(400, f"Title {row + 1:,}: {errors[row]}")  # as people count
    if explain:
        check_explained(len(columns[TITLE]))
    return Query(columns, settings=settings, form=form, unread=unread, explain=explain)


def read_lines(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    """Parse lines of JSON, each with a title; a line that is not valid gives its row an error.

    Args:
        body: The bytes of the request's body.
        known: The names of further columns that the model uses.
        limits: The maximum size of a request.

    Raises:
        Refusal: With status 400 if the lines are UTF-16 or UTF-32, or 413 if there are too many.
    """
    encoding = json.detect_encoding(body[:4])
    if not encoding.startswith("utf-8"):  # its line ends are no single bytes
        raise Refusal(
            400, f"The body looks like {encoding}; expected UTF-8, as JSON always is (RFC 8259)."
        )
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
    columns, errors, unread = _columns(titles, field_names(tuple(known)))
    return Query(columns, {**errors, **unreadable}, form="lines", unread=unread)


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
        return _DECODER.decode(text.decode(json.detect_encoding(text), "surrogatepass"))
    except RecursionError as error:
        raise Refusal(400, f"{what} is nested too deeply; expected titles.") from error
    except UnicodeDecodeError as error:
        advice = advice_for_other_file(text) or "Encode it as UTF-8"
        raise Refusal(
            400, f"{what} is not valid UTF-8, as JSON always is (RFC 8259): {error}. {advice}."
        ) from error
    except ValueError as error:
        raise Refusal(400, f"{what} is not valid JSON: {error}.") from error


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits; expected at most {_MOST_DIGITS:,}")
    return int(digits)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(twice)} is given twice")
    return content


_DECODER = json.JSONDecoder(
    parse_constant=_no_constant, parse_int=_whole_number, object_pairs_hook=_once
)


def _unwrapped(content: dict[str, Any], fields: FieldNames) -> tuple[Any, AnswerOptions, str, bool]:
    """The titles in an object, its options, the layout of the answers, and whether to explain."""
    titles = {name: content.pop(name) for name in _CONTAINERS if name in content}
    parameters = content.pop("parameters", {})
    if not isinstance(parameters, dict):
        raise Refusal(400, f"parameters is {_shown(parameters)}; expected an object.")
    if len(titles) != 1 and not (not titles and fields.have_title(content)):
        raise Refusal(
            400,
            'Expected {"instances": [titles]}, {"inputs": titles} or a list; found an '
            f"object with {shown(sorted(content))}.",
        )
    explain = read_explain(content, parameters)
    given = {name: content.pop(name) for name in SETTINGS if name in content}
    settings = read_settings({**given, **parameters})
    if not titles:  # the object itself is a title
        return content, settings, "list", explain
    if content:
        name = next(iter(content))
        raise Refusal(
            400,
            f"The key {name!r} is not known; expected one of {[*SETTINGS, EXPLAIN]} next to "
            "the titles.",
        )
    [(container, wrapped)] = titles.items()
    return wrapped, settings, "instances" if container == "instances" else "list", explain


def _columns(
    titles: Sequence[Any], fields: FieldNames
) -> tuple[dict[str, list[Any]], dict[int, str], tuple[str, ...]]:
    """The values of each column by column name, the errors by row number, and unread names."""
    columns: dict[str, list[Any]] = {TITLE: []}
    errors: dict[int, str] = {}
    unread: dict[str, None] = {}
    for row, title in enumerate(titles):
        values, error = _texts(title, fields, unread)
        if error is not None:
            errors[row] = error
        for name in values:
            columns.setdefault(name, [None] * row)
        for name, column in columns.items():
            column.append(values.get(name))
    return columns, errors, tuple(unread)


def _texts(
    title: Any, fields: FieldNames, unread: dict[str, None]
) -> tuple[dict[str, Any], str | None]:
    """The texts of one title by column, or an error; other fields are added to ``unread``."""
    values = {TITLE: title} if title is None or isinstance(title, str) else title
    if not isinstance(values, dict):
        return {}, f"found {_shown(title)}; expected a text, null, or an object with the key title."
    texts: dict[str, Any] = {}
    for given, value in values.items():
        name = fields.read_as(given)
        if name is None or (name != given and name in values):
            unread[given] = None
            continue
        if name in texts:
            return {}, f"found two keys for {name}: {shown(sorted(values))}. Rename or remove one."
        if value is not None and not isinstance(value, str):
            return {}, f"{name} is {_shown(value)}; expected a text."
        if value is not None and len(value) > MOST_LETTERS:
            return {}, f"{name} has {len(value):,} letters; expected at most {MOST_LETTERS:,}."
        texts[name] = value
    if TITLE not in texts:
        return {}, f"found an object with the keys {shown(sorted(values))}; expected a title."
    return texts, None


def _shown(value: object) -> str:
    """A value as JSON for a message, cut as :func:`shown` does."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
