"""Answers to labelled rows, judged: small trees, and a system whose confidence is honest."""

import numpy as np

from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.taxonomy.tree import Taxonomy

TREE = Taxonomy.from_paths(
    [("Baby", "Food"), ("Baby", "Care"), ("Pet", "Food"), ("Home",), ("Home", "Light", "Led")]
)


def evaluate_paths(*pairs, **extra):
    truth, answer = (
        np.array([TREE.find(path) for path in column]) for column in zip(*pairs, strict=True)
    )
    return evaluate_nodes(TREE, truth, answer, **extra)


UNIQUE = Taxonomy.from_paths([(a, a + b, a + b + c) for a in "PQ" for b in "RS" for c in "TU"])


def nodes_of(*paths):
    return np.array([TREE.find(path) if path else -1 for path in paths])


def scored(rows=4_000, seed=0, skill=0.8):
    """Answers of one system with honest confidence over a tree of even depth."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(8 * skill, 8 * (1 - skill), rows)
    truth = rng.choice(UNIQUE.outcomes, rows)
    right = rng.random(rows) < confidence
    answer = np.where(right, truth, rng.choice(UNIQUE.outcomes, rows))
    levels = np.repeat(confidence[:, None], 3, axis=1)
    return evaluate_nodes(
        UNIQUE, truth, answer, confidence, np.log(confidence), level_confidence=levels
    )
