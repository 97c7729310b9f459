r"""From logits to one distribution over the paths of the tree.

With ``z_n`` the logit of node ``n``, the score of outcome ``o`` is the sum of ``z_n`` over
its path, and ``P(o) = exp(score_o) / sum_o' exp(score_o')``.  A node's probability is the
sum of ``P`` over the outcomes at or below it.  Answers are consistent by construction,
children (and the stop at a terminal inner node) sum to their parent, and confidence never
rises with depth.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from prodcat.taxonomy import Taxonomy

Structure = Literal["stacked", "per_level", "flat"]


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
        self.register_buffer("parent", torch.tensor(taxonomy.parent), persistent=False)
        self.register_buffer("outcomes", torch.tensor(taxonomy.outcomes), persistent=False)
        self.register_buffer("target_spans", torch.tensor(taxonomy.target_spans), persistent=False)
        self.register_buffer("chains", torch.tensor(taxonomy.chains), persistent=False)
        self.register_buffer("terminal", torch.tensor(taxonomy.terminal), persistent=False)
        self.parent: Tensor
        self.terminal: Tensor
        self.outcomes: Tensor
        self.target_spans: Tensor
        self.chains: Tensor

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
