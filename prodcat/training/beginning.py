"""The weights that the heads start from: the closed-form solution or those of a warm start."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from prodcat.classifier.records import EpochResult
from prodcat.model.heads import FlatHead, StackedHeads
from prodcat.training.closed_form import Start, closed_form_start
from prodcat.training.run_state import learned_weights
from prodcat.training.sampled_rows import Shares, row_shares
from prodcat.training.task import Beginning, Task
from prodcat.training.title_reader import TitleReader
from prodcat.training.validation import is_better

logger = logging.getLogger("prodcat")


@dataclass(frozen=True)
class HeadStart:
    """The state of the network before the first training step.

    Attributes:
        result: The network's result on the validation titles.
        weights: A copy of all trainable weights, by name.
        start: The settings chosen for the closed-form start, from :meth:`Start.to_dict`; None if
            the heads do not start from it.
        shares: The share of epochs in which each training row is learned, float32 [rows]; None if
            all rows are in every epoch.
    """

    result: EpochResult
    weights: dict[str, Tensor]
    start: dict[str, float] | None = None
    shares: Shares | None = None


def begin_heads(
    task: Task, reader: TitleReader, beginning: Beginning, measure: Callable[[], EpochResult]
) -> HeadStart:
    """Set the weights that the heads start from, in place.

    Args:
        task: What is trained, on which titles, and how.
        reader: Runs titles through the encoder of the task.
        beginning: See :class:`prodcat.training.task.TrainOptions`.
        measure: A function that returns the current network's result on the validation titles.

    Returns:
        The state of the network before the first training step.
    """
    network = task.network
    carried = HeadStart(measure(), learned_weights(network)) if beginning != "solve" else None
    if carried is not None and beginning == "carry":
        return carried
    start, pooled = _solve_heads(task, reader)
    result = measure()
    rows = len(task.validation.targets)
    if carried is not None and is_better(carried.result, result, [carried.result, result], rows):
        logger.info(
            "The heads start from those of the warm start: path accuracy %.4f on the validation "
            "titles, against %.4f with the closed-form solution.",
            carried.result.path_accuracy,
            result.path_accuracy,
        )
        network.load_state_dict(carried.weights, strict=False)
        return replace(carried, shares=_shares(task, pooled))
    choice = None if start is None else start.to_dict()
    return HeadStart(result, learned_weights(network), choice, _shares(task, pooled))


def _shares(task: Task, pooled: Tensor | None) -> Shares | None:
    """The share of epochs in which each training row is learned, by the heads as they are."""
    least = task.config.easy_share
    if pooled is None or least == 1:
        return None
    return row_shares(task.network, pooled, task.training.targets, least)


def _solve_heads(task: Task, reader: TitleReader) -> tuple[Start | None, Tensor | None]:
    """Write the closed-form solution into the heads.

    Returns:
        The solution, and the pooled training titles; None if the settings rule it out or no label
        is complete.
    """
    network, config = task.network, task.config
    targets = torch.from_numpy(task.training.targets).to(task.device)
    if not config.closed_form or not bool(network.paths.terminal[targets].any()):
        return None, None
    pooled = reader.read_all(task.training.tokens, "reading titles")
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
        "Closed-form start: shrinkage %g, temperature %g, held-out log-loss %.3f nats.",
        start.shrinkage,
        start.temperature,
        start.loss,
    )
    return start, pooled
