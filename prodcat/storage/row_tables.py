"""Tables that people fill in: written to a file by its extension, and read back."""

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prodcat.errors import CatalogError, ConfigError
from prodcat.storage.containers import path_text
from prodcat.storage.objects import Objects
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import iter_tables, parquet_bytes
from prodcat.text_encoding import for_csv, for_spreadsheet

ENDINGS = (".csv", ".xlsx", ".json", ".jsonl", ".parquet")
Rows = Sequence[Mapping[str, Any]]


def save_rows(uri: str | os.PathLike[str], columns: Mapping[str, type], rows: Rows) -> None:
    """Write rows as a table that a person can fill in.

    Args:
        uri: The file, at any fsspec URI, whose ending is one of ``ENDINGS``.  In a CSV, an
            apostrophe is put before texts that a spreadsheet would run as a formula;
            :func:`read_rows` removes it.
        columns: The type of each column by its name: ``str``, ``int`` or ``float``.
        rows: The values of each row by the names of the columns; None for an empty cell.

    Raises:
        ConfigError: The name has another ending, or the package for Excel is not installed.
        StoreError: The file cannot be written.
    """
    uri = path_text(uri, "uri", "the path or URI of a file", ConfigError)
    check_ending(uri)
    folder, slash, name = uri.rpartition("/")
    content = _FORMS[name.lower().rpartition(".")[2]](columns, rows)
    Objects(folder or slash or ".").write(name, content)


def check_ending(uri: str) -> None:
    """Refuse a file in whose format no rows are written.

    Raises:
        ConfigError: Its name has another ending than those in ``ENDINGS``.
    """
    if not uri.lower().endswith(ENDINGS):
        raise ConfigError(
            f"{uri!r} does not end with {' or '.join(ENDINGS)}; the file name extension selects "
            "the format."
        )


def read_rows(source: object) -> list[dict[str, Any]]:
    """Read the rows of a table that :func:`save_rows` wrote, and that a person filled in.

    Args:
        source: The path or URI of a file, or a table in memory.

    Raises:
        CatalogError: The table cannot be read.
    """
    rows: list[dict[str, Any]] = []
    for piece in iter_tables(source):
        names = list(piece)
        values = zip(*piece.values(), strict=True)
        rows += [dict(zip(names, row, strict=True)) for row in values]
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else ""
    if str(name).lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt")):
        rows = [{key: plain_cell(value) for key, value in row.items()} for row in rows]
    if not rows:
        raise CatalogError(f"{name or 'The table'!r} has no rows; expected at least one.")
    return rows


def plain_cell(value: Any) -> Any:
    """A cell without the apostrophe that keeps a spreadsheet from running it.

    >>> plain_cell("'=1+1"), plain_cell("'quoted'"), plain_cell(1)
    ('=1+1', "'quoted'", 1)
    """
    if isinstance(value, str) and value[:1] == "'" and for_spreadsheet(value[1:]) == value:
        return value[1:]
    return value


def _csv(columns: Mapping[str, type], rows: Rows) -> bytes:
    cells = [
        [
            for_spreadsheet(row[name]) if isinstance(row[name], str) else row[name]
            for name in columns
        ]
        for row in rows
    ]
    return for_csv([list(columns), *cells]).encode("utf-8-sig", "replace")


def _json(columns: Mapping[str, type], rows: Rows) -> bytes:
    listed = [{name: row[name] for name in columns} for row in rows]
    text = json.dumps(listed, ensure_ascii=False, indent=0)
    return f"{text}\n".encode("utf-8", "replace")


def _json_lines(columns: Mapping[str, type], rows: Rows) -> bytes:
    out = io.StringIO()
    for row in rows:
        line = {name: row[name] for name in columns}
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
    return out.getvalue().encode("utf-8", "replace")


def _arrow(columns: Mapping[str, type], rows: Rows) -> Any:
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    return pa.table(
        {
            name: pa.array(
                [_encodable(row[name]) for row in rows],
                types[kind],
            )
            for name, kind in columns.items()
        }
    )


def _encodable(value: Any) -> Any:
    """A text without lone surrogates, which no file in UTF-8 can hold; other values as they are."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


_FORMS: dict[str, Callable[[Mapping[str, type], Rows], bytes]] = {
    "csv": _csv,
    "xlsx": lambda columns, rows: sheet_bytes(_arrow(columns, rows)),
    "json": _json,
    "jsonl": _json_lines,
    "parquet": lambda columns, rows: parquet_bytes(_arrow(columns, rows)),
}
