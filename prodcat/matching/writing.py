"""Writes tables of matches and changes to files: Parquet, CSV, TSV, JSONL and Excel."""

import os
from typing import Any

from prodcat.errors import CatalogError
from prodcat.offers.files import OfferWriter, check_fits, file_kind, replaced_file
from prodcat.storage.containers import path_text

_PIECE = 10_000  # rows that are written at once


def write_table(table: Any, output: str | os.PathLike[str]) -> None:
    """Write an Arrow table to a file, which is replaced once it is complete.

    Args:
        table: The table.
        output: The file, at any fsspec URI: ``.parquet``, ``.csv``, ``.tsv``, ``.jsonl`` or
            ``.xlsx``.

    Raises:
        ConfigError: The ending is of no format that is written, or the table does not fit into a
            sheet of Excel.
        StoreError: The file cannot be written.
    """
    uri = path_text(output, "output", "the path or URI of a file", CatalogError)
    kind = file_kind(uri)
    check_fits(kind, table.num_rows, table.num_columns)
    types = dict(zip(table.schema.names, table.schema.types, strict=True))
    with replaced_file(uri) as file, OfferWriter(file, kind, types) as writer:
        for start in range(0, table.num_rows, _PIECE):
            writer.add(table.slice(start, _PIECE))
