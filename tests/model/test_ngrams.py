"""From titles to n-grams."""

import itertools

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from prodcat.model import ngrams as module
from prodcat.model.ngrams import CountedNGrams, NGrams


def words_of(text):
    """Words, pairs of words, and the first and the last word once more."""
    words = text.split()
    pairs = [" ".join(pair) for pair in itertools.pairwise(words)]
    return [*words, *pairs, f"^{words[0]}", f"{words[-1]}$"]


def test_character_and_word_ngrams_are_those_of_scikit_learn():
    """Equal counts of distinct n-grams per title, and equal tf-idf weights."""
    texts = ["Pınar Süt 1 L", "sut sut sut", "Ekmek", "tam buğday ekmeği", "x"]
    _, features = NGrams.fit(texts, (2, 4), 10_000)
    folded = ["pinar sut 1 l", "sut sut sut", "ekmek", "tam bugday ekmegi", "x"]
    words = TfidfVectorizer(analyzer=words_of, sublinear_tf=True).fit_transform(folded)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    letters = letters.fit_transform(folded)
    for row in range(len(texts)):
        expected = np.concatenate([words[row].data, letters[row].data])
        np.testing.assert_allclose(np.sort(features.matrix[row].data), np.sort(expected), rtol=1e-4)


def test_features_do_not_depend_on_the_batch():
    texts = [f"brand {i % 7} süt {i} ml" for i in range(50)]
    ngrams, features = NGrams.fit(texts, (2, 4), 10_000)
    for row in (0, 13, 49):
        alone, together = ngrams([texts[row]]).matrix, features.take(np.array([row])).matrix
        np.testing.assert_array_equal(alone.indices, together.indices)
        np.testing.assert_array_equal(alone.data, together.data)
    many = ngrams(texts * 100).matrix  # more than are hashed together
    assert many.shape == (5_000, len(ngrams.hashes)) and many.dtype == np.float32
    assert (many[4_950:] != features.matrix).nnz == 0
    assert len(ngrams([])) == 0
    assert len(ngrams(["", "qqq", "süt"])) == 3


def test_the_rarest_ngrams_go_first():
    texts = ["milk"] * 9 + ["rare"]
    ngrams, features = NGrams.fit(texts, (2, 4), 5)
    assert len(ngrams.hashes) == 5
    assert features.matrix[9].nnz == 0


def test_counts_do_not_depend_on_how_many_texts_are_read_at_a_time(monkeypatch):
    """Also the n-grams that are kept where several are as rare."""
    texts = [f"brand {i % 7} süt süt {i * 7919 % 101} ml" for i in range(50)] + ["", "ayran"]
    sizes = []
    together = CountedNGrams.of(texts, (2, 4), 120, counted=sizes.append)
    monkeypatch.setattr(module, "_CHUNK", 9)
    apiece = CountedNGrams.of(texts, (2, 4), 120, counted=sizes.append)
    assert sizes == [52, 9, 9, 9, 9, 9, 7]
    np.testing.assert_array_equal(together.hashes, apiece.hashes)
    np.testing.assert_array_equal(together.logs.toarray(), apiece.logs.toarray())
    assert len(together.hashes) == 120 and together.logs.has_sorted_indices
    assert together.logs.dtype == np.float32 and together.logs.shape == (52, 120)
