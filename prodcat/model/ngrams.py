"""Titles as hashed word and character n-grams.

The features of a title are the tf-idf weights of its words and pairs of words, with its first and
its last word once more, and of its character n-grams between blanks.  Both are taken from the
cleaned and folded title, and each of the two groups is scaled to length 1.  A word is a run of
letters, digits and marks.  An n-gram is identified by a hash; see :mod:`prodcat.model.hashing`.

The further text columns of a row are fields: each has words and n-grams of its own, and groups
that are scaled to length 0.5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prodcat.model.fields import Field, choose_fields
from prodcat.model.hashing import Hashes, hash_groups, hash_texts
from prodcat.model.text_chunks import text_chunks

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_CHUNK = 4_096  # texts that are hashed together
FIELD_LENGTH = 0.5  # of each group of a field
_TITLES_ONLY, _NEWEST = 2, 3


@dataclass(frozen=True)
class Features:
    """The n-gram features of many titles.

    Attributes:
        matrix: float32 [title, n-gram]: the weights, with ascending columns in each row.
    """

    matrix: "csr_matrix"

    def __len__(self) -> int:
        """The number of titles."""
        return int(self.matrix.shape[0])

    def take(self, rows: NDArray[np.int64]) -> "Features":
        """The features of the titles at these positions, int64, in this order."""
        return Features(self.matrix[rows])


@dataclass(frozen=True)
class CountedNGrams:
    """How often n-grams occur in texts, from which features are computed for any part of them.

    Attributes:
        hashes: uint64 [n-gram], ascending.
        logs: float32 [text, n-gram], a sparse matrix: one plus the logarithm of each number.
        fields: How the further text columns are read.
    """

    hashes: Hashes
    logs: "csr_matrix"
    fields: tuple[Field, ...] = ()

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        characters: tuple[int, int],
        max_features: int,
        fields: tuple[Field, ...] | None = None,
        counted: Callable[[int], object] = int,
    ) -> "CountedNGrams":
        """Count the n-grams of texts; if there are too many, the rarest are dropped.

        Args:
            texts: The texts, with further text columns as fields.
            characters: Lengths of the shortest and the longest character n-gram.
            max_features: Maximum number of n-grams to keep.
            fields: How the further text columns are read; None to choose it from the texts.
            counted: Is called with the number of texts that were read since the last call.
        """
        fields = choose_fields(texts) if fields is None else fields
        version, chunks = newest_version(len(fields)), []
        for chunk in text_chunks(texts, _CHUNK):
            rows, hashes = hash_texts(chunk, characters, version, fields)
            chunks.append(_counts_of_chunk(rows, hashes, len(chunk)))
            counted(len(chunk))
        return cls(*_joined(chunks, max_features), fields)

    def idf(self, rows: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The inverse document frequency of each n-gram in the texts, float32 [n-gram].

        Args:
            rows: bool [text]: which of the texts count; all by default.

        Returns:
            Logarithms of at least 1; 0 for an n-gram that none of these texts has.
        """
        logs = self.logs if rows is None else self.logs[rows]
        frequency = np.bincount(logs.indices, minlength=len(self.hashes))
        idf = np.log((1 + logs.shape[0]) / (1 + frequency)) + 1
        return np.where(frequency > 0, idf, 0).astype(np.float32)

    def features(self, idf: NDArray[np.float32]) -> Features:
        """The features of the texts; n-grams with an idf of 0 are left out."""
        return Features(_weighed(self.logs, idf, self.hashes, len(self.fields)))


