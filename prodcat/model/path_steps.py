r"""A distribution over outcomes as steps along the paths of the tree.

The way to an outcome is a series of steps: from the root to a node of the first level, from there
to one of its children, and so on.  At an inner node where products may end, ending there is one
more choice.  A distribution over the outcomes is the same as a distribution over the choices at
every branch: a choice's log-probability is that of what lies below it minus that of the branch.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.model.elementwise import exp, log
from prodcat.model.path_model import PathModel, running_sums
from prodcat.taxonomy.tree import Taxonomy

_LEAST_PROBABILITY = 1e-9  # of a branch, before its logarithm is taken
LARGEST_SCORE = 60.0  # whose exponential, and that of its negative, float32 can represent


def choices(paths: PathModel) -> tuple[Tensor, Tensor]:
    """The branch at which each choice is made, and its level.

    Returns:
        ``choice_branch`` and ``choice_level`` of :class:`prodcat.model.path_model.Branches`.
    """
    return paths.branches.choice_branch, paths.branches.choice_level


def choice_nodes(taxonomy: Taxonomy) -> NDArray[np.int64]:
    """The node of each choice, int64 [choice]: the outcomes, then the inner nodes."""
    inner = np.unique(taxonomy.parent[taxonomy.parent >= 0])
    return np.concatenate([taxonomy.outcomes, inner])


def choice_spans(taxonomy: Taxonomy) -> NDArray[np.int64]:
    """The outcomes that each choice leads to, as start and end, int64 [choice, 2]."""
    nodes, outcomes = choice_nodes(taxonomy), len(taxonomy.outcomes)
    spans = taxonomy.spans[nodes].copy()
    spans[:outcomes, 1] = spans[:outcomes, 0] + 1  # ending at the node itself
    return spans


def choice_log_probs(paths: PathModel, log_probs: Tensor, probs: Tensor) -> Tensor:
    """The log-probability of each choice, given its branch, float [batch, choice].

    Args:
        paths: The path model.
        log_probs: float [batch, outcome].
        probs: float [batch, outcome]: their exponentials.
    """
    branches = paths.branches
    below = branches.probs(running_sums(probs)).clamp(min=_LEAST_PROBABILITY)
    beliefs = log(below).to(log_probs.dtype)
    both = torch.cat([log_probs, beliefs[:, 1:]], dim=1)
    return both - beliefs.index_select(1, branches.choice_branch)


def chained(paths: PathModel, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Take a softmax over the choices at every branch, and add them up along the paths.

    Args:
        paths: The path model.
        scores: float [batch, choice].

    Returns:
        The log-probabilities of the outcomes, float [batch, outcome], and those of the branches,
        float [batch, branch].
    """
    branches = paths.branches
    where = choices(paths)[0]
    scores = scores.clamp(-LARGEST_SCORE, LARGEST_SCORE)
    sums = scores.new_zeros(scores.shape[0], len(branches.nodes))
    sums = sums.scatter_add(1, where.expand(scores.shape[0], -1), exp(scores))
    steps = scores - log(sums).index_select(1, where)
    outcomes = len(paths.outcomes)
    inner = branches.path_sums(torch.nn.functional.pad(steps[:, outcomes:], (1, 0)))
    return steps[:, :outcomes] + inner.index_select(1, branches.above), inner
