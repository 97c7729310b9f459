"""Why a classifier answers the titles of a review queue as it does, for the review page."""

import threading
from collections.abc import Mapping
from typing import Any

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.explanation.explanation import Explanation
from prodcat.classifier.explanation.reasons import LevelReasons
from prodcat.insight.queue import QueueItem
from prodcat.taxonomy.paths import join_path

_DIGITS = 4  # decimal places of probabilities


class ReviewReasons:
    """The reasons for the answers to titles, each of which is explained when it is asked for.

    Args:
        classifier: The classifier.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self._lock = threading.Lock()  # one title at a time, so that the page stays quick
        self._known: dict[int, dict[str, Any]] = {}

    def __call__(self, item: QueueItem) -> Mapping[str, Any]:
        """The reasons for the answer to one title, as values for JSON.

        Args:
            item: The item of the queue.

        Returns:
            ``levels``, the reasons at each level; ``doubtful``, the position of the one at which
            the answer is the least certain, or None; and ``deletion``, a sentence about the fewest
            words without which the answer is another one, empty for a title that shows nothing.
        """
        with self._lock:
            if item.item not in self._known:
                self._known[item.item] = self._explained(item)
            return self._known[item.item]

    def _explained(self, item: QueueItem) -> dict[str, Any]:
        texts = {
            name: [item.columns[name]]
            for name in self.classifier.text_columns
            if name in item.columns
        }
        [explanation] = self.classifier.explain({"title": [item.title], **texts})
        return _record(explanation)


def _record(explanation: Explanation) -> dict[str, Any]:
    doubtful = explanation.doubtful
    return {
        "levels": [_level(level) for level in explanation.levels],
        "doubtful": None if doubtful is None else explanation.levels.index(doubtful),
        "deletion": _deletion(explanation) if explanation.levels else "",
    }


def _deletion(explanation: Explanation) -> str:
    """What the deletion of words does, with the confidence as the page shows it."""
    deletion = explanation.deletion
    if deletion is None:
        return explanation.deletion_sentence
    after, words = deletion.prediction, " ".join(deletion.words)
    share = f" ({100 * after.confidence:.0f} %)" if after.path else ""
    return f"Without “{words}” the answer is {join_path(after.path) or 'no category'}{share}."


def _level(level: LevelReasons) -> dict[str, Any]:
    return {
        "level": level.level,
        "name": level.name,
        "confidence": round(level.confidence, _DIGITS),
        "runner_up": None if level.runner_up is None else level.runner_up_name,
        "runner_up_confidence": round(level.runner_up_confidence, _DIGITS),
        "words": [
            {"word": word.word, "column": word.column, "strength": strength}
            for word, strength in zip(level.words, level.strengths(), strict=True)
        ],
    }
