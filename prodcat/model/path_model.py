r"""From logits to one distribution over the paths of the tree.

With ``z_n`` the logit of node ``n``, the score of outcome ``o`` is the sum of ``z_n`` over
its path, and ``P(o) = exp(score_o) / sum_o' exp(score_o')``.  A node's probability is the
sum of ``P`` over the outcomes at or below it.  Answers are consistent by construction,
children (and the stop at a terminal inner node) sum to their parent, and confidence never
rises with depth.
"""

import itertools
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from prodcat.taxonomy.tree import Taxonomy

Structure = Literal["stacked", "per_level", "flat"]
# The first call of MKL's exponential picks its kernel.  Two threads that make it at the same moment
# may be given different ones, whose last bits differ from run to run; so one makes it here.
torch.zeros(1).exp()

_LEAST = 1e-12  # of a branch's probability, before its logarithm


class Branches(nn.Module):
    """Sums over the inner part of a tree: the root and the nodes that have children.

    Most nodes are leaves, and a leaf adds one term to what its parent carries.  So every
    sum along paths is made for the branches alone, and then reaches all leaves in one step.

    Attributes:
        nodes: int64 [branch]: the node of each branch, the root first, as -1; then breadth
            first.
        depth: int64 [branch]: the node's level, 0 for the root.
        above: int64 [outcome]: the branch that a leaf hangs on; a terminal inner node is
            a branch itself, and stands for itself.
        leaf: bool [outcome]: whether the outcome is a leaf.
        step: int64 [outcome]: which level, counted from 0, the last step of the path to the
            outcome belongs to; to stop at an inner node is a step to the next level.
        outcome_depth: int64 [outcome]: its level.
        depths: The levels at which outcomes are, ascending.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        inner = np.zeros(len(taxonomy), np.bool_)
        inner[taxonomy.parent[taxonomy.parent >= 0]] = True
        nodes = np.concatenate([[-1], np.flatnonzero(inner)])
        place = np.zeros(len(taxonomy) + 1, np.int64)  # its last entry is the root's, as for -1
        place[nodes] = np.arange(len(nodes))
        level = np.concatenate([taxonomy.level, [0]])
        ends, outcomes = np.concatenate([[-1], taxonomy.parent])[nodes + 1], taxonomy.outcomes
        spans = np.concatenate([taxonomy.spans, [[0, len(outcomes)]]])[nodes]
        depth = level[outcomes]
        self.depths: tuple[int, ...] = tuple(np.unique(depth).tolist())
        edges = np.searchsorted(level[nodes], np.arange(int(level[nodes].max()) + 2))
        self.bounds = tuple((int(start), int(end)) for start, end in itertools.pairwise(edges))
        # Outcomes of one depth side by side: then those below a branch are a range too.
        order = np.argsort(depth, kind="stable")
        ranges = []
        for offset, own in zip(
            np.searchsorted(depth[order], self.depths), self.depths, strict=True
        ):
            before = np.concatenate([[0], np.cumsum(depth == own)])
            ranges.append(offset + before[spans])
        leaf = ~inner[outcomes]
        for name, array in {
            "nodes": nodes,
            "depth": level[nodes],
            "parent": place[ends],
            "spans": spans,
            "above": place[np.where(leaf, taxonomy.parent[outcomes], outcomes)],
            "leaf": leaf,
            "step": np.where(leaf, depth - 1, depth),
            "outcome_depth": depth,
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
        self.order: Tensor
        self.ranges: Tensor

    def probs(self, sums: Tensor) -> Tensor:
        """The probability of each branch, float64 [batch, branch], from running sums."""
        return span_sums(sums, self.spans)

    def probs_by_depth(self, outcome_probs: Tensor, sums: Tensor) -> Tensor:
        """The part of each branch's probability that ends at each of ``depths``.

        Args:
            outcome_probs: float [batch, outcome].
            sums: float64 [batch, outcome + 1], their running sums.

        Returns:
            float64 [batch, depths, branch].
        """
        if len(self.depths) == 1:
            return self.probs(sums)[:, None]
        sums = running_sums(outcome_probs.index_select(1, self.order))
        depths, branches, _ = self.ranges.shape
        return span_sums(sums, self.ranges.flatten(0, 1)).view(-1, depths, branches)

    def path_sums(self, values: Tensor) -> Tensor:
        """Sum from the root down to each branch, [..., branch] to the same."""
        sums = [values[..., :1]]
        for (start, end), (above, _) in zip(self.bounds[1:], self.bounds[:-1], strict=True):
            upper = sums[-1].index_select(-1, self.parent[start:end] - above)
            sums.append(values[..., start:end] + upper)
        return torch.cat(sums, dim=-1)


def running_sums(outcome_probs: Tensor) -> Tensor:
    """Cumulative sums for :func:`span_sums`: [batch, outcome] to float64, one column more.

    In float64 the difference of two entries is right to about 1e-16 of the whole.  A node's
    range holds its children's, so sums of probabilities never grow from a node to its child.
    """
    if outcome_probs.requires_grad:
        return nn.functional.pad(outcome_probs.cumsum(dim=1, dtype=torch.float64), (1, 0))
    rows, outcomes = outcome_probs.shape
    sums = outcome_probs.new_empty(rows, outcomes + 1, dtype=torch.float64)
    sums[:, 0] = 0.0
    torch.cumsum(outcome_probs, dim=1, dtype=torch.float64, out=sums[:, 1:])
    return sums


def span_sums(sums: Tensor, spans: Tensor) -> Tensor:
    """The sum over each range of outcomes: [batch, outcome + 1] to [batch, range].

    Args:
        sums: float64, from :func:`running_sums`.
        spans: int64 [range, 2]: start and end of each range.
    """
    return sums.index_select(1, spans[:, 1]) - sums.index_select(1, spans[:, 0])


class PathModel(nn.Module):
    """The distribution over a taxonomy's outcomes that logits stand for.

    Args:
        taxonomy: The tree.
        structure: What the logits are and how they are normalised:
            ``"stacked"``: node logits, one softmax over outcomes of their path sums;
            ``"per_level"``: node logits, a softmax within each level (with "no node" as a
            further class where paths end early), multiplied along real paths and
            renormalised; ``"flat"``: outcome logits, one softmax.
    """

    def __init__(self, taxonomy: Taxonomy, structure: Structure = "stacked") -> None:
        super().__init__()
        self.structure = structure
        self.level_bounds = taxonomy.level_bounds
        self.branches = Branches(taxonomy)
        # The last row stands for the root, which -1 reaches: no node, every outcome below.
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
        """Sum a value per node along each path from the top: [batch, node] to the same."""
        sums: list[Tensor] = []
        for level, (start, end) in enumerate(self.level_bounds):
            own = values[:, start:end]
            if level:
                above = self.parent[start:end] - self.level_bounds[level - 1][0]
                own = own + sums[-1][:, above]
            sums.append(own)
        return torch.cat(sums, dim=1)

    def scores(self, logits: Tensor) -> Tensor:
        """Outcome scores, float [batch, outcome], depth first; a softmax away from ``P``.

        Args:
            logits: float [batch, node], or [batch, outcome] for ``"flat"``.
        """
        if self.structure == "flat":
            return logits
        if self.structure == "stacked":
            return self.path_sums(logits)[:, self.outcomes]
        log_probs, none = self.level_log_probs(logits)
        depth = self.chains[self.outcomes].ge(0).sum(1)
        missing = torch.cat([none.flip(1).cumsum(1).flip(1), torch.zeros_like(none[:, :1])], dim=1)
        return self.path_sums(log_probs)[:, self.outcomes] + missing[:, depth]

    def level_log_probs(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """A softmax within each level, with "no node at this level" at logit 0.

        Returns:
            float [batch, node] and, for "no node", float [batch, level].  At the first
            level, where every path has a node, "no node" has no part in the softmax.
        """
        nodes, none = [], []
        for level, (start, end) in enumerate(self.level_bounds):
            own = logits[:, start:end]
            zero = torch.zeros_like(own[:, :1])
            if level == 0:
                nodes.append(own.log_softmax(1))
                none.append(zero)
            else:
                both = torch.cat([own, zero], dim=1).log_softmax(1)
                nodes.append(both[:, :-1])
                none.append(both[:, -1:])
        return torch.cat(nodes, dim=1), torch.cat(none, dim=1)

    def log_probs(self, logits: Tensor) -> Tensor:
        """Float [batch, outcome]: the log-probability of each outcome."""
        return self.scores(logits).log_softmax(dim=1)

    def temper(self, log_probs: Tensor, weights: Tensor) -> Tensor:
        r"""Scale what each level adds to a path's score, and normalise anew.

        ``log p(o)`` is the sum over its path of ``log P(n) - log P(parent of n)``, and, where
        a product may end above others, of stopping there, which counts as a step to the
        next level.  Each of these is multiplied by its level's weight: with equal weights
        this is temperature scaling (Guo et al., ICML 2017).  The result is again one
        distribution over outcomes, so it stays coherent.

        Args:
            log_probs: float [batch, outcome].
            weights: float [level], above 0: the inverse temperature of each level.

        Returns:
            float [batch, outcome].
        """
        branches = self.branches
        # The sum over steps, written as a sum over the branches that lie between two steps.
        change = weights[branches.depth[1:] - 1] - weights[branches.depth[1:]]
        change = nn.functional.pad(change, (1, 0))
        beliefs = branches.probs(running_sums(log_probs.exp())).clamp(min=_LEAST)
        sums = branches.path_sums(change * beliefs.log().to(log_probs.dtype))
        scores = log_probs * weights[branches.step] + sums.index_select(1, branches.above)
        return scores.log_softmax(dim=1)

    def node_probs(self, outcome_probs: Tensor) -> Tensor:
        """Sum outcome probabilities upward: [batch, outcome] to [batch, node]."""
        empty = outcome_probs.new_zeros(len(outcome_probs), len(self.parent))
        nodes = empty.index_copy(1, self.outcomes, outcome_probs)
        sums: list[Tensor] = []
        for level in range(len(self.level_bounds) - 1, -1, -1):
            start, end = self.level_bounds[level]
            own = nodes[:, start:end]
            if sums:
                first, last = self.level_bounds[level + 1]
                own = own.index_add(1, self.parent[first:last] - start, sums[-1])
            sums.append(own)
        return torch.cat(sums[::-1], dim=1)

    def covers(self, targets: Tensor, outcomes: Tensor) -> Tensor:
        """Bool [batch]: whether an outcome is what a label, complete or partial, stands for.

        Args:
            targets: int64 [batch], node positions.
            outcomes: int64 [batch], outcome positions.
        """
        span = self.target_spans[targets]
        return (outcomes >= span[:, 0]) & (outcomes < span[:, 1])

    def target_log_probs(self, scores: Tensor, targets: Tensor) -> Tensor:
        """The log-probability of each row's label, complete or partial.

        Args:
            scores: float [batch, outcome], as from :meth:`scores`.
            targets: int64 [batch], node positions.  A node at which no product ends stands
                for all outcomes below it: the marginal likelihood.

        Returns:
            float [batch].
        """
        span = self.target_spans[targets]
        place = torch.arange(scores.shape[1], device=scores.device)
        inside = (place >= span[:, :1]) & (place < span[:, 1:])
        own = scores.masked_fill(~inside, -torch.inf).logsumexp(dim=1)
        return own - scores.logsumexp(dim=1)
