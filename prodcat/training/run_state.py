"""The state of a run: everything that a checkpoint needs so that the run can resume."""

import time
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor

from prodcat.classifier.records import EpochResult
from prodcat.model.network import Network
from prodcat.training.checkpoint import Checkpoint
from prodcat.training.ranks import Ranks
from prodcat.training.sampled_rows import Shares
from prodcat.training.step import TrainingStep


@dataclass
class Progress:
    """How far a training has come: the part of a checkpoint that is not tensors.

    Attributes:
        epoch: The current epoch, from 1.
        step: Number of steps taken in this epoch.
        steps: Number of steps taken in the whole training.
        seconds: Seconds of training in earlier processes, from whose checkpoint this one resumed.
        history: The results of all epochs so far.
        best: The position of the best epoch in the history.
        start: The settings chosen for the closed-form start, or None without one.
    """

    epoch: int = 1
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    history: list[EpochResult] = field(default_factory=list)
    best: int = 0
    start: dict[str, float] | None = None

    @property
    def best_result(self) -> EpochResult:
        """The result of the best epoch so far."""
        return self.history[self.best]

    def count_step(self) -> None:
        """Count one more step as taken."""
        self.step, self.steps = self.step + 1, self.steps + 1

    def end_epoch(self) -> None:
        """Move on to the first step of the next epoch."""
        self.epoch, self.step = self.epoch + 1, 0


def learned_weights(network: Network) -> dict[str, Tensor]:
    """A copy of all trainable weights, by name."""
    learned = {name for name, weight in network.named_parameters() if weight.requires_grad}
    return {
        name: tensor.detach().clone()
        for name, tensor in network.state_dict().items()
        if name in learned
    }


class RunState:
    """Everything that changes while a network is trained.

    Args:
        network: The network that is trained.
        step: The training step, which has the optimiser and the sum of the epoch's losses.

    Attributes:
        progress: How far the training has come.
        best: The weights of the best epoch so far, by name.
        shares: The share of epochs in which each training row is learned, float32 [rows]; None if
            all rows are in every epoch.
        began: When this process began to train, on the clock of :func:`time.perf_counter`.
    """

    def __init__(self, network: Network, step: TrainingStep) -> None:
        self.network, self.step = network, step
        self.progress = Progress()
        self.best: dict[str, Tensor] = {}
        self.shares: Shares | None = None
        self.began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training, including those of earlier processes that were interrupted."""
        return self.progress.seconds + time.perf_counter() - self.began

    def to_checkpoint(self, ranks: Ranks) -> Checkpoint | None:
        """The state as a checkpoint, in process 0; None in all others.

        Every process must call this after the same step, because each adds its random state.
        """
        device = self.network.device
        of_this_process = {"cpu": torch.get_rng_state(), "total": self.step.loss_sum.cpu()}
        if device.type == "cuda":
            of_this_process["cuda"] = torch.cuda.get_rng_state(device)
        of_all_processes = ranks.collect(of_this_process)
        if not ranks.writes:
            return None
        learned = learned_weights(self.network)
        tensors = {f"model.{name}": tensor for name, tensor in learned.items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for place, slots in self.step.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{place}.{name}": value for name, value in slots.items()}
        for rank, parts in enumerate(of_all_processes):
            tensors |= {f"rank.{rank}.{name}": value for name, value in parts.items()}
        if self.shares is not None:
            tensors["shares"] = torch.from_numpy(self.shares)
        state = {**asdict(self.progress), "seconds": self.seconds}
        return Checkpoint(self.progress.steps, tensors, state)

    def restore(self, checkpoint: Checkpoint, ranks: Ranks) -> None:
        """Set this state, the network, the optimiser and the random state to a checkpoint's."""
        device, optimizer = self.network.device, self.step.optimizer

        def tensors_of(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): tensor.to(device)
                for name, tensor in checkpoint.tensors.items()
                if name.startswith(prefix)
            }

        history = [EpochResult(**entry) for entry in checkpoint.state["history"]]
        self.progress = Progress(**{**checkpoint.state, "history": history})
        self.network.load_state_dict(tensors_of("model."), strict=False)
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors_of("optimizer.").items():
            place, slot = name.split(".", 1)
            slots.setdefault(int(place), {})[slot] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": slots, "param_groups": groups})
        of_this_process = tensors_of(f"rank.{ranks.rank}.")
        torch.set_rng_state(of_this_process["cpu"].cpu())
        if "cuda" in of_this_process:
            torch.cuda.set_rng_state(of_this_process["cuda"].cpu(), device)
        self.step.loss_sum = of_this_process["total"].clone()
        self.best = tensors_of("best.")
        shares = checkpoint.tensors.get("shares")
        self.shares = None if shares is None else shares.numpy()
