"""Thresholds, scores and stops against their definition."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from strategies import taxonomies

from prodcat.decisions.conformal import climb_scores, conformal_threshold, selective_threshold, stop
from prodcat.decisions.decoding import most_likely_paths
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy


def padded(tree, nodes):
    return np.concatenate([tree.chains, np.full((1, tree.depth), -1)])[nodes]


@given(tree=taxonomies(), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_from_its_score_on_the_climbed_node_holds_the_truth(tree, seed):
    """The score is the least threshold at which the climb is right, and it stays right above."""
    generator = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(4, len(tree.outcomes), generator=generator).double().log_softmax(1)
    answers = most_likely_paths(PathModel(tree), log_probs)
    nodes = answers.nodes[:, 0].numpy()
    targets = np.random.default_rng(seed).choice(tree.outcomes, 4)
    scores = climb_scores(answers, padded(tree, targets), padded(tree, nodes))
    for row in range(4):
        truth, chain = set(tree.ancestors(int(targets[row]))), tree.ancestors(int(nodes[row]))
        levels = answers.level_confidence[row, 0].tolist()[: len(chain)]
        for threshold in [*levels, 0.0, 1.0, *(level - 1e-9 for level in levels)]:
            kept = [n for n, level in zip(chain, levels, strict=True) if level > threshold]
            stopped = stop(answers, padded(tree, nodes), np.full(4, threshold), False)
            assert int(stopped.nodes[row, 0]) == (kept[-1] if kept else -1)
            assert (set(kept) <= truth) == (scores[row] <= threshold)


@pytest.mark.parametrize("n", [20, 50])
def test_coverage_over_many_draws_is_what_was_promised(n):
    """With continuous scores the coverage has the mean ceil((n+1)(1-alpha))/(n+1) exactly."""
    rng = np.random.default_rng(n)
    thresholds = [conformal_threshold(rng.random(n), 0.9) for _ in range(4_000)]
    error = 3 * np.std(thresholds) / math.sqrt(4_000)
    assert 0.9 - error <= np.mean(thresholds) <= 0.9 + 1 / (n + 1) + error


def test_below_a_partial_label_nothing_counts_as_known():
    """The label A > ? covers the answer A; what lies below may be wrong, so it counts as such."""
    tree = Taxonomy.from_paths([("A", "X"), ("B", "Z")], inner="partial")
    log_probs = torch.tensor([[0.9, 0.1]]).double().log()
    answers = most_likely_paths(PathModel(tree), log_probs)
    partial, chain = tree.find(("A",)), padded(tree, answers.nodes[:, 0].numpy())
    assert climb_scores(answers, padded(tree, [partial]), chain).tolist() == pytest.approx([0.9])
    whole = tree.find(("A", "X"))
    assert climb_scores(answers, padded(tree, [whole]), chain).tolist() == [0.0]


def test_a_title_at_the_threshold_is_answered():
    log_probs = torch.tensor([[0.75, 0.25]]).double().log()
    tree = Taxonomy.from_paths([("A",), ("B",)])
    answers = most_likely_paths(PathModel(tree), log_probs)
    chain, limit = padded(tree, answers.nodes[:, 0].numpy()), answers.confidence[:, 0].numpy()
    assert stop(answers, chain, limit, whole=True).nodes[0, 0] == 0
    assert stop(answers, chain, limit, whole=False).nodes[0, 0] == -1


def test_the_exact_binomial_bound_decides():
    """At one threshold: errors are accepted as long as their Clopper-Pearson bound is small."""
    reference = np.ones(101)  # every tested threshold is 1, so all rows are answered
    for errors in range(0, 15):
        right = np.arange(300) >= errors
        threshold = selective_threshold(np.ones(300), right, 0.05, 0.95, reference)
        # A fifth of the titles could not show it; three other starts share the 5 %.
        upper = beta.ppf(1 - 0.05 / 3, errors + 1, 300 - errors)
        # What holds for all rows holds for the last threshold, which answers any title.
        assert (threshold == 0.0) == (upper <= 0.05), errors


def test_a_start_ends_at_its_first_failure():
    """Fifty wrong titles at .5, then many right ones below: the looser thresholds would pass."""
    confidence = np.repeat([0.9, 0.5, 0.3], [400, 50, 2_000])
    right = confidence != 0.5
    reference = np.repeat([0.3, 0.5, 0.9], [50, 451, 500])  # a fifth and two fifths answer at .9
    # From .4 the order is .9, .5 (refused: 50 of 450 wrong), so .3 is never reached from there;
    # the starts at .6 and .8 begin at .5 and end at once.
    assert selective_threshold(confidence, right, 0.05, 0.95, reference) == 0.9


def draws_of_errors(n, repetitions, max_error, seed=0):
    """True error among the answered for each draw of n titles from a known population."""
    rng = np.random.default_rng(seed)
    reference = np.quantile(np.sort(rng.beta(6, 1, 5_000)), np.linspace(0, 1, 1_001))
    grid = rng.beta(6, 1, 200_000)
    grid_error = 1 - grid**1.3  # the chance to be wrong at a confidence
    draws = []
    for _ in range(repetitions):
        confidence = rng.beta(6, 1, n)
        right = rng.random(n) >= 1 - confidence**1.3
        threshold = selective_threshold(confidence, right, max_error, 0.9, reference)
        if threshold is not None:
            answered = grid >= threshold
            draws.append((grid_error[answered].mean(), answered.mean()))
    return np.array(draws)


def test_the_error_among_the_answered_is_kept_as_often_as_promised():
    draws = draws_of_errors(600, 300, 0.1)
    too_high = (draws[:, 0] > 0.1).sum() / 300
    assert too_high <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / 300)
    assert len(draws) > 250 and draws[:, 1].mean() > 0.3  # and it does answer
