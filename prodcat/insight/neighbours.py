"""A search for the titles that are most similar to a given title, by their n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.model.ngrams import Features, NGrams
from prodcat.taxonomy.paths import Path

_CHARACTERS = (3, 5)  # fewest and most in an n-gram
_MOST_NGRAMS = 200_000
_CHUNK = 256


@dataclass(frozen=True)
class LabelledNeighbour:
    """A labelled title that is similar to another title.

    Attributes:
        title: The labelled title.
        path: Path of its category.
        likeness: Cosine similarity of the two titles' n-grams, above 0 and at most 1.
    """

    title: str
    path: Path
    likeness: float


def labelled_neighbours(
    known: Catalog | None, titles: Sequence[str], count: int = 3
) -> list[list[LabelledNeighbour]]:
    """Find the labelled titles that are most similar to each of the given titles.

    Args:
        known: The catalog to search, without its rows that have no category; or None.
        titles: The titles to find neighbours of.
        count: The largest number of neighbours of each title.

    Returns:
        For each title its neighbours, the most similar first.  A title with no n-gram in common is
        not a neighbour.  All lists are empty if there is no labelled title.
    """
    labelled = None if known is None else known.take(known.labelled)
    if labelled is None or not len(labelled) or not titles:
        return [[] for _ in titles]
    rows, likeness = Neighbours(labelled.titles)(titles, count)
    paths = labelled.paths
    return [
        [
            LabelledNeighbour(labelled.titles[row], paths[row] or (), cosine)
            for row, cosine in zip(nearest, cosines, strict=True)
            if cosine > 0
        ]
        for nearest, cosines in zip(rows.tolist(), likeness.tolist(), strict=True)
    ]


class Neighbours:
    """An index for exact search; it compares a hundred titles with a million in seconds.

    Args:
        titles: The titles to search.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        self.titles = titles
        self._ngrams, features = NGrams.fit(titles, _CHARACTERS, _MOST_NGRAMS)
        self._known = _unit_rows(features)

    def __call__(
        self, titles: Sequence[str], count: int = 3
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the indexed titles that are most similar to each of the given titles.

        Args:
            titles: The titles to find neighbours of.
            count: The number of neighbours of each title.

        Returns:
            int64 [titles, count]: positions of the indexed titles, the most similar first; and
            float32 [titles, count]: their cosine similarities, 0 to 1.  ``count`` is at most the
            number of indexed titles.
        """
        count = min(count, len(self.titles))
        queries = _unit_rows(self._ngrams(titles))
        positions = np.zeros((len(titles), count), np.int64)
        likeness = np.zeros((len(titles), count), np.float32)
        known = self._known.T.tocsc()
        for start in range(0, len(titles), _CHUNK):
            rows = slice(start, min(start + _CHUNK, len(titles)))
            cosines = (queries[rows] @ known).tocsr()
            for row in range(cosines.shape[0]):
                span = slice(cosines.indptr[row], cosines.indptr[row + 1])
                values, columns = cosines.data[span], cosines.indices[span]
                best = np.lexsort((columns, -values))[:count]
                positions[start + row, : len(best)] = columns[best]
                likeness[start + row, : len(best)] = values[best]
        return positions, likeness


def _unit_rows(features: Features) -> Any:
    """The features as a sparse matrix [titles, n-grams] whose rows have a length of 1."""
    matrix = features.matrix.copy()
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data = matrix.data / np.repeat(np.maximum(lengths, 1e-12), np.diff(matrix.indptr))
    return matrix
