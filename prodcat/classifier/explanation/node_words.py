"""The words that speak for a category and against it, and the categories that are most like it.

The n-grams of a vocabulary are known by their hashes alone, so the names of words come from
somewhere else: from the titles of a catalog, or from the names of the tree and the words of the
encoder's vocabulary, of which those are kept that training titles had.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prodcat.classifier.explanation.node_explanation import NodeWord
from prodcat.model.hashing import hash_pieces, in_group, pieces_of, words_of
from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import NGrams, find_sorted
from prodcat.model.piece_scores import PieceScorer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CHUNK = 4_096  # words that are scored together
_WORD_STARTS = ("▁", "Ġ")  # which mark the first piece of a word in vocabularies of encoders
_CONTINUED = "##"
_FEWEST_LETTERS = 2

Floats = NDArray[np.float64]


def words_of_texts(texts: Iterable[str], version: int) -> list[set[str]]:
    """The distinct words of each text, as n-grams of this version read them."""
    return [
        {word for piece in pieces_of(text, version) for word in words_of(piece, version)}
        for text in texts
    ]


def words_of_vocabulary(tokenizer: "Tokenizer | None") -> list[str]:
    """The word pieces of a tokenizer that are whole words or their beginnings."""
    pieces = [] if tokenizer is None else list(tokenizer.get_vocab(with_added_tokens=False))
    if any(piece.startswith(_WORD_STARTS) for piece in pieces):
        return [piece[1:] for piece in pieces if piece.startswith(_WORD_STARTS)]
    return [piece for piece in pieces if not piece.startswith(_CONTINUED)]


def known_words(ngrams: NGrams, candidates: Iterable[str]) -> list[str]:
    """The candidates that a vocabulary of n-grams has as words of titles, without repetitions.

    Args:
        ngrams: The vocabulary.
        candidates: Words in any spelling.
    """
    folded = words_of_texts(candidates, ngrams.version)
    words = [word for word in dict.fromkeys(chain.from_iterable(folded)) if _tells(word)]
    _, (row, hashes) = hash_pieces(words, ngrams.characters, ngrams.version)
    hashes = in_group(hashes & ~(np.uint64(1) << np.uint64(63)), 0, ngrams.fields)
    _, known = find_sorted(ngrams.hashes, hashes)
    return [words[place] for place in np.unique(row[known]).tolist()]


def _tells(word: str) -> bool:
    return len(word) >= _FEWEST_LETTERS and not word.isdecimal()


def word_weights(
    scorer: PieceScorer, bias: Floats, words: Sequence[str], columns: Sequence[int]
) -> Floats:
    """What titles of one word have in scores, beyond titles without words, float64 [word].

    Args:
        scorer: The scorer of n-grams.
        bias: float64 [choice]: the scores of a title without words.
        words: The words.
        columns: The choices whose scores are averaged.
    """
    weights = np.zeros(len(words))
    chosen = list(columns)
    for start in range(0, len(words), _CHUNK):
        part = slice(start, start + _CHUNK)
        scores = scorer.scores(scorer(words[part]))[:, chosen].double().numpy()
        weights[part] = (scores - bias[chosen]).mean(axis=1)
    return weights


def strongest_words(
    words: Sequence[str], weights: Floats, counts: Counter[str] | None, most: int
) -> tuple[list[NodeWord], list[NodeWord]]:
    """The words that speak most strongly for a category, and those against it.

    Args:
        words: The words.
        weights: float64 [word]: their weights.
        counts: The number of titles of the category with each word, or None without a catalog.
        most: The largest number of words of each kind.
    """

    def chosen(order: NDArray[np.int64], sign: int) -> list[NodeWord]:
        return [
            NodeWord(
                words[row], float(weights[row]), None if counts is None else counts[words[row]]
            )
            for row in order[:most].tolist()
            if sign * weights[row] > 0
        ]

    order = np.argsort(-weights, kind="stable")
    return chosen(order, 1), chosen(order[::-1], -1)


def column_likeness(branch: LexicalBranch, column: int, others: Sequence[int]) -> Floats:
    """How alike the words are that speak for categories, float64 [other]: cosines, 0 to 1.

    What speaks against a category is left out: it is what speaks for those like it.

    Args:
        branch: The map from n-grams to scores.
        column: The choice of a category.
        others: The choices of other categories.
    """
    feature, outcome, value = branch.entries()
    positive = value > 0
    feature, outcome, weight = feature[positive], outcome[positive], value[positive].astype(float)
    of_column = np.zeros(len(branch.offsets) - 1)
    mine = outcome == column
    of_column[feature[mine]] = weight[mine]
    size = len(branch.bias)
    products = np.bincount(outcome, weight * of_column[feature], size)
    lengths = np.sqrt(np.bincount(outcome, weight**2, size))
    cosines: Floats = products / np.maximum(lengths * lengths[column], 1e-12)
    return cosines[list(others)]
