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
    measure_vectors,
)
from benchmarks.matching.table import assemble, table


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    if name in PUBLIC:
        write_result(name, options.work, measure_public(name, options))
    else:
        jobs = {"generated": measure_generated, "large": measure_large, "vectors": measure_vectors}
        write_result(name, options.work, jobs[name](options))


BENCHMARK = Benchmark(
    Path(__file__).parent,
    [*PUBLIC, "generated"],
    run_job,
    assemble,
    table,
    alone=["large", "vectors"],
    keeps_earlier=True,
)

if __name__ == "__main__":
    BENCHMARK.main()
