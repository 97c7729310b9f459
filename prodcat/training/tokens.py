"""Tokenise the rows of a fit, in all processes that train together."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from prodcat.model.batches import TokenTable
from prodcat.model.tokenization import tokenize
from prodcat.training.ranks import Ranks

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger("prodcat")


def tokenize_shared(
    tokenizer: "Tokenizer | None", texts: Sequence[str], max_tokens: int, ranks: Ranks
) -> TokenTable:
    """Tokenise texts; each process tokenises a share, and all get the whole result.

    Args:
        tokenizer: The encoder's tokenizer; without one each text has no tokens.
        texts: One for each row.
        max_tokens: Longer texts are cut to this many tokens.
        ranks: The processes that train together.

    Returns:
        The tokens of all texts, in their order.
    """
    if tokenizer is None:
        return TokenTable(np.zeros(0, np.int32), np.zeros(len(texts) + 1, np.int64))
    edges = np.linspace(0, len(texts), ranks.size + 1).astype(np.int64)
    share = texts[edges[ranks.rank] : edges[ranks.rank + 1]]
    parts = ranks.collect(tokenize(tokenizer, share, max_tokens))
    lengths = np.concatenate([part.lengths for part in parts])
    return TokenTable(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([[0], np.cumsum(lengths)]),
        sum(part.truncated for part in parts),
    )


def warn_of_cut(table: TokenTable, max_tokens: int) -> None:
    """Log a warning with the number of training texts that were cut, if there are any."""
    if table.truncated:
        logger.warning(
            "%d of %d texts (titles and category names) are longer than max_tokens=%d and were "
            "cut.",
            table.truncated,
            len(table),
            max_tokens,
        )
