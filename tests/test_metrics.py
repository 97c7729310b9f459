import json

import numpy as np
import pytest
from hiclass.metrics import f1, precision, recall
from hypothesis import given, settings
from hypothesis import strategies as st

from prodcat.errors import CatalogError
from prodcat.metrics import (
    Evaluation,
    evaluate_nodes,
    expected_calibration_error,
    paired_bootstrap,
)
from prodcat.taxonomy import Taxonomy

TREE = Taxonomy.from_paths(
    [("Baby", "Food"), ("Baby", "Care"), ("Pet", "Food"), ("Home",), ("Home", "Light", "Led")]
)


def judge(*pairs, **extra):
    truth, answer = (
        np.array([TREE.find(path) for path in column]) for column in zip(*pairs, strict=True)
    )
    return evaluate_nodes(TREE, truth, answer, **extra)


def test_one_name_under_two_parents_is_no_overlap():
    result = judge((("Baby", "Food"), ("Pet", "Food")))
    assert result.hierarchical_f1 == 0 and result.path_accuracy == 0


def test_hand_worked_precision_and_recall():
    """Ancestor sets: {Baby, Food} & {Baby, Care} = 1 of 2; {Home} within {Home, Light, Led}."""
    result = judge(
        (("Baby", "Food"), ("Baby", "Care")),
        (("Home", "Light", "Led"), ("Home",)),
        (("Home",), ("Home", "Light", "Led")),
    )
    assert result.hierarchical_precision == pytest.approx((1 + 1 + 1) / (2 + 1 + 3))
    assert result.hierarchical_recall == pytest.approx((1 + 1 + 1) / (2 + 3 + 1))
    assert result.level_accuracy == pytest.approx((1, 0, 1 / 3))
    assert [level.rows for level in result.levels] == [3, 3, 2]


def test_a_partial_label_is_judged_down_to_its_level():
    result = judge((("Home", "Light"), ("Home", "Light", "Led")), (("Baby",), ("Pet", "Food")))
    assert result.path_accuracy == 0.5
    assert result.level_accuracy == (0.5, 0.0 + 1.0, 1.0)
    assert result.hierarchical_precision == result.hierarchical_recall == pytest.approx(2 / 3)


def test_macro_f1_counts_each_category_once():
    result = judge(
        (("Baby", "Food"), ("Baby", "Food")),
        (("Baby", "Food"), ("Baby", "Food")),
        (("Pet", "Food"), ("Baby", "Food")),
    )
    assert result.macro_f1 == pytest.approx((0.8 + 0) / 2)


def test_answers_outside_the_tree_are_inconsistent():
    result = evaluate_nodes(TREE, np.array([0, 1]), np.array([-2, 1]))
    assert result.inconsistent == 0.5
    assert ("Baby", "(no path of the tree)", 1) in result.confusions


UNIQUE = Taxonomy.from_paths([(a, a + b, a + b + c) for a in "PQ" for b in "RS" for c in "TU"])


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


def test_calibration_error_of_a_known_case():
    confidence = np.array([0.9] * 10 + [0.6] * 10)
    correct = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7)
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.15)
    assert expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0


def test_an_evaluation_prints_and_goes_to_json_and_back():
    result = judge(
        (("Baby", "Food"), ("Baby", "Care")),
        confidence=np.array([0.5]),
        target_log_probs=np.array([-1.0]),
    )
    assert "path accuracy" in str(result) and "log loss" in str(result) and "ECE" in str(result)
    assert "<table>" in result._repr_html_() and "Baby &gt; Care" in result._repr_html_()
    values = json.loads(result.to_json())
    assert Evaluation.from_dict(values) == result


def test_nothing_to_judge_is_refused():
    with pytest.raises(CatalogError, match="Found 0 targets and 1 answers"):
        evaluate_nodes(TREE, np.zeros(0, int), np.zeros(1, int))


def test_the_paired_bootstrap_finds_a_difference_and_none():
    rng = np.random.default_rng(0)
    theirs = rng.random(2_000) < 0.8
    ours = theirs | (rng.random(2_000) < 0.3)
    interval = paired_bootstrap(ours, theirs)
    assert interval.low > 0 and interval.low < interval.value < interval.high
    same = paired_bootstrap(np.stack([ours, ours], 1), ours)
    assert (same.low, same.value, same.high) == (0, 0, 0)
    assert str(same) == "+0.0000 [+0.0000, +0.0000]"
    with pytest.raises(CatalogError, match="needs the same rows"):
        paired_bootstrap(ours, theirs[:5])
