"""The search for similar rows, and the assignment, against brute force."""

import sys

import numpy as np
import pytest
from scipy.sparse import random as random_sparse

from prodcat.matching.assignment import one_to_one
from prodcat.matching.comparison import Candidates
from prodcat.matching.odds import competing, margins
from prodcat.matching.search import nearest, nearest_vectors


@pytest.mark.parametrize("package", [True, False])
def test_the_nearest_rows_are_those_of_brute_force(package, monkeypatch):
    if not package:
        monkeypatch.setitem(sys.modules, "sparse_dot_topn", None)
    rng = np.random.default_rng(0)
    ours, theirs = (random_sparse(size, 30, 0.2, "csr", np.float32, rng) for size in (40, 50))
    rows, others, values = nearest(ours, theirs, 3)
    products = (ours @ theirs.T).toarray()
    for row in range(40):
        best = np.sort(products[row])[::-1][:3]
        assert np.allclose(np.sort(values[rows == row])[::-1], best[best > 0])
    assert np.allclose(products[rows, others], values)


def test_the_nearest_vectors_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(300, 4)), rng.normal(size=(20, 4))
    rows, others, _ = nearest_vectors(ours.astype(np.float32), theirs.astype(np.float32), 2)
    expected = np.argsort(-(ours @ theirs.T), axis=1)[:, :2]
    assert {*zip(rows.tolist(), others.tolist(), strict=True)} == {
        (row, int(other)) for row in range(300) for other in expected[row]
    }


def test_one_to_one_has_the_largest_sum():
    pairs = Candidates(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2]))
    probability = np.array([0.9, 0.8, 0.85, 0.5, 0.4])
    assert one_to_one(pairs, probability, 0.5).tolist() == [False, True, True, False, False]


def test_rivals_on_either_side_make_a_pair_doubtful():
    pairs = Candidates(np.array([0, 0, 1]), np.array([0, 1, 1]))
    odds = np.array([2.0, 3.0, -1.0])
    mine, theirs = margins(odds, pairs)
    assert mine.tolist() == [-1.0, 1.0, 30.0] and theirs.tolist() == [30.0, 4.0, -4.0]
    chances = competing(odds, pairs)
    assert chances[1] > 0.5 > chances[0] > chances[2]
