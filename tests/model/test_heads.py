"""From pooled titles to logits."""

import torch

from prodcat.model.heads import FlatHead, StackedHeads


def test_stacked_heads_start_as_linear_heads():
    heads = StackedHeads(5, [3, 3], [[0, 0, 1]], belief_width=4)
    weight, bias, x = torch.randn(6, 5), torch.randn(6), torch.randn(2, 5)
    heads.set_linear(weight, bias)
    torch.testing.assert_close(heads(x), x @ weight.T + bias)


def test_what_a_level_believes_changes_the_next_one():
    heads = StackedHeads(5, [3, 3], [[0, 0, 1]], belief_width=4)
    heads.set_linear(torch.randn(6, 5), torch.zeros(6))
    torch.nn.init.normal_(heads.shifts[0].weight)
    x = torch.randn(2, 5)
    before = heads(x)
    with torch.no_grad():
        heads.heads[0].bias += torch.tensor([5.0, 0.0, -5.0])
    after = heads(x)
    assert not torch.allclose(before[:, 3:], after[:, 3:])


def test_heads_without_beliefs_are_separate():
    heads = StackedHeads(5, [3, 3], [[0, 0, 1]], belief_width=0)
    assert not list(heads.shifts)
    assert heads(torch.randn(2, 5)).shape == (2, 6)
    assert FlatHead(5, 4)(torch.randn(2, 5)).shape == (2, 4)
