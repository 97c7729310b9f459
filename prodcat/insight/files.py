"""Saving pages, tables and lines of JSON at any fsspec URI."""

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from prodcat.errors import ConfigError
from prodcat.storage.objects import Objects

if TYPE_CHECKING:
    import pyarrow as pa


def write_form(uri: str, forms: Mapping[str, Callable[[], bytes]]) -> None:
    """Write a file in the format that its ending names.

    Args:
        uri: The file, at any fsspec URI.
        forms: For each ending that is allowed, the function that makes the content.

    Raises:
        ConfigError: The name has another ending.
        StoreError: The file cannot be written.
    """
    folder, name = folder_and_name(uri)
    make = forms.get(name.lower().rpartition(".")[2])
    if make is None:
        endings = " or ".join(f".{ending}" for ending in forms)
        raise ConfigError(
            f"{uri!r} does not end with {endings}; the ending of the name chooses the format."
        )
    Objects(folder).write(name, make())


def folder_and_name(uri: str) -> tuple[str, str]:
    """Split a URI into the folder and the name of the file.

    >>> folder_and_name("s3://shop/reports/tr.html"), folder_and_name("tr.html")
    (('s3://shop/reports', 'tr.html'), ('.', 'tr.html'))
    """
    folder, slash, name = uri.rpartition("/")
    return folder or slash or ".", name


class Shown(ABC):
    """A result that people read as a page and other tools read as a table."""

    @abstractmethod
    def html(self) -> str:
        """One HTML file with everything in it."""

    @abstractmethod
    def table(self) -> "pa.Table":
        """The result as an Arrow table."""

    def save(self, uri: str) -> None:
        """Write the page or the table, as the ending of the name says.

        Args:
            uri: The file, at any fsspec URI: ``.html`` for the page; ``.parquet``, ``.csv`` or
                ``.jsonl`` for the table.

        Raises:
            ConfigError: The name has another ending, or the page needs plotly, which is not
                installed.
            StoreError: The file cannot be written.
        """
        forms = {
            "html": lambda: self.html().encode(),
            "parquet": lambda: _parquet(self.table()),
            "csv": lambda: _csv(self.table()),
            "jsonl": lambda: json_lines(self.table().to_pylist()),
        }
        write_form(uri, forms)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    r"""Write rows as lines of JSON in UTF-8; what JSON has no form for is written as text.

    >>> json_lines([{"title": "süt"}, {"title": "ekmek"}]).decode()
    '{"title": "süt"}\n{"title": "ekmek"}\n'
    """
    text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    return text.encode("utf-8", "replace")


def _parquet(table: "pa.Table") -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _csv(table: "pa.Table") -> bytes:
    from pyarrow import csv

    out = io.BytesIO()
    csv.write_csv(table, out)
    return out.getvalue()
