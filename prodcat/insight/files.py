"""Saving of pages, tables and lines of JSON to any fsspec URI."""

import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prodcat.errors import ConfigError
from prodcat.storage.containers import path_text
from prodcat.storage.objects import Objects
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import parquet_bytes
from prodcat.text_encoding import for_spreadsheet


def write_form(uri: str | os.PathLike[str], forms: Mapping[str, Callable[[], bytes]]) -> None:
    """Write a file in the format that its name extension says.

    Args:
        uri: The file, at any fsspec URI.
        forms: For each supported extension (lower case, without the dot), a function that returns
            the content of the file.

    Raises:
        ConfigError: The name has another extension, or it is no name of a file.
        StoreError: The file cannot be written.
    """
    uri = path_text(uri, "uri", "the path or URI of a file", ConfigError)
    folder, name = folder_and_name(uri)
    make = forms.get(name.lower().rpartition(".")[2])
    if make is None:
        endings = " or ".join(f".{ending}" for ending in forms)
        raise ConfigError(
            f"{uri!r} does not end with {endings}; the file name extension selects the format."
        )
    Objects(folder).write(name, make())


def folder_and_name(uri: str) -> tuple[str, str]:
    """Split the URI of a file into the URI of its folder and the name of the file.

    >>> folder_and_name("s3://shop/reports/tr.html"), folder_and_name("tr.html")
    (('s3://shop/reports', 'tr.html'), ('.', 'tr.html'))
    """
    folder, slash, name = uri.rpartition("/")
    return folder or slash or ".", name


class Shown(ABC):
    """A result that can be saved as an HTML page for people and as a table for other programs."""

    @abstractmethod
    def html(self) -> str:
        """A self-contained HTML page."""

    @abstractmethod
    def table(self) -> Any:
        """The result as an Arrow table."""

    def save(self, uri: str | os.PathLike[str]) -> None:
        """Write the page or the table, depending on the file name extension.

        Args:
            uri: The file, at any fsspec URI: ``.html`` for the page; ``.parquet``, ``.csv``,
                ``.xlsx`` or ``.jsonl`` for the table.  The CSV is meant for spreadsheets: in texts
                that they would run as a formula, an apostrophe is put before the formula.

        Raises:
            ConfigError: The name has another extension, or the page needs plotly, which is not
                installed.
            StoreError: The file cannot be written.
        """
        forms = {
            "html": lambda: self.html().encode(),
            "parquet": lambda: parquet_bytes(self.table()),
            "csv": lambda: _csv(self.table()),
            "xlsx": lambda: sheet_bytes(self.table()),
            "jsonl": lambda: json_lines(self.table().to_pylist()),
        }
        write_form(uri, forms)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    r"""Encode rows as lines of JSON in UTF-8.

    Values of types that JSON lacks, such as dates, become strings.

    >>> json_lines([{"title": "süt"}, {"title": "ekmek"}]).decode()
    '{"title": "süt"}\n{"title": "ekmek"}\n'
    """
    text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    return text.encode("utf-8", "replace")


def _csv(table: Any) -> bytes:
    """Encode a table as CSV in which a spreadsheet finds no formula."""
    import pyarrow as pa
    from pyarrow import csv

    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            cells = [
                None if cell is None else for_spreadsheet(cell)
                for cell in table.column(position).to_pylist()
            ]
            table = table.set_column(position, field, pa.array(cells, field.type))
    out = io.BytesIO()
    csv.write_csv(table, out)
    return out.getvalue()
