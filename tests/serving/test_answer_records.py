"""Answers as columns of a table."""

import pytest

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.answer_records import AnswerRecords, flat_columns
from prodcat.taxonomy.paths import join_path


def test_answers_and_errors_as_columns():
    path = ["Food", "Fruit"]
    best = {"path": path, "id": "2", "confidence": 0.5}
    records = [{**best, "others": [{"path": [], "id": "", "confidence": 0.1}]}, {"error": "bad"}]
    assert flat_columns(records) == {
        "predicted_path": [join_path(path), None],
        "predicted_id": ["2", None],
        "confidence": [0.5, None],
        "predicted_path_2": ["", None],
        "predicted_id_2": ["", None],
        "confidence_2": [0.1, None],
        "error": [None, "bad"],
    }
    guess = {"path": path, "id": "2", "confidence": 0.25}
    unsure = {**dict.fromkeys(best), "best_guess": guess}
    columns = flat_columns([best, unsure])
    assert columns["predicted_path"] == [join_path(path), None]
    assert columns["predicted_id"] == ["2", None] and columns["confidence"] == [0.5, None]
    assert columns["best_guess_path"] == [None, join_path(path)]
    assert columns["best_guess_id"] == [None, "2"]
    assert columns["best_guess_confidence"] == [None, 0.25]
    assert list(flat_columns([best])) == ["predicted_path", "predicted_id", "confidence", "error"]


def test_a_title_without_a_category_has_nulls_and_a_guess(small, rows):
    titles = [row.title for row in rows[300:400]]
    options = AnswerOptions(objective="tree_distance")
    inference = small.inference("float32")
    answers = inference.answers(inference.prepare(titles), small.decision(options), None)
    records = list(AnswerRecords(small).records(answers, {}))
    unsure = 0
    for record, [best] in zip(records, small.predict(titles), strict=True):
        if "best_guess" in record:
            unsure += 1
            guess = record.pop("best_guess")
            assert set(record.values()) == {None}
            assert (tuple(guess["path"]), guess["id"]) == (best.path, best.node_id)
            assert guess["confidence"] == pytest.approx(best.confidence, abs=1e-5)
        else:
            assert record["path"] and record["confidence"] > 0
    assert 0 < unsure < len(titles)
