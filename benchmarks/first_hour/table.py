"""The figures of all jobs as rows, bars and tables."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.first_hour.examples import TESTS
from benchmarks.jobs import read_result_or_none
from benchmarks.quality.sets import SETS
from benchmarks.reporting import Bar, Report, Row, bar

_SECONDS = 30
_LINES = 40


def assemble(work: Path) -> Report:
    """The report of what the jobs left."""
    timed = [row for name in SETS if (row := read_result_or_none(f"try/{name}", work))]
    examples = read_result_or_none("examples", work)
    rows = [*timed, *([examples] if examples else [])]
    return {"rows": rows, "bars": [_time_bar(timed), *_example_bars(examples)]}


def _time_bar(rows: Sequence[Row]) -> Bar:
    name = "one command, from a file of 10,000 titles to the first right answer, all sets"
    demand = f"under {_SECONDS} s"
    if not rows:
        return bar(name, "not measured", demand, False)
    worst = max(median(row["seconds"]) for row in rows)
    right = all(row["right"] for row in rows)
    value = f"{worst:.1f} s in the slowest of {len(rows)} sets"
    return bar(name, value, demand, worst < _SECONDS and right and len(rows) == len(SETS))


def _example_bars(row: Row | None) -> list[Bar]:
    lines = row["lines"] if row else "not measured"
    bars = [
        bar(
            "lines of code in the notebook of the first hour",
            lines,
            f"at most {_LINES}",
            row is not None and row["lines"] <= _LINES,
        )
    ]
    for name, test in TESTS.items():
        said = row[name]["said"] if row else "not measured"
        passed = row is not None and row[name]["passed"]
        bars.append(bar(f"{name}: {test}", said, "passes, nothing skipped", passed))
    return bars


def table(rows: Sequence[Row]) -> str:
    """The times as Markdown."""
    lines = ["| set | titles | seconds, 3 rounds | right of 20 that are not in the file |"]
    lines.append("|---|---|---|---|")
    for row in rows:
        if "set" in row:
            seconds = ", ".join(f"{value:.1f}" for value in row["seconds"])
            right = f"{row['right']} of {row['asked']}"
            lines.append(f"| {row['set']} | {row['titles']:,} | {seconds} | {right} |")
    return "\n".join(lines)
