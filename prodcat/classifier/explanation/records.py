"""Reasons as values of JSON, for HTTP and files."""

from typing import Any

from prodcat.classifier.explanation.reasons import Deletion, LevelReasons
from prodcat.model.neighbours import LabelledNeighbour

_DIGITS = 4  # decimal places of numbers
MOST_NGRAMS = 10  # of a level that are written, the strongest


def level_record(level: LevelReasons) -> dict[str, Any]:
    """The reasons at one level, with the ten strongest n-grams."""
    return {
        "level": level.level,
        "path": list(level.path),
        "ends": level.ends,
        "confidence": _rounded(level.confidence),
        "runner_up": None if level.runner_up is None else list(level.runner_up),
        "runner_up_ends": level.runner_up_ends,
        "runner_up_confidence": _rounded(level.runner_up_confidence),
        "margin": _rounded(level.margin),
        "start": _rounded(level.start),
        "words": [
            {
                "word": word.word,
                "column": word.column,
                "ngrams": _rounded(word.ngrams),
                "encoder": _rounded(word.encoder),
            }
            for word in level.words
        ],
        "ngrams": [
            {
                "name": ngram.name,
                "kind": ngram.kind,
                "column": ngram.column,
                "weight": _rounded(ngram.weight),
            }
            for ngram in level.ngrams[:MOST_NGRAMS]
        ],
    }


def deletion_record(deletion: Deletion) -> dict[str, Any]:
    """The words without which the answer changes, and the answer to the rest of the title."""
    prediction = deletion.prediction
    return {
        "words": list(deletion.words),
        "title": deletion.title,
        "texts": dict(deletion.texts),
        "path": list(prediction.path),
        "id": prediction.node_id,
        "confidence": _rounded(prediction.confidence),
        "is_smallest": deletion.is_smallest,
    }


def neighbour_record(near: LabelledNeighbour) -> dict[str, Any]:
    """A similar title with its path."""
    return {"title": near.title, "path": list(near.path), "likeness": _rounded(near.likeness)}


def _rounded(number: float) -> float:
    return round(float(number), _DIGITS)
