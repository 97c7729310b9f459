"""Columns that the names of folders give: ``country=tr/part.parquet`` (Hive partitions)."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from prodcat.errors import CatalogError
from prodcat.storage.containers import is_missing
from prodcat.storage.table_files import Files, connect, uris_of

_NULL = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")  # of at most 64 bits, and written in one way only


def folder_columns(source: str | Files, files: Sequence[str]) -> list[dict[str, Any]]:
    """The columns that the folders of files give.

    Args:
        source: The URI of the input: a file, a folder or a glob; or several of them.
        files: The URIs of its files.

    Returns:
        For each file the value of each column by its name: a text, or None for the null of Hive.
        If all values of a column are whole numbers, they are integers.  Only folders below the
        input folder count, and for a glob those from the first folder with a wildcard on.
    """
    roots = [_root(connect(uri)[1]) for uri in uris_of(source)]
    columns = [_values(roots, connect(file)[1]) for file in files]
    for name in {name for values in columns for name in values}:
        texts = [values[name] for values in columns if values.get(name) is not None]
        if all(map(_WHOLE.fullmatch, texts)):
            for values in columns:
                if values.get(name) is not None:
                    values[name] = int(values[name])
    return columns


def with_folder(
    columns: Mapping[str, list[Any]],
    folder: Mapping[str, Any],
    file: str,
    asked: Collection[str],
) -> dict[str, list[Any]]:
    """Columns of rows of a file with those of its folders; a column that both have is the file's.

    Args:
        columns: The values of each column by its name.
        folder: The value of each column of the folders by its name.
        file: The URI of the file.
        asked: The names of the columns that the caller reads.

    Raises:
        CatalogError: The file has a column of its folders that is read, with another value.
    """
    rows = len(next(iter(columns.values()), []))
    for name in folder.keys() & columns.keys() & set(asked):
        expected = _text(folder[name])
        for cell in map(_text, columns[name]):
            if cell != expected:
                raise CatalogError(
                    f"{file!r}: the column {name!r} has the value {cell[:80]!r}, but the file's "
                    f"folder says {expected[:80]!r}. Move the file, or rename the column."
                )
    return {**{name: [value] * rows for name, value in folder.items()}, **columns}


def _text(cell: Any) -> str:
    """The text of a cell or of a folder's value; empty if it is missing."""
    if is_missing(cell):
        return ""
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)


def _root(path: str) -> str:
    """The part of a path that is not searched: up to the first folder with a wildcard."""
    wildcard = re.search(r"[*?\[]", path)
    return path if wildcard is None else path[: path.rfind("/", 0, wildcard.start()) + 1]


def _values(roots: Sequence[str], path: str) -> dict[str, Any]:
    """The columns of one file by its path below the longest root that it lies in."""
    root = max((root for root in roots if path.startswith(root)), key=len, default="")
    folders = path.removeprefix(root).strip("/").split("/")[:-1]
    pairs = [folder.partition("=") for folder in folders if not folder.startswith("=")]
    return {
        unquote(name): None if value == _NULL else unquote(value)
        for name, sign, value in pairs
        if sign
    }
