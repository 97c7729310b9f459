import numpy as np
import pytest

from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.evaluation.reliability import weighted_calibration_error
from prodcat.taxonomy.tree import Taxonomy


def test_calibration_error_of_a_known_case():
    confidence = np.array([0.9] * 10 + [0.6] * 10)
    correct = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7)
    once, twice = np.ones((1, 20)), np.repeat([[2.0, 0.0]], 10, axis=1)
    [error, first_ten] = weighted_calibration_error(
        np.concatenate([once, np.sort(twice)[:, ::-1]]), confidence, correct
    )
    assert error == pytest.approx(0.15)
    assert first_ten == pytest.approx(0, abs=1e-12), "only the ten of .9, of which nine are right"
    [sure] = weighted_calibration_error(np.ones((1, 3)), np.ones(3), np.ones(3, bool))
    assert sure == 0


def test_confidence_is_judged_in_fifteen_bins():
    """.70 and .72 share the bin from 10/15 to 11/15; .74 has another one."""
    tree = Taxonomy.from_paths([("a",), ("b",)])
    truth, answer = np.array([0, 0, 0]), np.array([0, 1, 0])
    result = evaluate_nodes(tree, truth, answer, np.array([0.70, 0.72, 0.74]))
    assert [one_bin.rows for one_bin in result.reliability] == [2, 1]
    assert result.ece == pytest.approx((abs(1.42 - 1) + 0.26) / 3)
