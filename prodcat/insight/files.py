"""Results, written in the form that a name's ending says."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from prodcat.errors import ConfigError
from prodcat.storage.objects import Objects

if TYPE_CHECKING:
    import pyarrow as pa


def write_form(uri: str, forms: Mapping[str, Callable[[], bytes]]) -> None:
    """Write one of several forms.

    Args:
        uri: At any fsspec URI.
        forms: Functions that make the content of each form, by the ending of the name.

    Raises:
        ConfigError: The name has another ending.
        StoreError: It cannot be written.
    """
    folder, name = folder_and_name(uri)
    make = forms.get(name.lower().rpartition(".")[2])
    if make is None:
        endings = ", ".join(f".{ending}" for ending in forms)
        raise ConfigError(
            f"{uri!r} ends with none of {endings}; expected one of them, which says the form."
        )
    Objects(folder).write(name, make())


def folder_and_name(uri: str) -> tuple[str, str]:
    """The folder of a file at any fsspec URI, and its name."""
    folder, slash, name = uri.rpartition("/")
    return folder or slash or ".", name


class Shown(ABC):
    """What is looked at as a page and read by other tools as a table."""

    @abstractmethod
    def html(self) -> str:
        """One HTML file with everything in it."""

    @abstractmethod
    def table(self) -> "pa.Table":
        """An Arrow table."""

    def save(self, uri: str) -> None:
        """Write the page or the table, as the name's ending says.

        Args:
            uri: At any fsspec URI: ``.html`` to look at, ``.parquet``, ``.csv`` or ``.jsonl`` for
                other tools.

        Raises:
            ConfigError: It ends otherwise, or plotly is needed and not installed.
            StoreError: It cannot be written.
        """
        write_form(uri, {"html": lambda: self.html().encode(), **_table_forms(self.table)})


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as lines of JSON."""
    text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    return text.encode("utf-8", "replace")


def _table_forms(table: Callable[[], "pa.Table"]) -> dict[str, Callable[[], bytes]]:
    return {
        "parquet": lambda: _parquet(table()),
        "csv": lambda: _csv(table()),
        "jsonl": lambda: json_lines(table().to_pylist()),
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
