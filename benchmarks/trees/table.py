"""The report of the benchmark of trees, and its tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.jobs import read_result_or_none
from benchmarks.quality.sets import SETS as TITLE_SETS
from benchmarks.reporting import Bar, Report, Row, bar
from benchmarks.trees.measure import SETS
from benchmarks.trees.migration import SEEDS
from benchmarks.trees.migration_table import migration_bars, migration_lines

_MOST_SECONDS = 20
TITLED = [f"titles/{name}" for name in TITLE_SETS]
EXACT = [*(f"exact/{name}" for name in TITLE_SETS), "exact encoded/receipts-fr"]
MIGRATED = [f"migrated/{name}/{seed}" for name in TITLE_SETS for seed in SEEDS]
ENCODED = [f"encoded/receipts-fr/{SEEDS[0]}"]
_TABLES = {"titles": TITLED, "exact": EXACT, "migrated": [*MIGRATED, *ENCODED]}


def assemble(work: Path) -> Report:
    """The figures of all jobs in the work folder, and the bars."""
    names = ["versions", *(f"simulated/{name}" for name in SETS)]
    rows = [
        {"table": "found", **result}
        for name in names
        if (result := read_result_or_none(name, work)) is not None
    ]
    rows += [
        {"table": name, **result}
        for name, jobs in _TABLES.items()
        for job in jobs
        if (result := read_result_or_none(job, work)) is not None
    ]
    speed = read_result_or_none("speed", work)
    if speed is not None:
        rows += [
            {"table": "speed", "trees": name, "seconds": seconds, "peak": speed["peak"]}
            for name, seconds in speed["seconds"].items()
        ]
    return {"rows": rows, "bars": [*_bars(rows), *migration_bars(rows)]}


def _bars(rows: Sequence[Row]) -> list[Bar]:
    found = {row["set"]: row for row in rows if row["table"] == "found"}
    bars = []
    real = found.get("two published versions")
    if real is not None:
        changed = real["changed right"] / real["changed"]
        whole = real["all right"] / real["all"]
        sure, precision = real["sure"] / real["changed"], real["sure right"] / max(real["sure"], 1)
        bars += [
            bar("published versions: categories that change their path, right", _percent(changed),
                "at least 85%", changed >= 0.85),
            bar("published versions: all categories, right", _percent(whole), "at least 99%",
                whole >= 0.99),
            bar("published versions: of the changed ones, sure", _percent(sure), "at least half",
                sure >= 0.5),
            bar("published versions: of the sure ones, right", _percent(precision),
                "at least 97%", precision >= 0.97),
        ]  # fmt: skip
    simulated = [row for name, row in found.items() if name in SETS]
    if simulated:
        right = sum(row["sure right"] for row in simulated) / sum(row["sure"] for row in simulated)
        bars.append(
            bar("simulated changes: of the sure ones, right", _percent(right), "at least 97%",
                right >= 0.97)
        )  # fmt: skip
    times = [row["seconds"] for row in rows if row["table"] == "speed"]
    if times:
        bars.append(
            bar("two trees of 10,000 nodes, seconds of the processor", f"{max(times):.1f}",
                f"under {_MOST_SECONDS}", max(times) < _MOST_SECONDS)
        )  # fmt: skip
    return bars


def table(rows: Sequence[Row]) -> str:
    """The tables as Markdown."""
    lines = [
        "| trees | categories | right | changed | right | by a rule | sure | of these right | "
        "calibration error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["table"] == "found":
            lines.append(
                f"| {row['set']} | {row['all']:,} | {_percent(row['all right'] / row['all'])} | "
                f"{row['changed']:,} | {_percent(row['changed right'] / row['changed'])} | "
                f"{_percent(row['rule right'] / row['changed'])} | "
                f"{_percent(row['sure'] / row['changed'])} | "
                f"{_percent(row['sure right'] / max(row['sure'], 1))} | "
                f"{calibration_error(row['bins']):.3f} |"
            )
    lines += ["", "| two trees of 10,000 nodes | seconds | peak memory |", "|---|---|---|"]
    lines += [
        f"| {row['trees']} | {row['seconds']:.1f} | {row['peak'] / 2**30:.2f} GiB |"
        for row in rows
        if row["table"] == "speed"
    ]
    return "\n".join([*lines, *migration_lines(rows)])


def calibration_error(bins: list[list[float]]) -> float:
    """The mean difference between confidence and share of right answers, in ten classes.

    >>> calibration_error([[10, 9.0, 8], [0, 0.0, 0]])
    0.1
    """
    counts, confidence, right = np.array(bins, float).T
    return float(np.abs(confidence - right).sum() / counts.sum())


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
