"""The report of the benchmark of overlaps and shares, and its tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar

GENERATED = ("de", "en", "es", "fr", "it", "nl", "pt", "tr")
PUBLIC = ("amazon-google", "walmart-amazon")
SETS = ("food-terms", "shop-titles-en", "receipts-fr", "shop-titles-es")
_WANTED = "93 to 97 %"


def assemble(work: Path) -> Report:
    """The figures of all jobs in the work folder, and the bars."""
    rows: list[Row] = []
    for kind, names in (("generated", GENERATED), ("public", PUBLIC), ("shares", SETS)):
        for name in names:
            simulated = read_result_or_none(f"{kind}/{name}", work) or ()
            if simulated:
                rows.append({"kind": kind, "of": name, **_summary(simulated)})
    return {"rows": rows, "bars": _bars(rows)}


def _summary(simulated: Sequence[Row]) -> Row:
    """The sums of counts and the means of all else."""
    sums = ("overall", "departments", "departments held", "held", "present", "present held")
    summary: Row = {"competitors": len(simulated)}
    for name in simulated[0]:
        values = [row[name] for row in simulated]
        summary[name] = int(sum(values)) if name in sums else float(np.mean(values))
    return summary


def _bars(rows: Sequence[Row]) -> list[Bar]:
    bars = []
    shared = [row for row in rows if row["kind"] != "shares"]
    if shared:
        count = sum(row["competitors"] for row in shared)
        bars.append(_held(f"shared products, overall, {count:,} competitors", shared,
                          "overall", "competitors"))  # fmt: skip
        bars.append(_held(f"shared products, by department with products, {count:,} competitors",
                          shared, "departments held", "departments"))  # fmt: skip
    shares = [row for row in rows if row["kind"] == "shares"]
    if shares:
        count = sum(row["competitors"] for row in shares)
        bars.append(_held(f"shares of departments, {count:,} competitors", shares,
                          "held", "departments"))  # fmt: skip
        bars.append(_held(f"shares of departments with products, {count:,} competitors", shares,
                          "present held", "present"))  # fmt: skip
    return bars


def _held(name: str, rows: Sequence[Row], held: str, of: str) -> Bar:
    share = sum(row[held] for row in rows) / sum(row[of] for row in rows)
    return bar(f"{name}: the 95 % interval holds the truth", f"{share:.1%}", _WANTED,
               0.93 <= share <= 0.97)  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """The tables as Markdown."""
    lines = [
        "| shared products of | competitors | overall | by department | width | error | "
        "error by answers |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['of']} | {row['competitors']} | {row['overall'] / row['competitors']:.1%} | "
        f"{row['departments held'] / row['departments']:.1%} | {row['width']:.3f} | "
        f"{row['error']:.3f} | {row['error by answers']:.3f} |"
        for row in rows
        if row["kind"] != "shares"
    ]
    lines += [
        "",
        "| shares of | competitors | departments | with products | width | error |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['of']} | {row['competitors']} | {row['held'] / row['departments']:.1%} | "
        f"{row['present held'] / row['present']:.1%} | {row['width']:.3f} | {row['error']:.3f} |"
        for row in rows
        if row["kind"] == "shares"
    ]
    return "\n".join(lines)
