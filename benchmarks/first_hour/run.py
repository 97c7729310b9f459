"""How long until the first right answer, and whether the examples run; see README.md.

    python -m benchmarks.first_hour.run --data DIR

A job whose figures are there already is not run again.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.first_hour.examples import run_examples
from benchmarks.first_hour.table import assemble, table
from benchmarks.first_hour.trial import time_first_answer
from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.quality.sets import SETS

NAMES = [*(f"try/{name}" for name in SETS), "examples"]


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, _, rest = name.partition("/")
    jobs: dict[str, Callable[[], object]] = {
        "try": lambda: time_first_answer(options, rest),
        "examples": run_examples,
    }
    write_result(name, options.work, jobs[kind]())


BENCHMARK = Benchmark(
    Path(__file__).parent, [], run_job, assemble, table, alone=NAMES, threads=2
)  # fmt: skip

if __name__ == "__main__":
    BENCHMARK.main()
