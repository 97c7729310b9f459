"""Hashes of the training data, which show whether it changed and which rows are new."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import raw_bytes
from prodcat.storage.document import json_bytes

_Hashes = NDArray[np.uint64]


def row_hashes(texts: Sequence[str], labels: Sequence[str]) -> _Hashes:
    """A 64-bit hash of each row's text and label.

    Args:
        texts: The text that the model reads for each row, further text columns included.
        labels: The id of each row's category.

    Returns:
        uint64 [rows].
    """
    digests = b"".join(
        hashlib.blake2b(
            raw_bytes(text) + b"\0" + raw_bytes(label), digest_size=8, usedforsecurity=False
        ).digest()
        for text, label in zip(texts, labels, strict=True)
    )
    return np.frombuffer(digests, np.uint64)


def fingerprint(parts: Sequence[_Hashes], settings: dict[str, Any], *, ordered: bool) -> str:
    """Compute one hash over everything that determines the trained model.

    Args:
        parts: The row hashes of the training titles, of the validation titles, and so on.
        settings: All settings, as JSON can hold them.
        ordered: Whether the order of the rows counts.  The order determines the batches, so
            it matters to a checkpoint, but rows in another order are not new data.

    Returns:
        The SHA-256 in hexadecimal digits.
    """
    whole = hashlib.sha256(json_bytes(settings, ascii=True, end="", sort_keys=True))
    for part in parts:
        hashes = part if ordered else np.sort(part)
        whole.update(len(hashes).to_bytes(8, "little") + hashes.tobytes())
    return whole.hexdigest()
