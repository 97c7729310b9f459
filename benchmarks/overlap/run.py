"""Whether the intervals of shared products and of shares hold the truth; see README.md here.

    python -m benchmarks.overlap.run --data DIR

A job whose figures are there already is not run again.
"""

from pathlib import Path

from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.overlap.simulate import (
    generated_pool,
    public_pool,
    simulate_overlap,
    simulate_shares,
)
from benchmarks.overlap.table import GENERATED, PUBLIC, SETS, assemble, table

_SIMULATED = {"generated": 100, "public": 100, "shares": 250}  # competitors of each job


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, which = name.split("/")
    competitors = 10 if options.quick else _SIMULATED[kind]
    if kind == "shares":
        rows = simulate_shares(which, competitors, options)
    elif kind == "public":
        rows = simulate_overlap(public_pool(which, options), competitors)
    else:
        rows = simulate_overlap(generated_pool(which, 900 if options.quick else 3_000), competitors)
    write_result(name, options.work, rows)


NAMES = [
    *(f"generated/{language}" for language in GENERATED),
    *(f"public/{name}" for name in PUBLIC),
    *(f"shares/{name}" for name in SETS),
]
BENCHMARK = Benchmark(Path(__file__).parent, NAMES, run_job, assemble, table, keeps_earlier=True)

if __name__ == "__main__":
    BENCHMARK.main()
