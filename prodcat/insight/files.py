"""Saving of pages, tables and lines of JSON to any fsspec URI."""

import io
import json
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from prodcat.catalog.text import readable
from prodcat.errors import ConfigError
from prodcat.storage.containers import is_missing, path_text
from prodcat.storage.objects import Objects
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import parquet_bytes
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.text_encoding import for_html, for_spreadsheet, for_terminal


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written, which a notebook shows as a link.

    Attributes:
        uri: The path or URI of the file, as it was given.
        size: The size of the file in bytes.
    """

    uri: str
    size: int

    def __str__(self) -> str:
        """The file and its size in one sentence."""
        return f"Wrote {for_terminal(self.uri)} ({size_text(self.size)})."

    def _repr_html_(self) -> str:
        name = for_html(self.uri)
        if "://" not in self.uri:
            name = f'<a href="{_link(self.uri)}" target="_blank">{name}</a>'
        return f"<div>Wrote {name} ({size_text(self.size)}).</div>"


def _link(path: str) -> str:
    """The link to a local file; notebooks read links as relative to the folder they work in."""
    absolute, folder = Path(path).absolute(), Path.cwd()
    if absolute.is_relative_to(folder):
        return quote(absolute.relative_to(folder).as_posix())
    return absolute.as_uri().replace("'", "%27")


def size_text(size: int) -> str:
    """A size in bytes for people.

    >>> size_text(120), size_text(4_900_000)
    ('120 bytes', '4.9 MB')
    """
    if size < 1_000:
        return f"{size:,} bytes"
    return f"{size / 1e3:,.0f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"


class HtmlPage(str):
    """The source of an HTML page, a text that a notebook shows as a sentence.

    Args:
        source: The source of the page.
        title: The title of the page.
    """

    page_title: str

    def __new__(cls, source: str, title: str) -> "HtmlPage":
        """Add the title to the source."""
        page = super().__new__(cls, source)
        page.page_title = title
        return page

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str(self), self.page_title

    def __repr__(self) -> str:
        """The title and the size of the page, in place of megabytes of source."""
        return f"HtmlPage({self.page_title!r}, {size_text(len(self.encode()))})"

    def _repr_html_(self) -> str:
        size = size_text(len(self.encode()))
        sentence = f'an HTML page of {size}; save("page.html") writes it, and shows a link'
        return notebook_html(self.page_title, [sentence])

    def save(self, uri: str | os.PathLike[str]) -> WrittenFile:
        """Write the page.

        Args:
            uri: The file, at any fsspec URI; its name ends with ``.html`` or ``.htm``.

        Returns:
            The file, which a notebook shows as a link.

        Raises:
            ConfigError: The name has another extension.
            StoreError: The file cannot be written.
        """
        return write_form(uri, {"html": self.encode, "htm": self.encode})


def write_form(
    uri: str | os.PathLike[str], forms: Mapping[str, Callable[[], bytes]]
) -> WrittenFile:
    """Write a file in the format that its name extension says.

    Args:
        uri: The file, at any fsspec URI.
        forms: For each supported extension (lower case, without the dot), a function that returns
            the content of the file.

    Returns:
        The file that was written.

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
    content = make()
    Objects(folder).write(name, content)
    return WrittenFile(uri, len(content))


def folder_and_name(uri: str) -> tuple[str, str]:
    """Split the URI of a file into the URI of its folder and the name of the file.

    >>> folder_and_name("s3://shop/reports/tr.html"), folder_and_name("tr.html")
    (('s3://shop/reports', 'tr.html'), ('.', 'tr.html'))
    """
    folder, slash, name = uri.rpartition("/")
    return folder or slash or ".", name


class Shown(Framed):
    """A result that can be saved as an HTML page for people and as a table for other programs."""

    @abstractmethod
    def html(self) -> HtmlPage:
        """A self-contained HTML page."""

    @abstractmethod
    def table(self) -> Any:
        """The result as an Arrow table."""

    @abstractmethod
    def _numbers(self) -> Sequence[str]:
        """The main numbers, as texts with what they count."""

    @abstractmethod
    def _tables(self) -> Sequence[NotebookTable]:
        """The tables that a notebook shows."""

    def _columns(self) -> Mapping[str, Any]:
        return {name: column.to_pylist() for name, column in _named_columns(self.table())}

    def __repr__(self) -> str:
        """The main numbers in one line."""
        return f"{type(self).__name__}({for_terminal(', '.join(self._numbers()))})"

    def _repr_html_(self) -> str:
        name = type(self).__name__
        page = f'save("{name.lower()}.html") writes this as a page; to_frame() has all rows'
        further = f"<div><small>{for_html(page)}</small></div>"
        return notebook_html(name, self._numbers(), *self._tables(), further=further)

    def save(self, uri: str | os.PathLike[str]) -> WrittenFile:
        """Write the page or the table, depending on the file name extension.

        Args:
            uri: The file, at any fsspec URI: ``.html`` for the page; ``.parquet``, ``.csv``,
                ``.xlsx`` or ``.jsonl`` for the table.  The CSV is meant for spreadsheets: in texts
                that they would run as a formula, an apostrophe is put before the formula.

        Returns:
            The file, which a notebook shows as a link.

        Raises:
            ConfigError: The name has another extension, or the page needs plotly, which is not
                installed.
            StoreError: The file cannot be written.
        """
        forms = {
            "html": lambda: self.html().encode(),
            "parquet": lambda: parquet_bytes(self.table()),
            "csv": lambda: spreadsheet_csv(self.table()),
            "xlsx": lambda: sheet_bytes(self.table(), type(self).__name__),
            "jsonl": lambda: json_lines(self.table().to_pylist()),
        }
        return write_form(uri, forms)


def arrow_table(columns: Mapping[str, Any]) -> Any:
    """An Arrow table of columns, some of which may be those of a user's table.

    A column whose values have no common Arrow type, such as numbers and texts, becomes texts.

    Args:
        columns: The values of each column, as a list or an array, by its name; all have the same
            length.
    """
    import pyarrow as pa

    return pa.table({name: _arrow_column(values) for name, values in columns.items()})


def _arrow_column(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray) and values.dtype != object:
        return pa.array(values)
    listed = [readable(value) if isinstance(value, str) else value for value in values]
    try:
        return pa.array(listed, from_pandas=True)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError, TypeError, ValueError):
        texts = [None if is_missing(value) else readable(cell_text(value)) for value in listed]
        return pa.array(texts, pa.string())


def _named_columns(table: Any) -> Iterable[tuple[str, Any]]:
    """The columns of an Arrow table with their names."""
    return zip(table.column_names, table.columns, strict=True)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    r"""Encode rows as lines of JSON in UTF-8.

    Values of types that JSON lacks, such as dates, become strings.

    >>> json_lines([{"title": "süt"}, {"title": "ekmek"}]).decode()
    '{"title": "süt"}\n{"title": "ekmek"}\n'
    """
    text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    return text.encode("utf-8", "replace")


def spreadsheet_csv(table: Any) -> bytes:
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
