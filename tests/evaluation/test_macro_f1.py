import numpy as np
import pytest
from answered import evaluate_paths

from prodcat.evaluation.macro_f1 import NodeMatches


def test_macro_f1_counts_each_category_once():
    result = evaluate_paths(
        (("Baby", "Food"), ("Baby", "Food")),
        (("Baby", "Food"), ("Baby", "Food")),
        (("Pet", "Food"), ("Baby", "Food")),
    )
    assert result.macro_f1 == pytest.approx((0.8 + 0) / 2)


def test_macro_f1_of_partial_labels_counts_the_label_as_met():
    result = evaluate_paths((("Home", "Light"), ("Home", "Light", "Led")))
    assert result.macro_f1 == 1


def test_macro_f1_under_weights_and_without_any_node():
    truth, answer = np.array([0, 0, 1]), np.array([0, 1, -1])
    matches = NodeMatches.of(truth, answer)
    # All rows: node 0 has 1 hit of 3, node 1 none of 2; the first row alone; no row at all.
    weights = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert matches.macro_f1(weights).tolist() == pytest.approx([(2 / 3 + 0) / 2, 1.0, 1.0])
