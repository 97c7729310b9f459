"""How far training on n-grams alone scales, and what its solver loses; see README.md.

    python -m benchmarks.scale.run --data DIR

One job at a time, each with the machine to itself; a job whose figures are there is not run again.
"""

from pathlib import Path

from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.scale.sizes import SIZES, measure_size
from benchmarks.scale.solvers import compare_solvers, race_scikit_learn
from benchmarks.scale.table import assemble, job_names, table


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


BENCHMARK = Benchmark(
    Path(__file__).parent, [], run_job, assemble, table, alone=job_names(), threads=2
)

if __name__ == "__main__":
    BENCHMARK.main()
