"""Checkpoints: all that an interrupted training needs to resume as if nothing had happened.

    <run>/step-00001200.safetensors    weights, optimiser state, random states, and as its JSON
                                       metadata the step, the history and the run's fingerprint

A run is identified by the fingerprint of all that decides it: titles and their order, tree,
settings, and what it started from.  So a run finds only the checkpoints that are its own, and many
runs can share a folder.  Each checkpoint is one file.  On a local disk it is written under another
name and renamed when it is complete; on an object store, a PUT shows the whole object or nothing.
The last two checkpoints are kept, so that the older one serves if the newer one is damaged.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from prodcat.errors import CheckpointError, StoreError
from prodcat.storage.objects import Objects

logger = logging.getLogger("prodcat")
_NAME = re.compile(r"step-(\d{8})\.safetensors$")
_RUN = re.compile(r"[0-9a-f]{16}$")
_KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """One state of a training.

    Attributes:
        step: Optimiser steps done.
        tensors: Weights, optimiser state and random states, by name.
        state: Everything else, in values that JSON can hold.
    """

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run, in a folder at any fsspec URI.

    Args:
        uri: The folder; made if it is not there.
        run: The fingerprint of what is trained.

    Raises:
        CheckpointError: The folder cannot be reached.
    """

    def __init__(self, uri: str, run: str) -> None:
        self.uri, self.run = uri, run
        try:
            above = Objects(uri)
            above.make()
            self.objects = above.below(run[:16])
            others = {name for name in above.names("") if _RUN.match(name)} - {run[:16]}
            steps = self._steps()
        except StoreError as error:
            raise CheckpointError(
                f"Cannot keep checkpoints at {uri!r}: {error} Check the address and the rights."
            ) from error
        if others and not steps:
            logger.info(
                "%r has checkpoints of %d other runs (other titles, tree, settings, processes or "
                "start); this one starts anew.",
                uri,
                len(others),
            )

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, and remove all but the last two.

        Raises:
            CheckpointError: The checkpoint cannot be written; older ones are unchanged.
        """
        from safetensors.torch import save

        state = json.dumps(checkpoint.state)
        tensors = {
            name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()
        }
        metadata = {"run": self.run, "step": str(checkpoint.step), "state": state}
        content = save(tensors, {**metadata, "digest": _digest(tensors, state)})
        try:
            self.objects.write(_name(checkpoint.step), content)
            for old in self._steps()[:-_KEPT]:
                self.objects.remove(_name(old))
        except StoreError as error:
            raise CheckpointError(
                f"Cannot write a checkpoint to {self.uri!r}: {error} Older checkpoints are "
                "unchanged."
            ) from error

    def latest(self) -> Checkpoint | None:
        """The newest undamaged checkpoint, or None if there is none.

        Raises:
            CheckpointError: A checkpoint cannot be read.
        """
        for step in reversed(self._steps()):
            checkpoint = self._read(step)
            if checkpoint is not None:
                return checkpoint
        return None

    def clear(self) -> None:
        """Remove all checkpoints of this run, whose result is saved elsewhere."""
        self.objects.remove_below("")

    def _steps(self) -> list[int]:
        """The steps of the checkpoints that are there, ascending."""
        matches = (_NAME.match(name) for name in self.objects.names(""))
        return sorted(int(match[1]) for match in matches if match)

    def _read(self, step: int) -> Checkpoint | None:
        """The checkpoint of a step, or None if it is damaged."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        path = self.objects.at(_name(step))
        try:
            content = self.objects.read(_name(step))
        except (StoreError, FileNotFoundError) as error:
            raise CheckpointError(
                f"Cannot read the checkpoint {path!r}: {error}. Check the rights and the network."
            ) from error
        try:
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            metadata = header["__metadata__"]
            tensors, state = load(content), metadata["state"]
            whole = metadata["digest"] == _digest(tensors, state) and metadata["run"] == self.run
        except (SafetensorError, ValueError, KeyError, MemoryError, OverflowError):
            whole = False
        if not whole:
            logger.warning("The checkpoint %s is damaged; the one before it is used.", path)
            return None
        return Checkpoint(step, tensors, json.loads(state))


class CheckpointFolder:
    """A folder for checkpoints, with the runs that saved their state there through this object.

    :func:`prodcat.fit` saves its state in the folder.  Call :meth:`clear` once the classifier is
    saved elsewhere.

    Args:
        uri: The folder at any fsspec URI; many runs may share it.
    """

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        self.uri = os.fspath(uri)
        self._runs: list[Checkpoints] = []

    def run(self, fingerprint: str, *, writes: bool = True) -> Checkpoints:
        """The checkpoints of the run with this fingerprint.

        Args:
            fingerprint: The fingerprint of what decides the run.
            writes: Whether this process writes and clears them; of several processes that train
                together, one does.

        Raises:
            CheckpointError: The folder cannot be reached.
        """
        run = Checkpoints(self.uri, fingerprint)
        if writes:
            self._runs.append(run)
        return run

    def clear(self) -> None:
        """Remove the checkpoints of every run that was made by this object."""
        for run in self._runs:
            run.clear()


def _digest(tensors: Mapping[str, Tensor], state: str) -> str:
    whole = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        whole.update(name.encode())
        whole.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return whole.hexdigest()


def state_digest(tensors: Mapping[str, Tensor]) -> str:
    """A hash of all that a training starts from."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return _digest(on_cpu, "")


def _name(step: int) -> str:
    return f"step-{step:08d}.safetensors"
