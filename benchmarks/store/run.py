"""The artifact store under a storm, under SIGKILL, under damage, cold and warm; see README.md.

    python -m benchmarks.store.run

One job at a time; a job whose figures are there already is not run again.
"""

import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.store.damage import damage
from benchmarks.store.kills import kill_publishers
from benchmarks.store.loading import measure_loading, measure_starts
from benchmarks.store.places import PLACES
from benchmarks.store.storm import storm
from benchmarks.store.table import NAMES, assemble, table


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    jobs: dict[str, Callable[[], object]] = {
        "damage": damage,
        "starts": lambda: measure_starts(options),
        "loading": lambda: measure_loading(options),
        **{f"storm/{place}": partial(storm, place) for place in PLACES},
        **{f"kill/{place}": partial(kill_publishers, place) for place in PLACES},
    }
    write_result(name, options.work, jobs[name]())


BENCHMARK = Benchmark(
    Path(__file__).parent, NAMES, run_job, assemble, table, alone=NAMES, reads_data=False
)

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    BENCHMARK.main()
