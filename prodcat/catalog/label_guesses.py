"""What a classifier takes for the likeliest of the categories among which a person must choose."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.storage.containers import described
from prodcat.taxonomy.tree import Taxonomy

_CHUNK = 4_096  # titles whose probabilities are in memory at once
Guess = tuple[int, float]


class Guesser(Protocol):
    """A classifier: every :class:`prodcat.Classifier` is one."""

    @property
    def taxonomy(self) -> Taxonomy:
        """The tree of its answers."""

    def predict_proba(self, titles: Any, /) -> NDArray[np.float32]:
        """The probability of every outcome: float32 [titles, outcomes]."""


class Titles(Protocol):
    """Titles of which some can be taken, as of every :class:`prodcat.Catalog`."""

    def take(self, rows: Any, /) -> Any:
        """Those of some rows."""


def check_guesser(guesser: object, new: Taxonomy) -> None:
    """Refuse what cannot guess categories of the new tree.

    Raises:
        CatalogError: It is no classifier, or one of another tree.
    """
    tree = getattr(guesser, "taxonomy", None)
    if not isinstance(tree, Taxonomy) or not callable(getattr(guesser, "predict_proba", None)):
        raise CatalogError(
            f"classifier= is {described(guesser)}; expected a Classifier of the new tree."
        )
    if tree.hash != new.hash:
        raise CatalogError(
            f"classifier= has another tree, {tree!r}; expected the new tree of the changes, "
            f"{new!r}. Migrate it first: classifier.migrate(changes)."
        )


def guesses(
    guesser: Guesser, titles: Titles, rows: Sequence[int], choices: Sequence[Sequence[int]]
) -> list[Guess]:
    """The likeliest category of each title among its choices.

    Args:
        guesser: The classifier, of the new tree.
        titles: All titles.
        rows: The positions of the titles to guess.
        choices: For each of these, the nodes among which a person must choose; all if empty.

    Returns:
        For each title the node of the likeliest outcome at or below one of its choices, and its
        probability, given that the product is in one of them.
    """
    spans = guesser.taxonomy.spans
    outcomes = guesser.taxonomy.outcomes
    made: list[Guess] = []
    for start in range(0, len(rows), _CHUNK):
        chunk = np.array(rows[start : start + _CHUNK], np.int64)
        probabilities = guesser.predict_proba(titles.take(chunk)).astype(np.float64)
        for row, nodes in zip(probabilities, choices[start : start + _CHUNK], strict=True):
            allowed = np.zeros(len(outcomes), np.bool_) if nodes else np.ones_like(row, np.bool_)
            for node in nodes:
                allowed[slice(*spans[node].tolist())] = True
            shares = np.where(allowed, row, 0.0)
            best = int(np.where(allowed, row, -1.0).argmax())
            total = float(shares.sum())
            made.append((int(outcomes[best]), float(row[best]) / total if total > 0 else 0.0))
    return made
