"""The encoder: from token ids to one vector for each title."""

from typing import Any

import torch
from torch import Tensor, nn

from prodcat.model.bert_weights import BertWeights
from prodcat.model.config import Pooling

# In all layers of these models every token attends to all others.  They accept a mask of the shape
# [batch, 1, 1, token], or None if nothing is padded.
_FULL_ATTENTION = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert")


class Encoder(nn.Module):
    """A transformer model and its pooling.

    Args:
        body: Any encoder of ``transformers`` whose output has ``last_hidden_state``, or the weights
            of one, from which the model is made when it is first needed.
        pooling: ``"mean"`` over the title's tokens without padding, or ``"cls"``, its first token.
    """

    def __init__(self, body: nn.Module, pooling: Pooling = "mean") -> None:
        super().__init__()
        self.body = body
        self.pooling = pooling

    @property
    def hidden(self) -> int:
        """Length of a title's pooled vector."""
        return int(self.body.config.hidden_size)  # type: ignore[union-attr,arg-type]

    @property
    def word_embeddings(self) -> nn.Embedding:
        """The embeddings of the word pieces, with ``weight`` float [piece, width]."""
        table = self.body.get_input_embeddings()  # type: ignore[operator]
        assert isinstance(table, nn.Embedding)
        return table

    def model(self) -> nn.Module:
        """The model of ``transformers``; made now, with the same weights, if there is none yet."""
        if isinstance(self.body, BertWeights):
            self.body = self.body.model()
        return self.body

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Compute one vector for each title.

        Args:
            ids: int64 [batch, token]: token ids.
            mask: bool [batch, token], true for real tokens; None if nothing is padded.

        Returns:
            float32 [batch, hidden].
        """
        return pool(self.states(ids, mask).float(), mask, self.pooling)

    def states(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Compute the last layer's output for every token.

        Args:
            ids: int64 [batch, token]: token ids.
            mask: bool [batch, token], true for real tokens; None if nothing is padded.

        Returns:
            float [batch, token, hidden].
        """
        attention_mask: Tensor | None
        model = self.model()
        config: Any = model.config
        if config.model_type not in _FULL_ATTENTION:
            attention_mask = torch.ones_like(ids) if mask is None else mask.long()
        else:
            # With a mask of another shape these models look at its values first, which would make
            # the CPU wait for the GPU.
            attention_mask = None if mask is None else mask[:, None, None, :]
        states: Tensor = model(input_ids=ids, attention_mask=attention_mask).last_hidden_state
        return states

    def set_word_embeddings(self, table: nn.Embedding) -> None:
        """Replace the word embeddings, for example by those of the pieces that a corpus uses."""
        self.model().set_input_embeddings(table)  # type: ignore[operator]


def pool(states: Tensor, mask: Tensor | None, pooling: Pooling) -> Tensor:
    """One vector for each title: the mean of its tokens, or its first token.

    Args:
        states: float32 [batch, token, hidden].
        mask: bool [batch, token], true for real tokens; None if nothing is padded.
        pooling: See :class:`Encoder`.

    Returns:
        float32 [batch, hidden].

    >>> states = torch.tensor([[[1.0], [3.0], [8.0]]])
    >>> pool(states, torch.tensor([[True, True, False]]), "mean").tolist()
    [[2.0]]
    """
    if pooling == "cls":
        first: Tensor = states[:, 0]
        return first
    if mask is None:
        return states.mean(dim=1)
    weight = mask.unsqueeze(-1).to(states.dtype)
    pooled: Tensor = (states * weight).sum(1) / weight.sum(1).clamp(min=1)
    return pooled


def pad_id_of(encoder: Encoder) -> int:
    """The token id to pad short rows with; 0 if the config has none, as padding is masked out."""
    pad = getattr(encoder.body.config, "pad_token_id", None)
    return int(pad) if pad is not None else 0


def autocast(device: torch.device, precision: str) -> Any:
    """A context with bfloat16 autocast on the device, if ``precision`` is ``"bfloat16"``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
