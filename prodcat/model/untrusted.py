"""Limits for the encoder and the tokenizer of an artifact that may come from an attacker.

A config can ask for any amount of memory, and for code or weights from elsewhere; a tokenizer can
turn a short title into millions of tokens.  Such files are refused before they are used.
"""

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prodcat.errors import EncoderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# The types of encoders that tests save and load again.  The config of another type could ask for
# anything, such as huge tables that are computed before the first weight is checked.
ENCODERS = (
    "albert", "bert", "camembert", "convbert", "deberta", "deberta-v2", "distilbert", "electra",
    "ernie", "esm", "eurobert", "gemma", "gemma2", "gemma3_text", "gpt2", "llama",
    "megatron-bert", "mistral", "modernbert", "mpnet", "nomic_bert", "phi3", "qwen2", "qwen3",
    "rembert", "roberta", "roberta-prelayernorm", "roformer", "xlm-roberta", "xlm-roberta-xl",
)  # fmt: skip
# Types that compute positions when they are needed.  Others make a table of all positions, which in
# some types grows with the square of their number.
_COMPUTED_POSITIONS = (
    "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "llama", "mistral", "phi3",
    "modernbert", "eurobert", "nomic_bert", "esm",
)  # fmt: skip
_MOST_POSITIONS = 1_000_000
_MOST_ROWS = 8_192
# Words in the names of settings that count modules, and of settings that are not sizes.
_MODULE_COUNTS = ("layer", "group", "network", "block", "experts")
_NO_SIZES = ("_id", "seed", "theta", "window", "factor", "relative", "token_index")
_MOST_LAYERS = 128
_MOST_SPECIAL_TOKENS = 64  # that a tokenizer may add to a title
_MOST_GROWTH = 10_000  # largest factor by which a tokenizer may make a title longer


def check_kind(kind: object) -> None:
    """Refuse an encoder of a type that no test of prodcat saves and loads.

    Args:
        kind: The ``model_type`` of a config.

    Raises:
        EncoderError: The type is not one of :data:`ENCODERS`.
    """
    if kind not in ENCODERS:
        raise EncoderError(
            f"Found an encoder of type {str(kind)[:64]!r}, which prodcat does not know; expected "
            f"one of {', '.join(ENCODERS)}."
        )


def check_encoder(config: Any, shapes: Mapping[str, Sequence[int]]) -> int:
    """Refuse a config that does not belong to an encoder with these weights.

    Args:
        config: The parsed JSON of the encoder's config from the artifact.
        shapes: The shape of each of the artifact's weights by name.

    Returns:
        The maximum number of weight tensors that the encoder may have, for
        :class:`prodcat.model.weightless.without_weights`.

    Raises:
        EncoderError: The type of encoder is not known, or a number in the config is larger than
            the weights allow.
    """
    kind = config.get("model_type") if isinstance(config, dict) else None
    check_kind(kind)
    # An axis of a weight is a size of the model or a product of sizes, so none exceeds the longest.
    widest = max((max(shape, default=0) for shape in shapes.values()), default=0)
    for name, number in _numbers(config):
        most = max(widest, _MOST_ROWS)
        if "position" in name:
            most = _MOST_POSITIONS if kind in _COMPUTED_POSITIONS else _most_table_rows(shapes)
        elif any(word in name for word in _NO_SIZES):
            most = max(widest, 16 * _MOST_POSITIONS)
        elif any(word in name for word in _MODULE_COUNTS):
            most = max(len(shapes), _MOST_LAYERS)  # layers may share their weights
        if abs(number) > most:
            raise EncoderError(
                f"The encoder's config asks for {name}={number:,}; expected at most {most:,} with "
                "these weights. The config does not belong to these weights."
            )
    return 3 * len(shapes) + 64


def _most_table_rows(shapes: Mapping[str, Sequence[int]]) -> int:
    """The largest number of positions that a model with a table of positions may have."""
    tables = [
        max(shape, default=0)
        for name, shape in shapes.items()
        if "position" in name or name.endswith("wpe.weight")
    ]
    return max(_MOST_ROWS, *tables, 0)


def _numbers(config: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """The name and the value of every whole number in the JSON of a config."""
    if isinstance(config, dict):
        for key, value in config.items():
            yield from _numbers(value, str(key))
    elif isinstance(config, list):
        for value in config:
            yield from _numbers(value, name)
    elif isinstance(config, int) and not isinstance(config, bool):
        yield name, config


def try_tokenizer(tokenizer: "Tokenizer", rows: int, source: str) -> None:
    """Refuse a tokenizer that does not match the encoder, or that makes titles far too long.

    Args:
        tokenizer: The tokenizer; its padding and truncation are switched off.
        rows: Number of word embeddings of the encoder.
        source: The name or path of the tokenizer, for the error message.

    Raises:
        EncoderError: The tokenizer has more pieces than there are word embeddings, or it may make
            a title far too long.
    """
    added = tokenizer.get_added_tokens_decoder()
    pieces = max(tokenizer.get_vocab_size(with_added_tokens=True), *(last + 1 for last in added), 0)
    special = tokenizer.num_special_tokens_to_add(False)
    growth = _growth(_as_json(tokenizer.normalizer)) * _repeats(_as_json(tokenizer.post_processor))
    if special > _MOST_SPECIAL_TOKENS or growth > _MOST_GROWTH:
        raise EncoderError(
            f"{source} adds {special:,} tokens to a title and may make it {growth:,} times as "
            f"long; expected at most {_MOST_SPECIAL_TOKENS} and {_MOST_GROWTH:,}. Use the "
            "tokenizer that the encoder was trained with."
        )
    tokenizer.no_padding()
    tokenizer.enable_truncation(2 * _MOST_SPECIAL_TOKENS)
    ids = tokenizer.encode("prodcat 1 kg, süt").ids
    tokenizer.no_truncation()  # tokenize sets the limit at each call
    if pieces > rows or max(ids, default=0) >= rows:
        raise EncoderError(
            f"{source} has {max(pieces, max(ids, default=0) + 1):,} pieces; the encoder has "
            f"embeddings for {rows:,}. They belong to different models."
        )


def _as_json(component: Any) -> dict[str, Any]:
    """The JSON of a component of a tokenizer, with the type ``"None"`` if it is None."""
    state: dict[str, Any]
    state = {"type": "None"} if component is None else json.loads(component.__getstate__())
    return state


def _growth(normalizer: dict[str, Any]) -> int:
    """An upper bound of the factor by which a normaliser makes a text longer."""
    kind = normalizer["type"]
    if kind == "Sequence":
        return math.prod(map(_growth, normalizer["normalizers"]))
    if kind == "Replace":
        pattern = normalizer["pattern"]
        if pattern.get("String"):
            return max(1, math.ceil(len(normalizer["content"]) / len(pattern["String"])))
        # A regular expression may match the empty string between any two letters.
        return len(normalizer["content"]) + 1
    if kind == "Prepend":
        return len(normalizer["prepend"]) + 1
    if kind == "Precompiled":
        raw = base64.b64decode(normalizer["precompiled_charsmap"])
        replacements = raw[4 + int.from_bytes(raw[:4], "little") :].split(b"\0")
        return max(1, *map(len, replacements))
    return 1


def _repeats(processor: dict[str, Any]) -> int:
    """How many times a post-processor puts the title into its output."""
    if processor["type"] == "Sequence":
        return math.prod(map(_repeats, processor["processors"]))
    if processor["type"] == "TemplateProcessing":
        return max(1, sum("Sequence" in piece for piece in processor["single"]))
    return 1
