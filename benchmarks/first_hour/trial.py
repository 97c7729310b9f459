"""``prodcat try`` on 10,000 titles as a retailer's file has them, in a process of its own."""

import csv
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.jobs import Options
from benchmarks.quality.sets import Record, rows_of
from benchmarks.reporting import Row, cpu

TITLES = 10_000
ASKED = 20  # titles that are not in the file
_ROUNDS = 3
_QUICK = 400


def time_first_answer(options: Options, name: str) -> Row:
    """How long one command takes from the file to the answers of titles that are not in it.

    Args:
        options: Where the sets are.
        name: The set.
    """
    records = rows_of(options.data, name, ("train", "validation"))
    draw = random.Random(0)
    draw.shuffle(records)
    most = min(_QUICK if options.quick else TITLES, len(records) - ASKED)
    file = options.work / f"{name}.csv"
    _write(file, records[:most])
    asked = records[most : most + ASKED]
    answers = [f"--answer={record['title']}" for record in asked]
    seconds, printed = [], ""
    for _ in range(1 if options.quick else _ROUNDS):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "prodcat", "try", str(file), *answers],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds.append(time.perf_counter() - began)
        printed = done.stdout
    return {
        "set": name,
        "titles": most,
        "seconds": seconds,
        "right": _right(printed, asked),
        "asked": len(asked),
        "columns": printed.splitlines()[0],
        "cpu": cpu(),
    }


def _write(file: Path, records: Sequence[Record]) -> None:
    """A file as Excel writes it where the decimal mark is a comma: a BOM, and semicolons."""
    with file.open("w", encoding="utf-8-sig", newline="") as target:
        rows = csv.writer(target, delimiter=";")
        rows.writerow(["Article no.", "Product name", "Category", "Price"])
        for number, record in enumerate(records):
            price = f"{1 + number % 90},{number % 100:02}"
            rows.writerow([f"{number:06}", record["title"], _joined(record), price])


def _joined(record: Record) -> str:
    return " > ".join(name.replace(">", "-") for name in record["path"])


def _right(printed: str, asked: Sequence[Record]) -> int:
    """How many of the titles were answered with their whole path."""
    answers = printed.partition("your titles:\n")[2]
    return sum(f"  {record['title']}: {_joined(record)} (" in answers for record in asked)
