"""Folds of the titles, for scores by n-grams that did not learn the title."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.splits import folds_of
from prodcat.errors import CatalogError
from prodcat.model.config import TrainingConfig
from prodcat.model.path_steps import choice_nodes

_FOLDS = 5
_FEWEST_TITLES = 3_000  # titles to score out of fold where the tree is large
_MOST_CELLS = 10_000_000  # scores of titles out of fold


@dataclass(frozen=True)
class Folds:
    """Which titles are scored by n-grams that did not learn their fold.

    Attributes:
        fold: int64 [titles]: the fold of each title; near duplicates have the same.
        asked: int64 [n]: the positions of the titles to score, ascending.
    """

    fold: NDArray[np.int64]
    asked: NDArray[np.int64]

    @classmethod
    def of_fit(cls, catalog: Catalog, training: TrainingConfig) -> "Folds":
        """The folds of :func:`prodcat.fit` without an encoder.

        Args:
            catalog: Its labelled titles.
            training: The settings of the training.

        Raises:
            CatalogError: There are fewer than 3 titles, or :meth:`of` raises it.
        """
        if len(catalog) < 3:
            raise CatalogError(
                f"Found {len(catalog)} labelled titles; expected at least 3. Add labelled titles."
            )
        choices = len(choice_nodes(catalog.tree))
        return cls.of(catalog, choices, training.seed, training.group, training.validated_titles)

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        choices: int,
        seed: int,
        group: str | None = None,
        largest: int = 5_000,
    ) -> "Folds":
        """Divide titles into folds, and choose those to score: all, or a sample of many.

        A large catalog has more folds, of which only some are scored, because each of these costs
        a fit.

        Args:
            catalog: Labelled titles.
            choices: Number of scores for each title.
            seed: Of the random division.
            group: A column of the catalog; titles with the same value are in the same fold.
            largest: Largest number of titles to score.

        Raises:
            CatalogError: All titles are near duplicates or of the same group, or there is no such
                column.
        """
        titles = len(catalog)
        most = min(max(_MOST_CELLS // choices, _FEWEST_TITLES), largest)
        folds = max(_FOLDS, -(-titles // most))
        fold, _ = folds_of(catalog, folds, seed, group)
        if len(np.unique(fold)) < 2:
            raise CatalogError(
                f"Found {titles} labelled titles that are all near duplicates of each other or of "
                "one group; expected at least two that are not. Add labelled titles."
            )
        scored = min(-(-most * folds // titles), folds)
        asked = np.flatnonzero(fold < scored)
        if len(asked) > most:
            asked = asked[np.linspace(0, len(asked) - 1, most).astype(np.int64)]
        return cls(fold, asked)
