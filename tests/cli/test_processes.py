"""The processes that torchrun started."""

import argparse

import torch.distributed as dist

from prodcat.cli.processes import connected_processes


def test_without_torchrun_this_process_writes_and_the_device_stays(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    options = argparse.Namespace(device="cpu")
    with connected_processes(options) as writes:
        assert writes and not dist.is_initialized()
    assert options.device == "cpu"
