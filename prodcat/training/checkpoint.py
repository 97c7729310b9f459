"""Checkpoints: everything an interrupted training needs to resume as if nothing had happened.

    <run>/step-00001200.safetensors    weights, optimiser state, random states, and as its JSON
                                       metadata the step, the history and the run's fingerprint

A run is identified by the fingerprint of everything that determines it: titles and their order,
tree, settings, number of processes and starting weights.  So a run finds only its checkpoints, and
many runs can share a folder.  Each checkpoint is one file.  On a local disk it is written under
another name and renamed when it is complete; on an object store, a PUT shows the whole object or
nothing.  The last two checkpoints are kept, so that the older one can be used if the newer one is
damaged.
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
from prodcat.storage.containers import path_text
from prodcat.storage.objects import Objects

logger = logging.getLogger("prodcat")
_NAME = re.compile(r"step-(\d{8})\.safetensors$")
_RUN = re.compile(r"[0-9a-f]{16}$")
_KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training after a number of steps.

    Attributes:
        step: Number of optimiser steps taken.
        tensors: Weights, optimiser state and random states, by name.
        state: Everything else, as values that JSON can represent.
    """

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run, in a folder at any fsspec URI.

    Args:
        uri: The folder; it is created if it does not exist.
        run: The fingerprint of the run, as hexadecimal digits; the first 16 name its subfolder.

    Raises:
        CheckpointError: The folder cannot be reached or created.
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
                f"Cannot keep checkpoints at {uri!r}: {error} Check address and access rights."
            ) from error
        if others and not steps:
            logger.info(
                "%r has checkpoints of %d other runs (with other titles, tree, settings, number of "
                "processes or starting weights) and none of this run, which starts at step 0.",
                uri,
                len(others),
            )

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, and remove all checkpoints of this run but the last two.

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
            StoreError: The folder cannot be listed.
        """
        for step in reversed(self._steps()):
            checkpoint = self._read(step)
            if checkpoint is not None:
                return checkpoint
        return None

    def clear(self) -> None:
        """Remove all checkpoints of this run; call it once the classifier is saved elsewhere.

        Raises:
            StoreError: They cannot be removed.
        """
        self.objects.remove_below("")

    def _steps(self) -> list[int]:
        """The steps of the checkpoints in the folder, ascending."""
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
                f"Cannot read the checkpoint {path!r}: {error}. Check access rights and network."
            ) from error
        try:
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            metadata = header["__metadata__"]
            tensors, state = load(content), metadata["state"]
            whole = metadata["digest"] == _digest(tensors, state) and metadata["run"] == self.run
        except (SafetensorError, ValueError, KeyError, MemoryError, OverflowError):
            whole = False
        if not whole:
            logger.warning("The checkpoint %s is damaged; the one before it is used, if any.", path)
            return None
        return Checkpoint(step, tensors, json.loads(state))


class CheckpointFolder:
    """A folder for the checkpoints of any number of runs.

    Pass it to :func:`prodcat.fit` as ``checkpoints``, and call :meth:`clear` once the classifier
    is saved elsewhere.

    Args:
        uri: The folder, at any fsspec URI; it is created if it does not exist.

    Raises:
        CheckpointError: It is neither a path nor a URI.
    """

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        self.uri = path_text(uri, "uri", "the path or URI of a folder", CheckpointError)
        self._runs: list[Checkpoints] = []

    def run(self, fingerprint: str, *, writes: bool = True) -> Checkpoints:
        """The checkpoints of the run with this fingerprint.

        Args:
            fingerprint: The fingerprint of the run, as hexadecimal digits.
            writes: Whether :meth:`clear` of this object removes them; true in one of the processes
                that train together.

        Raises:
            CheckpointError: The folder cannot be reached or created.
        """
        run = Checkpoints(self.uri, fingerprint)
        if writes:
            self._runs.append(run)
        return run

    def clear(self) -> None:
        """Remove the checkpoints of the runs that :meth:`run` returned with ``writes=True``.

        Raises:
            StoreError: They cannot be removed.
        """
        for run in self._runs:
            run.clear()


def _digest(tensors: Mapping[str, Tensor], state: str) -> str:
    """A SHA-256 hash of a text and of contiguous tensors on the CPU, with their names."""
    whole = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        whole.update(name.encode())
        whole.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return whole.hexdigest()


def state_digest(tensors: Mapping[str, Tensor]) -> str:
    """A SHA-256 hash, as hexadecimal digits, of the names and values of tensors."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return _digest(on_cpu, "")


def _name(step: int) -> str:
    return f"step-{step:08d}.safetensors"
