import numpy as np
import pytest
from answered import TREE, nodes_of

from prodcat.evaluation.metrics import evaluate_nodes


def test_a_known_risk_coverage_curve_and_its_area():
    """Answered one by one: right, wrong, right; the two surest together where they tie."""
    truth = nodes_of(("Baby", "Food"), ("Baby", "Food"), ("Pet", "Food"))
    answer = nodes_of(("Baby", "Food"), ("Pet", "Food"), ("Pet", "Food"))
    result = evaluate_nodes(TREE, truth, answer, np.array([0.9, 0.8, 0.7]))
    assert result.risk_coverage == (
        (pytest.approx(1 / 3), 0.0, 0.9),
        (pytest.approx(2 / 3), 0.5, 0.8),
        (1.0, pytest.approx(1 / 3), 0.7),
    )
    assert result.risk_coverage_area == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    tied = evaluate_nodes(TREE, truth, answer, np.array([0.9, 0.9, 0.7]))
    assert [point[1] for point in tied.risk_coverage] == [0.5, pytest.approx(1 / 3)]
    assert tied.risk_coverage_area == pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 3)
