"""Whether the words that are named decide, on four sets; see README.md here.

    python -m benchmarks.explain.run --data DIR

A job whose figures are there already is not run again, and a classifier that was trained for it is
kept in the work folder.
"""

from pathlib import Path

from benchmarks.explain.measure import explain_set
from benchmarks.explain.methods import compare_methods
from benchmarks.explain.speed import KINDS, time_titles
from benchmarks.explain.table import assemble, table
from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.quality.sets import SETS

NAMES = [
    *(f"ngrams/{name}" for name in reversed(SETS)),
    *(f"encoder/{name}" for name in reversed(SETS)),
    *(f"methods/{name}" for name in reversed(SETS)),
    *(f"speed/{kind}/{name}" for kind in KINDS for name in reversed(SETS)),
]


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, _, data = name.partition("/")
    if kind == "speed":
        result: object = time_titles(options, *data.split("/"))
    elif kind == "methods":
        result = compare_methods(options, data)
    else:
        result = explain_set(options, kind, data)
    write_result(name, options.work, result)


BENCHMARK = Benchmark(Path(__file__).parent, NAMES, run_job, assemble, table, keeps_earlier=True)

if __name__ == "__main__":
    BENCHMARK.main()
