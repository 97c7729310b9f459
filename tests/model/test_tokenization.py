"""From titles to token ids."""

import threading

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


def test_threads_with_other_limits_do_not_change_each_others_tokens(encoder_folder):
    _, tokenizer = load_encoder(str(encoder_folder))
    lengths: dict[int, set[int]] = {8: set(), 16: set()}

    def run(limit):
        for _ in range(3):  # each in several batches
            lengths[limit] |= set(tokenize(tokenizer, ["elma " * 20] * 5_000, limit).lengths)

    threads = [threading.Thread(target=run, args=[limit]) for limit in lengths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == {8: {8}, 16: {16}}
