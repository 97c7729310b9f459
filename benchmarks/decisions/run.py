"""Are the decisions right, and the confidence honest?  See README.md here.

    python benchmarks/decisions/run.py --data DIR          # everything; writes results.json
    python benchmarks/decisions/run.py --data DIR --job speed

Every job runs in a process of its own with one thread and leaves its figures in a work
folder; a job that is there already is not run again.  The speed job runs alone.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent.parent / "tests"))

from frozen_sets import chain, read  # noqa: E402
from reporting import bar, bar_lines, write  # noqa: E402

SETS = ("food-terms", "shop-titles-en")
SEEDS = (0, 1, 2)
EPOCHS = 3
SIZES = (20, 50, 100, 500)
ALPHAS = (0.05, 0.1)
RESAMPLES = 4_000
POPULATION = 40_000
TREES = 1_000
DRAWS = 400
EDGES = (None, 40, 20, 10, 5, 2, 1)  # departments left out of the large tree, as shares of 1/n


def jobs() -> list[str]:
    names = [f"train/{data}/{seed}" for seed in SEEDS for data in SETS]
    names += [f"judge/{data}/{seed}" for seed in SEEDS for data in SETS]
    return [*names, "exactness", "resamples", "laws"]


# -- models on the frozen sets --------------------------------------------------


def run_train(dataset: str, seed: int, options) -> dict:
    import prodcat

    train, validation, _ = read(options.data, dataset, "all")
    began = time.perf_counter()
    fitted = prodcat.fit(
        train,
        validation=validation,
        model=prodcat.ModelConfig(encoder=str(options.work / "encoder")),
        training=prodcat.TrainingConfig(epochs=EPOCHS, seed=seed),
        progress=False,
    )
    seconds = time.perf_counter() - began
    fitted.save(str(options.work / f"model_{dataset}_{seed}"))
    return {"training_seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path(".bench-decisions"))
    parser.add_argument("--job")
    parser.add_argument("--report", action="store_true", help="only write the results again")
    options = parser.parse_args()
    options.work.mkdir(exist_ok=True, parents=True)
    import torch

    torch.set_num_threads(1)
    _, dataset, seed = options.job.split("/")
    print(run_train(dataset, int(seed), options))


if __name__ == "__main__":
    main()
