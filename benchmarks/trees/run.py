"""What each category has become in the next version of a tree; see README.md here.

    python -m benchmarks.trees.run --data DIR

A job whose figures are there already is not run again.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.trees.measure import SETS, compare_simulated, compare_versions, time_large_trees
from benchmarks.trees.migration import (
    check_exactness,
    compare_with_training,
    diff_with_titles,
)
from benchmarks.trees.table import (
    ENCODED,
    EXACT,
    MIGRATED,
    TITLED,
    assemble,
    table,
)

NAMES = [
    "versions", *(f"simulated/{name}" for name in SETS), *TITLED, *EXACT, *MIGRATED, *ENCODED,
]  # fmt: skip


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, _, rest = name.partition("/")
    jobs: dict[str, Callable[[], object]] = {
        "versions": lambda: compare_versions(options),
        "simulated": lambda: compare_simulated(options, rest),
        "speed": lambda: time_large_trees(options),
        "titles": lambda: diff_with_titles(options, rest),
        "exact": lambda: check_exactness(options, rest),
        "migrated": lambda: compare_with_training(options, *_set_and_seed(rest)),
        "encoded": lambda: compare_with_training(options, *_set_and_seed(rest), encoder=True),
        "exact encoded": lambda: check_exactness(options, rest, encoder=True),
    }
    write_result(name, options.work, jobs[kind]())


def _set_and_seed(name: str) -> tuple[str, int]:
    data_set, _, seed = name.rpartition("/")
    return data_set, int(seed)


BENCHMARK = Benchmark(
    Path(__file__).parent, NAMES, run_job, assemble, table, alone=["speed"], keeps_earlier=True
)

if __name__ == "__main__":
    BENCHMARK.main()
