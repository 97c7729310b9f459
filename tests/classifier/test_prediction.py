"""Predictions: a list with a table of it, which has the titles and their ids."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

import prodcat
from prodcat import CatalogError
from prodcat.taxonomy.paths import join_path


@pytest.fixture(scope="module")
def answered(small, parts):
    return parts.test, small.predict(parts.test, top_k=2)


def test_it_is_the_list_that_it_was(small):
    answers = small.predict(["süt", "ekmek"], top_k=2)
    assert isinstance(answers, list) and answers == list(answers)
    assert [len(best) for best in answers] == [2, 2]
    [first, second] = answers
    assert first[0].path and answers[1] is second and answers[-1] is second
    assert small.predict([]) == [] and small.predict([]).to_frame().empty


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_has_a_row_for_each_title_beside_its_id(answered, library):
    catalog, answers = answered
    frame = answers.to_frame(library=library)
    assert list(frame.columns) == [
        "row_number", "brand", "number", "title", "predicted_path", "predicted_level_1",
        "predicted_level_2", "predicted_level_3", "predicted_level_4", "predicted_id",
        "confidence", "level_confidences", "predicted_path_2", "confidence_2",
    ]  # fmt: skip
    assert frame["row_number"].to_list() == [number + 1 for number in catalog.columns["number"]]
    assert frame["number"].to_list() == list(catalog.columns["number"])
    assert frame["title"].to_list() == list(catalog.titles)
    assert frame["predicted_path"].to_list() == [join_path(best[0].path) for best in answers]
    assert frame["predicted_level_1"].to_list() == [best[0].path[0] for best in answers]
    assert frame["confidence_2"].to_list() == [best[1].confidence for best in answers]
    ends = [levels[-1] for levels in frame["level_confidences"]]
    assert ends == pytest.approx(frame["confidence"].to_list())


def test_titles_of_a_list_are_numbered_from_one(small):
    frame = small.predict(iter(["süt", "", "ekmek"])).to_frame()
    assert frame["row_number"].tolist() == [1, 2, 3] and frame["title"].tolist()[2] == "ekmek"
    empty = frame.iloc[1][["predicted_path", "predicted_level_1", "predicted_id", "confidence"]]
    assert empty.isna().all() and frame["confidence"].dtype == np.float64


def test_the_columns_of_a_user_stay_beside_answers_with_their_names(small):
    table = [{"title": "süt", "confidence": "mine", "predicted_path": "old"}]
    catalog = prodcat.read_catalog(table, path=None, keep=["confidence", "predicted_path"])
    [row] = small.predict(catalog).to_frame().to_dict("records")
    assert row["confidence"] == "mine" and row["predicted_path"] == "old"
    assert 0 < row["prodcat_confidence"] <= 1 and " > " in row["prodcat_predicted_path"]


def test_levels_are_named_like_the_columns_of_the_training():
    rows = [{"title": f"{b} {n}", "shop": a, "shelf": b} for a, b in ("XY", "XZ") for n in range(9)]
    catalog = prodcat.read_catalog(rows, path=["shop", "shelf"])
    model = prodcat.ModelConfig(encoder=None)
    classifier = prodcat.fit(catalog, model=model, progress=False)
    frame = classifier.predict(["Y 3"]).to_frame()
    assert {"predicted_shop", "predicted_shelf"} <= set(frame.columns)


def test_a_part_a_copy_and_a_pickle_keep_the_table(answered):
    _, answers = answered
    whole = answers.to_frame()
    pd.testing.assert_frame_equal(answers[3:9].to_frame(), whole.iloc[3:9].reset_index(drop=True))
    for twin in (copy.copy(answers), copy.deepcopy(answers), pickle.loads(pickle.dumps(answers))):
        assert twin == answers
        pd.testing.assert_frame_equal(twin.to_frame(), whole)


def test_a_list_that_was_changed_has_no_table_that_would_be_wrong(answered):
    _, answers = answered
    changed = copy.copy(answers)
    changed.reverse()
    with pytest.raises(CatalogError, match="This list of predictions was changed: it has 140 answ"):
        changed.to_frame()
    assert changed._repr_html_() is None and type(changed[:2]) is list
    changed.reverse()
    assert changed.to_frame().shape == answers.to_frame().shape


def shown_in_a_notebook(result):
    return DisplayFormatter().format(result)[0]


def test_a_notebook_shows_ten_answers(small, answered):
    catalog, answers = answered
    shown = shown_in_a_notebook(answers)
    page, text = shown["text/html"], shown["text/plain"]
    assert f"<b>Predictions</b> {len(catalog)} titles, {len(catalog)} with a category" in page
    assert page.count("<tr>") == 11 and "predictions (10 of 140)" in page
    assert len(page) < 20_000 and len(text) < 5_000 and text.endswith("… and 130 more")
    hostile = small.predict(["<script>alert(1)</script>\x1b[2J"])
    shown = shown_in_a_notebook(hostile)
    assert "<script" not in shown["text/html"] and "\x1b" not in "".join(shown.values())
    assert "&lt;script&gt;" in shown["text/html"]
    assert "(no category)" in shown_in_a_notebook(small.predict([""]))["text/html"]


def test_a_notebook_shows_a_classifier_and_its_training(small):
    page = shown_in_a_notebook(small)["text/html"]
    assert "<b>Classifier</b> n-grams alone, Taxonomy(" in page
    assert f"validation path accuracy {small.validation.path_accuracy:.1%}" in page
    assert "titles learned" in page and len(page) < 15_000
    assert "best path accuracy" in shown_in_a_notebook(small.history)["text/html"]
    frame = small.history.to_frame()
    assert frame["epoch"].tolist() == [each.epoch for each in small.history]
    assert small.history == small.provenance.history


def test_a_classifier_contains_no_titles_of_its_validation(classifier, parts):
    assert classifier.validation.judged.columns == {}
    assert parts.validation.titles[0].encode() not in pickle.dumps(classifier.provenance)
    evaluation = classifier.evaluate(parts.validation)
    assert evaluation.to_frame("row")["title"].tolist() == list(parts.validation.titles)
