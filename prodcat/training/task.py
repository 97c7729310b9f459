"""What one training is asked to do, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypedDict

import torch

from prodcat.classifier.records import EpochResult
from prodcat.decisions.calibration import Weights
from prodcat.model.batches import TokenTable
from prodcat.model.config import TrainingConfig
from prodcat.model.network import Network
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.checkpoint import Checkpoints
from prodcat.training.ranks import Ranks
from prodcat.training.rows import Rows

# How the heads begin: with the closed-form solution, with the better of this and the transferred
# heads on the validation titles, or with the transferred heads.
Beginning = Literal["solve", "compare", "carry"]
Listener = Callable[[EpochResult], None]


@dataclass(frozen=True)
class Task:
    """What is trained, on which titles, and how.

    Attributes:
        network: The network on its device; it is changed in place.
        taxonomy: The tree.
        training: Rows to learn from.
        validation: Rows to stop early by and to weigh the evidence with.
        config: How the network is trained.
        precision: ``"bfloat16"`` or ``"float32"``.
        ranks: This process among those that train together.
    """

    network: Network
    taxonomy: Taxonomy
    training: Rows
    validation: Rows
    config: TrainingConfig
    precision: str
    ranks: Ranks

    @property
    def device(self) -> torch.device:
        """The device that the network is on."""
        return self.network.device

    def with_tokens(self, training: TokenTable, validation: TokenTable) -> "Task":
        """The same task with the titles' tokens in another vocabulary."""
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
    """How one run of a training begins, what it shows and where it saves its state.

    Attributes:
        beginning: ``"solve"`` starts the heads in closed form; ``"carry"`` leaves them as they
            are; ``"compare"`` takes the better of the two on the validation titles.
        checkpoints: Where the state is saved, or None; a run resumes from a state saved there.
        progress: Whether to show a progress bar.
        listener: A function that the first process calls with the result of each epoch.
    """

    beginning: Beginning = "solve"
    checkpoints: Checkpoints | None = None
    progress: bool = True
    listener: Listener | None = None

    def for_rank(self, ranks: Ranks) -> "TrainOptions":
        """The options of one process; only the first shows a bar and calls the listener."""
        return replace(
            self,
            progress=self.progress and ranks.writes,
            listener=self.listener if ranks.writes else None,
        )


@dataclass(frozen=True)
class Trained:
    """The results of a training other than the weights of the network.

    Attributes:
        history: One entry for each epoch; entry 0 is the closed-form start.
        start: How the closed-form start was chosen, or None without one.
        weights: The calibration, fitted on the validation titles.
    """

    history: list[EpochResult]
    start: dict[str, float] | None
    weights: Weights
