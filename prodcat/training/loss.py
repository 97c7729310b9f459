"""What training minimises."""

import torch
from torch import Tensor

from prodcat.model.path_model import PathModel


def path_loss(
    paths: PathModel,
    logits: Tensor,
    targets: Tensor,
    *,
    label_smoothing: float = 0.0,
    level_weight: float = 0.0,
    adjustment: Tensor | None = None,
) -> Tensor:
    """Minus the log-probability of each row's label.

    Args:
        paths: The path model.
        logits: float [batch, node] (or [batch, outcome] for a flat structure).
        targets: int64 [batch], node positions; inner nodes are partial labels.
        label_smoothing: Share of the target that is spread evenly over all outcomes.
        level_weight: Weight of an auxiliary cross-entropy at each level of the label, on
            the model's own node probabilities.
        adjustment: float [outcome], added to the scores in training alone: tau times the
            log of each outcome's share (logit adjustment, Menon et al., ICLR 2021).

    Returns:
        float [batch].
    """
    if paths.structure == "per_level":
        return _level_losses(paths, logits, targets, label_smoothing)
    scores = paths.scores(logits)
    if adjustment is not None:
        scores = scores + adjustment
    loss = -paths.target_log_probs(scores, targets)
    if label_smoothing:
        even = -scores.log_softmax(dim=1).mean(dim=1)
        loss = (1 - label_smoothing) * loss + label_smoothing * even
    if level_weight:
        log_nodes = _log_node_probs(paths, scores)
        chain = paths.chains[targets]
        own = log_nodes.gather(1, chain.clamp(min=0)).masked_fill(chain < 0, 0.0)
        loss = loss - level_weight * own.sum(dim=1) / chain.ge(0).sum(dim=1)
    return loss


def _log_node_probs(paths: PathModel, scores: Tensor) -> Tensor:
    probs = paths.node_probs(scores.softmax(dim=1))
    return probs.clamp(min=torch.finfo(probs.dtype).tiny).log()


def _level_losses(
    paths: PathModel, logits: Tensor, targets: Tensor, label_smoothing: float
) -> Tensor:
    """Cross-entropy within each level; a label that stops early says nothing below."""
    log_probs, none = paths.level_log_probs(logits)
    chain = paths.chains[targets]
    known = chain >= 0
    own = log_probs.gather(1, chain.clamp(min=0)).masked_fill(~known, 0.0)
    silent = known | ~paths.terminal[targets][:, None]
    stop = none.masked_fill(silent, 0.0)
    loss = -(own + stop).sum(dim=1)
    if label_smoothing:
        even = torch.stack(
            [-log_probs[:, start:end].mean(dim=1) for start, end in paths.level_bounds]
        ).sum(dim=0)
        loss = (1 - label_smoothing) * loss + label_smoothing * even
    return loss
