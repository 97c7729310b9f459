"""The closed-form start of the heads."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import taxonomies

from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.closed_form import closed_form_start

TREE = Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("B", "Z"), ("C",)])


def blobs(tree, per_outcome=30, hidden=8, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.repeat(tree.outcomes, per_outcome)
    centers = rng.normal(size=(len(tree), hidden)) * 3
    x = centers[targets] + rng.normal(size=(len(targets), hidden))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(targets)


@pytest.mark.parametrize("structure", ["stacked", "per_level", "flat"])
@given(tree=taxonomies(), seed=st.integers(0, 20))
@settings(max_examples=10, deadline=None)
def test_the_closed_form_start_solves_separable_titles(structure, tree, seed):
    x, targets = blobs(tree, seed=seed)
    paths = PathModel(tree, structure)
    start = closed_form_start(x, targets, tree, paths)
    log_probs = paths.log_probs(x @ start.weight.T + start.bias)
    right = torch.tensor(tree.outcomes)[log_probs.argmax(1)] == targets
    # A softmax of one level sees "no node" as one class of many centers, which no
    # line need split; the path softmax has a class for each outcome.
    assert right.float().mean() > (0.5 if structure == "per_level" else 0.9)
    if structure != "per_level":
        own = paths.target_log_probs(log_probs, targets).mean()
        assert -own < np.log(len(tree.outcomes)) + 1e-6, "no worse than knowing nothing"


def test_stacked_and_flat_starts_are_the_same_distribution():
    x, targets = blobs(TREE)
    found = []
    for structure in ("stacked", "flat"):
        paths = PathModel(TREE, structure)
        start = closed_form_start(x, targets, TREE, paths)
        found.append(paths.log_probs(x @ start.weight.T + start.bias))
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("structure", ["stacked", "per_level", "flat"])
def test_the_start_copes_with_empty_outcomes_single_titles_and_partial_labels(structure):
    x, targets = blobs(TREE, per_outcome=3)
    keep = targets != TREE.find(("A", "Y"))
    x, targets = x[keep], targets[keep].clone()
    targets[-1] = TREE.find(("A",))  # a partial label
    start = closed_form_start(x, targets, TREE, PathModel(TREE, structure))
    assert bool(start.weight.isfinite().all()) and bool(start.bias.isfinite().all())


def test_one_title_has_nothing_to_hold_out():
    tree = Taxonomy.from_paths([("A",), ("B",)])
    start = closed_form_start(torch.randn(1, 4), torch.tensor([0]), tree, PathModel(tree))
    assert bool(start.weight.isfinite().all())
