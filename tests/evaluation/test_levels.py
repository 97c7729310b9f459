import numpy as np
import pytest
from answered import TREE, nodes_of

from prodcat.evaluation.metrics import evaluate_nodes


def test_calibration_of_each_level_by_hand():
    truth = nodes_of(("Baby", "Food"), ("Baby", "Food"), ("Home",), ("Pet", "Food"))
    answer = nodes_of(("Baby", "Food"), ("Baby", "Care"), ("Home",), ())
    levels = np.array([[0.9, 0.8, 0], [0.9, 0.6, 0], [0.5, 0, 0], [0, 0, 0]])
    result = evaluate_nodes(
        TREE, truth, answer, np.array([0.8, 0.6, 0.5, 1.0]), level_confidence=levels
    )
    first, second, third = result.levels
    # Level 1: both at .9 right, .5 right; the root has no node there.
    assert first.ece == pytest.approx((2 * 0.1 + 0.5) / 3)
    assert first.brier == pytest.approx((2 * 0.01 + 0.25) / 3)
    assert [(b.rows, b.accuracy) for b in first.reliability] == [(1, 1.0), (2, 1.0)]
    # Level 2: .8 right, .6 wrong.
    assert second.ece == pytest.approx((0.2 + 0.6) / 2)
    assert second.brier == pytest.approx((0.04 + 0.36) / 2)
    assert third.ece is None and third.reliability == ()
