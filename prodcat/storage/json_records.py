"""Reads the objects in the lines of a JSONL file; lines that are wrong are reported."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from prodcat.errors import CatalogError
from prodcat.storage.bounded_lines import BoundedLines

_MOST_NESTED = 64  # lists and objects inside one another in a line


def json_records(
    lines: BoundedLines, uri: str, report: Callable[[int, str], None]
) -> Iterator[dict[str, Any]]:
    """The objects of the lines; a line that is none is reported, and gives an empty object.

    Args:
        lines: The lines of the file.
        uri: The name of the file, for messages.
        report: Called with the number of each wrong row, from 0, and what is wrong.

    Raises:
        CatalogError: A line is too long, or the file is one JSON document; or what ``report``
            raises.
    """
    row = 0
    for line in lines:
        lines.end_row()
        if line.isspace() or not line:
            continue
        if row == 0 and _begins_document(line):
            raise CatalogError(
                f"{uri!r} is one JSON document; expected an object in each line. Write it so, for "
                "example with to_json(orient='records', lines=True) of pandas or jq -c '.[]'."
            )
        record, fault = _json_record(line)
        if fault:
            report(row, f"{uri!r}, line {lines.number} {fault}.")
        yield record
        row += 1


def _begins_document(line: str) -> bool:
    """Whether the first line of a file begins a list of objects, or an object of several lines."""
    text = line.strip()
    return text in ("[", "{") or text.startswith(("[{", "[ {"))


def _json_record(line: str) -> tuple[dict[str, Any], str]:
    """The object in a line, or an empty one and what is wrong with the line."""
    try:
        record = json.loads(line)
        if line.count("{") + line.count("[") > _MOST_NESTED:
            _check_depth(record)
    except json.JSONDecodeError as error:
        return {}, f"is not valid JSON: {error}"
    except RecursionError:
        return {}, (
            f"nests lists and objects more than {_MOST_NESTED} levels deep; expected a flat JSON "
            "object"
        )
    if not isinstance(record, dict):
        return {}, f"is {line[:40]!r}; expected a JSON object"
    return record, ""


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