@dataclass(frozen=True)
class NGrams:
    """A vocabulary of n-grams; call it with texts to get their features.

    Attributes:
        hashes: uint64 [n-gram], ascending: first all word n-grams, then all character n-grams.
        idf: float32 [n-gram]: the inverse document frequency of each, as a logarithm.
        characters: Lengths of the shortest and the longest character n-gram.
        version: How texts are divided: 1 as in earlier artifacts, where every run of characters
            between blanks is a word and texts are not cleaned; 3 with fields, and otherwise 2.
        fields: How the further text columns are read; nothing if they are joined to the title.

    >>> ngrams, features = NGrams.fit(["Oat milk", "milk"], characters=(2, 2), max_features=100)
    >>> features.matrix.shape  # oat, milk, oat milk, first oat, first milk, last milk, 9 of letters
    (2, 15)
    >>> features.matrix[1].nnz, ngrams(["soy"]).matrix.nnz
    (8, 0)
    """

    hashes: Hashes
    idf: NDArray[np.float32]
    characters: tuple[int, int]
    version: int = _TITLES_ONLY
    fields: tuple[Field, ...] = ()

    @property
    def memory(self) -> int:
        """Size of the vocabulary, in bytes."""
        return self.hashes.nbytes + self.idf.nbytes

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        characters: tuple[int, int],
        max_features: int,
        like: "NGrams | None" = None,
    ) -> tuple["NGrams", Features]:
        """Collect the n-grams of the texts; if there are too many, the rarest are dropped.

        Args:
            texts: The texts.
            characters: Lengths of the shortest and the longest character n-gram.
            max_features: Maximum number of n-grams to keep.
            like: Another vocabulary; the n-grams that it has too keep their frequencies from it,
                and fields are read as by it.

        Returns:
            The vocabulary and the features of the texts.
        """
        fields = None if like is None else like.fields
        counted = CountedNGrams.of(texts, characters, max_features, fields)
        return cls.of_counts(counted, characters, like)

    @classmethod
    def of_counts(
        cls, counted: CountedNGrams, characters: tuple[int, int], like: "NGrams | None" = None
    ) -> tuple["NGrams", Features]:
        """The same for n-grams that are counted already."""
        idf = counted.idf()
        if like is not None:
            place, known = find_sorted(like.hashes, counted.hashes)
            idf[known] = like.idf[place[known]]
        version = newest_version(len(counted.fields))
        ngrams = cls(counted.hashes, idf, characters, version, counted.fields)
        return ngrams, counted.features(idf)

    def __call__(self, texts: Sequence[str]) -> Features:
        """Compute the features of texts; n-grams that are not in the vocabulary are ignored."""
        from scipy.sparse import vstack

        parts = []
        for chunk in text_chunks(texts, _CHUNK):
            rows, hashes = hash_texts(chunk, self.characters, self.version, self.fields)
            logs = _logs(self.hashes, rows, hashes, len(chunk))
            parts.append(_weighed(logs, self.idf, self.hashes, len(self.fields)))
        return Features(parts[0] if len(parts) == 1 else vstack(parts, format="csr"))


def newest_version(columns: int) -> int:
    """The version of n-grams that are fitted to titles with this number of further columns."""
    return _NEWEST if columns else _TITLES_ONLY


def checked_version(version: object, fields: int = 0) -> int:
    """The version of n-grams that an artifact names.

    Raises:
        ValueError: This version of prodcat does not know it, or it contradicts the number of
            fields.
    """
    if version not in range(1, _NEWEST + 1):
        raise ValueError(f"its n-grams have version {version!r}, expected at most {_NEWEST}")
    if (version == _NEWEST) is not (fields > 0):
        raise ValueError(f"its n-grams have version {version!r} and {fields} fields")
    return int(str(version))


def _counts_of_chunk(
    rows: NDArray[np.int64], hashes: Hashes, count: int
) -> tuple[Hashes, "csr_matrix"]:
    """The distinct n-grams of a few texts, and one plus the logarithm of each number.

    A few texts at a time: their n-grams fit into the caches of a processor.

    Args:
        rows: int64 [entry]: the text in which each n-gram occurs.
        hashes: uint64 [entry]: the hash of each n-gram, once for each time that it occurs.
        count: Number of texts.

    Returns:
        uint64 [n-gram], ascending; and float32 [text, n-gram].
    """
    from scipy.sparse import csr_matrix

    distinct, place = np.unique(hashes, return_inverse=True)
    # One number for each pair of a text and an n-gram, so that one sort orders both.
    pairs = np.sort(rows * len(distinct) + place)
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    times = np.diff(first, append=len(pairs)).astype(np.float32)
    row, column = np.divmod(pairs[first], max(len(distinct), 1))
    offsets = np.searchsorted(row, np.arange(count + 1)).astype(np.int32)
    parts = 1 + np.log(times), column.astype(np.int32), offsets
    return distinct, csr_matrix(parts, shape=(count, len(distinct)))


