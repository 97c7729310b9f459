"""Measures how much is read out of labelled and of generated texts, and how fast."""

import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.jobs import ROOT, Options
from benchmarks.offers.generate import LANGUAGES, Generated, generate
from benchmarks.offers.labels import PARTS, Labelled, meaning, read_labels, titles_by_key
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat.offers.pack import Pack

HALVES = ("development", "held-out", "fresh", "last", "unseen")
_SEEDS = (1, 2, 3)
_TEXTS = 20_000
_ROWS = 200_000
_SAME = 1e-6
_SCRIPT = """
import resource, sys, time
from prodcat.offers import OfferColumns, write_offers
began = time.process_time()
columns = OfferColumns(price="price", product_type=("path",))
report = write_offers(sys.argv[1], sys.argv[2], columns)
print(report.counts.rows, time.process_time() - began,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def measure_labelled(options: Options) -> dict[str, Any]:
    """Read all labelled titles, and compare with the settled labels.

    Returns:
        ``rows``, one for each half and set and one for each half, and ``agreement``, how often both
        readings gave the same label.
    """
    labels = read_labels()
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for name in PARTS:
        titles = titles_by_key(options.data, name)
        for label in (each for each in labels if each.set == name):
            _count(counts[label.half, name], label, titles[label.key])
    for half in HALVES:
        counts[half, "all"] = sum((counts[half, name] for name in PARTS), Counter())
    rows = [
        {"half": half, "set": name, **_figures(counts[half, name])}
        for half in HALVES
        for name in (*PARTS, "all")
    ]
    return {"rows": rows, "agreement": _agreement(labels)}


def _count(counter: Counter[str], label: Labelled, title: str) -> None:
    """Add what is read of one title to the counts."""
    from prodcat.offers.texts import read_pack

    truth, pack = meaning(label.settled), read_pack(title)
    counter["texts"] += 1
    counter["sized"] += truth is not None
    if pack.status != "read":
        counter["unknown"] += pack.status == "unknown"
        return
    counter["parsed"] += 1
    counter["parsed of sized"] += truth is not None
    if truth is None or not _is_total(pack, truth.total, truth.unit):
        return
    counter["right"] += 1
    is_count = truth.unit not in ("g", "ml") or pack.count == truth.count
    counter["count right"] += is_count and truth.pieces in (None, pack.pieces)


def _is_total(pack: "Pack", total: float, unit: str) -> bool:
    if pack.total is None or pack.total_unit != unit:
        return False
    return abs(pack.total - total) <= _SAME * max(1.0, total)


def _figures(counter: Counter[str]) -> dict[str, int]:
    names = ("texts", "sized", "parsed", "parsed of sized", "right", "count right", "unknown")
    return {name: counter[name] for name in names}


def _agreement(labels: Iterable[Labelled]) -> dict[str, int]:
    """How many labels both readings have in common: all of them, and what they say about sizes."""
    listed = list(labels)
    return {
        "titles": len(listed),
        "same label": sum(label.first == label.second for label in listed),
        "same size": sum(meaning(label.first) == meaning(label.second) for label in listed),
    }


def measure_generated(options: Options) -> list[Row]:
    """Read generated texts in each language and of each shape, with three seeds."""
    count = 500 if options.quick else _TEXTS
    texts = [text for seed in _SEEDS for text in generate(count, seed)]
    rows = []
    for language in LANGUAGES:
        chosen = [text for text in texts if text.language == language]
        rows.append({"name": language, **_read_generated(chosen)})
    for shape in dict.fromkeys(text.shape for text in texts):
        chosen = [text for text in texts if text.shape == shape]
        rows.append({"name": shape, **_read_generated(chosen)})
    return rows


def _read_generated(texts: Iterable[Generated]) -> dict[str, int]:
    from prodcat.offers.texts import read_pack

    counter: Counter[str] = Counter()
    for text in texts:
        pack = read_pack(text.text)
        counter["texts"] += 1
        counter["sized"] += text.total is not None
        if pack.status == "read":
            counter["parsed"] += 1
            is_right = text.total is not None and _is_total(pack, text.total, text.unit)
            counter["right"] += is_right and pack.count == text.count
    return {name: counter[name] for name in ("texts", "sized", "parsed", "right")}


def measure_speed(options: Options) -> list[Row]:
    """Read single texts, and a whole file in a process of its own."""
    from prodcat.offers.texts import read_pack

    rows = 2_000 if options.quick else _ROWS
    texts = [text.text for text in generate(min(rows, 50_000), 9)]
    read_pack("1 kg")
    began = time.process_time()
    for text in texts:
        read_pack(text)
    seconds = time.process_time() - began
    measured: list[Row] = [
        {"what": "read_pack, text by text", "rows": len(texts), "seconds": seconds, "peak": None}
    ]
    source = options.work / "generated.csv"
    _write_table(source, rows)
    output = options.work / "offers.parquet"
    command = [sys.executable, "-c", _SCRIPT, str(source), str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    read, taken, peak = done.stdout.split()
    measured.append(
        {"what": "a CSV file to Parquet, all columns", "rows": int(read), "seconds": float(taken),
         "peak": int(peak)}
    )  # fmt: skip
    output.unlink()
    source.unlink()
    return measured


def _write_table(path: Path, rows: int) -> None:
    """Write a table of generated titles with an id, a category and a price."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,title,path,price\n")
        for row, text in enumerate(generate(rows, 10)):
            title = text.text.replace('"', "")
            file.write(f'{row},"{title}",Food > {text.shape},"{1 + row % 900 / 100:.2f} €"\n')
