"""The figures of all jobs as rows, bars and tables."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.jobs import read_result_or_none
from benchmarks.quality.sets import SETS
from benchmarks.reporting import Bar, Report, Row, bar
from benchmarks.scale.sizes import SIZES

LIMITS = {"270000": (5, 4), "500000": (20, 8)}  # minutes and GiB
POINTS = 0.3  # that machines of some rows may differ from those of all rows


def job_names() -> list[str]:
    """All jobs, the shortest first."""
    return ["race", *(f"solver/{name}" for name in SETS), *(f"size/{size}" for size in SIZES)]


def assemble(work: Path) -> Report:
    """The figures of all jobs that have run, and every bar."""
    by_job = {name: read_result_or_none(name, work) for name in job_names()}
    rows: list[Row] = [row for row in by_job.values() if row]
    return {"rows": rows, "bars": [one for name, row in by_job.items() for one in _bars(name, row)]}


def _bars(name: str, row: Row | None) -> list[Bar]:
    kind, _, rest = name.partition("/")
    if kind == "race":
        value = f"{row['ratio']:.2f}" if row else ""
        demand = "training on 10,000 titles: its time against the baseline's"
        return [_bar(demand, value, "at most 1", row and row["ratio"] <= 1)]
    if kind == "solver":
        value = ""
        if row:
            low, high = row["interval"]
            value = f"{row['difference']:+.2f} [{low:+.2f}, {high:+.2f}]"
        near = row and abs(row["difference"]) <= POINTS
        return [_bar(f"{rest}: some rows against all, points", value, f"within {POINTS}", near)]
    (titles, leaves), (minutes, most) = SIZES[rest], LIMITS[rest]
    size = f"{titles:,} titles, {leaves:,} leaves"
    took, memory = (row["seconds"] / 60, row["gibibytes"]) if row else (0.0, 0.0)
    return [
        _bar(f"{size}: time", f"{took:.1f} min" * bool(row), f"at most {minutes} min",
             row and took <= minutes),
        _bar(f"{size}: memory", f"{memory:.1f} GiB" * bool(row), f"at most {most} GiB",
             row and memory <= most),
    ]  # fmt: skip


def _bar(name: str, value: str, demand: str, met: object) -> Bar:
    return bar(name, value or "not measured", demand, met)


def table(rows: Sequence[Row]) -> str:
    """The sizes, the solvers and the race as Markdown."""
    lines = ["| titles | leaves | seconds | CPU seconds | GiB | weights | path |", "|---" * 7 + "|"]
    lines += [
        f"| {row['rows']:,} | {row['leaves']:,} | {row['seconds']:.0f} | {row['cpu_seconds']:.0f} "
        f"| {row['gibibytes']:.1f} | {row['weights']:,} | {row['path_accuracy']:.3f} |"
        for row in rows
        if "gibibytes" in row
    ]
    lines += ["", "| set | some rows | all rows | CPU seconds, some | all |", "|---" * 5 + "|"]
    lines += [
        f"| {row['set']} | {row['some']:.4f} | {row['all']:.4f} | {row['cpu_seconds']['some']:.0f} "
        f"| {row['cpu_seconds']['all']:.0f} |"
        for row in rows
        if "interval" in row
    ]
    lines += ["", "| round | the baseline's seconds | those of `fit` |", "|---" * 3 + "|"]
    lines += [
        f"| {number} | {theirs:.1f} | {ours:.1f} |"
        for row in rows
        if "ratio" in row
        for number, (theirs, ours) in enumerate(row["seconds"], 1)
    ]
    return "\n".join(lines)
