"""The loss that training minimises."""

import torch
from torch import Tensor

from prodcat.model.path_model import PathModel


def path_loss(
    paths: PathModel, logits: Tensor, targets: Tensor, level_weight: float = 0.0
) -> Tensor:
    """The loss of each row: the negative log-probability of its label.

    Args:
        paths: The path model.
        logits: float [batch, node], or [batch, outcome] for a flat structure.
        targets: int64 [batch]: the node of each label; labels may be partial.
        level_weight: Weight of a further cross-entropy, the mean over the levels of the label;
            ignored for the structure ``"per_level"``.

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
    """Log-probabilities of the nodes, float [batch, node]."""
    probs = paths.node_probs(scores.softmax(dim=1))
    return probs.clamp(min=torch.finfo(probs.dtype).tiny).log()


def _level_losses(paths: PathModel, logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropies summed over levels, float [batch]; none below the end of a partial label."""
    log_probs, none = paths.level_log_probs(logits)
    chain = paths.chains[targets]
    known = chain >= 0
    on_path = log_probs.gather(1, chain.clamp(min=0)).masked_fill(~known, 0.0)
    silent = known | ~paths.terminal[targets][:, None]
    stop = none.masked_fill(silent, 0.0)
    return -(on_path + stop).sum(dim=1)
