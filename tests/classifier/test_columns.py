"""Further columns: as fields of their own, in artifacts, and missing where answers are wanted."""

import json
import logging

import hostile
import numpy as np
import pandas as pd
import pytest

import prodcat
from prodcat import ArtifactError, CatalogError, ModelConfig, read_catalog
from prodcat.aws.sagemaker import input_fn, model_fn, output_fn, predict_fn
from prodcat.scoring.spark import map_in_pandas

WORDS = ["apple", "sun", "moon", "river"]


@pytest.fixture(scope="module")
def table():
    """The category depends on the brand and the price alone."""
    rng = np.random.default_rng(0)
    rows = []
    for row in range(400):
        brand, price = WORDS[row % 2], float(rng.integers(100, 1000)) / 100
        path = ["Food" if brand == "apple" else "Home", "dear" if price > 5 else "cheap"]
        title = f"{WORDS[1 - row % 2]} {WORDS[rng.integers(4)]} {row}"
        rows.append({"title": title, "brand": brand, "price": f"{price:.2f} €", "path": path})
    return rows


@pytest.fixture(scope="module")
def fitted(table):
    catalog = read_catalog(table, text=["brand", "price"])
    return prodcat.fit(catalog, model=ModelConfig(encoder=None), progress=False)


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("columns") / "model"
    fitted.save(str(folder))
    return folder


def test_numbers_and_brands_are_evidence(table, fitted):
    assert [field.kind for field in fitted.ngrams.fields] == ["text", "number"]
    new = [{**row, "title": "new"} for row in table]
    assert fitted.evaluate(read_catalog(new, text=["brand", "price"])).path_accuracy > 0.9


def test_an_artifact_has_the_fields(fitted, saved, table):
    loaded = prodcat.load(str(saved), device="cpu")
    assert loaded.ngrams.fields == fitted.ngrams.fields and loaded.ngrams.version == 3
    catalog = read_catalog(table[:50], text=["brand", "price"], path=None)
    assert (loaded.predict_proba(catalog) == fitted.predict_proba(catalog)).all()
    assert "Further columns: `brand` (text), `price` (number)." in (saved / "README.md").read_text()


def test_without_further_columns_an_artifact_is_as_before(small, tmp_path):
    small.save(str(tmp_path / "model"))
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["ngrams"] == 2 and "fields" not in config


@pytest.mark.parametrize(
    "change",
    [{"fields": None}, {"fields": []}, {"fields": [{"kind": "text"}]}, {"ngrams": 2}],
)
def test_fields_that_contradict_the_artifact_are_refused(fitted, tmp_path, change):
    fitted.save(str(tmp_path / "model"))
    config = tmp_path / "model/config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    hostile.vouch(tmp_path / "model")
    with pytest.raises(ArtifactError, match="not as prodcat writes them"):
        prodcat.load(str(tmp_path / "model"), device="cpu")


def test_a_missing_column_is_said_once_and_read_as_empty(saved, table, caplog):
    loaded = prodcat.load(str(saved), device="cpu")
    empty = [{**row, "price": None} for row in table[:30]]
    wanted = loaded.predict_proba(read_catalog(empty, text=["brand", "price"], path=None))
    with caplog.at_level(logging.WARNING, "prodcat"):
        for _ in range(3):
            without = read_catalog(table[:30], text=["brand"], path=None)
            assert (loaded.predict_proba(without) == wanted).all()
    assert [record.getMessage() for record in caplog.records if "price" in record.getMessage()] == [
        "This classifier was trained with the text columns ['brand', 'price']; ['price'] is "
        "missing here and read as empty, which costs accuracy. Give tables these columns, and "
        "read a catalog with them as text=."
    ]


def test_files_and_frames_without_a_column_are_answered(saved, table, tmp_path):
    loaded = prodcat.load(str(saved), device="cpu")
    frame = pd.DataFrame({name: [row[name] for row in table[:20]] for name in ("title", "brand")})
    catalog = read_catalog(frame, text=["brand"], path=None)
    wanted = [" > ".join(best.path) for [best] in loaded.predict(catalog)]
    frame.to_csv(tmp_path / "in.csv", index=False)
    prodcat.score(loaded, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))
    assert pd.read_csv(tmp_path / "out.csv")["predicted_path"].tolist() == wanted
    [answered] = map_in_pandas(str(saved), device="cpu")(iter([frame]))
    assert answered["predicted_path"].tolist() == wanted
    with pytest.raises(CatalogError, match="no column 'price'"):
        named = prodcat.ScoringConfig(text=["brand", "price"])
        prodcat.score(loaded, str(tmp_path / "in.csv"), str(tmp_path / "no.csv"), scoring=named)


def test_bodies_of_requests_may_lack_columns_in_all_rows_or_in_some(saved, table):
    loaded = prodcat.load(str(saved), device="cpu")
    for rows in (
        [{"title": row["title"]} for row in table[:4]],
        [{"title": "moon", "brand": "sun"}, {"title": "moon", "price": "9.50"}, {"title": "moon"}],
    ):
        columns = {name: [row.get(name) for row in rows] for name in ("title", "brand", "price")}
        catalog = read_catalog(columns, text=["brand", "price"], path=None)
        wanted = [best.node_id for [best] in loaded.predict(catalog)]
        body = json.dumps({"instances": rows})
        answers = predict_fn(input_fn(body, "application/json"), model_fn(str(saved)))
        found = json.loads(output_fn(answers, "application/json"))["predictions"]
        assert [answer["id"] for answer in found] == wanted
