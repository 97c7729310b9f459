"""Learns from labelled pairs how likely a pair is the same product."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.matching.comparison import Candidates
from prodcat.matching.features import Features
from prodcat.matching.odds import margins, sigmoid

LEAST_OF_A_KIND = 10  # same and other pairs that are needed to learn anything
_FOLDS = 5
_LARGEST_LOGIT = 12.0
_STRENGTH = 0.1  # inverse of how strongly the weights of the plain model are held small
_LEAST_FOR_TREES = 50  # same and other pairs
_SHARE_OF_TREES = 0.75
_SEED = 0


def rival_features(kept: Features, pairs: Candidates, listed: Candidates | None = None) -> Features:
    """What tells of rivals on both sides: other candidates for one of the products of a pair.

    Args:
        kept: The features ``odds``, ``word_cosine`` and ``letter_cosine`` of all candidates.
        pairs: All candidates.
        listed: The product that each row lists, as for :func:`~prodcat.matching.odds.margins`.

    Returns:
        The odds and how far each pair is ahead of its best rivals, each [pairs].
    """
    mine, theirs = margins(kept["odds"], pairs, listed)
    further = {
        "odds": kept["odds"],
        "our_margin": mine,
        "their_margin": theirs,
        "least_margin": np.minimum(mine, theirs),
    }
    for name in ("word_cosine", "letter_cosine"):
        ours, others = margins(kept[name], pairs, listed)
        further[f"{name}_margin"] = np.minimum(ours, others)
    return further


@dataclass(frozen=True)
class Learned:
    """What labelled pairs taught: two models whose calibrated mean is the answer.

    Attributes:
        names: The features that are used, in their order.
        plain: A logistic regression.
        trees: Gradient-boosted trees; None if there are too few pairs for them.
        calibration: The slope and the start of the calibrated log-odds.
        pairs: How many pairs were learned from.
    """

    names: tuple[str, ...]
    plain: Any
    trees: Any
    calibration: tuple[float, float]
    pairs: int

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """The probability that pairs are the same product.

        Args:
            features: The features of pairs, those of :func:`rival_features` among them.

        Returns:
            The probabilities, float [pairs].
        """
        matrix = _matrix(features, self.names)
        logits = _logits(self.plain, self.trees, matrix)
        slope, start = self.calibration
        return sigmoid(slope * logits + start)


def learn(features: Features, same: NDArray[np.bool_]) -> Learned:
    """Learn from labelled pairs.

    The models are calibrated on answers for pairs that they were not trained on (Platt scaling of
    cross-fitted log-odds).

    Args:
        features: The features of the labelled pairs, those of :func:`rival_features` among them.
        same: Whether each pair is the same product, bool [pairs].

    Raises:
        CatalogError: There are fewer than ten pairs of the same product, or of others.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    counts = int(same.sum()), int((~same).sum())
    if min(counts) < LEAST_OF_A_KIND:
        raise CatalogError(
            f"Found {counts[0]:,} labelled pairs of the same product and {counts[1]:,} others; "
            f"expected at least {LEAST_OF_A_KIND} of each. Review more pairs, or match without "
            "labelled pairs."
        )
    names = tuple(_informative(features))
    matrix = _matrix(features, names)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    held_out = np.empty(len(same))
    for train, rest in folds.split(matrix, same):
        held_out[rest] = _logits(*_models(matrix[train], same[train]), matrix[rest])
    platt = LogisticRegression(C=1e3).fit(held_out[:, None], same)
    calibration = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    plain, trees = _models(matrix, same)
    return Learned(names, plain, trees, calibration, len(same))


def _models(matrix: NDArray[np.float64], same: NDArray[np.bool_]) -> tuple[Any, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    plain = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=2_000))
    plain.fit(np.nan_to_num(matrix), same)
    if min(same.sum(), (~same).sum()) < _LEAST_FOR_TREES:
        return plain, None
    trees = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=10,
        l2_regularization=1.0,
        random_state=_SEED,
    )
    return plain, trees.fit(matrix, same)


def _logits(plain: Any, trees: Any, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the log-odds of both models, float [pairs]."""
    logits = plain.decision_function(np.nan_to_num(matrix))
    if trees is not None:
        logits = (1 - _SHARE_OF_TREES) * logits
        logits += _SHARE_OF_TREES * trees.decision_function(matrix)
    return np.asarray(logits.clip(-_LARGEST_LOGIT, _LARGEST_LOGIT))


def _matrix(features: Features, names: tuple[str, ...]) -> NDArray[np.float64]:
    return np.column_stack([features[name] for name in names])


def _informative(features: Features) -> list[str]:
    """The features that differ between pairs."""
    names = []
    for name, values in features.items():
        known = values[np.isfinite(values)]
        if len(known) and known.min() < known.max():
            names.append(name)
    return names
