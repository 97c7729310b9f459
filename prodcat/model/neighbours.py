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
    if known is None or not titles:
        return [[] for _ in titles]
    return LabelledTitles(known)(titles, count)


class LabelledTitles:
    """The labelled titles of a catalog, in which the most similar to other titles can be searched.

    Args:
        catalog: The catalog, whose rows without a category are left out.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog.take(catalog.labelled)
        self._search = Neighbours(self.catalog.titles) if len(self.catalog) else None

    def __len__(self) -> int:
        """The number of labelled titles."""
        return len(self.catalog)

    def __repr__(self) -> str:
        """The number of labelled titles, in one line."""
        return f"LabelledTitles({len(self):,} titles)"

    def __call__(self, titles: Sequence[str], count: int = 3) -> list[list[LabelledNeighbour]]:
        """Find the labelled titles that are most similar to each of the given titles.

        Args:
            titles: The titles to find neighbours of.
            count: The largest number of neighbours of each title.

        Returns:
            For each title its neighbours, the most similar first; none that has no n-gram in common
            with it.
        """
        if self._search is None or not titles:
            return [[] for _ in titles]
        labelled, paths = self.catalog, self.catalog.tree.paths
        rows, likeness = self._search(titles, count)
        return [
            [
                LabelledNeighbour(labelled.titles[row], paths[labelled.targets[row]], cosine)
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
        # By n-gram, so that a search reads only the n-grams of what is searched for.
        self._known = _unit_rows(features).T.tocsr()

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
        for start in range(0, len(titles), _CHUNK):
            rows = slice(start, min(start + _CHUNK, len(titles)))
            cosines = (queries[rows] @ self._known).tocsr()
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
