"""Matches two tables of products."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError, check_range, check_whole
from prodcat.matching.assignment import one_to_one
from prodcat.matching.comparison import Candidates, Comparison, distinct
from prodcat.matching.features import Features, kind_shares, pair_features
from prodcat.matching.labelled import LabelledPairs
from prodcat.matching.learning import Learned, learn, rival_features
from prodcat.matching.odds import competing, log_odds, size_odds
from prodcat.matching.products import Products
from prodcat.matching.relations import SAME, Scores, relate
from prodcat.matching.results import Matches, chosen_pairs

_BLOCK = 100_000  # pairs whose features are in memory at once
_KEPT = (
    "content", "odds", "size", "size_ratio", "category", "kind_share", "word_cosine",
    "letter_cosine",
)  # fmt: skip


@dataclass(frozen=True)
class Matcher:
    """Matches two tables, with or without having learned from labelled pairs.

    Attributes:
        candidates: How many candidates are looked at for each row of either table.
        threshold: The least probability of "same product", 0 to 1.
        is_one_to_one: Whether a product is the same as at most one other.
        uses_vectors: Whether :func:`~prodcat.matching.matching.match_products` also searches
            candidates by the vectors of the classifier's encoder, and compares these.
        learned: What :meth:`fit` learned; None for the odds that need no labels.
    """

    candidates: int = 10
    threshold: float = 0.5
    is_one_to_one: bool = False
    uses_vectors: bool = False
    learned: Learned | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_whole("candidates", self.candidates, 1)
        check_range("threshold", self.threshold, 0.0, 1.0)

    def fit(self, ours: Products, theirs: Products, labelled: LabelledPairs) -> "Matcher":
        """A matcher that learned from labelled pairs of two tables.

        Args:
            ours: Our products.
            theirs: Theirs.
            labelled: Pairs of their rows.

        Raises:
            CatalogError: There are fewer than ten pairs of the same product, or of others.
        """
        return self._fit(Comparison.of(ours, theirs), labelled)

    def _fit(self, comparison: Comparison, labelled: LabelledPairs) -> "Matcher":
        pairs, places = self._with_candidates(comparison, labelled.pairs)
        listed = comparison.listed(pairs)
        rivals = rival_features(_kept(comparison, pairs), pairs, listed)
        features = pair_features(comparison, labelled.pairs)
        features |= {name: values[places] for name, values in rivals.items()}
        return replace(self, learned=learn(features, labelled.same))

    def probabilities(
        self, ours: Products, theirs: Products, pairs: Candidates
    ) -> NDArray[np.float64]:
        """The probability that each of some pairs is the same product.

        The whole tables count: a pair is less likely if one of its products goes better with
        another one.

        Args:
            ours: Our products.
            theirs: Theirs.
            pairs: The pairs.

        Returns:
            The probabilities, float [pairs].

        Raises:
            CatalogError: A pair names a row that a table has not.
        """
        for rows, table in ((pairs.ours, ours), (pairs.theirs, theirs)):
            if len(rows) and not 0 <= rows.min() <= rows.max() < len(table):
                raise CatalogError(
                    f"The pairs name rows from {rows.min():,} to {rows.max():,}; expected rows "
                    f"from 0 to {len(table) - 1:,}."
                )
        comparison = Comparison.of(ours, theirs)
        every, places = self._with_candidates(comparison, pairs)
        return self._scores(comparison, every).probability[places]

    def match(
        self, ours: Products, theirs: Products, reviewed: LabelledPairs | None = None
    ) -> Matches:
        """Match two tables.

        Args:
            ours: Our products.
            theirs: Theirs.
            reviewed: Pairs that were reviewed, whose relation is taken as it is.

        Raises:
            CatalogError: A table has no words in its titles.
        """
        return self._match(Comparison.of(ours, theirs), reviewed)

    def learned_and_matched(
        self,
        ours: Products,
        theirs: Products,
        labelled: LabelledPairs | None,
        reviewed: LabelledPairs | None = None,
    ) -> Matches:
        """Learn from labelled pairs of two tables, if there are any, and match these tables.

        Args:
            ours: Our products.
            theirs: Theirs.
            labelled: Pairs to learn from, or None.
            reviewed: Pairs that were reviewed, whose relation is taken as it is.

        Raises:
            CatalogError: A table has no words in its titles, or there are fewer than ten pairs of
                the same product, or of others.
        """
        comparison = Comparison.of(ours, theirs)
        matcher = self if labelled is None else self._fit(comparison, labelled)
        return matcher._match(comparison, reviewed)

    def _match(self, comparison: Comparison, reviewed: LabelledPairs | None = None) -> Matches:
        known = Candidates(*(np.empty(0, np.int64),) * 2) if reviewed is None else reviewed.pairs
        pairs, places = self._with_candidates(comparison, known)
        scores = self._scores(comparison, pairs)
        if reviewed is not None:
            scores = _with_answers(scores, places, reviewed)
        same = scores.probability >= self.threshold
        if self.is_one_to_one:
            if reviewed is not None:
                scores = _without_rivals(scores, places, reviewed)
            same = one_to_one(pairs, scores.probability, self.threshold)
        relations = relate(scores, same)
        if reviewed is not None:
            relations[places] = np.array(reviewed.relations, object)
        ours, theirs = comparison.ours.products, comparison.theirs.products
        return chosen_pairs(ours, theirs, scores, relations, places)

    def _with_candidates(
        self, comparison: Comparison, pairs: Candidates
    ) -> tuple[Candidates, NDArray[np.int64]]:
        """All candidates and further pairs, and the places of the further pairs among them."""
        made = comparison.candidates(self.candidates)
        size = len(comparison.theirs.products)
        every = distinct([(made.ours, made.theirs), (pairs.ours, pairs.theirs)], size)
        keys = every.ours * size + every.theirs
        return every, np.searchsorted(keys, pairs.ours * size + pairs.theirs)

    def _scores(self, comparison: Comparison, pairs: Candidates) -> Scores:
        kept = _kept(comparison, pairs)
        listed = comparison.listed(pairs)
        if self.learned is None:
            probability = competing(kept["odds"], pairs, listed)
        else:
            rivals = rival_features(kept, pairs, listed)
            probability = np.empty(len(pairs))
            for span, features in _blocks(comparison, pairs):
                features |= {name: values[span] for name, values in rivals.items()}
                probability[span] = self.learned.probabilities(features)
        known = {name: kept[name] for name in ("content", "size", "size_ratio", "category")}
        return Scores(pairs, **known, kind_share=kept["kind_share"], probability=probability)


def _blocks(comparison: Comparison, pairs: Candidates) -> Iterator[tuple[slice, Features]]:
    """The features of pairs, block by block."""
    for start in range(0, len(pairs), _BLOCK):
        span = slice(start, start + _BLOCK)
        yield span, pair_features(comparison, Candidates(pairs.ours[span], pairs.theirs[span]))


def _kept(comparison: Comparison, pairs: Candidates) -> Features:
    """The few features that are kept for all pairs at once."""
    kept = {name: np.empty(len(pairs)) for name in _KEPT}
    for span, features in _blocks(comparison, pairs):
        features["content"] = log_odds(features)
        features["odds"] = features["content"] + size_odds(features["size"])
        features["kind_share"] = kind_shares(
            comparison, Candidates(pairs.ours[span], pairs.theirs[span])
        )
        for name in _KEPT:
            kept[name][span] = features[name]
    return kept


def _with_answers(scores: Scores, places: NDArray[np.int64], reviewed: LabelledPairs) -> Scores:
    """The scores with the probability 1 or 0 for pairs that were reviewed."""
    probability = scores.probability.copy()
    probability[places] = [float(each == SAME) for each in reviewed.relations]
    return replace(scores, probability=probability)


def _without_rivals(scores: Scores, places: NDArray[np.int64], reviewed: LabelledPairs) -> Scores:
    """The scores with the probability 0 for rivals of pairs that were reviewed as the same product.

    Raises:
        CatalogError: A row is in two pairs that were reviewed as the same product.
    """
    pairs, same = scores.pairs, places[reviewed.same]
    sides = (("our", pairs.ours, "their", pairs.theirs), ("their", pairs.theirs, "our", pairs.ours))
    is_rival = np.zeros(len(pairs), bool)
    for side, rows, other_side, others in sides:
        partners: dict[int, int] = {}
        for row, other in zip(rows[same].tolist(), others[same].tolist(), strict=True):
            if partners.setdefault(row, other) != other:
                raise CatalogError(
                    f"The reviewed pairs say that row {row} of {side} table is the same product as "
                    f"rows {partners[row]} and {other} of {other_side} table (counted from 0), but "
                    "with one-to-one a product has at most one such partner. Correct one of these "
                    "answers, or match without one-to-one."
                )
        is_rival |= np.isin(rows, rows[same])
    is_rival[same] = False
    return replace(scores, probability=np.where(is_rival, 0.0, scores.probability))
