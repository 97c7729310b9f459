"""The n-grams that answer rows without any further text, as if there were no text columns."""

from dataclasses import dataclass, replace

import torch

from prodcat.decisions.weights import Weights
from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import NGrams

FEWEST_CALIBRATED = 30  # rows with further texts from which they have a calibration of their own


@dataclass(frozen=True, eq=False)
class TitleBranch:
    """N-grams that learned titles alone, with the calibration of answers by them.

    Attributes:
        ngrams: The vocabulary.
        lexical: The linear map from these n-grams to the scores of outcomes and branches.
        weights: The weights of the calibration of titles alone, which are read by the encoder, if
            there is one, and by these n-grams.
    """

    ngrams: NGrams
    lexical: LexicalBranch
    weights: Weights

    def to(self, device: str | torch.device) -> "TitleBranch":
        """A copy on another device; this one stays where it is."""
        buffers = {name: tensor.to(device) for name, tensor in self.lexical.named_buffers()}
        return replace(self, lexical=LexicalBranch(**buffers))

    @property
    def memory(self) -> int:
        """Size of vocabulary and map, in bytes."""
        size = sum(int(tensor.nbytes) for tensor in self.lexical.buffers())
        return size + self.ngrams.memory
