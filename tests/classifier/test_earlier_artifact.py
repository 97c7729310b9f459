"""An artifact of an earlier version, with the probabilities that this version gave."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import prodcat

ARCHIVE = Path(__file__).with_name("earlier_artifact.zip")


@pytest.fixture
def folder(tmp_path):
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_an_earlier_artifact_answers_as_it_did(folder):
    earlier = prodcat.load(str(folder / "artifact"), device="cpu")
    assert earlier.ngrams.version == 1 and earlier.weights.steps is None
    expected = json.loads((folder / "answers.json").read_text("utf-8"))
    found = earlier.predict_proba(expected["titles"])
    np.testing.assert_allclose(found, expected["probabilities"], atol=1e-6)


def test_an_earlier_artifact_keeps_its_files_when_it_is_saved_again(folder):
    stored = {path.name: path.read_bytes() for path in (folder / "artifact").iterdir()}
    del stored["manifest.json"]
    earlier = prodcat.load(str(folder / "artifact"), device="cpu")
    earlier.predict(["elma"])  # sets the tokenizer's limit, which its file has
    assert earlier.files() == stored
