"""How far training on n-grams alone scales, and what its solver loses; see README.md.

    python -m benchmarks.scale.run --data DIR

One job at a time, each with the machine to itself; a job whose figures are there is not run again.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, read_result_or_none, write_result
from benchmarks.quality.sets import SETS
from benchmarks.reporting import Bar, Report, Row, bar
from benchmarks.scale.sizes import SIZES, measure_size
from benchmarks.scale.solvers import compare_solvers, race_scikit_learn

NAMES = ["race", *(f"solver/{name}" for name in SETS), *(f"size/{size}" for size in SIZES)]
LIMITS = {270_000: (5, 4), 500_000: (20, 8)}  # minutes and GiB


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, _, rest = name.partition("/")
    if kind == "size":
        result = measure_size(options, *SIZES[rest])
    elif kind == "solver":
        result = compare_solvers(options, rest)
    else:
        result = race_scikit_learn(options)
    write_result(name, options.work, {"job": name, **result})


def assemble(work: Path) -> Report:
    """The figures of all jobs that have run, and the bars."""
    rows: list[Row] = [row for name in NAMES if (row := read_result_or_none(name, work))]
    return {"rows": rows, "bars": [one for row in rows for one in _bars(row)]}


def _bars(row: Row) -> list[Bar]:
    if "gibibytes" in row:
        minutes, most = LIMITS[row["rows"]]
        size = f"{row['rows']:,} titles, {row['leaves']:,} leaves"
        took, memory = row["seconds"] / 60, row["gibibytes"]
        return [
            bar(f"{size}: time", f"{took:.1f} min", f"at most {minutes} min", took <= minutes),
            bar(f"{size}: memory", f"{memory:.1f} GiB", f"at most {most} GiB", memory <= most),
        ]
    if "interval" in row:
        low, high = row["interval"]
        value = f"{row['difference']:+.2f} [{low:+.2f}, {high:+.2f}]"
        name = f"{row['set']}: some rows against all, points"
        return [bar(name, value, "within .3", abs(row["difference"]) <= 0.3)]
    name = f"{row['titles']:,} titles: time of training against the baseline's"
    return [bar(name, f"{row['ratio']:.2f}", "at most 1", row["ratio"] <= 1)]


def table(rows: Sequence[Row]) -> str:
    """The sizes and the solvers as Markdown."""
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
    return "\n".join(lines)


BENCHMARK = Benchmark(Path(__file__).parent, [], run_job, assemble, table, alone=NAMES, threads=2)

if __name__ == "__main__":
    BENCHMARK.main()
