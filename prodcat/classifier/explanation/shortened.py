"""Titles of which words were deleted, and what a classifier makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.fields import BORDER, join_fields, plain
from prodcat.catalog.text import is_blank
from prodcat.classifier.inference import BatchInference
from prodcat.classifier.windows import Part, Reading, Window, kinds_of
from prodcat.decisions.answers import Answers
from prodcat.decisions.decider import Decide
from prodcat.model.elementwise import exp
from prodcat.model.named_ngrams import TextWord

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TitleWords:
    """The words of a text, of which any can be deleted.

    Attributes:
        text: The whole text, made by :meth:`prodcat.classifier.reader.Reader.texts`.
        words: The words of its title and of its further columns.
    """

    text: str
    words: tuple[TextWord, ...]

    def kept(self, keeps: Flags) -> str:
        """The text with some of its words; the whole text, as it is, with all of them.

        Args:
            keeps: bool [word]: which words are kept.
        """
        if keeps.all():
            return self.text
        parts: list[list[str]] = [[] for _ in range(self.text.count(BORDER) + 1)]
        for word, keep in zip(self.words, keeps.tolist(), strict=True):
            if keep:
                parts[word.place].append(word.text)
        return join_fields(map(" ".join, parts))

    def has_title(self, keeps: Flags) -> bool:
        """Whether any word of the title that shows something is kept.

        Args:
            keeps: bool [word]: which words are kept.
        """
        kept = zip(self.words, keeps.tolist(), strict=True)
        return any(keep and not word.place and not is_blank(word.text) for word, keep in kept)


@dataclass(frozen=True, eq=False)
class ReadTexts:
    """Texts that were read in the same way.

    Attributes:
        rows: int64 [text]: their positions among all texts.
        texts: The texts as they were read.
        reading: How they were read, with the calibration.
        of_titles: Whether the branch of titles without any further text has read them.
        encoder: float32 [text, outcome]: the encoder's log-probabilities; None if it read none.
        margins: float32 [text, choice]: the n-grams' margins, or None without n-grams.
        shares: The scores that changes of the tree need, or None.
        log_probs: float32 [text, outcome]: the calibrated log-probabilities, before any change of
            the tree.
    """

    rows: NDArray[np.int64]
    texts: list[str]
    reading: Reading
    of_titles: bool
    encoder: Tensor | None
    margins: Tensor | None
    shares: Tensor | None
    log_probs: Tensor

    @property
    def answered(self) -> Tensor:
        """The log-probabilities of the outcomes of the present tree, float32 [text, outcome]."""
        return self.reading.migrated(self.log_probs, self.shares)


class ShortenedTitles:
    """Reads texts, of which the encoder reads each only once.

    Args:
        inference: The batch inference that answers titles, perhaps with a cascade.
        whole: The batch inference with which the encoder reads every title.
    """

    def __init__(self, inference: BatchInference, whole: BatchInference) -> None:
        self.inference, self._whole = inference, whole
        self._scores: dict[str, Tensor] = {}

    def forget(self, texts: Sequence[str]) -> None:
        """Forget all texts but these."""
        kept = {plain(text) for text in texts}
        self._scores = {text: row for text, row in self._scores.items() if text in kept}

    def encoder_scores(self, texts: Sequence[str]) -> Tensor:
        """The encoder's log-probabilities of texts, float32 [text, outcome], not calibrated."""
        lines = [plain(text) for text in texts]
        missing = [line for line in dict.fromkeys(lines) if line not in self._scores]
        if missing:
            with torch.inference_mode():
                encoder, _ = self._whole.evidence(self._whole.prepare(missing))
            assert encoder is not None
            self._scores.update(zip(missing, encoder, strict=True))
        return torch.stack([self._scores[line] for line in lines])

    def read(self, texts: Sequence[str]) -> list[ReadTexts]:
        """Read texts as a prediction does.

        Args:
            texts: At least one text.

        Returns:
            The texts by how they are read: by which n-grams, and by the encoder or not.
        """
        inference, read = self.inference, []
        for rows, picked, reading in kinds_of(texts, inference.reading, inference.titles):
            of_titles = inference.titles is not None and reading is inference.titles
            margins, sure = None, np.zeros(len(picked), np.bool_)
            if reading.scorer is not None:
                margins = reading.scorer.scores(reading.scorer(picked)).to(inference.network.device)
            easy = inference.easy
            if easy is not None and reading is inference.reading and margins is not None:
                sure = self._sure(easy, margins)
            for chosen, how in ((np.flatnonzero(~sure), reading), (np.flatnonzero(sure), easy)):
                if not len(chosen):
                    continue
                assert how is not None
                part_texts = [picked[row] for row in chosen.tolist()]
                encoder = self.encoder_scores(part_texts) if how.encoded else None
                part = None if margins is None else margins[torch.from_numpy(chosen)]
                with torch.inference_mode():
                    log_probs = how.weights.applied(
                        inference.network.paths, encoder, part, *how.acting
                    )
                read.append(
                    ReadTexts(
                        rows[chosen],
                        part_texts,
                        how,
                        of_titles,
                        encoder,
                        part,
                        how.shares(part_texts),
                        log_probs,
                    )
                )
        return read

    def _sure(self, easy: Reading, margins: Tensor) -> Flags:
        """Whether n-grams alone are sure enough of texts, bool [text]."""
        with torch.inference_mode():
            log_probs = easy.weights.applied(
                self.inference.network.paths, None, margins, *easy.acting
            )
        sure: Flags = (exp(log_probs.amax(dim=1)) >= self.inference.threshold).cpu().numpy()
        return sure

    def answers(
        self, texts: Sequence[str], decide: Decide, groups: Sequence[str] | None
    ) -> Answers:
        """Answer texts, in their order.

        Args:
            texts: At least one text.
            decide: A function from log-probabilities and groups to answers.
            groups: The group of each text, or None.
        """
        parts, place, start = [], np.empty(len(texts), np.int64), 0
        for read in self.read(texts):
            every = np.arange(len(read.rows))
            known = read.margins, read.log_probs, read.shares
            parts.append(Part(read.reading, start, None, None, [every], *known))
            place[read.rows] = every + start
            start += len(every)
        window = Window(place, start, tuple(parts))
        answers = self.inference.answers(window, decide, groups)
        assert answers is not None
        return answers
