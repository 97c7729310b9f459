"""Attacks on artifacts, servers and outputs; see README.md.

    python -m benchmarks.trust.run

One job at a time; a job whose figures are there already is not run again.  With the root of an
earlier checkout in ``PRODCAT_BEFORE``, warm loads are compared with it.
"""

import os
import resource
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.reporting import Row, current_commit
from benchmarks.store.damage import damage
from benchmarks.trust.outputs import CHANGES, PLACES, change_inputs, kill, rival
from benchmarks.trust.requests import attack_servers
from benchmarks.trust.table import assemble, table
from benchmarks.trust.warm import measure_warm_loads

ARTIFACTS = 3_000
JOBS: dict[str, Callable[[Options], Row]] = {
    "requests": attack_servers,
    "artifacts": lambda options: damage(ARTIFACTS),
}


def _at_each(name: str, job: Callable[[str], Row], places: Iterable[str]) -> None:
    for place in places:
        JOBS[f"{name}/{place}"] = partial(_without_options, job, place)


def _without_options(job: Callable[[str], Row], place: str, options: Options) -> Row:
    return job(place)


_at_each("inputs", change_inputs, CHANGES)
_at_each("rivals", rival, PLACES)
_at_each("kills", kill, PLACES)
if os.environ.get("PRODCAT_BEFORE"):
    JOBS["warm"] = measure_warm_loads


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures, with the commit that they are of."""
    commit = current_commit(Path(__file__).parent)
    write_result(name, options.work, {"commit": commit, **JOBS[name](options)})


BENCHMARK = Benchmark(
    Path(__file__).parent, [], run_job, partial(assemble, list(JOBS)), table, alone=list(JOBS),
    reads_data=False,
)  # fmt: skip

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (8_192, 8_192))
    BENCHMARK.main()
