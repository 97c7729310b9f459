"""Scores of titles that a migration has learned, by which probability is shared out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from prodcat.catalog.fields import title_of
from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import NGrams


@dataclass(frozen=True, eq=False)
class TitleScores:
    """Logits by the n-grams of titles; further text columns are not read.

    Attributes:
        ngrams: The vocabulary.
        lexical: The linear map from these n-grams to a logit for each column.
    """

    ngrams: NGrams
    lexical: LexicalBranch

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """The logits of titles, float32 [texts, column], on the CPU.

        Args:
            texts: The texts of titles, made by :meth:`prodcat.classifier.reader.Reader.texts`.
        """
        with torch.inference_mode():
            scores: Tensor = self.lexical(self.ngrams([title_of(text) for text in texts]))
        return scores

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(self.lexical.bias)

    @property
    def memory(self) -> int:
        """Size of vocabulary and map, in bytes."""
        return self.ngrams.memory + sum(int(tensor.nbytes) for tensor in self.lexical.buffers())