def _joined(
    chunks: list[tuple[Hashes, "csr_matrix"]], max_features: int
) -> tuple[Hashes, "csr_matrix"]:
    """The n-grams of all chunks, without the rarest if there are too many, and their counts."""
    from scipy.sparse import csr_matrix, vstack

    vocabulary, place = np.unique(
        np.concatenate([hashes for hashes, _ in chunks]), return_inverse=True
    )
    counts = [np.bincount(logs.indices, minlength=len(hashes)) for hashes, logs in chunks]
    frequency = np.bincount(place, np.concatenate(counts))
    kept = np.sort(np.argsort(-frequency, kind="stable")[:max_features])
    column = np.full(len(vocabulary), -1, np.int32)
    column[kept] = np.arange(len(kept))
    column, start, parts = column[place], 0, []
    for hashes, logs in chunks:
        columns = column[start : start + len(hashes)][logs.indices]
        known = columns >= 0
        offsets = np.append(0, np.cumsum(known))[logs.indptr]
        shape = logs.shape[0], len(kept)
        parts.append(csr_matrix((logs.data[known], columns[known], offsets), shape=shape))
        start += len(hashes)
    return vocabulary[kept], vstack(parts, format="csr")


def _logs(vocabulary: Hashes, rows: NDArray[np.int64], hashes: Hashes, count: int) -> "csr_matrix":
    """One plus the logarithm of the number of times that n-grams occur, float32 [text, n-gram].

    Args:
        vocabulary: uint64 [n-gram], ascending.
        rows: int64 [entry]: the text in which each n-gram occurs.
        hashes: uint64 [entry]: the hash of each n-gram, once for each time that it occurs.
        count: Number of texts.
    """
    from scipy.sparse import csr_matrix

    column, known = find_sorted(vocabulary, hashes)
    ones = np.ones(int(known.sum()), np.float32)
    shape = count, len(vocabulary)
    matrix = csr_matrix((ones, (rows[known], column[known])), shape=shape)
    matrix.sum_duplicates()
    matrix.data = 1 + np.log(matrix.data)
    return matrix


def _weighed(
    logs: "csr_matrix", idf: NDArray[np.float32], hashes: Hashes, fields: int
) -> "csr_matrix":
    """The tf-idf weights of n-grams, float32 [text, n-gram], each group scaled to its length."""
    from scipy.sparse import csr_matrix

    values = logs.data * idf[logs.indices]
    group = hash_groups(hashes[logs.indices], fields)
    row = np.repeat(np.arange(logs.shape[0]), np.diff(logs.indptr))
    weights = scaled(values, row, group, (logs.shape[0], 2 + 2 * fields))
    matrix = csr_matrix((weights, logs.indices, logs.indptr), shape=logs.shape)
    if not idf.all():
        matrix = matrix.copy()  # its indices belong to the counts
        matrix.eliminate_zeros()
    return matrix


def scaled(
    values: NDArray[np.float32],
    row: NDArray[np.int64],
    group: NDArray[np.int64],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Weights of which each group of each row has its length: 1 in titles, 0.5 in fields.

    Args:
        values: float32 [entry]: the weights before.
        row: int64 [entry]: the row of each entry.
        group: int64 [entry]: its group, as from :func:`prodcat.model.hashing.hash_groups`.
        shape: The numbers of rows and of groups.
    """
    rows, groups = shape
    place = group + groups * row
    length = np.sqrt(np.bincount(place, values.astype(np.float64) ** 2, groups * rows))
    scale = np.where(group < 2, 1.0, FIELD_LENGTH)
    weights: NDArray[np.float32] = scale * values / np.maximum(length[place], 1e-12)
    return weights.astype(np.float32)


def find_sorted(hashes: Hashes, sought: Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Look hashes up among ascending ones.

    Args:
        hashes: uint64 [size], ascending.
        sought: uint64 [n].

    Returns:
        int64 [n]: the position of each hash; and bool [n]: whether it is there at all.

    >>> find_sorted(np.array([3, 5, 9], np.uint64), np.array([9, 4], np.uint64))
    (array([2, 1]), array([ True, False]))
    """
    if not len(hashes):
        return np.zeros(len(sought), np.int64), np.zeros(len(sought), np.bool_)
    place = np.minimum(np.searchsorted(hashes, sought), len(hashes) - 1)
    return place, hashes[place] == sought
