"""Trimmed vocabularies give the same tokens for kept pieces and smaller pieces for others."""

import json

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from prodcat.demo.quick_commerce import generate
from prodcat.errors import ConfigError, EncoderError
from prodcat.model.vocabulary import choose_pieces, trim_tokenizer
from prodcat.model.vocabulary_report import vocabulary_report

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
    whole, texts = tokenizers[kind], titles[:40]
    kept = choose_pieces(whole, texts=texts)
    small = trim_tokenizer(whole, kept)
    assert small.get_vocab_size() == len(kept) < whole.get_vocab_size()
    for text in texts:
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
    most = choose_pieces(whole, texts=titles, max_pieces=50)
    least = choose_pieces(whole, texts=titles, max_pieces=1)
    assert len(least) < len(most) <= 50 + len(least)
    assert set(least.tolist()) <= set(most.tolist()), "special tokens and letters stay"


@pytest.mark.parametrize("kind", KINDS)
def test_choosing_and_reporting_leave_the_tokenizer_of_a_classifier_as_it_is(
    tokenizers, titles, kind
):
    whole = Tokenizer.from_str(tokenizers[kind].to_str())
    whole.enable_truncation(5)
    before = whole.to_str()
    kept = choose_pieces(whole, texts=titles[:40])
    assert kept.tolist() == choose_pieces(tokenizers[kind], texts=titles[:40]).tolist()
    report = vocabulary_report(whole, trim_tokenizer(whole, kept), 32, titles[:40])
    assert whole.to_str() == before
    assert report.languages[0].unchanged == 1.0, "the report is about whole texts"


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
