import warnings

import numpy as np
import pytest
from answered import TREE, UNIQUE, evaluate_paths, nodes_of
from hiclass.metrics import f1, precision, recall
from hypothesis import given, settings
from hypothesis import strategies as st

from prodcat.evaluation.metrics import evaluate_nodes


def test_one_name_under_two_parents_is_no_overlap():
    result = evaluate_paths((("Baby", "Food"), ("Pet", "Food")))
    assert result.hierarchical_f1 == 0 and result.path_accuracy == 0


def test_hand_worked_precision_and_recall():
    """Ancestor sets: {Baby, Food} & {Baby, Care} = 1 of 2; {Home} within {Home, Light, Led}."""
    result = evaluate_paths(
        (("Baby", "Food"), ("Baby", "Care")),
        (("Home", "Light", "Led"), ("Home",)),
        (("Home",), ("Home", "Light", "Led")),
    )
    assert result.hierarchical_precision == pytest.approx((1 + 1 + 1) / (2 + 1 + 3))
    assert result.hierarchical_recall == pytest.approx((1 + 1 + 1) / (2 + 3 + 1))
    assert result.level_accuracy == pytest.approx((1, 0, 1 / 3))
    assert [level.rows for level in result.levels] == [3, 3, 2]
    coarse = evaluate_paths(
        (("Home", "Light", "Led"), ("Home",)), (("Pet", "Food"), ("Pet", "Food"))
    )
    assert (coarse.hierarchical_precision, coarse.hierarchical_recall) == (1, pytest.approx(3 / 5))


def test_answers_outside_the_tree_are_inconsistent():
    result = evaluate_nodes(TREE, np.array([0, 1]), np.array([-2, 1]))
    assert result.inconsistent == 0.5
    assert result.coverage == 0.5 and result.answers_end_at_root == 0
    assert ("Baby", "(no path of the tree)", 1) in result.confusions


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=20))
@settings(deadline=None)
def test_agreement_with_hiclass_where_names_are_unique(pairs):
    truth, answer = (UNIQUE.outcomes[list(column)] for column in zip(*pairs, strict=True))
    result = evaluate_nodes(UNIQUE, truth, answer)
    names = [np.array([UNIQUE.paths[node] for node in nodes]) for nodes in (truth, answer)]
    assert result.hierarchical_precision == pytest.approx(precision(*names))
    assert result.hierarchical_recall == pytest.approx(recall(*names))
    if result.hierarchical_f1:  # hiclass warns where nothing is shared
        assert result.hierarchical_f1 == pytest.approx(f1(*names))
    # In a tree of even depth all three are the mean level accuracy.
    assert result.hierarchical_f1 == pytest.approx(np.mean(result.level_accuracy))


def test_an_ancestor_covers_the_truth_and_the_root_covers_all():
    truth = nodes_of(("Baby", "Food"), ("Home", "Light", "Led"), ("Home",), ("Pet", "Food"))
    answer = nodes_of(("Baby",), (), ("Home", "Light", "Led"), ("Pet", "Food"))
    result = evaluate_nodes(TREE, truth, answer)
    assert result.coverage == 0.75  # Home > Light > Led is no ancestor of Home
    assert result.path_accuracy == 0.25
    assert result.answered_accuracy == pytest.approx(1 / 3)
    assert result.answers_end_at_root == 0.25 and result.inconsistent == 0
    assert [level.answers_end for level in result.levels] == [0.25, 0.25, 0.25]
    coarse = evaluate_nodes(TREE, truth, answer, np.full(4, 0.5), exact=False)
    assert coarse.answered_accuracy == pytest.approx(2 / 3)
    assert coarse.ece == pytest.approx(2 / 3 - 0.5) and coarse.brier == 0.25
    nothing = evaluate_nodes(TREE, truth, np.full(4, -1))
    assert (nothing.coverage, nothing.answered_accuracy) == (1.0, None)
    assert "NaN" not in nothing.to_json() and "answered_accuracy" not in nothing.intervals
    assert "answered_accuracy" not in nothing.compare(coarse).differences


def test_hand_worked_macro_forms_and_tree_distances():
    """Row by row: 1/2, 1/2, F 1/2, 2 steps; 1/1, 1/3, F 1/2, 2 steps; all right; root."""
    result = evaluate_paths(
        (("Baby", "Food"), ("Baby", "Care")),
        (("Home", "Light", "Led"), ("Home",)),
        (("Pet", "Food"), ("Pet", "Food")),
    )
    assert result.macro_hierarchical_precision == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert result.macro_hierarchical_recall == pytest.approx((1 / 2 + 1 / 3 + 1) / 3)
    assert result.macro_hierarchical_f1 == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert result.tree_distance == pytest.approx((2 + 2 + 0) / 3)
    assert result.error_distance == 2
    root = evaluate_nodes(TREE, nodes_of(("Baby", "Food")), nodes_of(()))
    assert (root.hierarchical_f1, root.macro_hierarchical_precision, root.tree_distance) == (
        0,
        0,
        2,
    )


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=20))
@settings(deadline=None)
def test_macro_agreement_with_hiclass_where_names_are_unique(pairs):
    truth, answer = (UNIQUE.outcomes[list(column)] for column in zip(*pairs, strict=True))
    result = evaluate_nodes(UNIQUE, truth, answer)
    names = [np.array([UNIQUE.paths[node] for node in nodes]) for nodes in (truth, answer)]
    assert result.macro_hierarchical_precision == pytest.approx(precision(*names, average="macro"))
    assert result.macro_hierarchical_recall == pytest.approx(recall(*names, average="macro"))
    if result.macro_hierarchical_f1 and result.tree_distance != 6:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rows that share nothing
            assert result.macro_hierarchical_f1 == pytest.approx(f1(*names, average="macro"))
