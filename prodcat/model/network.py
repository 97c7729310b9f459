"""The whole model of one title: encoder, heads and lexical branch to scores."""

import torch
from torch import Tensor, nn

from prodcat.model.encoder import Encoder
from prodcat.model.heads import FlatHead, StackedHeads
from prodcat.model.lexical import LexicalBranch
from prodcat.model.ngrams import Features
from prodcat.model.path_model import PathModel, Structure
from prodcat.taxonomy.tree import Taxonomy


class Network(nn.Module):
    """Two kinds of evidence on the outcomes of a tree.

    Args:
        taxonomy: The tree.
        encoder: Reads tokens, or None.
        structure: How the heads' logits make a distribution.
        belief_width: See :class:`StackedHeads`.
        lexical: Reads n-grams, or None.
        dropout: Of the pooled title, in training.
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
        """Where the weights are."""
        return self.paths.parent.device

    def logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Head logits of tokenised titles.

        Args:
            ids: int64 [batch, token].
            mask: bool [batch, token].

        Returns:
            float32 [batch, node], or [batch, outcome] for a flat structure.
        """
        assert self.encoder is not None and self.heads is not None
        pooled = self.dropout(self.encoder(ids, mask))
        with torch.autocast(pooled.device.type, enabled=False):
            logits: Tensor = self.heads(pooled)
        return logits

    def lexical_scores(self, features: Features | None) -> Tensor | None:
        """The n-grams' margins, float32 [batch, outcome], or None without a lexical branch."""
        if self.lexical is None or features is None:
            return None
        margins: Tensor = self.lexical(features)
        return margins
