import json

import numpy as np
import pytest
from answered import UNIQUE, scored

from prodcat.errors import CatalogError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.taxonomy.tree import Taxonomy


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
    five_better = better_at.copy()
    five_better[np.flatnonzero(~five_better)[:5]] = True
    close = ours.compare(evaluate_nodes(UNIQUE, truth, np.where(five_better, wrong, truth)))
    difference = close.differences["path_accuracy"]
    assert difference.value == pytest.approx(5 / 400) and difference.high - difference.low < 0.03
    sure = [evaluate_nodes(UNIQUE, truth, truth, np.full(len(truth), c)) for c in (0.9, 0.7)]
    blunt = sure[0].compare(sure[1])
    assert blunt.verdict("brier") == blunt.verdict("ece") == "better"
    same = ours.compare(ours)
    assert {same.verdict(name) for name in same.differences} == {"even"}
    assert "path accuracy" in str(comparison) and "better" in str(comparison)
    assert json.loads(comparison.to_json())["differences"]["path_accuracy"]["verdict"] == "better"


def test_evaluations_of_other_rows_are_not_compared():
    result = scored(100)
    with pytest.raises(CatalogError, match="of 100 and 50 rows differ in their labels or trees"):
        result.compare(scored(50))
    other = Taxonomy.from_paths([(a, b) for a in "PQ" for b in "RS"])
    again = Taxonomy.from_paths([(a, b) for a in "XY" for b in "VW"])
    nodes = np.array([2, 3])
    with pytest.raises(CatalogError, match="the same rows in the same order"):
        evaluate_nodes(other, nodes, nodes).compare(evaluate_nodes(again, nodes, nodes))
    with pytest.raises(CatalogError, match="of 100 and 100 rows differ in their labels or trees"):
        result.compare(scored(100, seed=3))
    read = Evaluation.from_dict(json.loads(result.to_json()))
    assert read == result and read.intervals == result.intervals
    assert read.confusion_groups == result.confusion_groups
    with pytest.raises(
        CatalogError, match="read from JSON, which does not contain individual rows"
    ):
        read.compare(result)
    with pytest.raises(CatalogError, match="read from JSON"):
        _ = read.correct
