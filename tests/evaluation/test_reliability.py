import numpy as np
import pytest

from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.evaluation.reliability import expected_calibration_error
from prodcat.taxonomy.tree import Taxonomy


def test_calibration_error_of_a_known_case():
    confidence = np.array([0.9] * 10 + [0.6] * 10)
    correct = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7)
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.15)
    assert expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0


def test_confidence_is_judged_in_fifteen_bins():
    """.70 and .72 share the bin from 10/15 to 11/15; .74 has one of its own."""
    tree = Taxonomy.from_paths([("a",), ("b",)])
    truth, answer = np.array([0, 0, 0]), np.array([0, 1, 0])
    result = evaluate_nodes(tree, truth, answer, np.array([0.70, 0.72, 0.74]))
    assert [own.rows for own in result.reliability] == [2, 1]
    assert result.ece == pytest.approx((abs(1.42 - 1) + 0.26) / 3)
