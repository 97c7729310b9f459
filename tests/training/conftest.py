"""Titles to learn, a last version to start from, and the command that trains."""

import sys

import numpy as np
import pytest
from training_runs import fit, small_model

from prodcat.demo.csv_catalog import LEVELS, write_catalog


@pytest.fixture(scope="session")
def some(parts):
    return parts.train.take(np.arange(200))


@pytest.fixture(scope="session")
def last(some, parts, encoder_folder):
    model = small_model(encoder_folder, lexical=True, max_features=2_000)
    return fit(some, encoder_folder, model=model, validation=parts.validation)


@pytest.fixture(scope="session")
def command(rows, encoder_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    path = write_catalog(rows[:400], folder / "catalog.csv")

    def make(output, *more):
        return [
            sys.executable, "-m", "prodcat", "train", str(path), "--path", *LEVELS,
            "--encoder", str(encoder_folder), "--belief-width", "8", "--lexical", "no",
            "--precision", "float32", "--token-budget", "128", "--epochs", "3", "--device", "cpu",
            "--output", str(output), *more,
        ]  # fmt: skip

    return make
