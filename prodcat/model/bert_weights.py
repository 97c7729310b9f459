"""BERT-like encoders as their weights alone, which need no ``transformers``.

On a CPU :mod:`prodcat.model.packed` computes from the weights, and importing ``transformers`` would
take longer than all else that loads a classifier.  Only what computes with the model itself, such
as a training, makes the model of ``transformers`` from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

_KINDS = ("bert", "camembert", "roberta", "xlm-roberta")
_OFFSET = "roberta", "xlm-roberta", "camembert"  # they count positions from the padding token
# Settings that change no weight, and the only value with which a config may have them.
_WITHOUT_EFFECT: dict[str, Any] = {
    "chunk_size_feed_forward": 0,
    "is_encoder_decoder": False,
    "output_attentions": False,
    "output_hidden_states": False,
    "position_embedding_type": "absolute",
    "gradient_checkpointing": False,
}
_NAMES_ONLY = "architectures", "transformers_version", "id2label", "label2id"


def is_plain_bert(config: Any) -> bool:
    """Whether a model with this config computes as BERT does, with GELU and full attention."""
    plain = config.model_type in _KINDS and config.hidden_act == "gelu"
    return plain and not getattr(config, "is_decoder", False)


@dataclass
class BertConfig:
    """The settings of a BERT-like encoder, with the defaults of ``transformers``."""

    model_type: str
    vocab_size: int
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | None = None
    use_cache: bool = True
    classifier_dropout: float | None = None
    is_decoder: bool = False
    add_cross_attention: bool = False
    tie_word_embeddings: bool = True

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "BertConfig | None":
        """Read the JSON of a config; None if it is of another type, or has unusual settings.

        Args:
            stored: The config as values of JSON, without settings that do not concern the shape.
        """
        known = {field.name for field in fields(cls)}
        for name, value in stored.items():
            usual = name in known or name in _NAMES_ONLY
            if not usual and (name not in _WITHOUT_EFFECT or value != _WITHOUT_EFFECT[name]):
                return None
        given = {name: value for name, value in stored.items() if name in known}
        if stored.get("model_type") in _OFFSET:
            given = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, **given}
        elif "pad_token_id" not in given:
            given["pad_token_id"] = 0
        try:
            config = cls(**given)
        except TypeError:  # no vocab_size, or no model_type
            return None
        return config if is_plain_bert(config) and config._fits() else None

    def _fits(self) -> bool:
        """Whether the numbers are ones that a model can be made of."""
        sizes = (
            self.vocab_size, self.hidden_size, self.num_hidden_layers, self.num_attention_heads,
            self.intermediate_size, self.max_position_embeddings, self.type_vocab_size,
        )  # fmt: skip
        if not all(type(size) is int and size > 0 for size in sizes):
            return False
        if type(self.layer_norm_eps) is not float or self.add_cross_attention is not False:
            return False
        if self.hidden_size % self.num_attention_heads:
            return False
        pad, counted = self.pad_token_id, self.model_type in _OFFSET
        if pad is None:
            return not counted
        rows = min(self.vocab_size, self.max_position_embeddings if counted else self.vocab_size)
        return type(pad) is int and 0 <= pad < rows


class BertWeights(nn.Module):
    """The weights of a BERT-like model, by the names that they have in ``transformers``.

    Args:
        config: The settings of the model.
        build: Builds an empty model of ``transformers`` with these settings.
    """

    def __init__(self, config: BertConfig, build: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.config, self._build = config, build
        self.embeddings = _embeddings(config)
        layers = [_layer(config) for _ in range(config.num_hidden_layers)]
        self.encoder = _Group({"layer": nn.ModuleList(layers)})

    def get_input_embeddings(self) -> nn.Module:
        """The embeddings of the word pieces."""
        return self.embeddings.get_submodule("word_embeddings")

    def model(self) -> nn.Module:
        """Make the model of ``transformers`` with these weights, which both then share."""
        with torch.inference_mode(False):  # its constants may be needed in a training
            model = self._build()
            tensors = dict(self.named_parameters())
            model.load_state_dict(tensors, assign=True)
            model.to(next(iter(tensors.values())).device)  # its constants
        return model.train(self.training)


class _Group(nn.Module):
    """Modules by their names; one of them may be named ``self``."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


class _Embeddings(_Group):
    padding_idx: int | None


def _embeddings(config: BertConfig) -> _Embeddings:
    hidden, pad = config.hidden_size, config.pad_token_id
    places = config.max_position_embeddings
    table = _Embeddings(
        {
            "word_embeddings": nn.Embedding(config.vocab_size, hidden, pad),
            "position_embeddings": nn.Embedding(
                places, hidden, pad if config.model_type in _OFFSET else None
            ),
            "token_type_embeddings": nn.Embedding(config.type_vocab_size, hidden),
            "LayerNorm": _norm(config),
        }
    )
    table.padding_idx = pad
    return table


def _layer(config: BertConfig) -> nn.Module:
    hidden, wide = config.hidden_size, config.intermediate_size
    products = {name: nn.Linear(hidden, hidden) for name in ("query", "key", "value")}
    return _Group(
        {
            "attention": _Group({"self": _Group(products), "output": _output(config, hidden)}),
            "intermediate": _Group({"dense": nn.Linear(hidden, wide)}),
            "output": _output(config, wide),
        }
    )


def _output(config: BertConfig, width: int) -> nn.Module:
    return _Group({"dense": nn.Linear(width, config.hidden_size), "LayerNorm": _norm(config)})


def _norm(config: BertConfig) -> nn.LayerNorm:
    return nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
