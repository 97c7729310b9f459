"""The loss of whole and of partial labels."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import taxonomies

from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.loss import path_loss

RAGGED = Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("A",), ("B", "X")])


def random_logits(tree, structure, rows=3, seed=0):
    size = len(tree.outcomes) if structure == "flat" else len(tree)
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed)).double() * 2


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


def test_the_auxiliary_loss_of_levels_is_as_defined():
    paths = PathModel(RAGGED)
    logits = random_logits(RAGGED, "stacked")
    targets = torch.tensor([RAGGED.find(("A", "X"))] * 3)
    log_probs = paths.log_probs(logits)
    plain = path_loss(paths, logits, targets)
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
