"""The distribution over paths, against brute force over every path."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import taxonomies

from prodcat.decisions.decoding import most_likely_paths
from prodcat.model.path_model import PathModel

STRUCTURES = ["stacked", "per_level", "flat"]


def random_logits(tree, structure, rows=3, seed=0):
    size = len(tree.outcomes) if structure == "flat" else len(tree)
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed)).double() * 2


def brute_force_log_probs(tree, structure, logits):
    """Score each path by hand."""
    rows = []
    for z in logits.tolist():
        scores = []
        for position, outcome in enumerate(tree.outcomes.tolist()):
            chain = tree.ancestors(outcome)
            if structure == "flat":
                score = z[position]
            elif structure == "stacked":
                score = sum(z[node] for node in chain)
            else:
                score = 0.0
                for level, (start, end) in enumerate(tree.level_bounds):
                    total = sum(math.exp(z[n]) for n in range(start, end)) + (level > 0)
                    logit = z[chain[level]] if level < len(chain) else 0.0
                    score += logit - math.log(total)
            scores.append(score)
        total = math.log(sum(math.exp(score) for score in scores))
        rows.append([score - total for score in scores])
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("structure", STRUCTURES)
@given(tree=taxonomies(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_log_probs_equal_brute_force(structure, tree, seed):
    logits = random_logits(tree, structure, seed=seed)
    log_probs = PathModel(tree, structure).log_probs(logits)
    torch.testing.assert_close(log_probs, brute_force_log_probs(tree, structure, logits))


@pytest.mark.parametrize("structure", STRUCTURES)
@given(tree=taxonomies(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_probabilities_are_coherent(structure, tree, seed):
    """Outcomes sum to 1; children and the stop sum to the parent; depth never gains."""
    paths = PathModel(tree, structure)
    probs = paths.log_probs(random_logits(tree, structure, seed=seed)).exp()
    nodes = paths.node_probs(probs)
    outcome_probs = dict(zip(tree.outcomes.tolist(), probs.T, strict=True))
    torch.testing.assert_close(probs.sum(1), torch.ones(3).double())
    for node in range(len(tree)):
        parts = [nodes[:, child] for child in tree.children(node)]
        parts += [outcome_probs[node]] if node in outcome_probs else []
        torch.testing.assert_close(sum(parts), nodes[:, node], atol=1e-6, rtol=0)
    answers = most_likely_paths(paths, probs.log(), k=4)
    steps = answers.level_confidence
    assert bool((steps[..., 1:] <= steps[..., :-1] + 1e-12).all())
    assert bool((answers.confidence[:, 1:] <= answers.confidence[:, :-1]).all())


@given(tree=taxonomies(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_tempered_distribution_is_what_its_definition_says(tree, seed):
    paths = PathModel(tree)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, len(tree.outcomes), generator=generator, dtype=torch.float64)
    log_probs = logits.log_softmax(1)
    weights = torch.rand(tree.depth, generator=generator, dtype=torch.float64) + 0.5
    beliefs = paths.node_probs(log_probs.exp()).log()
    rows = []
    for place, outcome in enumerate(tree.outcomes.tolist()):
        steps, before = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
        for level, node in enumerate(tree.ancestors(outcome)):
            steps, before = steps + weights[level] * (beliefs[:, node] - before), beliefs[:, node]
        if tree.children(outcome):  # stopping here is a step to the next level
            stop = log_probs[:, place] - before
            steps = steps + weights[int(tree.level[outcome])] * stop
        rows.append(steps)
    expected = torch.stack(rows, 1).log_softmax(1)
    log_probs = paths.temper(log_probs, weights)
    torch.testing.assert_close(log_probs, expected, atol=1e-9, rtol=1e-9)
    one = torch.full((tree.depth,), 0.7, dtype=torch.float64)
    torch.testing.assert_close(
        paths.temper(log_probs, one), (0.7 * log_probs).log_softmax(1), atol=1e-9, rtol=1e-9
    )


@given(tree=taxonomies())
@settings(max_examples=40, deadline=None)
def test_every_choice_is_made_at_one_branch(tree):
    """The choices at a branch are its children and, where products may end, ending there."""
    branches = PathModel(tree).branches
    inner = [node for node in branches.nodes.tolist() if node >= 0]
    made = [(tree.parent[n], tree.level[n] - 1) for n in inner]
    ended = [
        (n, tree.level[n]) if n in inner else (tree.parent[n], tree.level[n] - 1)
        for n in tree.outcomes.tolist()
    ]
    where = branches.nodes[branches.choice_branch].tolist()
    assert list(zip(where, branches.choice_level.tolist(), strict=True)) == ended + made
