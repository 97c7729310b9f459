"""Files of every dialect, property tests of types, and reports of other libraries; see README.md.

    python -m benchmarks.files.run

A job whose figures are there already is not run again.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.files import cells, matrix, properties, reports
from benchmarks.files.table import assemble, table
from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.reporting import Row, current_commit

JOBS: dict[str, Callable[[], Row]] = {
    **{f"matrix/{writer}": partial(matrix.measure, writer) for writer in cells.WRITERS},
    "reports": reports.measure,
    **{f"property/{name}": partial(properties.measure, name) for name in properties.TESTS},
}


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures, with the commit that they are of."""
    commit = current_commit(Path(__file__).parent)
    write_result(name, options.work, {"commit": commit, **JOBS[name]()})


BENCHMARK = Benchmark(
    Path(__file__).parent, [], run_job, partial(assemble, list(JOBS)), table, alone=list(JOBS),
    reads_data=False,
)  # fmt: skip

if __name__ == "__main__":
    BENCHMARK.main()
