"""How many products there are, counted by a classifier that errs."""

import numpy as np
import pytest

from prodcat.catalog.targets import targets_in
from prodcat.insight.prevalence import (
    Confusion,
    at_or_below,
    gather,
    node_probabilities,
    prevalence,
)


def test_what_is_kept_of_titles_adds_up(weak):
    classifier, labelled, _ = weak
    evidence = gather(classifier, labelled, keep_each=True)
    tree = classifier.taxonomy
    assert evidence.sizes.sum() == len(labelled)
    nodes = np.concatenate([own for _, own in node_probabilities(classifier, labelled)])
    np.testing.assert_allclose(evidence.sums.sum(axis=0), nodes.sum(axis=0), rtol=1e-4)
    tops = list(tree.children())
    np.testing.assert_allclose(evidence.each, nodes[:, tops], rtol=1e-5)
    np.testing.assert_allclose(evidence.tops.sum(axis=1), nodes[:, tops].sum(axis=0), rtol=1e-4)
    answers = [own[0].path for own in classifier.predict(labelled)]
    assert [tree.paths[own] for own in evidence.answers] == answers
    counted = at_or_below(tree, evidence.answers)
    assert counted[tops].sum() == len(labelled)
    for top in tops:
        assert counted[top] == sum(path[0] == tree.names[top] for path in answers)


def test_intervals_hold_the_true_counts_where_naive_ones_do_not(weak):
    classifier, labelled, pool = weak
    tree = classifier.taxonomy
    tops = np.array(tree.children())
    evidence = gather(classifier, labelled, keep_each=True)
    confusion = Confusion(tree, evidence, targets_in(labelled, tree))
    truth = targets_in(pool, tree)
    department = tree.chains[truth, 0]
    rng = np.random.default_rng(0)
    inside, errors, naive_errors = [], [], []
    for number in range(25):
        # A set whose departments have other shares.
        odds = dict(zip(tops.tolist(), rng.gamma(0.7, size=len(tops)), strict=True))
        weight = np.array([odds[own] for own in department.tolist()])
        rows = rng.choice(len(pool), 250, replace=False, p=weight / weight.sum())
        own = gather(classifier, pool.take(rows))
        found = prevalence(tree, own, confusion, draws=200, seed=number)
        counts = at_or_below(tree, truth[rows])[tops]
        inside.append((found.low[tops] <= counts) & (counts <= found.high[tops]))
        errors.append(np.abs(found.count[tops] - counts).sum())
        naive_errors.append(np.abs(found.naive[tops] - counts).sum())
        # Children add up to their parent.
        for node in tops.tolist():
            below = list(tree.children(node))
            if below and not tree.terminal[node]:
                assert found.count[below].sum() == pytest.approx(found.count[node], rel=1e-5)
        assert found.count[tops].sum() == pytest.approx(250)
    assert 0.88 < np.mean(inside) <= 1
    assert np.mean(errors) < 0.8 * np.mean(naive_errors)
