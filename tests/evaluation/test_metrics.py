import json
import warnings

import numpy as np
import pytest
from hiclass.metrics import f1, precision, recall
from hypothesis import given, settings
from hypothesis import strategies as st

from prodcat.errors import CatalogError, ConfigError
from prodcat.evaluation.metrics import (
    Evaluation,
    evaluate_nodes,
    expected_calibration_error,
    paired_bootstrap,
)
from prodcat.taxonomy.tree import Taxonomy

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
    coarse = judge((("Home", "Light", "Led"), ("Home",)), (("Pet", "Food"), ("Pet", "Food")))
    assert (coarse.hierarchical_precision, coarse.hierarchical_recall) == (1, pytest.approx(3 / 5))


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
    assert result.coverage == 0.5 and result.answers_end_at_root == 0
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


# -- coarser answers, probabilities, intervals -------------------------------------


def nodes_of(*paths):
    return np.array([TREE.find(path) if path else -1 for path in paths])


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
    result = judge(
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


def test_the_tail_is_the_tenth_with_the_fewest_training_titles():
    rare, common = ("Pet", "Food"), ("Baby", "Food")
    pairs = [(rare, rare), (rare, common)] + [(common, common)] * 8
    counts = np.zeros(len(TREE), np.int64)
    counts[nodes_of(rare, common)] = 3, 500
    result = judge(*pairs, counts=counts)
    assert result.tail_recall == 0.5
    assert judge(*pairs).tail_recall is None


@pytest.mark.parametrize(("rows", "tail"), [(2, 1), (5, 1), (10, 1), (11, 2), (100, 10)])
def test_the_tail_is_no_more_than_a_tenth_where_counts_differ(rows, tail):
    tree = Taxonomy.from_paths([(f"n{i}",) for i in range(rows)])
    nodes = np.arange(rows)
    counts = np.random.default_rng(0).permutation(rows) + 1
    assert evaluate_nodes(tree, nodes, nodes, counts=counts).judged.tail.sum() == tail


def test_no_category_is_no_sure_answer():
    """The root is left out of what is said of confidence, and of the share answered."""
    truth = nodes_of(("Baby", "Food"), ("Baby", "Food"), ("Home",), ("Home",))
    answer = nodes_of(("Baby", "Food"), ("Pet", "Food"), (), ())
    confidence = np.array([0.9, 0.6, 1.0, 1.0])
    result = evaluate_nodes(TREE, truth, answer, confidence)
    assert result.ece == pytest.approx((0.1 + 0.6) / 2)
    assert result.brier == pytest.approx((0.01 + 0.36) / 2)
    assert result.risk_coverage == ((0.25, 0.0, 0.9), (0.5, 0.5, 0.6))
    assert result.risk_coverage_area == pytest.approx(0.25)
    assert sum(own.rows for own in result.reliability) == 2
    nothing = evaluate_nodes(TREE, truth, np.full(4, -1), np.ones(4))
    assert (nothing.ece, nothing.risk_coverage) == (None, ())


def test_confidence_is_judged_in_fifteen_bins():
    """.70 and .72 share the bin from 10/15 to 11/15; .74 has one of its own."""
    tree = Taxonomy.from_paths([("a",), ("b",)])
    truth, answer = np.array([0, 0, 0]), np.array([0, 1, 0])
    result = evaluate_nodes(tree, truth, answer, np.array([0.70, 0.72, 0.74]))
    assert [own.rows for own in result.reliability] == [2, 1]
    assert result.ece == pytest.approx((abs(1.42 - 1) + 0.26) / 3)


def test_macro_f1_of_partial_labels_counts_the_label_as_met():
    result = judge((("Home", "Light"), ("Home", "Light", "Led")))
    assert result.macro_f1 == 1


def test_the_interval_of_macro_f1_holds_it_with_many_rare_categories():
    tree = Taxonomy.from_paths([(f"n{i}",) for i in range(800)])
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 800, 2_000)
    answer = np.where(rng.random(2_000) < 0.6, truth, rng.integers(0, 800, 2_000))
    own = evaluate_nodes(tree, truth, answer).intervals["macro_f1"]
    assert own.low < own.value < own.high


