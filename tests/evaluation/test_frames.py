"""The tables of an evaluation as data frames, and what a notebook shows of it."""

import json
from collections import Counter

import numpy as np
import pytest
from answered import TREE, evaluate_paths, nodes_of, scored

from prodcat.errors import CatalogError, ConfigError
from prodcat.evaluation.baseline import Baseline
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.intervals import Interval
from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.taxonomy.paths import join_path

PAIRS = [
    (("Baby", "Food"), ("Baby", "Care")),
    (("Baby", "Food"), ("Baby", "Care")),
    (("Baby", "Food"), ("Baby", "Food")),
    (("Pet", "Food"), ("Baby", "Food")),
    (("Home",), ("Home",)),
]


def from_json(evaluation):
    return Evaluation.from_dict(json.loads(evaluation.to_json()))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_categories_the_worst_first(library):
    frame = evaluate_paths(*PAIRS).to_frame("category", library=library)
    assert frame["path"].to_list() == ["Baby > Food", "Pet > Food", "Home", "Baby > Care"]
    assert frame["node_id"].to_list() == frame["path"].to_list()
    assert frame["rows"].to_list() == [3, 1, 1, 0]
    assert frame["right"].to_list() == [1, 0, 1, 0] and frame["wrong"].to_list() == [2, 1, 0, 0]
    assert frame["answered"].to_list() == [2, 0, 1, 2]
    assert frame["accuracy"].to_list()[:3] == [1 / 3, 0, 1]
    assert frame["precision"].to_list()[0] == 0.5 and frame["f1"].to_list()[0] == 2 / 5
    assert frame["wrong_answer"].to_list()[:2] == ["Baby > Care", "Baby > Food"]
    assert frame["wrong_answer_rows"].to_list() == [2, 1, 0, 0]


def test_confusions_are_all_pairs_and_the_most_frequent_first():
    result = scored()
    frame = result.to_frame("confusion")
    judged, paths = result.judged, result.judged.taxonomy.paths
    wrong = np.flatnonzero(~judged.correct)
    counts = Counter(
        (join_path(paths[judged.targets[row]]), join_path(paths[judged.answers[row]]))
        for row in wrong
    )
    pairs = zip(frame["label"], frame["answer"], strict=True)
    assert dict(zip(pairs, frame["rows"], strict=True)) == counts
    assert frame["rows"].is_monotonic_decreasing and len(frame) > 50
    assert len(from_json(result).to_frame("confusion")) == 50
    labels = nodes_of(("Baby", "Food"), ("Home",))
    nowhere = evaluate_nodes(TREE, labels, np.array([-1, -2])).to_frame("confusion")
    assert set(nowhere["answer"]) == {"(no category)", "(no path of the tree)"}


def test_levels_and_metrics_need_no_rows():
    for result in (scored(300), from_json(scored(300))):
        levels = result.to_frame()
        assert levels["level"].tolist() == [1, 2, 3]
        assert tuple(levels["accuracy"]) == result.level_accuracy
        metrics = result.to_frame("metric").set_index("metric")
        assert metrics.loc["path_accuracy", "value"] == result.path_accuracy
        assert metrics.loc["ece", "low"] == result.intervals["ece"].low
    for by in ("category", "row"):
        with pytest.raises(CatalogError, match=f"A table by {by} needs individual rows, and this"):
            from_json(scored(50)).to_frame(by)
    with pytest.raises(ConfigError, match=r"by='brand' is not known; expected one of \['level', "):
        scored(50).to_frame("brand")


def test_rows_have_the_columns_of_the_catalog(small, parts):
    catalog = parts.test.take(np.arange(0, len(parts.test), 2))
    known = [small.taxonomy.get(path) is not None for path in catalog.paths]
    catalog = catalog.take(np.array(known))
    result = small.evaluate(catalog)
    frame = result.to_frame("row")
    assert list(frame.columns) == [
        "row_number", "brand", "number", "title", "label", "label_id", "answer", "answer_id",
        "right", "confidence",
    ]  # fmt: skip
    assert frame["row_number"].tolist() == [number + 1 for number in catalog.columns["number"]]
    assert frame["title"].tolist() == list(catalog.titles)
    assert frame["label"].tolist() == [join_path(path) for path in catalog.paths]
    assert frame["right"].mean() == result.path_accuracy
    answers = small.predict(catalog).to_frame()
    assert frame["answer"].tolist() == answers["predicted_path"].tolist()
    assert frame["confidence"].tolist() == pytest.approx(answers["confidence"].tolist())
    assert evaluate_paths(*PAIRS).to_frame("row")["row_number"].tolist() == [1, 2, 3, 4, 5]


def test_a_notebook_shows_the_main_numbers_first():
    result = scored()
    page = result._repr_html_()
    interval = result.intervals["path_accuracy"]
    ends = f"[{interval.low:.1%}, {interval.high:.1%}]"
    assert f"<b>Evaluation</b> 4,000 rows, path accuracy {result.path_accuracy:.1%} {ends}" in page
    assert page.index("macro F1") < page.index("most frequent mistakes (5 of 50)")
    assert "<details><summary>all metrics" in page and len(page) < 12_000


def test_a_comparison_has_a_frame_and_is_shown():
    truth, better, worse = np.zeros(80, int) + 3, np.zeros(80, int) + 3, np.zeros(80, int) + 4
    compared = evaluate_nodes(TREE, truth, better).compare(evaluate_nodes(TREE, truth, worse))
    for library in ("pandas", "polars"):
        frame = compared.to_frame(library=library)
        assert frame["metric"].to_list() == list(compared.differences)
        assert frame["difference"].to_list()[0] == 1 and frame["verdict"].to_list()[0] == "better"
    page = compared._repr_html_()
    assert "<b>Comparison</b> 80 rows, path accuracy +1.0000 [+1.0000, +1.0000], better" in page
    assert page.count("<tr>") == 2 + len(frame) and "further metrics" in page


def test_a_baseline_is_shown():
    baseline = Baseline(50, 0.5, (0.75, 0.5), 0.625, Interval(0.125, -0.01, 0.25))
    page = baseline._repr_html_()
    assert "50 rows, path accuracy 50.0%, the classifier" in page and "0.7500" in page
    assert baseline.to_frame().to_dict("list") == {"level": [1, 2], "accuracy": [0.75, 0.5]}
