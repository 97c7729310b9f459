"""The server compared with what people run: load, overload, start, many models, hostile requests.

    python -m benchmarks.serving.run --data DIR

One job at a time, on two threads; a job whose figures are there already is not run again.
See README.md here for the environments of the other servers.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.jobs import Benchmark, Options, run_tests, write_result
from benchmarks.serving.hostile_requests import ask_hostile_requests
from benchmarks.serving.many_models import fit_countries, serve_many_models
from benchmarks.serving.measurements import (
    measure_bare_models,
    measure_load,
    measure_overload,
    measure_starts,
)
from benchmarks.serving.models import fit_models
from benchmarks.serving.table import LEVELS, assemble, table

NAMES = ["model", *(f"load/{level}" for level in LEVELS), "bare", "starts", "overload",
         "countries", "many", "fuzz", "contract"]  # fmt: skip
CONTRACT = ("serving", "aws/test_stacks.py", "aws/test_sagemaker.py")


def run_contract() -> object:
    """The tests against the real servers, nothing left out."""
    return {name: run_tests(f"tests/{name}") for name in CONTRACT}


def run_job(name: str, options: Options) -> None:
    """Run one job and leave its figures."""
    kind, _, level = name.partition("/")
    jobs: dict[str, Callable[[], object]] = {
        "model": lambda: fit_models(options),
        "load": lambda: measure_load(options, int(level)),
        "bare": lambda: measure_bare_models(options),
        "starts": lambda: measure_starts(options),
        "overload": lambda: measure_overload(options),
        "countries": lambda: fit_countries(options),
        "many": lambda: serve_many_models(options),
        "fuzz": lambda: ask_hostile_requests(options),
        "contract": run_contract,
    }
    write_result(name, options.work, jobs[kind]())


BENCHMARK = Benchmark(
    Path(__file__).parent, NAMES, run_job, assemble, table, alone=NAMES, threads=2
)

if __name__ == "__main__":
    BENCHMARK.main()
