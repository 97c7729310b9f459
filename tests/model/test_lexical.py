"""From n-grams to scores."""

import torch
from training_runs import outcome_spans

from prodcat.model.ngrams import NGrams
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
