"""Estimate how long titles take, to prepare and on the device, from their numbers of letters."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.classifier.inference import BatchInference

_EACH = 8  # letters that are added to each title, for the time that any title takes
_USUAL = 40 + _EACH  # letters of a usual title, with those added
_PER_TOKEN = 3  # mean letters of a token
_PREPARING = 1e-6  # assumed seconds to prepare a letter, until they are measured
_SLOWER, _FASTER = (
    0.5,
    0.4,
)  # weights of the last batch in a running mean, if it was slower or faster


@dataclass(frozen=True)
class TitleCosts:
    """The cumulative numbers of letters of a request's titles.

    The letters of any slice of the titles are the difference of two entries.

    Attributes:
        letters: int64 [titles + 1]: the letters of all titles before each position, which determine
            the time to prepare them.
        read: int64 [titles + 1]: the same without letters beyond the encoder's maximum length,
            which determine the time on the device.
    """

    letters: NDArray[np.int64]
    read: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of titles."""
        return len(self.letters) - 1

    def only(self, chosen: NDArray[np.bool_]) -> "TitleCosts":
        """The same for the titles that are chosen, bool [title]."""
        return TitleCosts(*(_summed(np.diff(sums)[chosen]) for sums in (self.letters, self.read)))

    @classmethod
    def of(cls, texts: Sequence[str], max_tokens: int | None) -> "TitleCosts":
        """Count the letters of texts.

        Args:
            texts: The texts of the titles.
            max_tokens: The maximum number of tokens that the encoder uses of a text; None if the
                model has no encoder.
        """
        letters = np.fromiter(map(_letters, texts), np.int64, len(texts)) + _EACH
        read = letters if max_tokens is None else np.minimum(letters, _PER_TOKEN * max_tokens)
        return cls(_summed(letters), _summed(read))


def _summed(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums


def _letters(text: str) -> int:
    """The letters of a text after NFKC, in which one letter can become eighteen."""
    return len(text) if text.isascii() else len(unicodedata.normalize("NFKC", text))


def costs_of(inference: BatchInference, texts: Sequence[str]) -> TitleCosts:
    """Count the letters of a request's titles for one model.

    Args:
        inference: The model's batch inference.
        texts: The titles.
    """
    return TitleCosts.of(texts, inference.max_tokens if inference.tokenizer is not None else None)


@dataclass
class Speed:
    """How fast a model answers, as measured on its recent batches.

    Attributes:
        device: Seconds on the device for each letter; 0 if unknown.
        preparing: Seconds to prepare each letter.
        is_measured: Whether ``device`` was measured on a batch; if false, it is an assumption.
    """

    device: float = 0.0
    preparing: float = _PREPARING
    is_measured: bool = False

    @classmethod
    def expected(cls, seconds: float) -> "Speed":
        """An assumed speed, at which a usual title takes this many seconds on the device."""
        return cls(seconds / _USUAL)

    @property
    def usual(self) -> float:
        """Seconds for a usual title, to prepare and on the device."""
        return _USUAL * (self.device + self.preparing)

    def seconds(self, costs: TitleCosts, start: int, stop: int) -> float:
        """Seconds for the titles from ``start`` to ``stop`` (exclusive)."""
        letters = costs.letters[stop] - costs.letters[start]
        read = costs.read[stop] - costs.read[start]
        return float(self.device * read + self.preparing * letters)

    def most(self, costs: TitleCosts, start: int, seconds: float, preparing: float) -> int:
        """The number of titles, from ``start`` on, that fit into a time limit.

        Args:
            costs: The letters of all titles.
            start: The position of the first title.
            seconds: Maximum seconds in all.
            preparing: Maximum seconds to prepare the titles.
        """
        letters = costs.letters[start:] - costs.letters[start]
        taken = self.device * (costs.read[start:] - costs.read[start]) + self.preparing * letters
        fits = np.searchsorted(taken, seconds, "right")
        prepared = np.searchsorted(self.preparing * letters, preparing, "right")
        return int(min(fits, prepared)) - 1

    def learn(self, device: float | None, preparing: float | None) -> None:
        """Update the speed with the measurements of a batch.

        Args:
            device: Seconds on the device for each letter; None if the batch was too small.
            preparing: Seconds to prepare each letter; None if the batch was too small.
        """
        if device is not None:
            self.device = _mixed(self.device, device) if self.is_measured else device
            self.is_measured = True
        if preparing is not None:
            self.preparing = _mixed(self.preparing, preparing)


def _mixed(lately: float, last: float) -> float:
    return lately + (_SLOWER if last > lately else _FASTER) * (last - lately)
