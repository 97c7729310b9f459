"""The loss that training minimises."""

import torch
from torch import Tensor

from prodcat.model.path_model import PathModel


def path_loss(
    paths: PathModel, logits: Tensor, targets: Tensor, level_weight: float = 0.0
) -> Tensor:
    """Minus the log-probability of each row's label.

    Args:
        paths: The path model.
        logits: float [batch, node] (or [batch, outcome] for a flat structure).
        targets: int64 [batch], node positions; inner nodes are partial labels.
        level_weight: Weight of an auxiliary cross-entropy at each level of the label, on
            the model's own node probabilities.

    Returns:
        float [batch], in nats.
    """
    if paths.structure == "per_level":
        return _level_losses(paths, logits, targets)
    scores = paths.scores(logits)
    loss = -paths.target_log_probs(scores, targets)
    if level_weight:
        log_nodes = _log_node_probs(paths, scores)
        chain = paths.chains[targets]
        on_path = log_nodes.gather(1, chain.clamp(min=0)).masked_fill(chain < 0, 0.0)
        loss = loss - level_weight * on_path.sum(dim=1) / chain.ge(0).sum(dim=1)
    return loss


def _log_node_probs(paths: PathModel, scores: Tensor) -> Tensor:
    probs = paths.node_probs(scores.softmax(dim=1))
    return probs.clamp(min=torch.finfo(probs.dtype).tiny).log()


def _level_losses(paths: PathModel, logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy within each level; a partial label has no loss below its end."""
    log_probs, none = paths.level_log_probs(logits)
    chain = paths.chains[targets]
    known = chain >= 0
    on_path = log_probs.gather(1, chain.clamp(min=0)).masked_fill(~known, 0.0)
    silent = known | ~paths.terminal[targets][:, None]
    stop = none.masked_fill(silent, 0.0)
    return -(on_path + stop).sum(dim=1)
