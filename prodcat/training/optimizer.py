"""The optimiser of a training and its learning rates."""

from typing import Any

import torch
from torch import nn

from prodcat.model.config import TrainingConfig
from prodcat.model.network import Network


def make_optimizer(
    network: Network, config: TrainingConfig, rate_factor: float = 1.0
) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, 2019) for all trainable parameters of a network.

    Args:
        network: The network; layers that are not trained must be frozen already.
        config: Learning rates and weight decay.
        rate_factor: What the learning rates are multiplied with.

    Returns:
        The optimiser, with the groups of :func:`parameter_groups`.
    """
    groups = parameter_groups(network, config, rate_factor)
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def parameter_groups(
    network: Network, config: TrainingConfig, rate_factor: float = 1.0
) -> list[dict[str, Any]]:
    """The trainable parameters in groups with the same learning rate and weight decay.

    Only matrices have weight decay, and of these the word embeddings have none.

    Args:
        network: The network; layers that are not trained must be frozen already.
        config: Learning rates and weight decay.
        rate_factor: What the learning rates are multiplied with.

    Returns:
        Parameter groups for an optimiser of torch; ``"peak"`` in each is its peak learning rate,
        for :class:`LinearSchedule`.
    """
    assert network.encoder is not None and network.heads is not None
    embeddings = {id(parameter) for parameter in network.encoder.word_embeddings.parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.encoder.parameters():
        if parameter.requires_grad:
            spared = parameter.ndim < 2 or id(parameter) in embeddings
            key = (config.learning_rate, 0.0 if spared else config.weight_decay)
            groups.setdefault(key, []).append(parameter)
    groups.setdefault((config.head_learning_rate, config.weight_decay), []).extend(
        network.heads.parameters()
    )
    return [
        {"params": parameters, "lr": peak, "peak": peak, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
        for peak in [rate * rate_factor]
    ]


class LinearSchedule:
    """Learning rates that rise linearly to their peaks and then fall linearly to 0.

    Args:
        optimizer: From :func:`make_optimizer`; its learning rates are set for the first step.
        steps: Number of steps of the whole training.
        warmup: Share of the steps before the peak, 0 to 1.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, steps: int, warmup: float) -> None:
        self.optimizer, self.steps = optimizer, steps
        self.warmup = max(round(warmup * steps), 1)
        self.set_after(0)

    def set_after(self, done: int) -> None:
        """Set the learning rates of the step that follows ``done`` steps."""
        fall = max(self.steps - done, 0) / max(self.steps - self.warmup, 1)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * min((done + 1) / self.warmup, fall)
