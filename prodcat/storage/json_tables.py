"""Finds the rows of a JSON document that is one object: a table of columns, or a list in a key."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodcat.errors import CatalogError
from prodcat.storage import reading_notes

EXPECTED = "expected a list of objects, or an object in each line"
REMEDY = (
    "Write it so, for example with to_json(orient='records', lines=True) of pandas or jq -c '.[]'"
)
# Keys under which programs write the rows of an answer, and which no column of products has.
_ENVELOPES = ("data", "items", "results", "rows", "records", "products", "hits", "docs", "value")


_LINES = re.compile(r"\.(?:jsonl|ndjson)(?:\.gz)?$", re.IGNORECASE)  # of which each line is a row
_SPLIT = {"columns", "index", "data"}  # keys of to_json(orient="split") of pandas


def table_rows(document: Mapping[str, Any], uri: str) -> Iterator[dict[str, Any]] | None:
    """The rows of the only object of a file; None if the object is itself a row.

    Args:
        document: The object.
        uri: The name of the file, for messages.

    Raises:
        CatalogError: The object holds a table in a form that is not read.
    """
    names = document.get("columns")
    rows: Any = document.get("data")
    if _are_objects(rows) and _is_schema(document.get("schema")) and len(document) <= 3:
        reading_notes.tell_form(uri, "the table in 'data', below its 'schema'")
        return (dict(row) for row in rows)
    if isinstance(names, list) and isinstance(rows, list) and document.keys() <= _SPLIT:
        return _split_rows(names, rows, uri)
    lists = [value for value in document.values() if isinstance(value, list)]
    if not lists and not all(isinstance(value, dict) for value in document.values()):
        return None
    if document and len(lists) == len(document) and not any(map(_are_objects, lists)):
        return None if _LINES.search(uri) else _column_rows(document, uri)
    _refuse_nested(document, uri)
    return None


def _split_rows(names: list[Any], rows: list[Any], uri: str) -> Iterator[dict[str, Any]]:
    """The rows of an object with the names of the columns, and a list of values for each row."""
    for place, name in enumerate(names):
        if not isinstance(name, str) or name in names[:place]:
            raise CatalogError(
                f"{uri!r} has the name {name!r:.60} in 'columns'; expected a different text for "
                f"each column. {REMEDY}."
            )
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(names):
            raise CatalogError(
                f"{uri!r}, entry {number} of 'data' is {row!r:.60}; expected a list with "
                f"{len(names)} values, as in 'columns'. {REMEDY}."
            )
    reading_notes.tell_form(uri, "a table with the names in 'columns' and the rows in 'data'")
    return (dict(zip(names, row, strict=True)) for row in rows)


def _column_rows(document: Mapping[str, list[Any]], uri: str) -> Iterator[dict[str, Any]]:
    """The rows of an object with a list of values for each column."""
    sizes = {name: len(values) for name, values in document.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name!r:.60} {size:,}" for name, size in list(sizes.items())[:8])
        raise CatalogError(
            f"{uri!r} is one JSON object with lists of different lengths ({shown}); expected a "
            "list of objects, an object in each line, or columns of one length. Add what is "
            f"missing, or write it with an object for each row. {REMEDY}."
        )
    reading_notes.tell_form(uri, f"columns: each of its {len(document):,} keys has a list")
    rows = zip(*document.values(), strict=True)
    return (dict(zip(document, row, strict=True)) for row in rows)


def _refuse_nested(document: Mapping[str, Any], uri: str) -> None:
    """Refuse an object that is no row, but holds the rows in one of its values.

    Raises:
        CatalogError: Each of its values is an object or a list of objects, or a value is a list of
            objects whose key is usual for rows.
    """
    if not document:
        return
    lists = [name for name, value in document.items() if _are_objects(value)]
    usual = [name for name in lists if name.lower() in _ENVELOPES]
    values = document.values()
    is_table = all(isinstance(value, dict) or _are_objects(value) for value in values)
    if not is_table and not (usual and "title" not in document):
        return
    names, name = list(document)[:8], next(iter([*usual, *lists, *document]))
    if is_table:
        form = "each with a list or an object"
    else:
        form = f"of which {name!r} has a list of objects"
    if lists:
        rows = f"jq -c '.{name}[]' for the rows in {name!r}"
    elif inner := _inner(document):
        rows = f"jq -c '.{inner}[]' for the rows in {inner!r}"
    else:
        rows = f"jq -c '.{name}[]' for the rows in {name!r}"
    raise CatalogError(
        f"{uri!r} is one JSON object with the keys {names}, {form}; {EXPECTED}. {REMEDY}, or "
        f"{rows}."
    )


def _inner(document: Mapping[str, Any]) -> str:
    """The path of a list of objects in a value that is an object; an empty text if none is."""
    return next(
        (
            f"{name}.{key}"
            for name, value in document.items()
            if isinstance(value, dict)
            for key, part in value.items()
            if _are_objects(part)
        ),
        "",
    )


def _are_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _is_schema(value: object) -> bool:
    """Whether a value describes the columns, as to_json(orient='table') of pandas writes it."""
    return isinstance(value, dict) and isinstance(value.get("fields"), list)
