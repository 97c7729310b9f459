"""Bulk scoring: speed compared with the usual alternatives, memory, kills; see README.md.

    python -m benchmarks.scoring.run --data DIR

One job at a time, on two threads; a job whose figures are there already is not run again.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, run_tests, write_result
from benchmarks.scoring.flops import measure_flops
from benchmarks.scoring.kills import kill_again_and_again, kill_children, kill_on_ray
from benchmarks.scoring.measurements import (
    fit_model,
    measure_memory,
    measure_speed,
    measure_without_amx,
)
from benchmarks.scoring.table import TESTS, assemble, table

NAMES = [
    "model", "speed/0", "speed/20", "flops", "flops-without-amx", "without-amx",
    "memory/100000", "memory/500000", "memory/2000000", "kills", "children", "ray", "contract",
]  # fmt: skip


def run_contract() -> object:
    """The tests that run the jobs as AWS Batch does, in processes with its variables."""
    return {name: run_tests(*tests) for name, tests in TESTS.items()}


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, _, rest = name.partition("/")
    jobs: dict[str, Callable[[], object]] = {
        "model": lambda: fit_model(options),
        "speed": lambda: measure_speed(options, int(rest) / 100),
        "flops": lambda: measure_flops(options, without_amx=False),
        "flops-without-amx": lambda: measure_flops(options, without_amx=True),
        "without-amx": lambda: measure_without_amx(options),
        "memory": lambda: measure_memory(options, int(rest)),
        "kills": lambda: kill_again_and_again(options),
        "children": lambda: kill_children(options),
        "ray": lambda: kill_on_ray(options),
        "contract": run_contract,
    }
    write_result(name, options.work, jobs[kind]())


BENCHMARK = Benchmark(
    Path(__file__).parent, NAMES, run_job, assemble, table, alone=NAMES, threads=2
)

if __name__ == "__main__":
    BENCHMARK.main()
