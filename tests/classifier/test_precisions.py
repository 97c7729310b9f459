"""Precisions of the encoder: measured, picked, kept and refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import prodcat
from prodcat import ConfigError
from prodcat.model.int8 import Ranges
from prodcat.model.precisions import encoder_form

pytestmark = pytest.mark.cpu


def with_reader(classifier, **changes):
    return replace(classifier, reader=replace(classifier.reader, **changes))


def test_int8_is_measured_kept_and_refused_where_it_is_not(classifier, parts, tmp_path):
    texts = parts.validation.titles[:60]
    wanted = classifier.predict(texts, precision="int8")
    classifier.save(tmp_path / "model")
    again = prodcat.load(str(tmp_path / "model"), device="cpu")
    assert again.predict(texts, precision="int8") == wanted
    assert again.content_hash == classifier.content_hash
    same = [a[0].path == b[0].path for a, b in zip(wanted, classifier.predict(texts), strict=True)]
    assert np.mean(same) > 0.9
    without = with_reader(classifier, ranges=None)
    with pytest.raises(ConfigError, match=r"Measure them with with_precisions"):
        without.predict(texts, precision="int8")
    assert "int8" in without.with_precisions(parts.validation).reader.accuracies
    wrong = with_reader(classifier, ranges=Ranges(torch.ones(1, 3, 4), torch.ones(1, 4)))
    wrong.save(tmp_path / "wrong")
    with pytest.raises(prodcat.ArtifactError, match="belong to another encoder"):
        prodcat.load(str(tmp_path / "wrong"), device="cpu")


def test_precisions_are_measured_on_so_many_titles_at_most(classifier, parts, monkeypatch):
    monkeypatch.setattr("prodcat.classifier.calibrating._MOST_MEASURED", 40)
    measured = classifier.with_precisions(parts.validation, {"float32": 2.0}).reader.accuracies
    rows = np.linspace(0, len(parts.validation) - 1, 40).astype(int)
    some = parts.validation.take(rows)
    assert measured["float32"] == classifier.evaluate(some).path_accuracy


def test_the_fastest_precision_that_is_as_good_is_picked(classifier, parts, monkeypatch):
    def picked(measured, first, promised=False):
        monkeypatch.setattr("prodcat.classifier.reader.fastest", lambda device: first)
        own = with_reader(classifier, accuracies=measured)
        return own.pick_precision("auto", promised)

    half_first = ("bfloat16", "int8", "float32")
    assert picked({"float32": 0.9, "bfloat16": 0.899}, half_first) == "bfloat16"
    assert picked({"float32": 0.9, "bfloat16": 0.8989}, half_first) == "float32"
    assert picked({"float32": 0.9, "bfloat16": 0.95}, half_first, promised=True) == "float32"
    assert picked({"float32": 0.9, "bfloat16": 0.95}, half_first[::-1]) == "float32"
    assert picked({"float32": 0.9, "bfloat16": 0.8, "int8": 0.9}, half_first) == "int8"
    assert picked({}, half_first) == "float32", "nothing was measured"
    assert classifier.pick_precision("bfloat16", promised=True) == "bfloat16"
    in_training = classifier.reader.accuracies
    assert set(in_training) == set(half_first)
    assert in_training["float32"] == classifier.validation.path_accuracy
    measured = classifier.with_precisions(parts.test).reader.accuracies
    assert set(measured) == set(half_first)
    assert measured["float32"] == classifier.evaluate(parts.test, cascade="off").path_accuracy


def test_what_a_precision_loses_is_expected_by_the_probabilities_of_float32(classifier, parts):
    measured = classifier.with_precisions(parts.test).reader.accuracies
    titles = parts.test.titles
    exact = classifier.predict_proba(titles)
    for name in ("bfloat16", "int8"):
        other = classifier.predict_proba(titles, precision=name)
        picked = np.take_along_axis(exact, other.argmax(axis=1)[:, None], axis=1)[:, 0]
        lost = (exact.max(axis=1) - picked).mean()
        assert 0 <= lost < 0.01
        assert measured[name] == pytest.approx(measured["float32"] - lost, abs=1e-6)


def test_an_encoder_is_packed_once_and_not_kept_in_a_copy(classifier, monkeypatch):
    import pickle

    made = []

    def make(*arguments):
        made.append(arguments[1])
        return encoder_form(*arguments)

    monkeypatch.setattr("prodcat.classifier.reader.encoder_form", make)
    own = with_reader(classifier)
    wanted = own.predict(["sut", "ekmek"])
    assert own.predict(["sut", "ekmek"]) == wanted and made == ["float32"]
    again = pickle.loads(pickle.dumps(own))
    assert again.predict(["sut", "ekmek"]) == wanted and made == ["float32"] * 2
    own.predict(["sut"], precision="bfloat16")
    assert made == ["float32", "float32", "bfloat16"]
    assert own.content_hash == classifier.content_hash != classifier.uncalibrated().content_hash
