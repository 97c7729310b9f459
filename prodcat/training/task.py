"""The inputs, the options and the results of one training."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypedDict

import torch

from prodcat.classifier.records import EpochResult
from prodcat.decisions.weights import Weights
from prodcat.model.batches import TokenTable
from prodcat.model.config import TrainingConfig
from prodcat.model.network import Network
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.checkpoint import Checkpoints
from prodcat.training.ranks import Ranks
from prodcat.training.rows import Rows
from prodcat.training.step_size import StepSize

# What the heads start from; see TrainOptions.
Beginning = Literal["solve", "compare", "carry"]
Listener = Callable[[EpochResult], None]


@dataclass(frozen=True)
class Task:
    """What is trained, on which titles, and how.

    Attributes:
        network: The network, on the device to train on; it is changed in place.
        taxonomy: The tree.
        training: Rows to train on.
        validation: Rows for early stopping and for fitting the calibration.
        config: The settings of the training.
        precision: The precision of the encoder: ``"bfloat16"`` or ``"float32"``.
        ranks: The number of this process, and of all processes that train together.
        step_size: The size of the batches.
    """

    network: Network
    taxonomy: Taxonomy
    training: Rows
    validation: Rows
    config: TrainingConfig
    precision: str
    ranks: Ranks
    step_size: StepSize = field(default_factory=StepSize)

    @property
    def device(self) -> torch.device:
        """The device that the network is on."""
        return self.network.device

    def with_tokens(self, training: TokenTable, validation: TokenTable) -> "Task":
        """The same task with other tokens of the training and the validation titles."""
        return replace(
            self,
            training=replace(self.training, tokens=training),
            validation=replace(self.validation, tokens=validation),
        )


class TrainKeywords(TypedDict, total=False):
    """The fields of :class:`TrainOptions` as keyword arguments."""

    beginning: Beginning
    checkpoints: Checkpoints | None
    progress: bool
    listener: Listener | None


@dataclass(frozen=True)
class TrainOptions:
    """How a training run starts, what it shows and where it saves its state.

    Attributes:
        beginning: What the heads start from: ``"solve"``, the closed-form solution; ``"carry"``,
            their current weights, transferred from a warm start; or ``"compare"``, whichever of
            the two is better on the validation titles.
        checkpoints: Where the state is saved, or None to save none; a run resumes from the last
            state there.
        progress: Whether to show a progress bar.
        listener: A function that process 0 calls with the result of each epoch, or None.
    """

    beginning: Beginning = "solve"
    checkpoints: Checkpoints | None = None
    progress: bool = True
    listener: Listener | None = None

    def for_rank(self, ranks: Ranks) -> "TrainOptions":
        """The options of this process: only process 0 shows a bar and calls the listener."""
        return replace(
            self,
            progress=self.progress and ranks.writes,
            listener=self.listener if ranks.writes else None,
        )


@dataclass(frozen=True)
class Trained:
    """The results of a training other than the weights of the network.

    Attributes:
        history: The result of each epoch; entry 0 is the result before the first step.
        start: The settings chosen for the closed-form start, or None without one.
        weights: The calibration, fitted on the validation titles.
    """

    history: list[EpochResult]
    start: dict[str, float] | None
    weights: Weights
