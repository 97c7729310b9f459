"""One classifier that the command line trained."""

import shutil

import pytest
from command_line import LEVELS

from prodcat.cli.command import main
from prodcat.demo.quick_commerce import generate
from prodcat.demo.run import write_catalog


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with a catalog and a classifier that the command line trained."""
    folder = tmp_path_factory.mktemp("cli")
    write_catalog(generate(600, "de"), folder / "train.csv")
    write_catalog(generate(80, "de", seed=1), folder / "test.csv")
    arguments = ["train", str(folder / "train.csv"), "--output", str(folder / "model")]
    arguments += ["--path", *LEVELS, "--encoder", "none", "--lexical-cost", "0.5", "--quiet"]
    arguments += ["--history", str(folder / "history.jsonl"), "--characters", "2,3"]
    assert main(arguments) == 0
    return folder


@pytest.fixture
def home(trained, tmp_path):
    """That folder, copied: what one test writes into it is no file that another finds there."""
    return shutil.copytree(trained, tmp_path / "home")
