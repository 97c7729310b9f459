"""Margins of answers, and the weights of scores that add up to them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import taxonomies

from prodcat.decisions.level_margins import Scores, level_margins
from prodcat.decisions.tree_choices import ChoicesOfTree
from prodcat.decisions.weights import Weights
from prodcat.model.path_model import PathModel


def weights_of(kind, levels, random):
    if kind == "neutral":
        return Weights.neutral(levels)
    evidence = torch.from_numpy(random.uniform(0.5, 4, 2)).float()
    by_level = torch.from_numpy(random.uniform(0.5, 2, levels)).float()
    sharpness = torch.from_numpy(random.normal(0, 0.2, 3)).float()
    steps = torch.from_numpy(
        np.concatenate([random.uniform(0.3, 1, (1, levels)), random.normal(0, 0.5, (3, levels))])
    ).float()
    plain = torch.ones(levels), torch.zeros(3)
    if kind == "steps":
        return Weights(evidence, *plain, steps)
    return Weights(evidence, by_level, plain[1] if kind == "levels" else sharpness)


@pytest.mark.parametrize("kind", ["neutral", "levels", "adaptive", "steps"])
@given(tree=taxonomies(), seed=st.integers(0, 1_000), sources=st.sampled_from(["both", "a", "b"]))
@settings(max_examples=25)
def test_weighted_changes_of_scores_add_up_to_the_margin(kind, tree, seed, sources):
    random = np.random.default_rng(seed)
    paths = PathModel(tree)
    choices, outcomes = len(paths.branches.choice_branch), len(tree.outcomes)
    weights = weights_of(kind, tree.depth, random)

    def scores():
        encoder = torch.from_numpy(random.normal(0, 2, outcomes)).log_softmax(0)
        lexical = torch.from_numpy(random.normal(-0.5, 0.7, choices))
        return Scores(None if sources == "b" else encoder, None if sources == "a" else lexical)

    first, last = scores(), scores()
    log_probs = weights(
        paths,
        *(None if kind is None else kind[None].float() for kind in (last.encoder, last.lexical)),
    )[0].double()
    on_tree = ChoicesOfTree(tree, paths)
    answer = int(tree.outcomes[int(log_probs.argmax())])
    margins = level_margins(
        on_tree, paths, weights, first, last, on_tree.along(answer, True), log_probs
    )
    probabilities = log_probs.exp().numpy()
    assert margins[-1].log_prob == pytest.approx(float(log_probs.max()), abs=1e-9)
    for margin in margins:
        chosen = probabilities[slice(*margin.choice.span)].sum()
        if margin.runner_up is None:
            assert not margin.choice.others and margin.margin == 0
            continue
        others = [
            probabilities[slice(*on_tree.choice(other).span)].sum()
            for other in margin.choice.others
        ]
        assert margin.margin == pytest.approx(np.log(chosen / max(others)), abs=1e-5)
        parts = [
            float(part @ (b - a).numpy())
            for part, a, b in (
                (margin.encoder_weights, first.encoder, last.encoder),
                (margin.lexical_weights, first.lexical, last.lexical),
            )
            if part is not None
        ]
        assert margin.start + sum(parts) == pytest.approx(margin.margin, abs=1e-9)


def test_the_start_is_the_margin_of_the_baseline(classifier):
    """Where nothing is clamped, the integral leaves nothing over."""
    tree = classifier.taxonomy
    paths = PathModel(tree)
    random = np.random.default_rng(0)
    weights = weights_of("steps", tree.depth, random)
    bias = torch.from_numpy(random.normal(-0.5, 0.2, len(paths.branches.choice_branch)))
    last = bias + torch.from_numpy(random.normal(0, 0.3, len(bias)))
    log_probs = weights(paths, None, last[None].float())[0].double()
    on_tree = ChoicesOfTree(tree, paths)
    answer = int(tree.outcomes[int(log_probs.argmax())])
    path = on_tree.along(answer, True)
    margins = level_margins(
        on_tree, paths, weights, Scores(None, bias), Scores(None, last), path, log_probs
    )
    same = level_margins(
        on_tree, paths, weights, Scores(None, bias), Scores(None, bias), path, log_probs
    )
    assert len(margins) == len(same) == tree.depth
    for margin, other in zip(margins, same, strict=True):
        assert other.start == other.margin and margin.margin == other.margin


def test_choices_lead_to_nodes_and_end_there():
    from prodcat import Taxonomy

    tree = Taxonomy.from_paths([("Food",), ("Food", "Milk"), ("Food", "Bread"), ("Home",)])
    on_tree = ChoicesOfTree(tree, PathModel(tree))
    food, milk = tree.find(["Food"]), tree.find(["Food", "Milk"])
    assert [(c.node, c.ends, c.level) for c in on_tree.along(food, True)] == [
        (food, False, 0), (food, True, 1),
    ]  # fmt: skip
    assert [(c.node, c.ends) for c in on_tree.along(food, False)] == [(food, False)]
    [first, last] = on_tree.along(milk, True)
    assert first.span == (0, 3) and len(first.others) == 1
    assert {on_tree.choice(other).node for other in last.others} == {
        food,
        tree.find(["Food", "Bread"]),
    }
    assert [on_tree.choice(other).ends for other in last.others].count(True) == 1
    assert on_tree.along(-1, True) == []
