"""Reads a file of the matrix with defaults alone, and says whether what was written is read."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.files.cells import CODECS, Cell

RIGHT, REFUSED, WRONG, UNHELPFUL = "right", "refused", "wrong", "refused without the right advice"
_ROWS = 400  # in a part
Given = dict[str, str]  # options that the user sets


@dataclass
class Reading:
    """What was read of a file.

    Attributes:
        columns: The columns as texts, by name.
        faulty: The rows that are reported as wrong.
        said: All that was said, in errors and warnings.
        failed: Whether the whole file was refused.
    """

    columns: dict[str, list[str]] = field(default_factory=dict)
    faulty: set[int] = field(default_factory=set)
    said: str = ""
    failed: bool = False


def outcome(read: Callable[[str, Cell, Given], Reading], path: Path, cell: Cell) -> tuple[str, str]:
    """What comes of reading a file with defaults alone.

    Returns:
        The outcome, and what was said or read if it is not right.
    """
    first = read(str(path), cell, {})
    if first.failed or first.faulty:
        if not first.failed and _difference(first, cell, first.faulty):
            return WRONG, _difference(first, cell, first.faulty)
        given = _advised(first.said, cell)
        again = read(str(path), cell, given) if given else first
        if given and not again.failed and not again.faulty and not _difference(again, cell):
            return REFUSED, first.said
        return UNHELPFUL, f"{given}: {again.said}"
    difference = _difference(first, cell)
    return (WRONG, f"{difference} {first.said}") if difference else (RIGHT, "")


def _advised(said: str, cell: Cell) -> Given:
    """The options that a message names, with the values that are right for the file."""
    values = {"delimiter": cell.delimiter, "encoding": CODECS.get(cell.encoding, "")}
    marks = {"delimiter": "--delimiter", "encoding": "--file-encoding"}
    return {name: value for name, value in values.items() if marks[name] in said and value}


def _difference(
    reading: Reading, cell: Cell, left_out: set[int] | frozenset[int] = frozenset()
) -> str:
    """The first difference between what is written and what was read; empty if there is none."""
    rows = [
        list(row) for row in zip(*(reading.columns[name] for name in cell.columns), strict=True)
    ]
    wanted = cell.rows_of_texts
    if cell.encoding == "xlsx" and "price" in cell.columns:
        place = cell.columns.index("price")
        for row in (*rows, *wanted):
            row[place] = str(float(row[place].replace(",", "")))
    if len(rows) != len(wanted) and not left_out:
        return f"{len(rows)} rows for {len(wanted)}: the last is {rows[-1:]}"
    for number, (row, expected) in enumerate(zip(rows, wanted, strict=False)):
        if number not in left_out and row != expected:
            return f"row {number}: {row} for {expected}"
    return ""


def as_catalog(path: str, cell: Cell, given: Given) -> Reading:
    """Read with :func:`prodcat.read_catalog`."""
    import prodcat
    from prodcat.errors import ProdcatError

    others = [name for name in cell.columns if name not in ("title", "path")]
    with _Said() as said:
        try:
            catalog = prodcat.read_catalog(
                path,
                path="path" if "path" in cell.columns else None,
                keep=others,
                delimiter=given.get("delimiter"),
                encoding=given.get("encoding"),
            )
        except ProdcatError as error:
            return Reading(said=f"{said.text} {error}", failed=True)
    columns: dict[str, Sequence[Any]] = {name: catalog.columns[name] for name in others}
    columns["title"] = catalog.titles
    if "path" in cell.columns:
        assert catalog.taxonomy is not None
        columns["path"] = [" > ".join(catalog.taxonomy.path(node)) for node in catalog.targets]
    return Reading(
        {name: list(map(str, values)) for name, values in columns.items()}, said=said.text
    )


def as_input(path: str, cell: Cell, given: Given) -> Reading:
    """Read as the input of a scoring."""
    from prodcat.errors import ProdcatError
    from prodcat.scoring.input_columns import InputColumns
    from prodcat.scoring.parts import list_files, read_parts
    from prodcat.storage.read_options import ReadOptions

    options = ReadOptions(given.get("delimiter"), given.get("encoding"), names=("title",))
    columns: dict[str, list[str]] = {name: [] for name in cell.columns}
    reading = Reading(columns)
    with _Said() as said:
        try:
            files = list_files(path)
            known = InputColumns.of(path, files, ["title"], options).names
            missing = [name for name in cell.columns if name not in known]
            if missing or len(known) > len(cell.columns) + cell.empty + 1:
                columns.update({name: [] for name in cell.columns})
                return Reading(columns, said=f"the columns are {known}")
            for part in read_parts(files, lambda *_: True, _ROWS, options):
                _add(reading, part)
        except ProdcatError as error:
            return Reading(said=f"{said.text} {error}", failed=True)
    reading.said += said.text
    return reading


def _add(reading: Reading, part: Any) -> None:
    """Add the rows of a part; rows without a title, or with invalid bytes, are wrong rows."""
    for row, reason in part.unreadable.items():
        reading.faulty.add(part.first + row)
        reading.said += f" {reason}"
    for name, values in reading.columns.items():
        values += ["" if value is None else str(value) for value in part.table[name]]
    for row, title in enumerate(part.table["title"]):
        texts = [values[part.first + row] for values in reading.columns.values()]
        if not str(title or "").strip() or re.search("[\udc80-\udcff]", "".join(texts)):
            reading.faulty.add(part.first + row)


class _Said(logging.Handler):
    """Collects what is logged inside a ``with`` block."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f" {record.getMessage()}"

    def __enter__(self) -> "_Said":
        logger = logging.getLogger("prodcat")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("prodcat").removeHandler(self)
