import numpy as np
import pytest
from answered import scored

from prodcat.errors import CatalogError
from prodcat.evaluation.intervals import paired_bootstrap
from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.taxonomy.tree import Taxonomy


def test_the_paired_bootstrap_finds_a_difference_and_none():
    rng = np.random.default_rng(0)
    theirs = rng.random(2_000) < 0.8
    ours = theirs | (rng.random(2_000) < 0.3)
    interval = paired_bootstrap(ours, theirs)
    assert interval.low > 0 and interval.low < interval.value < interval.high
    same = paired_bootstrap(np.stack([ours, ours], 1), ours)
    assert (same.low, same.value, same.high) == (0, 0, 0)
    assert str(same) == "+0.0000 [+0.0000, +0.0000]"
    with pytest.raises(CatalogError, match="needs scores of the same rows"):
        paired_bootstrap(ours, theirs[:5])


def test_the_interval_of_macro_f1_holds_it_with_many_rare_categories():
    tree = Taxonomy.from_paths([(f"n{i}",) for i in range(800)])
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 800, 2_000)
    answer = np.where(rng.random(2_000) < 0.6, truth, rng.integers(0, 800, 2_000))
    interval = evaluate_nodes(tree, truth, answer).intervals["macro_f1"]
    assert interval.low < interval.value < interval.high


def test_every_metric_has_an_interval_that_holds_it():
    result = scored()
    values = result.judged.scores(np.ones((1, result.rows)))
    assert set(result.intervals) == set(values) and len(values) > 25
    for name, interval in result.intervals.items():
        assert interval.low <= interval.value <= interval.high, name
        assert interval.value == pytest.approx(float(values[name][0]), nan_ok=True)
    interval = result.intervals["path_accuracy"]
    error = 1.96 * np.sqrt(interval.value * (1 - interval.value) / result.rows)
    assert interval.high - interval.low == pytest.approx(2 * error, rel=0.15)


def test_intervals_hold_the_true_value_as_often_as_they_say():
    """95 % intervals of 60 samples from one population."""
    truth = np.mean([scored(20_000, seed).path_accuracy for seed in range(100, 105)])
    inside = 0
    for seed in range(60):
        interval = scored(400, seed).intervals["path_accuracy"]
        inside += interval.low <= truth <= interval.high
    assert inside >= 52


def test_the_interval_of_a_calibration_error_is_not_moved_by_resampling_noise():
    interval = scored(1_000).intervals["ece"]
    assert interval.low < interval.value < interval.high
    assert (interval.high + interval.low) / 2 == pytest.approx(interval.value, abs=0.005)


def test_bootstrap_in_pieces_gives_what_it_gives_at_once(monkeypatch):
    whole = scored(300).intervals["hierarchical_f1"]
    monkeypatch.setattr("prodcat.evaluation.judged_rows._MOST_CELLS", 700)
    pieces = scored(300).intervals["hierarchical_f1"]
    assert (pieces.low, pieces.high) == pytest.approx((whole.low, whole.high), abs=0.01)
