"""The matrix of dialects and encodings."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.files import office, writers
from benchmarks.files.cells import Cell, all_cells
from benchmarks.files.reading import as_catalog, as_input, outcome
from benchmarks.reporting import Row

READERS = {"read_catalog": as_catalog, "scoring": as_input}


def measure(writer: str) -> Row:
    """Write all files of a writer, and read each in both ways."""
    cells = [cell for cell in all_cells() if cell.writer == writer]
    if writer == "LibreOffice" and office.command() is None:
        return {"job": "matrix", "writer": writer, "files": [], "missing": len(cells)}
    with tempfile.TemporaryDirectory() as folder:
        write_all(cells, Path(folder))
        return {"job": "matrix", "writer": writer, "files": read_all(cells, Path(folder))}


def write_all(cells: Sequence[Cell], folder: Path) -> None:
    """Write the files of cells into a folder."""
    for cell in cells:
        if cell.writer != "LibreOffice":
            writers.write(cell, folder / cell.name)
    office.write_all([cell for cell in cells if cell.writer == "LibreOffice"], folder)


def read_all(cells: Sequence[Cell], folder: Path) -> list[Row]:
    """Read the files of cells in each way."""
    rows = []
    for number, cell in enumerate(cells):
        for reader, read in READERS.items():
            place = folder / f"{number}-{reader}"  # the same is told once for a folder
            place.mkdir()
            result, detail = outcome(read, (folder / cell.name).rename(place / cell.name), cell)
            (place / cell.name).rename(folder / cell.name)
            about = {"encoding": cell.encoding, "delimiter": cell.delimiter, "rows": cell.rows}
            row = {"file": cell.name, "reader": reader, "outcome": result, **about}
            rows.append(row | ({"detail": detail[:400], "cell": repr(cell)} if detail else {}))
    return rows
