"""The search for the fewest words without which an answer changes."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodcat.catalog.fields import join_fields
from prodcat.classifier.explanation.deletions import DeletionSearch
from prodcat.classifier.explanation.shortened import TitleWords
from prodcat.classifier.explanation.word_values import MOST_GROUPS, word_groups, word_values
from prodcat.model.named_ngrams import TextWord, text_words


def title_of(count):
    words = tuple(TextWord(f"w{number}") for number in range(count))
    return TitleWords(" ".join(word.text for word in words), words)


def search_of(title, changing, most=256):
    """A search where an answer changes if the deleted words are one of some sets."""
    every = {word.text for word in title.words}

    def deleted(text):
        return frozenset(every - set(text.split()))

    def effects(texts):
        return [
            -1.0 if deleted(text) in changing else 1 / (1 + len(deleted(text))) for text in texts
        ]

    return DeletionSearch(title, effects, lambda text: deleted(text) in changing, most)


subsets = st.frozensets(st.integers(0, 5).map("w{}".format), min_size=1, max_size=5)


@given(st.frozensets(subsets, max_size=6), st.permutations(range(6)))
def test_the_smallest_deletion_is_that_of_all(changing, order):
    title = title_of(6)
    search = search_of(title, changing)
    found = search.smallest([float(number) for number in order])
    if not changing:
        assert found is None and search.exhaustive and search.tried == 2**6 - 2
        return
    assert found is not None and found.is_smallest
    deleted = {word.text for word, keep in zip(title.words, found.keeps, strict=True) if not keep}
    assert deleted in changing and len(deleted) == min(map(len, changing))


@given(subsets, st.permutations(range(6)))
def test_where_not_all_can_be_tried_one_that_changes_is_shortened(core, order):
    """Every deletion of at least these words changes the answer."""
    title = title_of(6)
    words = [word.text for word in title.words]
    changing = {
        frozenset(chosen)
        for size in range(1, 6)
        for chosen in combinations(words, size)
        if core <= set(chosen)
    }
    search = search_of(title, changing, most=8)
    found = search.smallest([float(number) for number in order])
    if found is None:  # it was not among those that were tried
        assert not search.exhaustive
        return
    deleted = {word.text for word, keep in zip(title.words, found.keeps, strict=True) if not keep}
    assert deleted in changing
    assert not found.is_smallest or len(deleted) == len(core)
    assert found.is_smallest or not search.exhaustive


def test_an_answer_that_only_seems_to_change_is_not_told():
    title = title_of(3)
    search = DeletionSearch(title, lambda texts: [-1.0] * len(texts), lambda text: False, 256)
    assert search.smallest([1.0, 2.0, 3.0]) is None and search.tried == 6


def test_a_word_of_the_title_stays():
    text = join_fields(["oat milk", "Oatly"])
    title = TitleWords(text, text_words(text, 3, 1))
    seen = []
    search = DeletionSearch(
        title, lambda texts: [seen.append(t) or 1.0 for t in texts], lambda text: False, 256
    )
    search.smallest([0.0, 0.0, 0.0])
    assert len(seen) == 5 and join_fields(["", "Oatly"]) not in seen
    assert join_fields(["milk", ""]) in seen and join_fields(["oat", "Oatly"]) in seen


def test_a_title_of_one_word_has_no_deletion():
    search = search_of(title_of(1), {frozenset(["w0"])})
    assert search.smallest([1.0]) is None and search.exhaustive and search.tried == 0


@given(st.integers(1, 60), st.integers(0, 100))
def test_values_of_words_add_up_to_what_the_encoder_contributes(count, seed):
    title = title_of(count)
    random = np.random.default_rng(seed)
    table = {}

    def scores(texts):
        return np.stack([table.setdefault(text, random.normal(size=4)) for text in texts])

    weights = random.normal(size=(3, 4))
    values = word_values(title, weights, scores)
    assert values.shape == (3, count)
    np.testing.assert_allclose(values.sum(axis=1), weights @ (table[title.text] - table[""]))
    assert len(table) <= 2 * min(count, MOST_GROUPS) + 2
    groups = word_groups(count)
    assert np.concatenate(groups).tolist() == list(range(count)) and len(groups) <= MOST_GROUPS


def test_a_sum_over_words_is_found_exactly():
    title = title_of(5)
    worth = {word.text: float(number**2) for number, word in enumerate(title.words)}

    def scores(texts):
        return np.array([[sum(worth[word] for word in text.split())] for text in texts])

    assert word_values(title, np.ones((1, 1)), scores)[0].tolist() == pytest.approx(
        [0.0, 1.0, 4.0, 9.0, 16.0]
    )
