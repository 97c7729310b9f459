"""Answers as columns: their names, nulls where no category is answered, and reading them again."""

import csv
import io

import numpy as np
import pyarrow as pa
import pytest

import prodcat
from prodcat import ModelConfig, ScoringConfig, Taxonomy, read_catalog
from prodcat.classifier.results import AnswerColumns, encode, level_columns, to_table
from prodcat.decisions.answers import Answers
from prodcat.decisions.options import AnswerOptions

PATHS = [("Food", "Fat > 3 %"), ("Food", "Cream"), ("[Pet]", "Dry \\ wet")]


@pytest.fixture(scope="module")
def fitted():
    """A classifier of a catalog with one column for each level, whose names hold separators."""
    words = ["milk", "cream", "dog"]
    rows = [
        {"title": f"{words[n % 3]} {n}", "department": PATHS[n % 3][0], "shelf": PATHS[n % 3][1]}
        for n in range(90)
    ]
    catalog = read_catalog(rows, path=["department", "shelf"])
    return prodcat.fit(catalog, model=ModelConfig(encoder=None), progress=False)


def test_levels_are_called_as_in_the_training(fitted, tmp_path):
    fitted.save(str(tmp_path / "model"))
    loaded = prodcat.load(str(tmp_path / "model"), device="cpu")
    assert loaded.provenance.levels == ("department", "shelf")
    assert loaded.content_hash == fitted.content_hash
    (tmp_path / "in.csv").write_text("title\nmilk\ndog\n \n")
    prodcat.score(loaded, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["predicted_department"], row["predicted_shelf"]) for row in rows] == [
        PATHS[0],
        PATHS[2],
        ("", ""),
    ]


@pytest.mark.parametrize(
    ("levels", "columns"),
    [
        ([], ["predicted_level_1", "predicted_level_2"]),
        (["a", "b", "c"], ["predicted_a", "predicted_b"]),
        (["a", "a"], ["predicted_a", "predicted_level_2"]),
        (["path", "ids"], ["predicted_level_1", "predicted_level_2"]),
        (["path_2", "level_1"], ["predicted_level_1", "predicted_level_2"]),
    ],
)
def test_no_two_columns_have_one_name(levels, columns):
    assert level_columns(levels, 2) == columns


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "/"])
def test_prodcat_reads_its_answers_again(fitted, tmp_path, kind):
    titles = [f"{word} {n}" for n in range(20) for word in ("milk", "cream", "dog")]
    (tmp_path / "in.csv").write_text("title\n" + "\n".join(titles) + "\n")
    out = str(tmp_path / f"out.{kind}" if kind != "/" else tmp_path / "out")
    prodcat.score(fitted, str(tmp_path / "in.csv"), out)
    paths = [tuple(best.path) for [best] in fitted.predict(titles)]
    assert set(paths) == set(PATHS)
    for columns in (
        {"path": "predicted_path"},
        {"path": ["predicted_department", "predicted_shelf"]},
        {"path": "predicted_path", "path_ids": "predicted_ids"},
    ):
        again = read_catalog(out, **columns)
        assert again.paths == paths, columns
        if "path_ids" in columns:
            assert set(again.tree.ids) == set(fitted.taxonomy.ids)
    assert fitted.evaluate(read_catalog(out, path="predicted_path")).path_accuracy == 1


def _answers(nodes, confidence, guess):
    depth = 2
    levels = np.zeros((len(nodes), 1, depth), np.float32)
    columns = [np.array(nodes)[:, None], np.array(confidence, np.float32)[:, None]]
    tensors = [prodcat_tensor(own) for own in (*columns, levels, columns[1])]
    extra = [prodcat_tensor(np.array(own)) for own in guess]
    return Answers(*tensors, True, *extra)


def prodcat_tensor(array):
    import torch

    return torch.from_numpy(array)


def test_rows_without_a_category_have_a_guess_in_columns_of_their_own():
    tree = Taxonomy.from_paths([("A", "B"), ("C",)])
    node = tree.find(("A", "B"))
    options = AnswerOptions(guarantee=0.9)
    columns = AnswerColumns(tree, options, "tr@1", "0" * 64)
    answers = _answers([node, -1, -1], [0.9, 1, 1], ([node, node, node], [0.9, 0.25, 0.5]))
    table = pa.table(columns.of(answers, {2: "empty title"}))
    assert table.schema.names == columns.names
    answered, abstained, faulty = table.to_pylist()
    assert answered["predicted_path"] == "A > B" and answered["predicted_level_2"] == "B"
    assert answered["best_guess_path"] is None and answered["best_guess_confidence"] is None
    guesses = {name: value for name, value in abstained.items() if name.startswith("best_guess")}
    assert list(guesses.values()) == ["A > B", tree.ids[node], 0.25]
    for row in (abstained, faulty):
        given = [value for name, value in row.items() if not name.startswith(("best", "model"))]
        assert set(given) <= {None, "empty title"}
    assert {row["model"] for row in (answered, abstained, faulty)} == {"tr@1"}
    assert faulty["best_guess_path"] is None


def test_answers_that_cannot_abstain_have_no_guesses(fitted):
    for options in (AnswerOptions(), AnswerOptions(objective="path", top_k=2)):
        columns = AnswerColumns(fitted.taxonomy, options, "", "")
        assert not [name for name in columns.names if name.startswith("best_guess")]
    columns = AnswerColumns(fitted.taxonomy, AnswerOptions(objective="tree_distance"), "", "")
    assert "best_guess_path" in columns.names


def test_ids_in_csv_can_be_split_again():
    table = pa.table({"predicted_ids": [["A > B", "x, y"], None], "level_confidences": [[0.5], []]})
    rows = list(csv.reader(io.StringIO(encode(table, "csv").decode(), newline="")))
    assert rows[1:] == [['["A > B", "x, y"]', "0.500000"], ["", ""]]


def test_missing_columns_are_null_and_values_of_other_types_are_refused():
    schema = pa.schema([("x", pa.int64()), ("y", pa.string())])
    assert to_table({"x": [1]}, schema).to_pylist() == [{"x": 1, "y": None}]
    with pytest.raises(pa.ArrowInvalid):
        to_table({"x": ["a"]}, schema)


def test_guesses_are_the_most_likely_paths(small, rows, tmp_path):
    titles = [row.title for row in rows[300:340]]
    (tmp_path / "in.csv").write_text("title\n" + "\n".join(f'"{title}"' for title in titles) + "\n")
    scoring = ScoringConfig(objective="tree_distance")
    prodcat.score(small, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), scoring=scoring)
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        found = [row["best_guess_path"] for row in csv.DictReader(file)]
    coarse = small.predict(titles, objective="tree_distance")
    wanted = [
        "" if answer.path else " > ".join(best.path)
        for [answer], [best] in zip(coarse, small.predict(titles), strict=True)
    ]
    assert found == wanted and any(wanted)
