"""`prodcat train` stopped at random points and started again."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.jobs import Options
from benchmarks.reporting import Row
from benchmarks.training.speed import THREADS

LEVELS = ("department", "category", "subcategory", "type")


@dataclass(frozen=True)
class Training:
    """One command that can be started again and again, each time with another output.

    Attributes:
        home: The folder of all outputs.
        catalog: The labelled titles.
        encoder: The encoder's folder.
    """

    home: Path
    catalog: Path
    encoder: Path

    def start(self, output: str) -> "subprocess.Popen[bytes]":
        """Start it, from its checkpoints if there are any."""
        command = [
            sys.executable, "-m", "prodcat", "train", str(self.catalog), "--path", *LEVELS,
            "--encoder", str(self.encoder), "--output", str(self.home / output), "--quiet",
            "--checkpoints", str(self.home / f"kept-{output}"),
            "--checkpoint-steps", "5", "--epochs", "4", "--token-budget", "256",
        ]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )

    def newest_step(self, output: str) -> int:
        """The step of the newest checkpoint, or 0."""
        checkpoints = (self.home / f"kept-{output}").rglob("step-*.safetensors")
        return max((int(path.stem.split("-")[1]) for path in checkpoints), default=0)

    def weights(self, output: str) -> bytes:
        """The file of weights that it has written."""
        return (self.home / output / "model.safetensors").read_bytes()


def prepare(home: Path) -> Training:
    """A catalog of 1,500 made-up titles and a small encoder."""
    from prodcat.demo.csv_catalog import write_catalog
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.scratch import write_scratch_encoder

    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    made = generate(1_500, "tr")
    catalog = write_catalog(made, home / "catalog.csv")
    encoder = write_scratch_encoder([row.title for row in made], home / "encoder", hidden=64)
    return Training(home, catalog, encoder)


def interrupt_and_resume(options: Options) -> Row:
    """Stopped ten times by each signal at a random step, and started again each time."""
    training = prepare(options.work / "resume")
    process, last = training.start("whole"), 0
    while process.poll() is None:
        last = max(last, training.newest_step("whole"))
        time.sleep(0.005)
    expected = training.weights("whole")
    rng, rows = random.Random(0), []
    for number in (signal.SIGKILL, signal.SIGTERM):
        for attempt in range(10):
            output = f"{number.name}-{attempt}"
            process, target = training.start(output), rng.randint(1, last - 5)
            while training.newest_step(output) < target and process.poll() is None:
                time.sleep(0.005)
            time.sleep(rng.uniform(0, 0.05))
            process.send_signal(number)
            code, checkpoint = process.wait(), training.newest_step(output)
            resumed = training.start(output).wait()
            same = training.weights(output) == expected
            rows.append({"signal": number.name, "step": target, "steps": last, "code": code,
                         "checkpoint": checkpoint, "resumed": resumed, "same": same})  # fmt: skip
            shutil.rmtree(training.home / output)
    return {"rows": rows}
