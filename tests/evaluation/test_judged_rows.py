import numpy as np
import pytest
from answered import TREE, evaluate_paths, nodes_of

from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.taxonomy.tree import Taxonomy


def test_a_partial_label_is_judged_down_to_its_level():
    result = evaluate_paths(
        (("Home", "Light"), ("Home", "Light", "Led")), (("Baby",), ("Pet", "Food"))
    )
    assert result.path_accuracy == 0.5
    assert result.level_accuracy == (0.5, 0.0 + 1.0, 1.0)
    assert result.hierarchical_precision == result.hierarchical_recall == pytest.approx(2 / 3)


def test_the_tail_is_the_tenth_with_the_fewest_training_titles():
    rare, frequent = ("Pet", "Food"), ("Baby", "Food")
    pairs = [(rare, rare), (rare, frequent)] + [(frequent, frequent)] * 8
    counts = np.zeros(len(TREE), np.int64)
    counts[nodes_of(rare, frequent)] = 3, 500
    result = evaluate_paths(*pairs, counts=counts)
    assert result.tail_recall == 0.5
    assert evaluate_paths(*pairs).tail_recall is None


@pytest.mark.parametrize(("rows", "tail"), [(2, 1), (5, 1), (10, 1), (11, 2), (100, 10)])
def test_the_tail_is_no_more_than_a_tenth_where_counts_differ(rows, tail):
    tree = Taxonomy.from_paths([(f"n{i}",) for i in range(rows)])
    nodes = np.arange(rows)
    counts = np.random.default_rng(0).permutation(rows) + 1
    assert evaluate_nodes(tree, nodes, nodes, counts=counts).judged.tail.sum() == tail


def test_no_category_is_no_sure_answer():
    """Rows answered with the root count neither for confidence nor for the share answered."""
    truth = nodes_of(("Baby", "Food"), ("Baby", "Food"), ("Home",), ("Home",))
    answer = nodes_of(("Baby", "Food"), ("Pet", "Food"), (), ())
    confidence = np.array([0.9, 0.6, 1.0, 1.0])
    result = evaluate_nodes(TREE, truth, answer, confidence)
    assert result.ece == pytest.approx((0.1 + 0.6) / 2)
    assert result.brier == pytest.approx((0.01 + 0.36) / 2)
    assert result.risk_coverage == ((0.25, 0.0, 0.9), (0.5, 0.5, 0.6))
    assert result.risk_coverage_area == pytest.approx(0.25)
    assert sum(one_bin.rows for one_bin in result.reliability) == 2
    nothing = evaluate_nodes(TREE, truth, np.full(4, -1), np.ones(4))
    assert (nothing.ece, nothing.risk_coverage) == (None, ())
