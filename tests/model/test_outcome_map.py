"""The map from one tree's outcomes to another's, against sums that are written out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prodcat.model.outcome_map import NO_PROBABILITY, OutcomeMap


def outcome_map(first, merged=None, shared=(), added=(), drops=False, old=4):
    merged = merged or {}
    most = max(map(len, merged.values()), default=0)
    padded = [[*sources, *[old] * (most - len(sources))] for sources in merged.values()]
    return OutcomeMap(
        old,
        np.array(first, np.int64),
        np.array(list(merged), np.int64),
        np.array(padded, np.int64).reshape(len(merged), most),
        np.array(shared, np.int64).reshape(-1, 3),
        np.array(added, np.int64).reshape(-1, 2),
        drops,
    )


LOGITS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0)) * 3
LOG_PROBS = LOGITS.log_softmax(1)
PROBS = LOG_PROBS.exp()


def test_one_outcome_is_the_same_to_the_bit():
    order = [2, 0, 3, 1]
    mapped = outcome_map(order)(LOG_PROBS)
    assert torch.equal(mapped, LOG_PROBS[:, order])


def test_probabilities_of_several_are_added_and_others_stay_as_they_are():
    mapped = outcome_map([4, 3, 4], {0: [0, 2, 1]})(LOG_PROBS)
    torch.testing.assert_close(mapped[:, 0].exp(), PROBS[:, :3].sum(1), atol=1e-6, rtol=0)
    assert torch.equal(mapped[:, 1], LOG_PROBS[:, 3])
    assert (mapped[:, 2] == NO_PROBABILITY).all() and not mapped[:, 2].exp().any()


def test_unmerged_is_the_greatest():
    mapped = outcome_map([4, 3], {0: [0, 2, 1]})(LOG_PROBS, unmerged=True)
    assert torch.equal(mapped[:, 0], LOG_PROBS[:, :3].amax(1))


def test_shares_by_scores_keep_the_whole():
    scores = torch.randn(5, 2)
    mapped = outcome_map([0, 1, 4, 4, 3], shared=[(2, 1, 1), (2, 3, 0)])(LOG_PROBS, scores).exp()
    share = scores.softmax(1)
    torch.testing.assert_close(mapped[:, 1], PROBS[:, 1] + PROBS[:, 2] * share[:, 1])
    torch.testing.assert_close(mapped[:, 3], PROBS[:, 2] * share[:, 0])
    torch.testing.assert_close(mapped.sum(1), torch.ones(5))


def test_shares_in_proportion():
    mapped = outcome_map([0, 1, 3], shared=[(2, 0, -1), (2, 1, -1)])(LOG_PROBS).exp()
    both = PROBS[:, 0] + PROBS[:, 1]
    torch.testing.assert_close(mapped[:, 0], PROBS[:, 0] * (1 + PROBS[:, 2] / both))
    torch.testing.assert_close(mapped.sum(1), torch.ones(5))


def test_what_is_added_leaves_the_proportions_of_all_others():
    scores = torch.tensor([[0.0], [2.0], [-30.0], [30.0], [1.0]])
    mapped = outcome_map([0, 1, 2, 3, 4], added=[(4, 0)])(LOG_PROBS, scores).exp()
    torch.testing.assert_close(mapped[:, 4], torch.sigmoid(scores[:, 0]))
    torch.testing.assert_close(mapped[:, :4], PROBS * torch.sigmoid(-scores))


def test_what_is_dropped_is_divided_out():
    mapped = outcome_map([0, 3], drops=True)(LOG_PROBS).exp()
    kept = PROBS[:, [0, 3]]
    torch.testing.assert_close(mapped, kept / kept.sum(1, keepdim=True))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_map_gives_a_distribution(data):
    """Each old outcome goes to one, several or none; what is left of it adds up to 1."""
    old, new = data.draw(st.integers(2, 8)), data.draw(st.integers(2, 8))
    places = [sorted(data.draw(st.sets(st.integers(0, new - 1), max_size=3))) for _ in range(old)]
    if not any(places):
        places[0] = [0]
    sources = [[o for o, at in enumerate(places) if at == [n]] for n in range(new)]
    single = [at[0] if len(at) == 1 else old for at in sources]
    merged = {n: at for n, at in enumerate(sources) if len(at) > 1}
    shared = [(o, n, n) for o, at in enumerate(places) if len(at) > 1 for n in at]
    drops = not all(places)
    built = outcome_map(single, merged, shared, drops=drops, old=old)
    log_probs = (torch.randn(3, old) * 4).log_softmax(1)
    mapped = built(log_probs, torch.randn(3, new))
    torch.testing.assert_close(mapped.exp().sum(1), torch.ones(3), atol=1e-5, rtol=0)
    assert torch.isfinite(mapped).all()
    again = OutcomeMap.of(built.tensors(), (old, new), new, drops)
    scores = torch.randn(3, new)
    assert torch.equal(again(log_probs, scores), built(log_probs, scores))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("first", torch.tensor([0, 5])),
        ("first", torch.tensor([0, -1])),
        ("first", torch.tensor([0, 1, 2])),
        ("first", torch.tensor([0.0, 1.0])),
        ("merged_from", torch.tensor([[0, 9]])),
        ("merged_from", torch.zeros(2, 2, dtype=torch.int64)),
        ("merged_into", torch.tensor([2])),
        ("shared", torch.tensor([[0, 0, 1]])),
        ("shared", torch.tensor([[0, 0, -2]])),
        ("shared", torch.tensor([[4, 0, 0]])),
        ("added", torch.tensor([[0, 1]])),
        ("added", torch.tensor([[0, 0, 0]])),
    ],
)
def test_altered_tensors_are_refused(name, value):
    good = outcome_map([4, 3], {0: [0, 1]}, shared=[(2, 0, 0), (2, 1, 0)], added=[(1, 0)])
    tensors = good.tensors()
    OutcomeMap.of(tensors, (4, 2), 1, False)
    with pytest.raises(ValueError, match=name):
        OutcomeMap.of({**tensors, name: value}, (4, 2), 1, False)
    missing = {key: tensor for key, tensor in tensors.items() if key != name}
    with pytest.raises(ValueError, match=name):
        OutcomeMap.of(missing, (4, 2), 1, False)
