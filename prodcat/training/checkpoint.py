"""Checkpoints: all that an interrupted training needs to go on as if nothing had happened.

    <run>/step-00001200.safetensors    weights, optimiser state, random states, and as its JSON
                                       metadata the step, the history and the run's fingerprint

A run is told by the fingerprint of all that decides it: titles and their order, tree, settings,
what it started from.  So a run finds its own checkpoints alone, and many can share a folder.
One file a checkpoint, written beside and put in place when it is whole, on a local disk; on an
object store a PUT shows the whole object or none.  The last two are kept: should the newest be
damaged, the one before it serves.
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
        tensors: By name.
        state: What JSON can hold.
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
            own = self._steps()
        except StoreError as error:
            raise CheckpointError(
                f"Cannot keep checkpoints at {uri!r}: {error} Check the address and the rights."
            ) from error
        if others and not own:
            logger.info(
                "%r has checkpoints of %d other runs (other titles, tree, settings, processes or "
                "start); this one starts anew.",
                uri,
                len(others),
            )

    def save(self, checkpoint: Checkpoint) -> None:
        """Write one, and remove all but the last two.

        Raises:
            CheckpointError: It cannot be written; older ones are as they were.
        """
        from safetensors.torch import save

        state = json.dumps(checkpoint.state)
        tensors = {
            name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()
        }
        own = {"run": self.run, "step": str(checkpoint.step), "state": state}
        content = save(tensors, {**own, "digest": _digest(tensors, state)})
        try:
            self.objects.write(_name(checkpoint.step), content)
            for old in self._steps()[:-_KEPT]:
                self.objects.remove(_name(old))
        except StoreError as error:
            raise CheckpointError(
                f"Cannot write a checkpoint to {self.uri!r}: {error} The checkpoints before it "
                "are as they were."
            ) from error

    def latest(self) -> Checkpoint | None:
        """The newest one that is whole, or None."""
        for step in reversed(self._steps()):
            found = self._read(step)
            if found is not None:
                return found
        return None

    def clear(self) -> None:
        """Remove all of this run: its outcome is safe elsewhere."""
        self.objects.remove_below("")

    def _steps(self) -> list[int]:
        found = (_NAME.match(name) for name in self.objects.names(""))
        return sorted(int(own[1]) for own in found if own)

    def _read(self, step: int) -> Checkpoint | None:
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
            own = header["__metadata__"]
            tensors = load(content)
            whole = own["digest"] == _digest(tensors, own["state"]) and own["run"] == self.run
        except (SafetensorError, ValueError, KeyError, MemoryError, OverflowError):
            whole = False
        if not whole:
            logger.warning("The checkpoint %s is damaged; the one before it is used.", path)
            return None
        return Checkpoint(step, tensors, json.loads(own["state"]))


class CheckpointFolder:
    """A folder for checkpoints, and the runs that were kept in it through this object.

    :func:`prodcat.fit` keeps its state here; whoever called it calls :meth:`clear` once the
    classifier is safe elsewhere.

    Args:
        uri: The folder at any fsspec URI; it may serve many runs.
    """

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        self.uri = os.fspath(uri)
        self._runs: list[Checkpoints] = []

    def run(self, fingerprint: str, *, writes: bool = True) -> Checkpoints:
        """The checkpoints of the run with this fingerprint.

        Args:
            fingerprint: What decides the run.
            writes: Whether this process writes them, and may clear them: one of those that train
                together does.

        Raises:
            CheckpointError: The folder cannot be reached.
        """
        run = Checkpoints(self.uri, fingerprint)
        if writes:
            self._runs.append(run)
        return run

    def clear(self) -> None:
        """Remove the checkpoints of every run that was kept through this object."""
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
    return _digest({name: own.detach().cpu().contiguous() for name, own in tensors.items()}, "")


def _name(step: int) -> str:
    return f"step-{step:08d}.safetensors"
