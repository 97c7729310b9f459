"""From n-grams to scores."""

import numpy as np
import torch
from scipy.sparse import random as sparse_random
from training_runs import outcome_spans

from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import Features, NGrams
from prodcat.training.lexical_fit import solve


def test_the_lexical_branch_learns_and_equals_dense_arithmetic():
    texts = ["red apple", "green apple", "red car", "fast car"] * 5
    ngrams, features = NGrams.fit(texts, (2, 4), 10_000)
    branch = solve(features, outcome_spans([0, 0, 1, 1] * 5), outcome_spans(range(3)))
    scores = branch(features)
    assert scores.argmax(1).tolist() == [0, 0, 1, 1] * 5
    assert bool((scores[:, 2] < scores[:, :2].max(1).values).all()), "an outcome without titles"
    dense = torch.zeros(len(ngrams.hashes), 3)
    rows = torch.repeat_interleave(torch.arange(len(dense)), branch.offsets.diff())
    dense[rows, branch.columns.long()] = branch.values.float()
    for row in range(4):
        expected = torch.from_numpy(features.matrix[row].toarray()[0]) @ dense + branch.bias
        torch.testing.assert_close(scores[row], expected)
    again = branch(features)
    assert torch.equal(scores, again), "answering must not change the branch"


def test_frequent_and_rare_ngrams_add_up(monkeypatch):
    rng = np.random.default_rng(0)
    size, outcomes, titles = 300, 40, 50
    # A third of the n-grams has weights for most outcomes, the others for one or two.
    share = np.where(np.arange(size) % 3 == 0, 0.9, 0.04)[:, None]
    weights = (rng.normal(size=(size, outcomes)) * (rng.random((size, outcomes)) < share)).astype(
        np.float16
    )
    feature, outcome = np.nonzero(weights)
    bias = rng.normal(size=outcomes).astype(np.float32)
    entries = feature, outcome, weights[feature, outcome], bias, size
    matrix = sparse_random(titles, size, 0.1, "csr", np.float32, 0)
    matrix.data -= 0.5
    matrix.data[matrix.indptr[7] : matrix.indptr[8]] = 0  # a title without n-grams
    matrix.eliminate_zeros()
    wanted = matrix.toarray() @ weights.astype(np.float32) + bias
    for most in (0, 500, 1 << 24):
        monkeypatch.setattr("prodcat.model.sparse_rows._MOST_DENSE", most)
        branch = LexicalBranch.from_entries(*entries)
        together = branch(Features(matrix)).numpy()
        np.testing.assert_allclose(together, wanted, atol=1e-5)
        frequent = ((weights != 0).sum(axis=1) > outcomes / 16).sum()
        assert len(branch.split.dense) == min(most // outcomes, frequent) and frequent < size
        assert branch.split.sparse.nnz + (branch.split.dense != 0).sum() == len(feature)
        for rows in (np.arange(1), np.arange(5, 9), np.arange(20, 20), np.arange(9, 49)):
            some = branch(Features(matrix).take(rows)).numpy()
            assert np.array_equal(some, together[rows]), "a title's scores depend on it alone"
