"""The encoder that a training starts from."""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prodcat.errors import ConfigError
from prodcat.model.config import ModelConfig
from prodcat.model.encoder import Encoder, pad_id_of
from prodcat.model.pretrained import config_of, load_encoder
from prodcat.model.untrusted import check_encoder
from prodcat.training.settings import Setup

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class StartingEncoder:
    """The encoder that a training starts from, and its tokenizer.

    Attributes:
        encoder: The encoder, or None for n-grams alone.
        tokenizer: Its tokenizer, or None without an encoder.
    """

    encoder: Encoder | None = None
    tokenizer: "Tokenizer | None" = None


def starting_encoder(setup: Setup) -> StartingEncoder:
    """Copy the encoder of the warm start, or load a pretrained one.

    Args:
        setup: The settings of the fit.

    Returns:
        The encoder and its tokenizer; None for both if the settings ask for n-grams alone.

    Raises:
        EncoderError: The encoder cannot be loaded, or could not be loaded again after saving.
        ConfigError: ``max_tokens`` is more than the number of positions of the encoder.
    """
    model, warm = setup.model, setup.warm
    if model.encoder is None:
        return StartingEncoder()
    if warm is not None and warm.network.encoder is not None:
        encoder, tokenizer = copy.deepcopy(warm.network.encoder), warm.tokenizer
    else:
        encoder, tokenizer = load_encoder(model.encoder, model.pooling)
    shapes = {name: tuple(weight.shape) for name, weight in encoder.state_dict().items()}
    check_encoder(config_of(encoder), shapes)
    _check_length(encoder, model)
    return StartingEncoder(encoder, tokenizer)


def _check_length(encoder: Encoder, model: ModelConfig) -> None:
    config: Any = encoder.body.config
    most = getattr(config, "max_position_embeddings", None)
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        most = most and most - pad_id_of(encoder) - 1  # they count positions from the padding id
    if most is not None and model.max_tokens > most:
        raise ConfigError(
            f"max_tokens={model.max_tokens} is more than the {most} positions of "
            f"{model.encoder!r}. Set max_tokens to {most} or less."
        )
