"""Variables of Batch and of Ray Serve with wrong values: the error names the variable."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prodcat.aws.nodes import count_nodes
from prodcat.errors import ConfigError

ROOT = Path(__file__).parents[2]
ARRAY = {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "3"}
NODES = {"AWS_BATCH_JOB_NUM_NODES": "2", "AWS_BATCH_JOB_NODE_INDEX": "0"}
WRONG = {
    "AWS_BATCH_JOB_ARRAY_INDEX": ("predict", ARRAY, "3", "a whole number from 0 to 2."),
    "AWS_BATCH_JOB_ARRAY_SIZE": ("predict", ARRAY, "", "a whole number from 1."),
    "AWS_BATCH_JOB_NUM_NODES": ("train", NODES, "two", "a whole number from 1."),
    "PRODCAT_PORT": ("train", NODES, "70000", "a whole number from 1 to 65535."),
}


@pytest.mark.slow
@pytest.mark.parametrize("variable", WRONG)
def test_a_job_with_a_wrong_variable_ends_at_once(variable):
    command, others, value, expected = WRONG[variable]
    done = subprocess.run(
        [sys.executable, "-m", "prodcat.aws.batch", command, "a.csv", "--output", "out"],
        env={**os.environ, **others, variable: value}, capture_output=True, text=True, cwd=ROOT,
        timeout=240,
    )  # fmt: skip
    messages = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert done.returncode == 2 and done.stdout == ""
    assert messages == [f"{variable} is {value!r}; expected {expected}"]


def test_a_number_of_nodes_that_is_none_is_named():
    assert count_nodes({}) == count_nodes({"AWS_BATCH_JOB_NUM_NODES": ""}) == 1
    for value in ("0", "-1", "1.5", "two"):
        with pytest.raises(ConfigError, match=f"AWS_BATCH_JOB_NUM_NODES is '{value}'; expected a"):
            count_nodes({"AWS_BATCH_JOB_NUM_NODES": value})


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["PRODCAT_REPLICA_CPUS", "PRODCAT_REPLICA_GPUS"])
def test_a_share_of_a_machine_that_is_none_is_named(variable):
    done = subprocess.run(
        [sys.executable, "-c", "import prodcat.aws.ray_serve"],
        env={**os.environ, variable: "half"}, capture_output=True, text=True, cwd=ROOT,
        timeout=240,
    )  # fmt: skip
    assert f"ConfigError: {variable} is 'half'; expected a number from 0." in done.stderr
