"""How well two tables of products are matched; see README.md here.

    python -m benchmarks.matching.run --data DIR

A job whose figures are there already is not run again.
"""

from pathlib import Path

from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.matching.measure import (
    PUBLIC,
    measure_generated,
    measure_large,
    measure_public,
)
from benchmarks.matching.table import assemble, table


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    if name in PUBLIC:
        write_result(name, options.work, measure_public(name, options))
    else:
        measure = measure_generated if name == "generated" else measure_large
        write_result(name, options.work, measure(options))


BENCHMARK = Benchmark(
    Path(__file__).parent,
    [*PUBLIC, "generated"],
    run_job,
    assemble,
    table,
    alone=["large"],
    keeps_earlier=True,
)

if __name__ == "__main__":
    BENCHMARK.main()
