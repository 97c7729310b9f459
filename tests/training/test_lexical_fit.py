"""The support vector machines of the lexical branch."""

import re

import numpy as np
import torch
from training_runs import fit, outcome_spans

import prodcat
from prodcat.model.ngrams import NGrams
from prodcat.model.path_steps import choice_nodes
from prodcat.training.lexical_fit import solve


def test_one_outcome_needs_no_machine():
    _, features = NGrams.fit(["a b", "b c"], (2, 3), 100)
    branch = solve(features, outcome_spans([1, 1]), outcome_spans(range(2)))
    assert branch(features).argmax(1).tolist() == [1, 1]


def test_machines_of_untouched_categories_stay(some, parts):
    model = prodcat.ModelConfig(encoder=None, max_features=2_000)
    last = fit(some, None, model=model)
    warm = fit(parts.train.take(np.arange(205)), None, warm_start=last)
    tree, before, after = last.taxonomy, last.network.lexical, warm.network.lexical
    touched = set(parts.train.targets[200:205].tolist())
    old, new = before.bias, after.bias
    nodes = choice_nodes(tree).tolist()
    below = {above for node in touched for above in tree.ancestors(node)}
    stays = [node not in below for node in nodes]
    assert sum(stays) > 100 and torch.equal(old[stays], new[stays])
    assert not torch.equal(old, new)
    title = [parts.train.titles[0]]
    margins = [own.network.lexical(own.ngrams(title))[0] for own in (last, warm)]
    # Only what the new titles' own n-grams add to the title's length can differ.
    torch.testing.assert_close(margins[0][stays], margins[1][stays], atol=0.05, rtol=0.05)


def test_the_ngrams_are_counted_once_for_all_machines(capfd):
    """Those that answer, and those that did not learn a fold; its bar says how long it takes."""
    rows = [{"title": f"{'ab'[n % 2]}{n * 7919 % 10007}q", "path": "AB"[n % 2]} for n in range(60)]
    model, training = prodcat.ModelConfig(encoder=None), prodcat.TrainingConfig(baseline=False)
    prodcat.fit(prodcat.read_catalog(rows), model=model, training=training, progress=True)
    shown = capfd.readouterr().err
    assert shown.count("counting n-grams: 0/") == 1
    for name in ("counting n-grams", "n-grams out of fold"):
        assert re.search(rf"{name}: (\d+)/\1 ", shown)


def test_a_map_moves_to_another_vocabulary_and_other_outcomes():
    texts = ["red apple", "green apple", "red milk", "fresh milk", "bread"]
    ngrams, features = NGrams.fit(texts, (2, 3), 1_000)
    branch = solve(features, outcome_spans([0, 0, 1, 1, 2]), outcome_spans(range(3)))
    wider, _ = NGrams.fit([*texts, "butter"], (2, 3), 1_000, like=ngrams)
    moved = branch.moved(ngrams, wider, np.array([2, -1, 0]))
    before, after = branch(ngrams(texts)), moved(wider(texts))
    torch.testing.assert_close(after[:, 0], before[:, 2])
    torch.testing.assert_close(after[:, 2], before[:, 0])
    assert (after[:, 1] < -1).all(), "a new outcome is below all others until it is solved"
