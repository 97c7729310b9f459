"""The labelled titles that are most like others, by their n-grams."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.model.ngrams import Features, NGrams

_CHARACTERS = (3, 5)
_MOST = 200_000
_CHUNK = 256


class Neighbours:
    """An exact search over titles; a query of a hundred against a million takes seconds.

    Args:
        titles: The titles among which neighbours are looked for.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        self.titles = titles
        self._ngrams, features = NGrams.fit(titles, _CHARACTERS, _MOST)
        self._known = _matrix(features, len(self._ngrams.hashes))

    def __call__(
        self, titles: Sequence[str], count: int = 3
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the titles that are most like others.

        Args:
            titles: The titles whose neighbours are wanted.
            count: How many neighbours of each.

        Returns:
            int64 [title, count]: positions of the known titles, the most like first; float32
            [title, count]: their cosine, 0 to 1.
        """
        count = min(count, len(self.titles))
        wanted = _matrix(self._ngrams(titles), len(self._ngrams.hashes))
        places = np.zeros((len(titles), count), np.int64)
        likeness = np.zeros((len(titles), count), np.float32)
        turned = self._known.T.tocsc()
        for start in range(0, len(titles), _CHUNK):
            rows = slice(start, min(start + _CHUNK, len(titles)))
            cosines = (wanted[rows] @ turned).tocsr()
            for row in range(cosines.shape[0]):
                span = slice(cosines.indptr[row], cosines.indptr[row + 1])
                values, columns = cosines.data[span], cosines.indices[span]
                best = np.lexsort((columns, -values))[:count]
                places[start + row, : len(best)] = columns[best]
                likeness[start + row, : len(best)] = values[best]
        return places, likeness


def _matrix(features: Features, size: int) -> Any:
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(
        (features.values, features.columns, features.offsets), (len(features), size)
    )
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data = matrix.data / np.repeat(np.maximum(lengths, 1e-12), np.diff(matrix.indptr))
    return matrix
