"""Titles to token ids."""

import pytest

from prodcat.errors import EncoderError
from prodcat.model.pretrained import load_encoder
from prodcat.model.tokenization import read_tokenizer, tokenize


def test_a_broken_tokenizer_is_named():
    with pytest.raises(EncoderError, match="x is not a readable tokenizer.json"):
        read_tokenizer("{}", "x")


def test_long_titles_are_cut_and_counted(encoder_folder):
    _, tokenizer = load_encoder(str(encoder_folder))
    table = tokenize(tokenizer, ["elma " * 50, "elma"], 8)
    assert table.lengths.tolist()[0] == 8 and table.truncated == 1
    assert len(tokenize(tokenizer, [], 8)) == 0
