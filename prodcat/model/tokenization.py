"""From titles to token ids."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.fields import plain
from prodcat.errors import EncoderError, is_fault
from prodcat.model.batches import TokenTable
from prodcat.model.forks import in_each_fork
from prodcat.model.text_chunks import text_chunks

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CHUNK = 2_048  # texts that are tokenised together
_LOCK = threading.Lock()  # for the limit, a setting of the tokenizer, which threads share


def _make_lock() -> None:
    global _LOCK
    _LOCK = threading.Lock()


in_each_fork(_make_lock)


def tokenize(tokenizer: "Tokenizer", texts: Sequence[str], max_tokens: int) -> TokenTable:
    """Tokenise texts in Rust, on all cores; safe to call from several threads.

    Args:
        tokenizer: A tokenizer that adds its special tokens; its truncation and padding are set.
        texts: The texts; further text columns are joined to the title.
        max_tokens: Longer texts are cut to this many tokens, special ones included.

    Returns:
        The tokens of the texts, in their order.
    """
    pieces: list[NDArray[np.int32]] = []
    lengths: list[int] = []
    truncated = 0
    for chunk in text_chunks(texts, _CHUNK):
        with _LOCK:
            if tokenizer.padding is not None:
                tokenizer.no_padding()
            if (tokenizer.truncation or {}).get("max_length") != max_tokens:
                tokenizer.enable_truncation(max_tokens)
            encoded = tokenizer.encode_batch([plain(text) for text in chunk])
        for row in encoded:
            lengths.append(len(row.ids))
            truncated += bool(row.overflowing)
        pieces.append(np.array([i for row in encoded for i in row.ids], dtype=np.int32))
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    ids = np.concatenate(pieces) if pieces else np.zeros(0, np.int32)
    return TokenTable(ids, offsets, truncated)


def read_tokenizer(text: str, source: str) -> "Tokenizer":
    """Make the tokenizer that a ``tokenizer.json`` describes.

    Args:
        text: The content of the file.
        source: The path of the file, for the error message.

    Raises:
        EncoderError: The text does not describe a tokenizer.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(text)
    except BaseException as error:  # the Rust binding raises Exception itself, or panics
        if not is_fault(error):
            raise
        raise EncoderError(
            f"{source} is not a readable tokenizer.json: {str(error)[:500]}."
        ) from error
