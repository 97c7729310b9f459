"""Batches have every row once, stay within the budget, and have little padding."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prodcat.model.batches import TokenTable, padded_share, plan_batches, plan_window


def test_padding_puts_every_token_in_its_place():
    table = TokenTable(np.array([5, 6, 7, 8, 9], np.int32), np.array([0, 2, 2, 5]))
    ids, mask = table.pad(np.array([2, 0, 1]), 1)
    assert ids.tolist() == [[7, 8, 9], [5, 6, 1], [1, 1, 1]]
    assert mask.tolist() == [[True] * 3, [True, True, False], [False] * 3]


@given(
    st.lists(st.integers(1, 40), max_size=60), st.integers(1, 100), st.one_of(st.none(), st.just(3))
)
def test_batches_hold_every_row_once_within_the_budget(lengths, budget, seed):
    lengths = np.array(lengths, dtype=np.int64)
    rng = None if seed is None else np.random.default_rng(seed)
    batches = plan_batches(lengths, budget, rng)
    assert sorted(row for rows in batches for row in rows.tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * lengths[rows].max() <= budget
    assert 0 <= padded_share(lengths, batches) < 1 or not len(lengths)


def test_titles_of_like_length_leave_little_padding():
    lengths = np.random.default_rng(0).integers(4, 30, 5_000)
    batches = plan_batches(lengths, 512, np.random.default_rng(1))
    assert padded_share(lengths, batches) < 0.05


@given(st.lists(st.integers(0, 64), max_size=90), st.sampled_from([1, 40, 200, 2_048]))
def test_windows_are_planned_whole_within_the_budget_and_cheaply(lengths, budget):
    lengths = np.array(lengths, np.int64)
    plan = plan_window(lengths, budget)
    rows = np.concatenate([*plan, np.zeros(0, np.int64)])
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    for batch in plan:
        longest = max(int(lengths[batch].max()), 1)
        assert len(batch) == 1 or len(batch) * longest <= budget
    if len(lengths) == 64 and budget == 2_048:
        assert padded_share(lengths, plan) < 0.6


def test_windows_are_not_mostly_padding():
    lengths = np.array([30, 8, 9, 10, 11, 28, 12, 9, 8, 7, 10, 29, 31, 9, 8, 12] * 2)
    whole, split = plan_batches(lengths, 2_048), plan_window(lengths, 2_048)
    assert len(whole) == 1 and len(split) == 2
    assert padded_share(lengths, split) < 0.2 < 0.5 < padded_share(lengths, whole)


def test_batches_end_where_rows_get_shorter():
    lengths = np.array([4] * 60 + [3] * 30)
    batches = plan_batches(lengths, 160)  # 40 of the longest
    assert [lengths[rows].tolist() for rows in batches] == [[4] * 40, [4] * 20, [3] * 28, [3] * 2]
    # A batch that is less than half full goes on.
    batches = plan_batches(np.array([4] * 50 + [3] * 60), 160)
    assert [len(rows) for rows in batches] == [40, 40, 28, 2]


def test_a_window_of_some_hundred_titles_has_little_padding():
    lengths = np.random.default_rng(5).geometric(0.08, 300) + 2
    whole, split = plan_batches(lengths, 2_048), plan_window(lengths, 2_048)
    assert padded_share(lengths, whole) > 2 * padded_share(lengths, split)
    assert padded_share(lengths, split) < 0.1
    assert sorted(np.concatenate(split).tolist()) == list(range(300))
