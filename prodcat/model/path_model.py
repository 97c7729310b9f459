r"""From logits to one distribution over the paths of the tree.

With ``z_n`` the logit of node ``n``, the score of outcome ``o`` is the sum of ``z_n`` over
its path, and ``P(o) = exp(score_o) / sum_o' exp(score_o')``.  A node's probability is the
sum of ``P`` over the outcomes at or below it.  So answers are consistent by construction:
the probabilities of a node's children, and of ending at the node where that is possible, sum to
the node's probability, and confidence never rises with depth.
"""

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from prodcat.model.config import Structure
from prodcat.model.elementwise import exp, log
from prodcat.taxonomy.tree import Taxonomy

# MKL picks the kernel of its exponential at the first call.  If two threads make that call at the
# same moment, they may get different kernels, whose results differ in the last bits.  So the first
# call is made here.
torch.zeros(1).exp()

_LEAST_PROBABILITY = 1e-12  # of a branch, before its logarithm is taken


class Branches(nn.Module):
    """The branches of a tree (the root and all inner nodes), with sums along paths to them.

    Most nodes are leaves, and the sum along the path to a leaf is the sum of its parent and one
    more term.  So sums are computed for the branches first, and then for all leaves at once.

    Attributes:
        nodes: int64 [branch]: the node of each branch: first -1, for the root, then the inner
            nodes breadth first.
        depth: int64 [branch]: the level of each branch, 0 for the root.
        above: int64 [outcome]: the branch of a leaf's parent; for an outcome that is an inner
            node, the branch of that node.
        leaf: bool [outcome]: whether the outcome is a leaf.
        step: int64 [outcome]: the level, counted from 0, of the last step of the path to the
            outcome.  Ending at an inner node counts as a step to the next level.
        outcome_depth: int64 [outcome]: the level of the outcome.
        choice_branch: int64 [choice]: the branch at which each choice is made.  Choices are
            numbered as the outcomes, whose last steps they are, followed by the branches without
            the root.
        choice_level: int64 [choice]: the level of each choice, counted from 0.
        depths: The levels that have outcomes, ascending.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        inner = np.zeros(len(taxonomy), np.bool_)
        inner[taxonomy.parent[taxonomy.parent >= 0]] = True
        nodes = np.concatenate([[-1], np.flatnonzero(inner)])
        # The position of each node among the branches; the last entry, at -1, is the root's.
        place = np.zeros(len(taxonomy) + 1, np.int64)
        place[nodes] = np.arange(len(nodes))
        level = np.concatenate([taxonomy.level, [0]])
        ends, outcomes = np.concatenate([[-1], taxonomy.parent])[nodes + 1], taxonomy.outcomes
        spans = np.concatenate([taxonomy.spans, [[0, len(outcomes)]]])[nodes]
        depth = level[outcomes]
        self.depths: tuple[int, ...] = tuple(np.unique(depth).tolist())
        edges = np.searchsorted(level[nodes], np.arange(int(level[nodes].max()) + 2))
        self.bounds = tuple((int(start), int(end)) for start, end in itertools.pairwise(edges))
        # Sorted by depth, the outcomes of one depth below a branch are a range, too.
        order = np.argsort(depth, kind="stable")
        ranges = []
        offsets = np.searchsorted(depth[order], self.depths)
        for offset, outcome_depth in zip(offsets, self.depths, strict=True):
            before = np.concatenate([[0], np.cumsum(depth == outcome_depth)])
            ranges.append(offset + before[spans])
        leaf = ~inner[outcomes]
        above = place[np.where(leaf, taxonomy.parent[outcomes], outcomes)]
        step = np.where(leaf, depth - 1, depth)
        for name, array in {
            "nodes": nodes,
            "depth": level[nodes],
            "parent": place[ends],
            "spans": spans,
            "above": above,
            "leaf": leaf,
            "step": step,
            "outcome_depth": depth,
            "choice_branch": np.concatenate([above, place[ends[1:]]]),
            "choice_level": np.concatenate([step, level[nodes[1:]] - 1]),
            "order": order,
            "ranges": np.stack(ranges),
        }.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)), False)
        self.nodes: Tensor
        self.depth: Tensor
        self.parent: Tensor
        self.spans: Tensor
        self.above: Tensor
        self.leaf: Tensor
        self.step: Tensor
        self.outcome_depth: Tensor
        self.choice_branch: Tensor
        self.choice_level: Tensor
        self.order: Tensor
        self.ranges: Tensor

    def probs(self, sums: Tensor) -> Tensor:
        """Compute the probability of each branch, float64 [batch, branch].

        Args:
            sums: float64 [batch, outcome + 1], from :func:`running_sums`.
        """
        return span_sums(sums, self.spans)

    def probs_by_depth(self, outcome_probs: Tensor, sums: Tensor) -> Tensor:
        """Each branch's probability, split by the depth of the outcomes below it.

        Args:
            outcome_probs: float [batch, outcome].
            sums: float64 [batch, outcome + 1], their :func:`running_sums`.

        Returns:
            float64 [batch, depth, branch], for each depth in ``depths``.
        """
        if len(self.depths) == 1:
            return self.probs(sums)[:, None]
        sums = running_sums(outcome_probs.index_select(1, self.order))
        depths, branches, _ = self.ranges.shape
        return span_sums(sums, self.ranges.flatten(0, 1)).view(-1, depths, branches)

    def path_sums(self, values: Tensor) -> Tensor:
        """Sum values along the path from the root to each branch, float [..., branch].

        Args:
            values: float [..., branch]: a value for each branch.
        """
        sums = [values[..., :1]]
        for (start, end), (above, _) in zip(self.bounds[1:], self.bounds[:-1], strict=True):
            upper = sums[-1].index_select(-1, self.parent[start:end] - above)
            sums.append(values[..., start:end] + upper)
        return torch.cat(sums, dim=-1)


def running_sums(outcome_probs: Tensor) -> Tensor:
    """Cumulative sums for :func:`span_sums`, float64 [batch, outcome + 1], beginning with 0.

    In float64 the difference of two entries is accurate to about 1e-16 of the whole.  A node's
    range contains those of its children, so sums of probabilities never grow from a node to its
    child.

    Args:
        outcome_probs: float [batch, outcome].

    >>> running_sums(torch.tensor([[0.5, 0.25, 0.25]])).tolist()
    [[0.0, 0.5, 0.75, 1.0]]
    """
    if outcome_probs.requires_grad:
        return nn.functional.pad(outcome_probs.cumsum(dim=1, dtype=torch.float64), (1, 0))
    rows, outcomes = outcome_probs.shape
    sums = outcome_probs.new_empty(rows, outcomes + 1, dtype=torch.float64)
    sums[:, 0] = 0.0
    torch.cumsum(outcome_probs, dim=1, dtype=torch.float64, out=sums[:, 1:])
    return sums


def span_sums(sums: Tensor, spans: Tensor) -> Tensor:
    """The sum over each range of outcomes, float64 [batch, range].

    Args:
        sums: float64 [batch, outcome + 1], from :func:`running_sums`.
        spans: int64 [range, 2]: start and end of each range.

    >>> sums = running_sums(torch.tensor([[0.5, 0.25, 0.25]]))
    >>> span_sums(sums, torch.tensor([[0, 3], [1, 3]])).tolist()
    [[1.0, 0.5]]
    """
    return sums.index_select(1, spans[:, 1]) - sums.index_select(1, spans[:, 0])


class PathModel(nn.Module):
    """Turns the logits of the heads into one distribution over the outcomes of a taxonomy.

    Args:
        taxonomy: The tree.
        structure: What the logits are, and how they become probabilities.
            ``"stacked"``: node logits, summed along each path, with one softmax over the outcomes.
            ``"per_level"``: node logits with a softmax within each level (with "no node" as a
            further class below the first level); the probabilities are multiplied along each path
            of the tree and normalised again.  ``"flat"``: outcome logits with one softmax.
    """

    def __init__(self, taxonomy: Taxonomy, structure: Structure = "stacked") -> None:
        super().__init__()
        self.structure = structure
        self.level_bounds = taxonomy.level_bounds
        self.branches = Branches(taxonomy)
        # The last row, at -1, is that of the root, with no node on its path and all outcomes below.
        root = np.full((1, taxonomy.depth), -1, np.int64)
        chains = np.concatenate([taxonomy.chains, root])
        spans = np.concatenate([taxonomy.spans, [[0, len(taxonomy.outcomes)]]])
        self.register_buffer("parent", torch.tensor(taxonomy.parent), persistent=False)
        self.register_buffer("outcomes", torch.tensor(taxonomy.outcomes), persistent=False)
        self.register_buffer("target_spans", torch.tensor(taxonomy.target_spans), persistent=False)
        self.register_buffer("chains", torch.from_numpy(chains), persistent=False)
        self.register_buffer("spans", torch.from_numpy(spans), persistent=False)
        self.register_buffer("terminal", torch.tensor(taxonomy.terminal), persistent=False)
        self.parent: Tensor
        self.terminal: Tensor
        self.outcomes: Tensor
        self.target_spans: Tensor
        self.chains: Tensor
        self.spans: Tensor

    def path_sums(self, values: Tensor) -> Tensor:
        """Sum values along the path from the first level to each node, float [batch, node].

        Args:
            values: float [batch, node]: a value for each node.
        """
        sums: list[Tensor] = []
        for level, (start, end) in enumerate(self.level_bounds):
            level_sums = values[:, start:end]
            if level:
                above = self.parent[start:end] - self.level_bounds[level - 1][0]
                level_sums = level_sums + sums[-1][:, above]
            sums.append(level_sums)
        return torch.cat(sums, dim=1)

    def scores(self, logits: Tensor) -> Tensor:
        """The score of each outcome, float [batch, outcome]; their softmax is the distribution.

        Args:
            logits: float [batch, node], or [batch, outcome] for ``"flat"``.
        """
        if self.structure == "flat":
            return logits
        if self.structure == "stacked":
            return self.path_sums(logits)[:, self.outcomes]
        log_probs, no_node = self.level_log_probs(logits)
        depth = self.chains[self.outcomes].ge(0).sum(1)
        after = no_node.flip(1).cumsum(1).flip(1)
        missing = torch.cat([after, torch.zeros_like(after[:, :1])], dim=1)
        return self.path_sums(log_probs)[:, self.outcomes] + missing[:, depth]

    def level_log_probs(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Take a softmax within each level, in which "no node at this level" has the logit 0.

        Args:
            logits: float [batch, node].

        Returns:
            Log-probabilities of the nodes, float [batch, node], and of "no node", float
            [batch, level].  Every path has a node at the first level, so "no node" is not part
            of the softmax there, and its entry is 0.
        """
        nodes, no_node = [], []
        for level, (start, end) in enumerate(self.level_bounds):
            level_logits = logits[:, start:end]
            zero = torch.zeros_like(level_logits[:, :1])
            if level == 0:
                nodes.append(level_logits.log_softmax(1))
                no_node.append(zero)
            else:
                both = torch.cat([level_logits, zero], dim=1).log_softmax(1)
                nodes.append(both[:, :-1])
                no_node.append(both[:, -1:])
        return torch.cat(nodes, dim=1), torch.cat(no_node, dim=1)

    def log_probs(self, logits: Tensor) -> Tensor:
        """The log-probability of each outcome, float [batch, outcome].

        Args:
            logits: float [batch, node], or [batch, outcome] for ``"flat"``.
        """
        return self.scores(logits).log_softmax(dim=1)

    def temper(self, log_probs: Tensor, weights: Tensor) -> Tensor:
        r"""Scale the contribution of each level to the log-probabilities, and normalise again.

        ``log p(o)`` is the sum of ``log P(n) - log P(parent of n)`` over the nodes of its path; for
        an outcome with children a term for ending there is added, which counts as one of the next
        level.  Each term is multiplied by the weight of its level; with equal weights this is
        temperature scaling (Guo et al., ICML 2017).  The result is again one distribution over
        the outcomes.

        Args:
            log_probs: float [batch, outcome].
            weights: float [level], above 0: the inverse temperature of each level.

        Returns:
            float [batch, outcome].
        """
        branches = self.branches
        # The sum over steps is written as a sum over the branches between two steps.
        change = weights[branches.depth[1:] - 1] - weights[branches.depth[1:]]
        change = nn.functional.pad(change, (1, 0))
        beliefs = branches.probs(running_sums(exp(log_probs))).clamp(min=_LEAST_PROBABILITY)
        sums = branches.path_sums(change * log(beliefs).to(log_probs.dtype))
        scores = log_probs * weights[branches.step] + sums.index_select(1, branches.above)
        return scores.log_softmax(dim=1)

    def node_probs(self, outcome_probs: Tensor) -> Tensor:
        """The probability of each node, float [batch, node]: that of the outcomes at or below it.

        Args:
            outcome_probs: float [batch, outcome].
        """
        empty = outcome_probs.new_zeros(len(outcome_probs), len(self.parent))
        nodes = empty.index_copy(1, self.outcomes, outcome_probs)
        sums: list[Tensor] = []
        for level in range(len(self.level_bounds) - 1, -1, -1):
            start, end = self.level_bounds[level]
            level_sums = nodes[:, start:end]
            if sums:
                first, last = self.level_bounds[level + 1]
                level_sums = level_sums.index_add(1, self.parent[first:last] - start, sums[-1])
            sums.append(level_sums)
        return torch.cat(sums[::-1], dim=1)

    def covers(self, targets: Tensor, outcomes: Tensor) -> Tensor:
        """Whether each outcome agrees with its label, bool [batch].

        A partial label agrees with all outcomes below its node.

        Args:
            targets: int64 [batch]: the nodes of the labels.
            outcomes: int64 [batch]: positions among the outcomes.
        """
        span = self.target_spans[targets]
        return (outcomes >= span[:, 0]) & (outcomes < span[:, 1])

    def target_log_probs(self, scores: Tensor, targets: Tensor) -> Tensor:
        """The log-probability of each label, complete or partial, float [batch].

        Args:
            scores: float [batch, outcome], as from :meth:`scores`.
            targets: int64 [batch]: the nodes of the labels.  The probability of a partial label
                is the sum over all outcomes below its node (marginal likelihood).
        """
        span = self.target_spans[targets]
        place = torch.arange(scores.shape[1], device=scores.device)
        inside = (place >= span[:, :1]) & (place < span[:, 1:])
        label_scores = scores.masked_fill(~inside, -torch.inf).logsumexp(dim=1)
        return label_scores - scores.logsumexp(dim=1)
