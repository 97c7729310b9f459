"""How long training takes, and what it is worth; see README.md here.

    python -m benchmarks.training.run --data DIR            # everything; writes results.json
    python -m benchmarks.training.run --data DIR --only defaults   # keeps the other results
    python -m benchmarks.training.run --data DIR --job race/food-terms

One job at a time, on all cores; a job whose figures are there already is not run again.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, write_result
from benchmarks.training.before import job_names, race_defaults, time_defaults
from benchmarks.training.flops import measure_flops
from benchmarks.training.interruptions import interrupt_and_resume
from benchmarks.training.reuse import learn_new_language, trim_vocabulary, warm_start
from benchmarks.training.speed import THREADS, measure_throughput, run_race, train_unpadded
from benchmarks.training.systems import SETS, time_prodcat
from benchmarks.training.table import assemble, table

NAMES = [
    *job_names(),
    *(f"race/{name}" for name in SETS),
    *(f"unpadded/{name}" for name in SETS),
    "throughput",
    "flops",
    "flops-without-amx",
    "trim",
    "warm",
    "countries",
    "resume",
]


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures; runners of a race, ``timed…``, print them instead."""
    kind, *rest = name.split("/")
    if kind == "timed":
        time_prodcat(options, rest[0], rest[1], int(rest[2]))
        return
    if kind == "timed-defaults":
        time_defaults(options, rest[0], int(rest[1]))
        return
    jobs: dict[str, Callable[[], object]] = {
        "defaults": lambda: race_defaults(options, rest[0], int(rest[1])),
        "race": lambda: run_race(options, rest[0]),
        "unpadded": lambda: train_unpadded(options, rest[0]),
        "throughput": lambda: measure_throughput(options),
        "flops": lambda: measure_flops(options, without_amx=False),
        "flops-without-amx": lambda: measure_flops(options, without_amx=True),
        "trim": lambda: trim_vocabulary(options),
        "warm": lambda: warm_start(options),
        "countries": lambda: learn_new_language(options),
        "resume": lambda: interrupt_and_resume(options),
    }
    write_result(name, options.work, jobs[kind]())


BENCHMARK = Benchmark(
    Path(__file__).parent,
    [],
    run_job,
    assemble,
    table,
    alone=NAMES,
    threads=THREADS,
    keeps_earlier=True,
)

if __name__ == "__main__":
    BENCHMARK.main()
