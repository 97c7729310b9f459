"""The vectors of titles: what an encoder makes of them, before the heads."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.classifier.reader import Reader
from prodcat.errors import ConfigError
from prodcat.model.batches import plan_window, to_device
from prodcat.model.encoder import pad_id_of
from prodcat.model.tokenization import tokenize

_CHUNK = 4_096  # texts that are tokenised at once


def title_vectors(
    reader: Reader, texts: Sequence[str], precision: str | None = None
) -> NDArray[np.float32]:
    """The pooled vectors of texts; of equal texts only one is read.

    Args:
        reader: The reader of a classifier.
        texts: The texts of titles, made by :meth:`prodcat.classifier.reader.Reader.texts`.
        precision: The precision of the encoder, as for
            :meth:`~prodcat.classifier.reader.Reader.pick_precision`.

    Returns:
        The vectors, float32 [texts, hidden].

    Raises:
        ConfigError: The classifier has no encoder, or it cannot be run in this precision.
    """
    encoder = reader.network.encoder
    if encoder is None or reader.tokenizer is None:
        raise ConfigError(
            "The classifier has n-grams alone, which make no vectors. Expected one that was "
            "trained with an encoder."
        )
    inference = reader.inference(precision)
    first: dict[str, int] = {}
    place = np.array([first.setdefault(text, len(first)) for text in texts], np.int64)
    distinct = list(first)
    vectors = np.empty((len(distinct), encoder.hidden), np.float32)
    for start in range(0, len(distinct), _CHUNK):
        table = tokenize(reader.tokenizer, distinct[start : start + _CHUNK], reader.max_tokens)
        for rows in plan_window(table.lengths, inference.token_budget):
            batch = table.batch(rows, pad_id_of(encoder))
            mask = None if batch.mask is None else to_device(batch.mask, reader.device)
            with torch.inference_mode():
                pooled = inference.run_encoder(to_device(batch.ids, reader.device), mask)
            vectors[rows + start] = pooled.float().cpu().numpy()
    return vectors[place]
