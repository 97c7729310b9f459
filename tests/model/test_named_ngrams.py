"""The n-grams of a text get the names of the letters and words that were hashed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodcat.catalog.fields import join_fields
from prodcat.model.named_ngrams import NamedNGram, named_features, text_words
from prodcat.model.ngrams import NGrams

TITLES = [
    "Crème  brûlée, 250&nbsp;g",
    "<b>Oat milk</b> l'oréal",
    "milk milk MILK 2x½ l",
    '<a href="x y">Brot</a> frisch',
    "x",
    "",
    "ｶﾞﾑ ¨ … Ünlü 100 % süt",
]
letters = st.text(st.sampled_from("aé½…¨ <>&;b'1\u0301ß\u00a0.|中"), max_size=24)


def names_of(features):
    return {(each.name, each.kind): row for row, each in enumerate(features.ngrams)}


def test_every_n_gram_of_a_title_has_its_name_and_its_words():
    ngrams, fitted = NGrams.fit(TITLES, (2, 4), 100_000)
    for row, title in enumerate(TITLES):
        [named] = named_features(ngrams, [title])
        assert len(named.ngrams) == fitted.matrix[row].nnz
        np.testing.assert_array_equal(named.columns, fitted.matrix[row].indices)
        np.testing.assert_array_equal(named.values, fitted.matrix[row].data)
        assert NamedNGram("(another n-gram)", "letters") not in named.ngrams
        np.testing.assert_allclose(named.shares.toarray().sum(axis=1), 1.0)


def test_a_name_is_that_of_the_only_text_with_this_n_gram():
    """The n-gram of a name has the column that a title of this word alone has."""
    ngrams, _ = NGrams.fit(["olive oil", "tomato soup"], (2, 4), 1_000)
    [named] = named_features(ngrams, ["olive oil"])
    [alone] = named_features(ngrams, ["oil"])
    whole, word = names_of(named), names_of(alone)
    for key in ((" oil", "letters"), ("oil", "word"), ("oil", "last word"), ("oi", "letters")):
        assert named.columns[whole[key]] == alone.columns[word[key]]
    pair = whole["olive oil", "words"]
    assert named.shares[pair].toarray()[0].tolist() == [0.5, 0.5]
    assert named.shares[whole["oil ", "letters"]].toarray()[0].tolist() == [0.0, 1.0]
    assert named.shares[whole["olive", "first word"]].toarray()[0].tolist() == [1.0, 0.0]


def test_an_n_gram_of_several_words_is_shared_by_how_often_each_has_it():
    ngrams, _ = NGrams.fit(["nana na"], (2, 2), 1_000)
    [named] = named_features(ngrams, ["nana na"])
    row = names_of(named)["na", "letters"]
    np.testing.assert_allclose(named.shares[row].toarray()[0], [2 / 3, 1 / 3])


def test_markup_that_spans_words_is_cleaned_first():
    words = [word.text for word in text_words('<a href="x y">Brot</a> frisch')]
    assert words == ["Brot", "frisch"]
    assert [word.text for word in text_words("Cr&egrave;me  250 g")] == ["Cr&egrave;me", "250", "g"]


def test_fields_have_n_grams_and_words_of_their_places():
    prices = [f"{number}.5 €" for number in range(40)]
    texts = [join_fields(["Oat milk", "Oatly", price]) for price in prices]
    ngrams, fitted = NGrams.fit(texts, (2, 4), 10_000)
    assert [field.kind for field in ngrams.fields] == ["text", "number"]
    [named] = named_features(ngrams, texts[7:8])
    assert [(word.text, word.place) for word in named.words] == [
        ("Oat", 0), ("milk", 0), ("Oatly", 1), ("7.5", 2), ("€", 2),
    ]  # fmt: skip
    assert len(named.ngrams) == fitted.matrix[7].nnz
    numbers = [row for row, each in enumerate(named.ngrams) if each.kind == "number"]
    assert len(numbers) == 3
    assert all(named.shares[row].toarray()[0].tolist() == [0, 0, 0, 0.5, 0.5] for row in numbers)
    assert {each.place for each in named.ngrams if each.name == "oatly"} == {1}
    spans = {named.ngrams[row].name for row in numbers}
    assert any(name.startswith("above 5") or name.startswith("above 7") for name in spans), spans


def test_texts_of_earlier_versions_are_read_with_their_columns_in_one_line():
    text = join_fields(["Oat milk", "", "Oatly"])
    ngrams, _ = NGrams.fit(["Oat milk | Oatly"], (2, 4), 1_000)
    [named] = named_features(ngrams, [text])
    assert [(word.text, word.place) for word in named.words] == [
        ("Oat", 0), ("milk", 0), ("Oatly", 2),
    ]  # fmt: skip
    names = names_of(named)
    assert ("milk oatly", "words") in names and (" |", "letters") in names
    np.testing.assert_allclose(named.shares.toarray().sum(axis=1), 1.0)


@given(letters)
@pytest.mark.parametrize("version", [1, 2])
def test_any_text_has_names_for_all_its_n_grams(version, text):
    fitted, _ = NGrams.fit([text], (2, 4), 10_000)
    if version == 1:
        fitted = NGrams(fitted.hashes, fitted.idf, fitted.characters, 1)
    [named] = named_features(fitted, [text])
    assert len(named.ngrams) == fitted([text]).matrix.nnz
    assert all(each.name != "(another n-gram)" for each in named.ngrams)
