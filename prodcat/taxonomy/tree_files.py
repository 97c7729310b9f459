"""Reads what stands in a file with a tree: its text, or the rows of a table without a header."""

import csv
import io
import logging
from collections.abc import Sequence
from typing import Any

from prodcat.errors import TaxonomyError
from prodcat.storage import reading_notes
from prodcat.storage.read_options import ReadOptions
from prodcat.storage.table_files import compression_of, connect, file_size, table_format
from prodcat.storage.text_decoding import DecodedText
from prodcat.storage.workbook_tables import sheet_rows
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.paths import Path, split_path

logger = logging.getLogger("prodcat")
_BLOCK = 1 << 20
_LARGEST = 256 << 20  # bytes of a file that may have no header
_SAVE = (
    "Save the file as UTF-8; in Python, read_taxonomy also takes the name of its encoding, such as "
    "'cp1254' (Turkish)."
)
_WEB_PAGE = "is a web page; expected a file with categories. Look at the page in a browser."
_OTHER_FILES = {
    "version https://git-lfs": "is a pointer to a file in Git LFS. Fetch it with: git lfs pull",
    "<!doctype html": _WEB_PAGE,
    "<html": _WEB_PAGE,
    "%pdf-": "is a PDF; expected text. Save its categories as text, one a line.",
}
_DELIMITERS = "\t;,|"
_MOSTLY = 0.9  # share of the inner nodes that have a row


def text_of(uri: str, encoding: str | None) -> str:
    """The text of a file, which may be compressed, in the encoding that its bytes show.

    Args:
        uri: The URI of the file.
        encoding: The name of its encoding; None to recognise it.

    Raises:
        TaxonomyError: Some bytes do not fit the encoding.
        CatalogError: The file is packed, or its encoding cannot be recognised.
        OSError: The file cannot be read.
    """
    from fsspec.core import OpenFile

    filesystem, path = connect(uri)
    with OpenFile(filesystem, path, "rb", compression=compression_of(path)) as file:
        decoded = DecodedText(file, uri, encoding)
        pieces = []
        while piece := decoded.read(_BLOCK):
            pieces.append(piece)
        if decoded.encoding is not None and encoding is None:
            reading_notes.tell_encoding(uri, decoded.encoding)
    text = "".join(pieces).removeprefix("\ufeff")
    start = text[:200].lstrip().lower()
    for mark, meaning in _OTHER_FILES.items():
        if start.startswith(mark):
            raise TaxonomyError(f"{uri!r} {meaning}")
    for number, line in enumerate(text.split("\n") if not _is_readable(text) else (), 1):
        if not _is_readable(line):
            raise TaxonomyError(
                f"{uri!r}, line {number:,} is not valid UTF-8: {line[:60]!a}. {_SAVE}"
            )
    return text


def _is_readable(text: str) -> bool:
    """Whether a text has no lone surrogates, which stand for bytes that were not decoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_readable(values: Sequence[str], what: str) -> None:
    """Refuse texts with bytes that were not decoded.

    Args:
        values: The texts.
        what: What they are, for the message.

    Raises:
        TaxonomyError: A text has such bytes.
    """
    wrong = next((value for value in values if not _is_readable(value)), None)
    if wrong is not None:
        raise TaxonomyError(f"The {what} {wrong[:60]!a} is not valid UTF-8. {_SAVE}")


def records_without_header(
    uri: str, separator: str, options: ReadOptions
) -> list[dict[str, Any]] | None:
    """The categories of a table without a header, as Google publishes its taxonomy.

    Its columns are an id and the levels, or the levels alone; or whole paths instead of levels.

    Args:
        uri: The URI of the file.
        separator: The text between the names of a whole path.
        options: What the user knows of the file.

    Returns:
        Records with ``path``, ``place`` and perhaps ``id``; None if the table has a header, or if
        its rows are no tree in this form.

    Raises:
        CatalogError: The file cannot be read.
        OSError: The file cannot be read.
    """
    kind = table_format(uri)
    if kind not in ("csv", "xlsx") or file_size(uri) > _LARGEST:
        return None
    rows = _sheet(uri, options) if kind == "xlsx" else _lines(uri, separator, options)
    numbered = [(n, row) for n, row in enumerate(rows, 1) if any(row)]
    while numbered and numbered[0][1][0].startswith("#") and not any(numbered[0][1][1:]):
        numbered.pop(0)
    places, rows = [f"row {n}" for n, _ in numbered], [row for _, row in numbered]
    for has_ids in (True, False):
        paths = _paths_of_rows([row[has_ids:] for row in rows], separator)
        ids = [row[0] for row in rows] if has_ids else None
        if paths is not None and _are_tree(paths, ids):
            records = [{"path": p, "place": place} for p, place in zip(paths, places, strict=True)]
            logger.warning(
                "%r has no header: its columns are read as %s.", uri,
                "an id and the path" if has_ids else "the path",
            )  # fmt: skip
            keys = [{"id": key} for key in ids] if ids is not None else [{}] * len(rows)
            return [{**record, **key} for record, key in zip(records, keys, strict=True)]
    return None


def _sheet(uri: str, options: ReadOptions) -> list[list[str]]:
    return [[cell_text(cell) for cell in row] for row in sheet_rows(uri, options)]


def _lines(uri: str, separator: str, options: ReadOptions) -> list[list[str]]:
    """The rows of a text file, divided at the delimiter that fits best."""
    text = text_of(uri, options.encoding)
    lines = text.splitlines()
    trials = []
    for mark in [options.delimiter] if options.delimiter else list(_DELIMITERS):
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
        except csv.Error:
            continue
        widths = [len(row) for row in rows if row]
        if widths and max(widths) > 1 and mark != separator.strip():
            trials.append(((min(widths) == max(widths), sum(w > 1 for w in widths)), rows))
    best = max(trials, key=lambda trial: trial[0], default=((False, 0), []))
    is_even, divided = best[0]
    with_separator = sum(separator.strip() in line for line in lines)
    if not is_even and (not divided or 2 * with_separator > len(lines)):
        return [[line.strip()] for line in lines]
    return [[cell.strip() for cell in row] for row in best[1]]


def _paths_of_rows(rows: list[list[str]], separator: str) -> list[Path] | None:
    """The path in each row, from its levels or from a text; None if some row has none."""
    paths: list[Path] = []
    for row in rows:
        filled = [cell for cell in row if cell]
        if not filled or row[: len(filled)] != filled:
            return None
        try:
            path = split_path(filled[0], separator) if len(filled) == 1 else tuple(filled)
        except TaxonomyError:
            return None
        if not path:
            return None
        paths.append(path)
    return paths


def _are_tree(paths: list[Path], ids: list[str] | None) -> bool:
    """Whether the first row is one of the categories, and no header, and rows are nodes."""
    if len(paths) < 2 or (ids is not None and ("" in ids or len(set(ids)) < len(ids))):
        return False
    if not any(path[0] == paths[0][0] and path != paths[0] for path in paths[1:]):
        return False
    if ids is None:
        return True
    known = set(paths)
    inner = {path[:end] for path in paths for end in range(1, len(path))}
    return len(inner & known) >= _MOSTLY * len(inner)
