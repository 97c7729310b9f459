"""Support vector machines, solved in processes."""

import numpy as np

from prodcat.training import svm


def test_processes_solve_the_same_machines(monkeypatch):
    from scipy.sparse import random

    rng = np.random.default_rng(0)
    matrix = random(300, 500, 0.05, format="csr", random_state=0)
    targets = rng.integers(0, 12, 300)
    weights = rng.uniform(0.5, 2, 300).astype(np.float32)
    alone = svm.solve_all(matrix, targets, weights, range(12), 1.0, 2)
    monkeypatch.setattr(svm, "_PAYS", 0)
    together = svm.solve_all(matrix, targets, weights, range(12), 1.0, 2)
    for (bias, weight), (other_bias, other_weight) in zip(alone, together, strict=True):
        assert bias == other_bias and np.array_equal(weight, other_weight)
