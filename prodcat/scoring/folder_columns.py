"""Columns that the names of folders give: ``country=tr/part.parquet`` (Hive partitions)."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from prodcat.scoring.parts import located

_NULL = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")  # of at most 64 bits, and written in one way only


def folder_columns(uri: str, files: Sequence[str]) -> list[dict[str, Any]]:
    """The columns that the folders of files give.

    Args:
        uri: The URI of the input: a file, a folder or a glob.
        files: The URIs of its files.

    Returns:
        For each file the value of each column by its name: a text, or None for the null of Hive.
        If all values of a column are whole numbers, they are integers.  Only folders below the
        input folder count, and for a glob those from the first folder with a wildcard on.
    """
    _, path = located(uri)
    wildcard = re.search(r"[*?\[]", path)
    root = path if wildcard is None else path[: path.rfind("/", 0, wildcard.start()) + 1]
    columns = [_values(root, located(file)[1]) for file in files]
    for name in {name for values in columns for name in values}:
        texts = [values[name] for values in columns if values.get(name) is not None]
        if all(map(_WHOLE.fullmatch, texts)):
            for values in columns:
                if values.get(name) is not None:
                    values[name] = int(values[name])
    return columns


def _values(root: str, path: str) -> dict[str, Any]:
    """The columns of one file by its path below the input's root."""
    folders = path.removeprefix(root).strip("/").split("/")[:-1]
    pairs = [folder.partition("=") for folder in folders if not folder.startswith("=")]
    return {
        unquote(name): None if value == _NULL else unquote(value)
        for name, sign, value in pairs
        if sign
    }
