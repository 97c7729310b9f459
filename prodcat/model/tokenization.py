"""Titles to token ids, with a tokenizer that is read from its JSON."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import EncoderError, is_fault
from prodcat.model.batches import TokenTable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CHUNK = 2_048
_SETTING = threading.Lock()


def tokenize(tokenizer: "Tokenizer", texts: Sequence[str], max_tokens: int) -> TokenTable:
    """Tokenise in Rust, on all cores.

    Args:
        tokenizer: With its special tokens set up.
        texts: One for each row.
        max_tokens: Longer texts are cut to this many tokens, special ones included.
    """
    with _SETTING:  # settings that fit stay: another thread may be tokenising with them
        if tokenizer.padding is not None:
            tokenizer.no_padding()
        if (tokenizer.truncation or {}).get("max_length") != max_tokens:
            tokenizer.enable_truncation(max_tokens)
    pieces: list[NDArray[np.int32]] = []
    lengths: list[int] = []
    truncated = 0
    for start in range(0, len(texts), _CHUNK):
        encoded = tokenizer.encode_batch(list(texts[start : start + _CHUNK]))
        for row in encoded:
            lengths.append(len(row.ids))
            truncated += bool(row.overflowing)
        pieces.append(np.array([i for row in encoded for i in row.ids], dtype=np.int32))
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    ids = np.concatenate(pieces) if pieces else np.zeros(0, np.int32)
    return TokenTable(ids, offsets, truncated)


def read_tokenizer(text: str, source: str) -> "Tokenizer":
    """Read the text of a ``tokenizer.json``.

    Args:
        text: The text.
        source: Where it is from, for the message.

    Raises:
        EncoderError: It is no tokenizer.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(text)
    except BaseException as error:  # the Rust binding raises bare Exception, and panics
        if not is_fault(error):
            raise
        raise EncoderError(
            f"{source} is not a readable tokenizer.json: {str(error)[:500]}."
        ) from error
