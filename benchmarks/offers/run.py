"""How much of packs is read out of titles, and how much of it is right; see README.md here.

    python -m benchmarks.offers.run --data DIR

A job whose figures are there already is not run again.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.offers.measure import measure_generated, measure_labelled, measure_speed
from benchmarks.offers.table import assemble, table

JOBS: dict[str, Callable[[Options], object]] = {
    "speed": measure_speed,
    "labelled": measure_labelled,
    "generated": measure_generated,
}


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    write_result(name, options.work, JOBS[name](options))


BENCHMARK = Benchmark(
    Path(__file__).parent,
    ["labelled", "generated"],
    run_job,
    assemble,
    table,
    alone=["speed"],
    keeps_earlier=True,
)

if __name__ == "__main__":
    BENCHMARK.main()
