"""The words of two tables: how rare they are, and which of them are alike."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.matching.search import nearest
from prodcat.matching.words import CODE, kind_of

_LEAST_ALIKE = 0.55  # cosine of the letters of two words
_ALIKE = 10  # words that are kept for each word
_MOST_SOFT = 0.95  # how much words count as the same that are not
_LEAST_SOFT = 0.5
_SHORTEST = 3  # letters of a word that may be cut short
_SHORTEST_CODE = 5
_SHORTEST_JOINED = 4
_MOST_JOINED = 3  # words that are written as one


@dataclass(frozen=True)
class Vocabulary:
    """All words of two tables.

    Attributes:
        places: The number of each word.
        rarity: How rare each word is, float [words], from 0 (in every title) to about 1.
        kinds: The kind of each word, int [words].
        alike: How much words count as the same, sparse [words, words], 0 to 1.
        parts: The words of which a word consists, sparse [words, words].
    """

    places: Mapping[str, int]
    rarity: NDArray[np.float32]
    kinds: NDArray[np.int64]
    alike: Any
    parts: Any

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> "Vocabulary":
        """The vocabulary of the words of each row of both tables."""
        counts = Counter(chain.from_iterable(map(set, documents)))
        names = sorted(counts)
        places = {name: place for place, name in enumerate(names)}
        total = len(documents) + 1
        shares = np.array([total / (counts[name] + 0.5) for name in names], np.float64)
        rarity = np.maximum(np.log(shares) / np.log(max(total, 3)), 0.0).astype(np.float32)
        kinds = np.array([kind_of(name) for name in names], np.int64)
        return cls(places, rarity, kinds, _alike(names), _parts(documents, places))

    def matrix(self, documents: Sequence[Sequence[str]]) -> Any:
        """Which words each document has, sparse [documents, words]."""
        from scipy.sparse import csr_matrix

        places: list[int] = []
        ends = [0]
        for document in documents:
            places += sorted({self.places[word] for word in document if word in self.places})
            ends.append(len(places))
        ones = np.ones(len(places), np.float32)
        shape = (len(documents), len(self.places))
        return csr_matrix((ones, np.array(places, np.int64), np.array(ends, np.int64)), shape)

    def covered(self, documents: Sequence[Sequence[str]]) -> Any:
        """How much each document has of each word, also in other forms, sparse [documents, words].

        A word is covered by itself, by words that are alike, by the word that it begins, and by
        the same letters written as several words or as one.
        """
        words = self.matrix(documents)
        compounds = self.matrix([list(_compounds(each)) for each in documents])
        covered = ((words + compounds).minimum(1) @ self.alike).maximum(words @ self.parts).tocsr()
        covered.data = np.minimum(covered.data, 1.0)
        covered.data[covered.data < _LEAST_SOFT] = 0.0
        covered.eliminate_zeros()
        return covered


def _compounds(document: Sequence[str]) -> Iterator[str]:
    """The words that neighbours give when they are written as one."""
    for size in range(2, _MOST_JOINED + 1):
        for start in range(len(document) - size + 1):
            word = "".join(document[start : start + size])
            if len(word) >= _SHORTEST_JOINED:
                yield word


def _parts(documents: Sequence[Sequence[str]], places: Mapping[str, int]) -> Any:
    """For each word, the neighbours that some document writes apart, sparse [words, words]."""
    from scipy.sparse import csr_matrix

    pairs: set[tuple[int, int]] = set()
    for document in documents:
        for size in range(2, _MOST_JOINED + 1):
            for start in range(len(document) - size + 1):
                parts = document[start : start + size]
                word = "".join(parts)
                if len(word) >= _SHORTEST_JOINED and (place := places.get(word)) is not None:
                    pairs.update((place, places[part]) for part in parts)
    return (
        _matrix(sorted(pairs), [1.0] * len(pairs), len(places))
        if pairs
        else csr_matrix((len(places), len(places)), dtype=np.float32)
    )


def _alike(names: Sequence[str]) -> Any:
    """How much words count as the same: the same letters, or one is the beginning of the other."""
    from scipy.sparse import identity

    pairs: list[tuple[int, int]] = []
    values: list[float] = []
    for one, other, value in chain(_by_letters(names), _by_beginning(names)):
        pairs += [(one, other), (other, one)]
        values += [value, value]
    soft = _matrix(pairs, values, len(names))
    soft.data = np.minimum(soft.data, _MOST_SOFT)
    return soft.maximum(identity(len(names), np.float32, format="csr")).tocsr()


def _by_letters(names: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    letters = [n for n, name in enumerate(names) if name.isalpha() and len(name) >= _SHORTEST]
    if not letters:
        return
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), dtype=np.float32)
    matrix = grams.fit_transform([names[place] for place in letters])
    rows, columns, values = nearest(matrix, matrix, _ALIKE, least=_LEAST_ALIKE)
    for row, column, value in zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True):
        if row < column:
            yield letters[row], letters[column], min(1.15 * value, 1.0)


def _by_beginning(names: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Words that are cut short, and codes of which one goes on; ``names`` are sorted."""
    starts: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        if len(name) >= _SHORTEST:
            starts[name[:_SHORTEST]].append(place)
    for places in starts.values():
        for number, one in enumerate(places):
            short = names[one]
            is_code = kind_of(short) == CODE and len(short) >= _SHORTEST_CODE
            if not is_code and not short.isalpha():
                continue
            for other in places[number + 1 :]:
                long = names[other]
                if not long.startswith(short):
                    break
                share = len(short) / len(long)
                if is_code:
                    yield one, other, 0.5 + 0.5 * share
                elif long.isalpha():
                    yield one, other, 0.6 + 0.4 * share


def _matrix(pairs: Sequence[tuple[int, int]], values: Sequence[float], size: int) -> Any:
    """A sparse matrix with the largest value of each pair."""
    from scipy.sparse import csr_matrix

    best: dict[tuple[int, int], float] = {}
    for pair, value in zip(pairs, values, strict=True):
        best[pair] = max(value, best.get(pair, 0.0))
    places = np.array(list(best), np.int64).reshape(-1, 2)
    return csr_matrix(
        (np.array(list(best.values()), np.float32), (places[:, 0], places[:, 1])), (size, size)
    )
