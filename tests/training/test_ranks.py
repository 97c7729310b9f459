"""Processes that train together."""

import json
import sys

import numpy as np
import pytest
import torch
from training_runs import run

from prodcat.training.ranks import Ranks


def test_two_processes_train_as_one(command, tmp_path):
    """The same batches make the same steps: the losses agree to rounding."""
    more = ("--accumulate", "2", "--dropout", "0", "--epochs", "2")
    run(command(tmp_path / "one", *more, "--history", str(tmp_path / "one.jsonl")))
    history = ("--history", str(tmp_path / "two.jsonl"))
    program = command(tmp_path / "two", *more[2:], *history)[1:]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    done = run([*torchrun, "2", *program])
    assert done.stdout.count("saved to") == 1, "one process writes"
    one, two = (
        [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    )
    assert [r["epoch"] for r in one] == [r["epoch"] for r in two] == [0, 1, 2]
    for a, b in zip(one, two, strict=True):
        assert a["path_accuracy"] == pytest.approx(b["path_accuracy"], abs=0.03)
        assert a["log_loss"] == pytest.approx(b["log_loss"], rel=2e-3)
        if a["loss"] is not None:
            assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)


def test_ranks_share_everything_once():
    shares = [Ranks(rank, 3).share(10) for rank in range(3)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(10))
    alone = Ranks()
    assert alone.writes and alone.agree("x") == "x" and alone.collect(3) == [3]
    assert not alone.any(False, torch.device("cpu")) and alone.any(True, torch.device("cpu"))
