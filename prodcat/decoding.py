"""Probabilities to answers, each a real path of the tree."""

from dataclasses import dataclass

from torch import Tensor

from prodcat.path_model import PathModel


@dataclass(frozen=True)
class Answers:
    """The best paths of a batch.

    Attributes:
        nodes: int64 [batch, k]: the node at which each path ends, best first.
        confidence: float [batch, k]: the probability of the path.
        level_confidence: float [batch, k, level]: the probability of the path's node at
            each level, 0 below its end; it never rises with the level.
    """

    nodes: Tensor
    confidence: Tensor
    level_confidence: Tensor


def most_likely_paths(paths: PathModel, log_probs: Tensor, k: int = 1) -> Answers:
    """The k most likely paths; ties go to the outcome that comes first in the tree.

    Args:
        paths: The path model.
        log_probs: float [batch, outcome].
        k: How many; no more than there are outcomes.
    """
    k = min(k, log_probs.shape[1])
    probs = log_probs.exp()
    if k == 1:
        outcome = log_probs.argmax(dim=1, keepdim=True)
    else:
        outcome = log_probs.sort(dim=1, descending=True, stable=True).indices[:, :k]
    nodes = paths.outcomes[outcome]
    chains = paths.chains[nodes]
    beliefs = paths.node_probs(probs)
    flat = chains.clamp(min=0).flatten(1)
    levels = beliefs.gather(1, flat).view(chains.shape).masked_fill(chains < 0, 0.0)
    return Answers(nodes, probs.gather(1, outcome), levels)
