"""The ONNX graph answers as the classifier does."""

import json
import sys

import numpy as np
import onnxruntime
import pytest

import prodcat
from prodcat import ArtifactError, ConfigError, Store
from prodcat.catalog.fields import are_titles_alone
from prodcat.classifier.onnx_export import export_onnx, lexical_margins
from prodcat.cli.command import main
from prodcat.decisions.weights import Weights
from prodcat.model.tokenization import tokenize


def answers(folder, classifier, titles):
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    table = tokenize(classifier.tokenizer, titles, classifier.model.max_tokens)
    ids, mask = table.pad(np.arange(len(titles)), 0)
    feeds = {
        "input_ids": ids.numpy(),
        "attention_mask": mask.long().numpy(),
        "margins": lexical_margins(classifier, titles),
        "titles_alone": are_titles_alone(titles),
    }
    known = {own.name for own in session.get_inputs()}
    assert ("titles_alone" in known) is (classifier.reader.title_branch is not None)
    [found] = session.run(None, {name: own for name, own in feeds.items() if name in known})
    return np.exp(found)


def test_the_graph_answers_as_the_classifier_does(classifier, parts, tmp_path):
    assert export_onnx(classifier, str(tmp_path)) < 1e-4
    titles = parts.test.titles[:100]
    found = answers(tmp_path, classifier, titles)
    outcomes = json.loads((tmp_path / "outcomes.json").read_text())
    assert [own["id"] for own in outcomes] == [
        classifier.taxonomy.ids[node] for node in classifier.taxonomy.outcomes
    ]
    paths = [outcomes[best]["path"] for best in found.argmax(axis=1)]
    wanted = classifier.predict(titles)
    assert [tuple(path) for path in paths] == [own[0].path for own in wanted]
    confidence = np.array([own[0].confidence for own in wanted])
    np.testing.assert_allclose(found.max(axis=1), confidence, atol=1e-4)


@pytest.mark.parametrize("structure", ["flat", "per_level"])
def test_other_structures_without_ngrams(parts, encoder_folder, tmp_path, structure):
    fitted = prodcat.fit(
        parts.train,
        model=prodcat.ModelConfig(encoder=str(encoder_folder), structure=structure, lexical=False),
        training=prodcat.TrainingConfig(epochs=0),
        progress=False,
    )
    assert export_onnx(fitted.uncalibrated(), str(tmp_path)) < 1e-4
    titles = parts.test.titles[:20]
    found = answers(tmp_path, fitted, titles)
    assert found.shape == (20, len(fitted.taxonomy.outcomes))


def test_rows_with_and_without_columns(rows, encoder_folder, tmp_path):
    table = [
        {"title": row.title, "path": list(row.path), "first": row.path[0]} for row in rows[:200]
    ]
    fitted = prodcat.fit(
        prodcat.read_catalog(table, text=["first"]),
        model=prodcat.ModelConfig(encoder=str(encoder_folder)),
        training=prodcat.TrainingConfig(epochs=0, baseline=False),
        progress=False,
    )
    assert export_onnx(fitted, str(tmp_path)) < 1e-4
    asked = [
        {**row, "first": row["first"] if number % 2 else ""} for number, row in enumerate(table)
    ]
    catalog = prodcat.read_catalog(asked[:30], text=["first"])
    found = answers(tmp_path, fitted, fitted.texts_of(catalog))
    np.testing.assert_allclose(found, fitted.predict_proba(catalog), atol=1e-4)


def test_a_graph_that_answers_otherwise_is_not_written(classifier, tmp_path, monkeypatch):
    weights = classifier.weights
    other = Weights(weights.evidence * 2, weights.levels, weights.sharpness)
    make = prodcat.classifier.onnx_export._export

    def export(graph, own, path):
        graph.weights = other
        make(graph, own, path)

    monkeypatch.setattr("prodcat.classifier.onnx_export._export", export)
    with pytest.raises(ArtifactError, match="probabilities differ by .* Nothing was written"):
        export_onnx(classifier, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_what_has_no_encoder_or_packages(small, classifier, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="has no encoder, so there is no graph to export"):
        export_onnx(small, str(tmp_path))
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"pip install 'prodcat\[onnx\]'"):
        export_onnx(classifier, str(tmp_path))


def test_on_the_command_line(classifier, tmp_path, capsys):
    store = Store(str(tmp_path / "store"))
    store.publish(classifier.with_origin(None), "tr", alias="production")
    out = tmp_path / "out"
    command = ["models", "export", "tr@production", str(out), "--onnx", "--store", store.uri]
    assert main(command) == 0
    assert "probabilities differ by" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {
        "model.onnx", "outcomes.json", "tokenizer.json",
    }  # fmt: skip
