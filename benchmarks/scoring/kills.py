"""Scoring that is killed and run again, and whether its output is that of a clean run."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.jobs import ROOT, Options
from benchmarks.reporting import Row
from benchmarks.scoring.measurements import fit_small_model
from tests.support import servers

KILLS = 20
PART_ROWS = 250
TITLES = 15_000


@dataclass(frozen=True)
class Scoring:
    """One scoring command that can be run again and again.

    Attributes:
        folder: Has the model, the input of 60 parts, and what a clean run writes.
        out: The output.
    """

    folder: Path
    out: Path

    def start(self, *more: str) -> "subprocess.Popen[str]":
        """Start the command in a session of its own."""
        command = [
            sys.executable, "-m", "prodcat", "predict", str(self.folder / "in.parquet"),
            "--model", str(self.folder / "model"), "--output", str(self.out),
            "--part-rows", str(PART_ROWS), "--device", "cpu", *more,
        ]  # fmt: skip
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip

    def parts(self) -> list[Path]:
        """The parts that are finished so far."""
        return list(self.out.glob("_prodcat/part-*")) if self.out.exists() else []

    def finish(self, *more: str) -> Row:
        """Run the command to its end, and compare and remove the output."""
        process = self.start(*more)
        errors = process.communicate()[1]
        assert process.returncode == 0, errors
        row = self.comparison()
        shutil.rmtree(self.out)
        return row

    def comparison(self) -> Row:
        """Whether the output is that of the clean run, and has every row once."""
        import pyarrow.parquet as pq

        skus = pq.read_table(self.out)["sku"].to_pylist()
        expected, written = _contents(self.folder / "clean"), _contents(self.out)
        differing = sorted(
            name
            for name in expected.keys() | written.keys()
            if expected.get(name) != written.get(name)
        )
        return {
            "equal": not differing,
            "once": sorted(skus) == list(range(TITLES)),
            "differing": differing[:5],
        }


def _contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def _kill(process: "subprocess.Popen[str]") -> bool:
    """End a process and all that it has started, if it still runs; whether it did."""
    running = process.poll() is None
    if running:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return running


def prepare(options: Options, output: str) -> Scoring:
    """A scoring with an output that is not there yet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    import prodcat
    from prodcat.demo.quick_commerce import generate
    from prodcat.scoring.config import ScoringConfig

    folder = options.work / "kills"
    if not (folder / "clean").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        fit_small_model(folder).save(str(folder / "model"))
        titles = [f"{row.title} {n}" for n in range(15) for row in generate(1_000, "tr")]
        table = pa.table({"sku": range(len(titles)), "title": titles})
        pq.write_table(table, folder / "in.parquet", row_group_size=PART_ROWS)
        prodcat.score(
            str(folder / "model"), str(folder / "in.parquet"), str(folder / "clean"),
            scoring=ScoringConfig(part_rows=PART_ROWS), device="cpu",
        )  # fmt: skip
    out = options.work / output
    shutil.rmtree(out, ignore_errors=True)
    return Scoring(folder, out)


def kill_again_and_again(options: Options) -> list[Row]:
    """Killed at random points, one after the other, until it is done."""
    scoring = prepare(options, "killed")
    rng = random.Random(1)
    whole = 0.0
    for _ in range(2):  # the first one is slow
        began = time.monotonic()
        scoring.start().communicate()
        whole = time.monotonic() - began
        shutil.rmtree(scoring.out)
    rows: list[Row] = []
    while sum(row["hit"] for row in rows) < KILLS:
        process = scoring.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.3, 0.9) * whole)
        hit = _kill(process)
        parts = len(scoring.parts())
        rows.append({"hit": hit, "parts": parts})
        if parts >= 50:  # nearly done: to its end, and a new one
            rows[-1] |= scoring.finish()
    if scoring.out.exists():
        rows[-1] |= scoring.finish()
    return rows


def kill_children(options: Options) -> Row:
    """Seven children of an array, three of them killed and run again."""
    scoring = prepare(options, "children")
    rng = random.Random(2)
    killed = 0
    for index in range(7):
        shard = ("--shard", f"{index}/7")
        if index in (1, 3, 6):
            process = scoring.start(*shard)
            parts = 0
            while process.poll() is None and parts < 1 + rng.randrange(3):
                numbers = [int(path.name.split("-")[2].split(".")[0]) for path in scoring.parts()]
                parts = sum(number % 7 == index for number in numbers)
                time.sleep(0.005)
            killed += _kill(process)
        scoring.start(*shard).communicate()
    row = {"killed": killed, **scoring.comparison()}
    shutil.rmtree(scoring.out)
    return row


def kill_on_ray(options: Options) -> Row:
    """A Ray cluster of this machine, killed with its driver in the middle and run again."""
    scoring = prepare(options, "ray")
    engine = ("--engine", "ray", "--actors", "2")
    process = scoring.start(*engine)
    while process.poll() is None and len(scoring.parts()) < 5:
        time.sleep(0.01)
    hit = _kill(process)
    servers.wait_for_session(process.pid)
    parts = len(scoring.parts())
    return {"hit": hit, "parts": parts, **scoring.finish(*engine)}
