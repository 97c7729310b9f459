"""Hashes of training data, which show whether the data changed and which rows are new."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.fields import plain
from prodcat.catalog.text import raw_bytes
from prodcat.storage.document import json_bytes

_Hashes = NDArray[np.uint64]


def row_hashes(texts: Sequence[str], labels: Sequence[str]) -> _Hashes:
    """A 64-bit hash of each row's text and label.

    Args:
        texts: The model's input for each row, which includes further text columns.
        labels: The id of each row's category.

    Returns:
        uint64 [rows].
    """
    digests = b"".join(
        hashlib.blake2b(
            raw_bytes(plain(text)) + b"\0" + raw_bytes(label), digest_size=8, usedforsecurity=False
        ).digest()
        for text, label in zip(texts, labels, strict=True)
    )
    return np.frombuffer(digests, np.uint64)


def fingerprint(parts: Sequence[_Hashes], settings: dict[str, Any], *, ordered: bool) -> str:
    """Compute one hash of everything that determines the trained model.

    Args:
        parts: uint64 [rows] for each set of rows, such as training and validation titles: the
            result of :func:`row_hashes`.
        settings: All settings, as values that JSON supports.
        ordered: Whether rows in another order give another hash.  True for a checkpoint, because
            the order determines the batches; False to find out whether there are new data.

    Returns:
        The SHA-256 in hexadecimal digits.
    """
    whole = hashlib.sha256(json_bytes(settings, ascii=True, end="", sort_keys=True))
    for part in parts:
        hashes = part if ordered else np.sort(part)
        whole.update(len(hashes).to_bytes(8, "little") + hashes.tobytes())
    return whole.hexdigest()
