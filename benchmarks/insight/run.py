"""How honest the figures are that people look at, and how fast they open; see README.md here.

    python -m benchmarks.insight.run --data DIR

Two jobs at a time, each with one thread; a job whose figures are there already is not run again.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.insight.assortments import simulate_competitors
from benchmarks.insight.drifts import change_trees, plant_drift
from benchmarks.insight.label_errors import KINDS, swap_labels
from benchmarks.insight.labelling import label_by_queue
from benchmarks.insight.large_assortment import open_large_assortment
from benchmarks.insight.large_report import open_large_report
from benchmarks.insight.table import SEEDS, SETS, assemble, table
from benchmarks.jobs import Benchmark, Options, run_tests, write_result

NAMES = [
    *(f"assortment/{name}" for name in SETS),
    *(f"swaps/{SETS[0]}/{kind}" for kind in KINDS),
    *(f"labelling/{seed}" for seed in range(SEEDS)),
    *(f"drift/{kind}" for kind in ("nothing", "shares", "titles")),
    "trees", "large", "large_assortment", "browser",
]  # fmt: skip


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, *rest = name.split("/")
    jobs: dict[str, Callable[[], object]] = {
        "assortment": lambda: simulate_competitors(options, rest[0]),
        "swaps": lambda: swap_labels(options, rest[0], rest[1]),
        "labelling": lambda: label_by_queue(options, int(rest[0])),
        "drift": lambda: plant_drift(options, rest[0]),
        "trees": lambda: change_trees(options),
        "large": lambda: open_large_report(options),
        "large_assortment": lambda: open_large_assortment(options),
        "browser": lambda: run_tests("tests/insight"),
    }
    write_result(name, options.work, jobs[kind]())


ALONE = ["large", "large_assortment"]
BENCHMARK = Benchmark(
    Path(__file__).parent,
    [name for name in NAMES if name not in ALONE],
    run_job,
    assemble,
    table,
    alone=ALONE,
    keeps_earlier=True,
)

if __name__ == "__main__":
    BENCHMARK.main()
