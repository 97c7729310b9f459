"""Are the decisions right, and is the confidence honest?  See README.md here.

    python -m benchmarks.decisions.run --data DIR          # everything; writes results.json
    python -m benchmarks.decisions.run --data DIR --job speed

Every job runs in a process of its own with one thread, two at a time, and leaves its figures
in a work folder; a job whose figures are there already is not run again.  The speed job runs
alone.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.decisions.exactness import measure_exactness
from benchmarks.decisions.judging import judge_classifier
from benchmarks.decisions.laws import run_laws
from benchmarks.decisions.models import SEEDS, SETS, fit_model
from benchmarks.decisions.promises import measure_resamples
from benchmarks.decisions.speed import measure_speed
from benchmarks.decisions.table import assemble, table
from benchmarks.jobs import Benchmark, Options, write_result

NAMES = [
    *(f"train/{data}/{seed}" for seed in SEEDS for data in SETS),
    *(f"judge/{data}/{seed}" for seed in SEEDS for data in SETS),
    "exactness",
    "resamples",
    "laws",
]


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, *rest = name.split("/")
    jobs: dict[str, Callable[[], object]] = {
        "train": lambda: fit_model(rest[0], int(rest[1]), options),
        "judge": lambda: judge_classifier(rest[0], int(rest[1]), options),
        "exactness": measure_exactness,
        "resamples": measure_resamples,
        "laws": run_laws,
        "speed": lambda: measure_speed(options),
    }
    write_result(name, options.work, jobs[kind]())


BENCHMARK = Benchmark(Path(__file__).parent, NAMES, run_job, assemble, table, alone=["speed"])

if __name__ == "__main__":
    BENCHMARK.main()
