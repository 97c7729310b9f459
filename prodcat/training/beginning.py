"""How the heads begin: with the closed-form solution, as they are, or with the better of both."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from prodcat.classifier.records import EpochResult
from prodcat.model.heads import FlatHead, StackedHeads
from prodcat.training.closed_form import Start, closed_form_start
from prodcat.training.run_state import learned_weights
from prodcat.training.task import Beginning, Task
from prodcat.training.title_reader import TitleReader
from prodcat.training.validation import is_better

logger = logging.getLogger("prodcat")


@dataclass(frozen=True)
class HeadStart:
    """The network before its first step.

    Attributes:
        result: The network's result on the validation titles.
        weights: A copy of all weights that learn, by name.
        start: How the closed-form start was chosen, or None where the heads do not begin with it.
    """

    result: EpochResult
    weights: dict[str, Tensor]
    start: dict[str, float] | None = None


def begin_heads(
    task: Task, reader: TitleReader, beginning: Beginning, measure: Callable[[], EpochResult]
) -> HeadStart:
    """Start the heads, in place.

    Args:
        task: What is trained.
        reader: Reads its titles.
        beginning: See :class:`prodcat.training.task.TrainOptions`.
        measure: Measures the current network on the validation titles.

    Returns:
        The network before its first step.
    """
    network = task.network
    carried = HeadStart(measure(), learned_weights(network)) if beginning != "solve" else None
    if carried is not None and beginning == "carry":
        return carried
    start = _solve_heads(task, reader)
    result = measure()
    rows = len(task.validation.targets)
    if carried is not None and is_better(carried.result, result, [carried.result, result], rows):
        logger.info(
            "The heads are carried over: path accuracy %.4f on the validation titles, "
            "solved anew %.4f.",
            carried.result.path_accuracy,
            result.path_accuracy,
        )
        network.load_state_dict(carried.weights, strict=False)
        return carried
    choice = None if start is None else start.to_dict()
    return HeadStart(result, learned_weights(network), choice)


def _solve_heads(task: Task, reader: TitleReader) -> Start | None:
    """Write the closed-form solution into the heads, where the settings and labels allow it."""
    network, config = task.network, task.config
    targets = torch.from_numpy(task.training.targets).to(task.device)
    if not config.closed_form or not bool(network.paths.terminal[targets].any()):
        return None
    pooled = reader.read_all(task.training.tokens)
    weights = torch.from_numpy(task.training.row_weights).to(task.device)
    start = closed_form_start(pooled, targets, task.taxonomy, network.paths, config.seed, weights)
    heads = network.heads
    if isinstance(heads, StackedHeads):
        heads.set_linear(start.weight, start.bias)
    elif isinstance(heads, FlatHead):
        with torch.no_grad():
            heads.head.weight.copy_(start.weight)
            heads.head.bias.copy_(start.bias)
    logger.info(
        "Closed-form start: shrinkage %g, temperature %g, held-out log-loss %.3f.",
        start.shrinkage,
        start.temperature,
        start.loss,
    )
    return start