@pytest.mark.parametrize(
    ("targets", "answers", "extra", "message"),
    [
        ([0, -1], [0, 0], {}, "Found targets from -1 to 0; expected nodes from 0 to 7"),
        ([0, 1], [0, -3], {}, "Found answers from -3 to 0; expected nodes from -2 to 7"),
        ([0, 1], [0, 99], {}, "Found answers from 0 to 99"),
        ([0, 1], [0, 1], {"confidence": np.ones(3)}, r"confidence of shape \(3,\)"),
        ([0, 1], [0, 1], {"confidence": np.array([1, np.nan])}, "confidence of shape"),
        (
            [0, 1],
            [0, 1],
            {"level_confidence": np.ones((2, 9))},
            r"expected numbers of shape \(2, 3\)",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(targets, answers, extra, message):
    assert len(TREE) == 8
    with pytest.raises(CatalogError, match=message):
        evaluate_nodes(TREE, np.array(targets), np.array(answers), **extra)


def test_mistakes_are_grouped_where_they_part():
    result = judge(
        (("Baby", "Food"), ("Baby", "Care")),
        (("Baby", "Food"), ("Baby", "Care")),
        (("Baby", "Care"), ("Baby", "Food")),
        (("Baby", "Food"), ("Pet", "Food")),
        (("Home",), ("Home", "Light", "Led")),
        (("Pet", "Food"), ("Pet", "Food")),
    )
    baby, root, home = result.confusion_groups
    assert (baby.ancestor, baby.level, baby.rows, baby.share) == ("Baby", 1, 3, 0.6)
    assert baby.branches == (("Food", "Care", 2), ("Care", "Food", 1))
    assert (root.ancestor, root.level, root.branches) == ("(root)", 0, (("Baby", "Pet", 1),))
    assert home.branches == (("(ends here)", "Light", 1),)
    assert sum(group.rows for group in result.confusion_groups) == 5


def scored(rows=4_000, seed=0, skill=0.8):
    """Answers of one system with honest confidence over a tree of even depth."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(8 * skill, 8 * (1 - skill), rows)
    truth = rng.choice(UNIQUE.outcomes, rows)
    right = rng.random(rows) < confidence
    answer = np.where(right, truth, rng.choice(UNIQUE.outcomes, rows))
    levels = np.repeat(confidence[:, None], 3, axis=1)
    return evaluate_nodes(
        UNIQUE, truth, answer, confidence, np.log(confidence), level_confidence=levels
    )


def test_every_metric_has_an_interval_that_holds_it():
    result = scored()
    values = result.judged.scores(np.ones((1, result.rows)))
    assert set(result.intervals) == set(values) and len(values) > 25
    for name, own in result.intervals.items():
        assert own.low <= own.value <= own.high, name
        assert own.value == pytest.approx(float(values[name][0]), nan_ok=True)
    own = result.intervals["path_accuracy"]
    error = 1.96 * np.sqrt(own.value * (1 - own.value) / result.rows)
    assert own.high - own.low == pytest.approx(2 * error, rel=0.15)


def test_intervals_hold_the_true_value_as_often_as_they_say():
    """95 % intervals of 60 samples from one population."""
    truth = np.mean([scored(20_000, seed).path_accuracy for seed in range(100, 105)])
    inside = 0
    for seed in range(60):
        own = scored(400, seed).intervals["path_accuracy"]
        inside += own.low <= truth <= own.high
    assert inside >= 52


def test_the_interval_of_a_calibration_error_is_not_moved_by_resampling_noise():
    own = scored(1_000).intervals["ece"]
    assert own.low < own.value < own.high
    assert (own.high + own.low) / 2 == pytest.approx(own.value, abs=0.005)


def test_a_paired_comparison_finds_what_differs_and_what_does_not():
    truth = np.repeat(UNIQUE.outcomes, 50)
    rng = np.random.default_rng(1)
    worse_at = rng.random(len(truth)) < 0.2
    better_at = worse_at & (rng.random(len(truth)) < 0.6)
    other = np.roll(UNIQUE.outcomes, 1)
    wrong = np.repeat(other, 50)
    ours = evaluate_nodes(UNIQUE, truth, np.where(better_at, wrong, truth))
    theirs = evaluate_nodes(UNIQUE, truth, np.where(worse_at, wrong, truth))
    comparison = ours.compare(theirs)
    gain = comparison.differences["path_accuracy"]
    assert gain.value == pytest.approx(ours.path_accuracy - theirs.path_accuracy)
    assert 0 < gain.low < gain.value < gain.high
    assert comparison.verdict("path_accuracy") == comparison.verdict("tree_distance") == "better"
    assert theirs.compare(ours).verdict("tree_distance") == "worse"
    # The same draws for both: five rows in 400 are far surer than either value alone.
    few = better_at.copy()
    few[np.flatnonzero(~few)[:5]] = True
    close = ours.compare(evaluate_nodes(UNIQUE, truth, np.where(few, wrong, truth)))
    own = close.differences["path_accuracy"]
    assert own.value == pytest.approx(5 / 400) and own.high - own.low < 0.03
    sure = [evaluate_nodes(UNIQUE, truth, truth, np.full(len(truth), c)) for c in (0.9, 0.7)]
    blunt = sure[0].compare(sure[1])
    assert blunt.verdict("brier") == blunt.verdict("ece") == "better"
    same = ours.compare(ours)
    assert {same.verdict(name) for name in same.differences} == {"even"}
    assert "path accuracy" in str(comparison) and "better" in str(comparison)
    assert json.loads(comparison.to_json())["differences"]["path_accuracy"]["verdict"] == "better"


def test_evaluations_of_other_rows_are_not_compared():
    result = scored(100)
    with pytest.raises(CatalogError, match="Found 100 and 50 rows with different labels"):
        result.compare(scored(50))
    other = Taxonomy.from_paths([(a, b) for a in "PQ" for b in "RS"])
    again = Taxonomy.from_paths([(a, b) for a in "XY" for b in "VW"])
    nodes = np.array([2, 3])
    with pytest.raises(CatalogError, match="rows of one tree in the same order"):
        evaluate_nodes(other, nodes, nodes).compare(evaluate_nodes(again, nodes, nodes))
    with pytest.raises(CatalogError, match="Found 100 and 100 rows with different labels"):
        result.compare(scored(100, seed=3))
    read = Evaluation.from_dict(json.loads(result.to_json()))
    assert read == result and read.intervals == result.intervals
    assert read.confusion_groups == result.confusion_groups
    with pytest.raises(CatalogError, match="read from JSON, so its single rows are not known"):
        read.compare(result)
    with pytest.raises(CatalogError, match="read from JSON"):
        _ = read.correct


def test_bootstrap_in_pieces_gives_what_it_gives_at_once(monkeypatch):
    whole = scored(300).intervals["hierarchical_f1"]
    monkeypatch.setattr("prodcat.evaluation.judging._MOST_CELLS", 700)
    pieces = scored(300).intervals["hierarchical_f1"]
    assert (pieces.low, pieces.high) == pytest.approx((whole.low, whole.high), abs=0.01)


def test_plots_show_what_the_evaluation_holds(tmp_path):
    result, before = scored(), scored(seed=5, skill=0.5)
    figure = result.plot()
    assert [ax.get_title() for ax in figure.axes] == [
        "whole path",
        "each level",
        "risk and coverage",
    ]
    figure.savefig(tmp_path / "evaluation.png")
    assert (tmp_path / "evaluation.png").stat().st_size > 10_000
    ax = result.plot_reliability(before=before)
    lines = {line.get_label(): line for line in ax.get_lines()}
    after = lines[f"after, ECE {result.ece:.3f}"]
    assert list(after.get_ydata()) == [own.accuracy for own in result.reliability]
    assert f"before, ECE {before.ece:.3f}" in lines
    assert result.plot_risk_coverage(ax) is ax
    nothing = judge((("Baby", "Food"), ("Baby", "Care")))
    for plot in (nothing.plot, nothing.plot_reliability, nothing.plot_risk_coverage):
        with pytest.raises(ConfigError, match="has no probabilities, so there is nothing to plot"):
            plot()


def test_without_matplotlib_a_plot_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"pip install 'prodcat\[plot\]'"):
        scored(50).plot()
