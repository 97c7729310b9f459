"""Reads the objects of a JSON file: one in each line (JSONL), or all in one list.

Objects that are wrong are reported.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import chain, islice
from math import isfinite
from typing import Any

from prodcat.errors import CatalogError
from prodcat.storage.bounded_lines import BoundedLines
from prodcat.storage.json_tables import EXPECTED, REMEDY, table_rows

_MOST_NESTED = 64  # lists and objects inside one another in a record
_MOST_LETTERS = 32 << 20  # of a file that is one JSON document
_SPACED = re.compile(r'"\s+:')
_BEGINS_TABLE = re.compile(r"\s*(?:\[|\{)\s*(?:\{|$)")
_SURE_LENGTH = 16  # letters of a number with a point that a float holds with all its digits
_EXPONENT = re.compile("[eE]")
_BETWEEN = re.compile(r"[\s,]*")
_Report = Callable[[int, str], None]


def json_records(lines: BoundedLines, uri: str, report: _Report) -> Iterator[dict[str, Any]]:
    """The objects of a file; an entry that is none is reported, and gives an empty object.

    Args:
        lines: The lines of the file.
        uri: The name of the file, for messages.
        report: Called with the number of each wrong row, from 0, and what is wrong.

    Raises:
        CatalogError: A line is too long, or the file is a JSON document that is no list of objects;
            or what ``report`` raises.
    """
    rows = _filled_lines(lines)
    start = list(islice(rows, 1))
    if start and _begins_document(start[0][1]):
        yield from _document_records(chain(start, rows), uri, report)
        return
    start += islice(rows, 1)
    if len(start) == 1:
        document, fault = _json_record(start[0][1])
        table = None if fault else table_rows(document, uri)
        if table is not None:
            yield from table
            return
    for row, (number, line) in enumerate(chain(start, rows)):
        record, fault = _json_record(line)
        if fault:
            report(row, f"{uri!r}, line {number} {fault}.")
        yield record


def _filled_lines(lines: BoundedLines) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    for line in lines:
        lines.end_row()
        if line and not line.isspace():
            yield lines.number, line


def _exact_number(literal: str) -> float | str:
    """A number of JSON; its text if a float would have other digits, or is not large enough.

    >>> _exact_number("1.10"), _exact_number("12345678901234567.89"), _exact_number("1e400")
    (1.1, '12345678901234567.89', '1e400')
    """
    number = float(literal)
    if len(literal) <= _SURE_LENGTH and not _EXPONENT.search(literal):
        return number
    is_equal = isfinite(number) and Decimal(repr(number)) == Decimal(literal)
    return number if is_equal else literal


def unique_json(text: str, parse_float: Callable[[str], Any] | None = None) -> tuple[Any, str]:
    """A JSON value, and a sentence part about the first key that an object of it has twice.

    Of a key that is there twice, the last value counts, as in JavaScript.

    Args:
        text: The JSON.
        parse_float: Called with each number that has a fraction or an exponent; None for floats.

    Raises:
        ValueError: The text is not valid JSON.

    >>> unique_json('{"title": "milk", "title": "tea"}')
    ({'title': 'tea'}, "has the key 'title' twice, with 'milk' and 'tea'; expected each key once")
    """
    faults: list[str] = []

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for key, value in pairs:
            if key in record and not faults:
                faults.append(
                    f"has the key {key[:60]!r} twice, with {record[key]!r:.60} and {value!r:.60}; "
                    "expected each key once"
                )
            record[key] = value
        return record

    value = json.loads(text, object_pairs_hook=made, parse_float=parse_float)
    return value, "".join(faults)


def _begins_document(line: str) -> bool:
    """Whether the first line of a file begins a list, or an object of several lines."""
    text = line.strip()
    return text.startswith("[") or text == "{"


def _document_records(
    numbered: Iterable[tuple[int, str]], uri: str, report: _Report
) -> Iterator[dict[str, Any]]:
    """The objects of a file that may be one document; see :func:`json_records`."""
    lines: list[tuple[int, str]] = []
    size = 0
    for number, line in numbered:
        lines.append((number, line))
        size += len(line)
        if size > _MOST_LETTERS:
            raise CatalogError(
                f"{uri!r} is one JSON document of more than {_MOST_LETTERS:,} letters; expected an "
                f"object in each line. {REMEDY}."
            )
    text = "".join(line for _, line in lines)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _BEGINS_TABLE.match(lines[0][1]):
            raise CatalogError(
                f"{uri!r} is one JSON document that is not valid: {error}; {EXPECTED}. Correct it."
            ) from error
        entries = [(f"line {number}", line) for number, line in lines]
    else:
        if isinstance(document, list):
            entries = [(f"entry {place}", entry) for place, entry in enumerate(_entries(text), 1)]
        else:
            record, fault = _json_record(text)
            table = None if fault else table_rows(record, uri)
            if table is not None:
                yield from table
                return
            entries = [(f"line {lines[0][0]}", text)]
    for row, (place, entry) in enumerate(entries):
        record, fault = _json_record(entry)
        if fault:
            report(row, f"{uri!r}, {place} {fault}.")
        yield record


def _entries(text: str) -> Iterator[str]:
    """The text of each entry of a valid JSON list."""
    decoder = json.JSONDecoder()
    start = _BETWEEN.match(text, text.index("[") + 1).end()  # type: ignore[union-attr]
    while text[start] != "]":
        _, end = decoder.raw_decode(text, start)
        yield text[start:end]
        start = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]


def _json_record(line: str) -> tuple[dict[str, Any], str]:
    """The object in a text, or an empty one and what is wrong with the text."""
    fault = ""
    try:
        record = json.loads(line, parse_float=_exact_number)
        if line.count("{") + line.count("[") > _MOST_NESTED:
            _check_depth(record)
        if isinstance(record, dict) and (
            line.count('":') != len(record) or _SPACED.search(line) is not None
        ):
            record, fault = unique_json(line, _exact_number)
    except json.JSONDecodeError as error:
        return {}, f"is not valid JSON: {error}"
    except RecursionError:
        return {}, (
            f"nests lists and objects more than {_MOST_NESTED} levels deep; expected a flat JSON "
            "object"
        )
    if not isinstance(record, dict):
        return {}, f"is {line.strip()[:40]!r}; expected a JSON object"
    return record, fault


def _check_depth(value: Any, depth: int = 0) -> None:
    """Refuse a parsed JSON value that nests lists and objects too deep.

    Raises:
        RecursionError: The value is nested more than ``_MOST_NESTED`` levels deep.
    """
    if depth > _MOST_NESTED:
        raise RecursionError
    if isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            _check_depth(part, depth + 1)
