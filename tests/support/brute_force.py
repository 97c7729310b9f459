"""The best answer by brute force over all nodes, straight from the definitions."""

import numpy as np
import torch

from prodcat.decisions.objectives import (
    ExpectedCost,
    HierarchicalF,
    MostLikelyPath,
    TreeDistance,
)

ROWS = 4
OBJECTIVES = [
    MostLikelyPath(),
    *(HierarchicalF(b, r, o) for b in (0.5, 1.0, 2.0) for r in (0, 1) for o in (0, 1)),
    TreeDistance(),
    TreeDistance(only_outcomes=True),
    "cost",
]


def random_probs(tree, seed, rows=ROWS):
    """Peaked, flat and partly zero distributions, float64 [rows, outcome]."""
    rng = np.random.default_rng(seed)
    sharp = rng.choice([0.2, 1.0, 5.0], (rows, 1))
    scores = np.exp(rng.normal(size=(rows, len(tree.outcomes))) * sharp)
    return torch.from_numpy(scores / scores.sum(1, keepdims=True))


def ancestors(tree, node):
    return set(tree.ancestors(node)) if node >= 0 else set()


def worth(tree, objective, answer, probs):
    """The expected value of one answer for one row, straight from the definition; a loss is
    negative.  The answer -1 is the root."""
    total = 0.0
    answered = ancestors(tree, answer)
    for place, (outcome, p) in enumerate(zip(tree.outcomes.tolist(), probs, strict=True)):
        truth = ancestors(tree, outcome)
        if isinstance(objective, MostLikelyPath):
            total += p * (answer == outcome)
        elif isinstance(objective, HierarchicalF):
            root = int(objective.count_root)
            shared = len(answered & truth) + root
            precision = shared / (len(answered) + root) if len(answered) + root else 0.0
            recall = shared / (len(truth) + root)
            square = objective.beta**2
            if shared:
                total += p * (1 + square) * precision * recall / (square * precision + recall)
        elif isinstance(objective, TreeDistance):
            total -= p * len(answered ^ truth)
        else:
            total -= p * objective.cost[place, tree.outcomes.tolist().index(answer)]
    return total


def candidates(tree, objective):
    if isinstance(objective, MostLikelyPath | ExpectedCost) or objective.only_outcomes:
        return tree.outcomes.tolist()
    return [-1, *range(len(tree))]
