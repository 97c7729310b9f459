"""An encoder: token ids in, one vector for each title out."""

from typing import Any

import torch
from torch import Tensor, nn

from prodcat.model.config import Pooling

# In all layers of these models every token sees all others.  They take the mask in the form that
# attention reads, and no mask at all where nothing is padded.
_ALL_SEE_ALL = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert")


class Encoder(nn.Module):
    """A transformer body and its pooling.

    Args:
        body: Any encoder of ``transformers`` whose output has ``last_hidden_state``.
        pooling: ``"mean"`` over the title's tokens without padding, or ``"cls"``, its first token.
    """

    def __init__(self, body: nn.Module, pooling: Pooling = "mean") -> None:
        super().__init__()
        self.body = body
        self.pooling = pooling

    @property
    def hidden(self) -> int:
        """Width of the pooled vector."""
        return int(self.body.config.hidden_size)  # type: ignore[union-attr,arg-type]

    @property
    def word_embeddings(self) -> nn.Embedding:
        """The table of word-piece vectors."""
        table = self.body.get_input_embeddings()  # type: ignore[operator]
        assert isinstance(table, nn.Embedding)
        return table

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Pool each title to one vector.

        Args:
            ids: int64 [batch, token].
            mask: bool [batch, token], true for real tokens; None where nothing is padded.

        Returns:
            float32 [batch, hidden].
        """
        return pool(self.states(ids, mask).float(), mask, self.pooling)

    def states(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """The last layer's output for every token.

        Args:
            ids: int64 [batch, token].
            mask: bool [batch, token], true for real tokens; None where nothing is padded.

        Returns:
            float [batch, token, hidden].
        """
        attention_mask: Tensor | None
        config: Any = self.body.config
        if config.model_type not in _ALL_SEE_ALL:
            attention_mask = torch.ones_like(ids) if mask is None else mask.long()
        else:
            # A model that makes this form itself looks at the mask's values first, for which the
            # GPU would have to be waited for.
            attention_mask = None if mask is None else mask[:, None, None, :]
        states: Tensor = self.body(input_ids=ids, attention_mask=attention_mask).last_hidden_state
        return states

    def set_word_embeddings(self, table: nn.Embedding) -> None:
        """Replace the table, e.g. by one that has only the rows that a corpus uses."""
        self.body.set_input_embeddings(table)  # type: ignore[operator]


def pool(states: Tensor, mask: Tensor | None, pooling: Pooling) -> Tensor:
    """One vector for each title.

    Args:
        states: float32 [batch, token, hidden].
        mask: bool [batch, token], true for real tokens; None where nothing is padded.
        pooling: See :class:`Encoder`.

    Returns:
        float32 [batch, hidden].
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
    """The id that fills up short rows; it is masked out, so that any valid id would do."""
    pad = getattr(encoder.body.config, "pad_token_id", None)
    return int(pad) if pad is not None else 0


def autocast(device: torch.device, precision: str) -> Any:
    """bfloat16 autocast on the device, or nothing for ``"float32"``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
