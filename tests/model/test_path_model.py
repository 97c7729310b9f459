"""The distribution over paths, against brute force over every path."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import taxonomies

from prodcat.decisions.decoding import most_likely_paths
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.loss import path_loss

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
                    own = z[chain[level]] if level < len(chain) else 0.0
                    score += own - math.log(total)
            scores.append(score)
        total = math.log(sum(math.exp(score) for score in scores))
        rows.append([score - total for score in scores])
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("structure", STRUCTURES)
@given(tree=taxonomies(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_log_probs_equal_brute_force(structure, tree, seed):
    logits = random_logits(tree, structure, seed=seed)
    found = PathModel(tree, structure).log_probs(logits)
    torch.testing.assert_close(found, brute_force_log_probs(tree, structure, logits))


@pytest.mark.parametrize("structure", STRUCTURES)
@given(tree=taxonomies(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_probabilities_are_coherent(structure, tree, seed):
    """Outcomes sum to 1; children and the stop sum to the parent; depth never gains."""
    paths = PathModel(tree, structure)
    probs = paths.log_probs(random_logits(tree, structure, seed=seed)).exp()
    nodes = paths.node_probs(probs)
    own = dict(zip(tree.outcomes.tolist(), probs.T, strict=True))
    torch.testing.assert_close(probs.sum(1), torch.ones(3).double())
    for node in range(len(tree)):
        parts = [nodes[:, child] for child in tree.children(node)]
        parts += [own[node]] if node in own else []
        torch.testing.assert_close(sum(parts), nodes[:, node], atol=1e-6, rtol=0)
    answers = most_likely_paths(paths, probs.log(), k=4)
    steps = answers.level_confidence
    assert bool((steps[..., 1:] <= steps[..., :-1] + 1e-12).all())
    assert bool((answers.confidence[:, 1:] <= answers.confidence[:, :-1]).all())


@given(tree=taxonomies(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_loss_of_a_partial_label_is_the_marginal(tree, seed):
    paths = PathModel(tree)
    for node in range(len(tree)):
        logits = random_logits(tree, "stacked", seed=seed)
        probs = paths.log_probs(logits).exp()
        start, end = tree.target_spans[node]
        expected = -probs[:, start:end].sum(1).log()
        loss = path_loss(paths, logits, torch.full((3,), node))
        torch.testing.assert_close(loss, expected)


RAGGED = Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("A",), ("B", "X")])


def test_answers_have_the_probability_of_their_path_at_each_level():
    paths = PathModel(RAGGED)
    probs = torch.tensor([[0.1, 0.2, 0.3, 0.4]])  # A; A X; A Y; B X
    best = most_likely_paths(paths, probs.log(), k=9)
    assert [RAGGED.paths[n] for n in best.nodes[0]] == [
        ("B", "X"),
        ("A", "Y"),
        ("A", "X"),
        ("A",),
    ]
    torch.testing.assert_close(best.level_confidence[0, 1], torch.tensor([0.6, 0.3]))
    torch.testing.assert_close(best.level_confidence[0, 3], torch.tensor([0.6, 0.0]))


def test_ties_go_to_the_first_outcome_for_one_and_for_many():
    paths = PathModel(RAGGED)
    even = torch.zeros(1, 4).log_softmax(1)
    assert most_likely_paths(paths, even, 1).nodes[0, 0] == RAGGED.find(("A",))
    assert most_likely_paths(paths, even, 4).nodes[0, 0] == RAGGED.find(("A",))


def test_label_smoothing_and_adjustment_and_levels_change_the_loss_as_defined():
    paths = PathModel(RAGGED)
    logits = random_logits(RAGGED, "stacked")
    targets = torch.tensor([RAGGED.find(("A", "X"))] * 3)
    log_probs = paths.log_probs(logits)
    plain = path_loss(paths, logits, targets)
    smooth = path_loss(paths, logits, targets, label_smoothing=0.2)
    torch.testing.assert_close(smooth, 0.8 * plain + 0.2 * -log_probs.mean(1))
    adjustment = torch.tensor([0.0, 1.0, 2.0, 3.0])
    adjusted = path_loss(paths, logits, targets, adjustment=adjustment)
    expected = -(paths.scores(logits) + adjustment).log_softmax(1)[:, 1]
    torch.testing.assert_close(adjusted, expected)
    nodes = paths.node_probs(log_probs.exp()).log()
    levels = -(nodes[:, RAGGED.find(("A",))] + nodes[:, RAGGED.find(("A", "X"))]) / 2
    auxiliary = path_loss(paths, logits, targets, level_weight=0.5)
    torch.testing.assert_close(auxiliary, plain + 0.5 * levels)


def test_per_level_loss_is_a_cross_entropy_at_each_level():
    paths = PathModel(RAGGED, "per_level")
    logits = random_logits(RAGGED, "per_level")
    full, stop = RAGGED.find(("A", "X")), RAGGED.find(("A",))
    first = logits[:, :2].log_softmax(1)
    second = torch.cat([logits[:, 2:], torch.zeros(3, 1)], 1).log_softmax(1)
    found = path_loss(paths, logits, torch.tensor([full] * 3))
    torch.testing.assert_close(found, -(first[:, 0] + second[:, full - 2]))
    found = path_loss(paths, logits, torch.tensor([stop] * 3))
    torch.testing.assert_close(found, -(first[:, 0] + second[:, -1]))
    partial = RAGGED.find(("B",))  # no product ends here: nothing is said of level 2
    found = path_loss(paths, logits, torch.tensor([partial] * 3))
    torch.testing.assert_close(found, -first[:, 1])
    smooth = path_loss(paths, logits, torch.tensor([partial] * 3), label_smoothing=0.1)
    assert bool((smooth != found).all())
