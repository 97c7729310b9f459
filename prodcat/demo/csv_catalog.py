"""Writes a generated catalog to a CSV file."""

import csv
from collections.abc import Sequence
from pathlib import Path

from prodcat.demo.quick_commerce import GeneratedRow

LEVELS = ("department", "category", "subcategory", "type")


def write_catalog(rows: Sequence[GeneratedRow], path: Path) -> Path:
    """Write rows to a CSV file with title, brand, language and one column for each level.

    Args:
        rows: Generated rows.
        path: The file to write, which is replaced if it exists.

    Returns:
        ``path``.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "brand", "language", *LEVELS])
        writer.writerows([row.title, row.brand, row.language, *row.path] for row in rows)
    return path
