"""Train only the word embeddings that the titles use."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from prodcat.model.batches import TokenTable
from prodcat.model.encoder import Encoder, pad_id_of


class UsedVocabulary:
    """A context in which an encoder has only the word embeddings that some titles use.

    Embeddings that no title uses get no gradient, so leaving them out only saves work for the
    optimiser.  At the end of the context the trained embeddings are written back.

    Args:
        encoder: The encoder, whose table of word embeddings is replaced within the context.
        tables: The tokens of all titles that are run through it within the context.
    """

    def __init__(self, encoder: Encoder, tables: Sequence[TokenTable]) -> None:
        self.encoder = encoder
        self.all_embeddings = encoder.word_embeddings
        pad = pad_id_of(encoder)
        # All ids up to the padding id are kept, so that it does not change: RoBERTa counts
        # positions from it.
        used = np.unique(np.concatenate([*(table.ids for table in tables), np.arange(pad + 1)]))
        self.used = torch.from_numpy(used.astype(np.int64)).to(self.all_embeddings.weight.device)
        self.pad = int(np.searchsorted(used, pad))
        self.tables = [
            TokenTable(
                np.searchsorted(used, table.ids).astype(np.int32), table.offsets, table.truncated
            )
            for table in tables
        ]
        self.original_pad = encoder.body.config.pad_token_id  # type: ignore[union-attr]

    def __enter__(self) -> list[TokenTable]:
        """Replace the word embeddings, and return the tables with ids of the smaller vocabulary."""
        rows, width = len(self.used), self.all_embeddings.embedding_dim
        weight = self.all_embeddings.weight.detach()[self.used].clone()
        self.encoder.set_word_embeddings(nn.Embedding(rows, width, _weight=weight))
        self.encoder.body.config.pad_token_id = self.pad  # type: ignore[union-attr]
        return self.tables

    def __exit__(self, *error: object) -> None:
        """Write the trained embeddings into the original table, and restore that table."""
        with torch.no_grad():
            self.all_embeddings.weight[self.used] = self.encoder.word_embeddings.weight
        self.encoder.set_word_embeddings(self.all_embeddings)
        self.encoder.body.config.pad_token_id = self.original_pad  # type: ignore[union-attr]
