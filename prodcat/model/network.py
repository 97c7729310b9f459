"""The whole network: encoder, heads and lexical branch."""

import torch
from torch import Tensor, nn

from prodcat.model.config import Structure
from prodcat.model.encoder import Encoder
from prodcat.model.heads import FlatHead, StackedHeads
from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import Features
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy


class Network(nn.Module):
    """Two sources of scores for the outcomes of a tree: the encoder's heads and the n-grams.

    Args:
        taxonomy: The tree.
        encoder: The encoder, or None for a network of n-grams alone.
        structure: What the heads' logits mean; see
            :class:`~prodcat.model.path_model.PathModel`.
        belief_width: See :class:`StackedHeads`.
        lexical: The lexical branch, or None for a network without n-grams.
        dropout: Share of a pooled title's numbers that is set to 0 in training, 0 to 1.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        encoder: Encoder | None,
        structure: Structure,
        belief_width: int,
        lexical: LexicalBranch | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.paths = PathModel(taxonomy, structure)
        self.encoder = encoder
        self.lexical = lexical
        self.dropout = nn.Dropout(dropout)
        self.heads: StackedHeads | FlatHead | None = None
        if encoder is not None and structure == "flat":
            self.heads = FlatHead(encoder.hidden, len(taxonomy.outcomes))
        elif encoder is not None:
            bounds = taxonomy.level_bounds
            self.heads = StackedHeads(
                encoder.hidden,
                [end - start for start, end in bounds],
                [
                    (taxonomy.parent[start:end] - above).tolist()
                    for (start, end), (above, _) in zip(bounds[1:], bounds[:-1], strict=True)
                ],
                belief_width if structure == "stacked" else 0,
            )

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.paths.parent.device

    def logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Compute the logits of the heads.

        Args:
            ids: int64 [batch, token]: token ids.
            mask: bool [batch, token], true for real tokens.

        Returns:
            float32 [batch, node], or [batch, outcome] for a flat structure.
        """
        assert self.encoder is not None and self.heads is not None
        pooled = self.dropout(self.encoder(ids, mask))
        with torch.autocast(pooled.device.type, enabled=False):
            logits: Tensor = self.heads(pooled)
        return logits

    def lexical_scores(self, features: Features | None) -> Tensor | None:
        """Compute the margins of the lexical branch.

        Args:
            features: The n-gram features of the titles, or None.

        Returns:
            float32 [batch, outcome]; None without a lexical branch or without features.
        """
        if self.lexical is None or features is None:
            return None
        margins: Tensor = self.lexical(features)
        return margins
