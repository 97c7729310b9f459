"""Bulk scoring: speed compared with the usual alternatives, memory, kills; see README.md.

    python -m benchmarks.scoring.run --data DIR

One job at a time, on two threads; a job whose figures are there already is not run again.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, run_tests, write_result
from benchmarks.quality.sets import SETS
from benchmarks.scoring.cascade import compare_cascade
from benchmarks.scoring.flops import measure_flops
from benchmarks.scoring.kills import kill_again_and_again, kill_children, kill_on_ray
from benchmarks.scoring.measurements import measure_memory, measure_speed, measure_without_amx
from benchmarks.scoring.models import SET, fit_ngrams
from benchmarks.scoring.one_title import measure_one_title
from benchmarks.scoring.table import MEMORY, TESTS, assemble, table

NAMES = [
    f"cascade/{SET}", "ngrams", "speed/0", "one-title",
    *(f"cascade/{name}" for name in SETS if name != SET),
    *(f"memory/{rows}" for rows in MEMORY), "speed/20",
    "flops", "flops-without-amx", "without-amx", "kills", "children", "ray", "contract",
]  # fmt: skip


def run_contract() -> object:
    """The tests that run the jobs as AWS Batch does, in processes with its variables."""
    return {name: run_tests(*tests) for name, tests in TESTS.items()}


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, _, rest = name.partition("/")
    jobs: dict[str, Callable[[], object]] = {
        "cascade": lambda: compare_cascade(options, rest),
        "ngrams": lambda: fit_ngrams(options),
        "one-title": lambda: measure_one_title(options),
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
