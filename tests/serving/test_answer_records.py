"""Answers as columns of a table."""

from prodcat.serving.answer_records import flat_columns
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
    assert list(flat_columns([best])) == ["predicted_path", "predicted_id", "confidence", "error"]
