"""What a model was trained on, as hashes: did the data change, and which rows are new?"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import raw_bytes

_Hashes = NDArray[np.uint64]


def row_hashes(texts: Sequence[str], labels: Sequence[str]) -> _Hashes:
    """A 64-bit hash of each row's text and label.

    Args:
        texts: The titles as the model reads them, further text columns included.
        labels: The id of each title's category.

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
    """One hash of all that decides what is trained.

    Args:
        parts: Row hashes of the training titles, of the validation titles, and so on.
        settings: Everything else, as JSON can hold it.
        ordered: Whether the order of the rows counts.  It decides which row is in which
            batch, so a checkpoint asks for it; new data it is not.
    """
    whole = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for part in parts:
        own = part if ordered else np.sort(part)
        whole.update(len(own).to_bytes(8, "little") + own.tobytes())
    return whole.hexdigest()
