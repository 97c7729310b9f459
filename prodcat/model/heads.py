"""Category heads: from pooled titles to logits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class StackedHeads(nn.Module):
    """One linear head for each level; each gets the probabilities of the level above.

    The probabilities of the level above, times its node embeddings, are mapped linearly to a
    vector that is added to the pooled title before the head is applied.  The map starts at zero,
    so the heads start as plain linear heads, and a closed-form solution can be written into them.

    Args:
        hidden: Length of the pooled vector of a title.
        level_sizes: Number of nodes of each level, coarse to fine.
        parents: For each level except the first, int64 [nodes]: the parent's position within
            the level above.
        belief_width: Width of the node embeddings; 0 leaves the levels unconnected.
    """

    def __init__(
        self,
        hidden: int,
        level_sizes: Sequence[int],
        parents: Sequence[Sequence[int]],
        belief_width: int = 64,
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(hidden, size) for size in level_sizes)
        for head in self.heads:
            nn.init.zeros_(head.weight)  # type: ignore[arg-type]
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]
        above = level_sizes[:-1] if belief_width else ()
        self.node_embeddings = nn.ParameterList(
            nn.Parameter(torch.randn(size, belief_width).mul_(belief_width**-0.5)) for size in above
        )
        self.shifts = nn.ModuleList(nn.Linear(belief_width, hidden, bias=False) for _ in above)
        for shift in self.shifts:
            nn.init.zeros_(shift.weight)  # type: ignore[arg-type]
        for level, rows in enumerate(parents):
            parent = torch.tensor(rows, dtype=torch.int64)
            self.register_buffer(f"parent_{level}", parent, persistent=False)

    def forward(self, pooled: Tensor) -> Tensor:
        """Compute the logit of every node of the tree.

        Args:
            pooled: float [batch, hidden]: pooled titles.

        Returns:
            float [batch, node], in the breadth-first order of the taxonomy.
        """
        logits = [self.heads[0](pooled)]
        if not self.shifts:
            return torch.cat([head(pooled) for head in self.heads], dim=1)
        score = logits[0]
        for level, head in enumerate(self.heads[1:]):
            belief = score.softmax(dim=1) @ self.node_embeddings[level]
            logits.append(head(pooled + self.shifts[level](belief)))
            parent = self.get_buffer(f"parent_{level}")
            score = score[:, parent] + logits[-1]
        return torch.cat(logits, dim=1)

    def set_linear(self, weight: Tensor, bias: Tensor) -> None:
        """Set the weights and biases of all heads.

        Args:
            weight: float [node, hidden].
            bias: float [node].
        """
        start = 0
        with torch.no_grad():
            for head in self.heads:
                end = start + int(head.out_features)  # type: ignore[arg-type]
                head.weight.copy_(weight[start:end])  # type: ignore[operator]
                head.bias.copy_(bias[start:end])  # type: ignore[operator]
                start = end


class FlatHead(nn.Module):
    """One linear head over the outcomes, as a baseline for :class:`StackedHeads`.

    Args:
        hidden: Length of the pooled vector of a title.
        outcomes: Number of outcomes.
    """

    def __init__(self, hidden: int, outcomes: int) -> None:
        super().__init__()
        self.head = nn.Linear(hidden, outcomes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Compute the logit of every outcome.

        Args:
            pooled: float [batch, hidden]: pooled titles.

        Returns:
            float [batch, outcome].
        """
        logits: Tensor = self.head(pooled)
        return logits
