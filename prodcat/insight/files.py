"""What is found, written in the form that a name's ending says."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from prodcat.errors import ConfigError
from prodcat.objects import Objects

if TYPE_CHECKING:
    import pyarrow as pa


def write_form(uri: str, forms: Mapping[str, Callable[[], bytes]]) -> None:
    """Write one of several forms.

    Args:
        uri: At any fsspec URI.
        forms: What makes each of them, by ending.

    Raises:
        ConfigError: The name has another ending.
        StoreError: It cannot be written.
    """
    folder, name = folder_and_name(uri)
    made = forms.get(name.lower().rpartition(".")[2])
    if made is None:
        raise ConfigError(
            f"{uri!r} ends with none of {', '.join(f'.{own}' for own in forms)}; expected one of "
            "them, which says the form."
        )
    Objects(folder).write(name, made())


def folder_and_name(uri: str) -> tuple[str, str]:
    """The folder of a file at any fsspec URI, and its name."""
    folder, slash, name = uri.rpartition("/")
    return folder or slash or ".", name


def table_forms(table: Callable[[], "pa.Table"]) -> dict[str, Callable[[], bytes]]:
    """The forms that a table has: Parquet, CSV and lines of JSON."""
    return {
        "parquet": lambda: _parquet(table()),
        "csv": lambda: _csv(table()),
        "jsonl": lambda: _jsonl(table()),
    }


def _parquet(table: "pa.Table") -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(table, out)
    content: bytes = out.getvalue().to_pybytes()
    return content


def _csv(table: "pa.Table") -> bytes:
    import pyarrow as pa
    from pyarrow import csv

    out = pa.BufferOutputStream()
    csv.write_csv(table, out)
    content: bytes = out.getvalue().to_pybytes()
    return content


def _jsonl(table: "pa.Table") -> bytes:
    import json

    return "".join(
        json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in table.to_pylist()
    ).encode()
