"""Trim the vocabulary of a reader: keep only the word pieces that it needs."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.reader import Reader
from prodcat.classifier.titles import Titles, given_titles
from prodcat.errors import ConfigError
from prodcat.model.pretrained import config_of
from prodcat.model.trimming import keep_pieces
from prodcat.model.vocabulary import choose_pieces, trim_tokenizer
from prodcat.model.vocabulary_report import VocabularyReport, vocabulary_report


def trimmed(
    reader: Reader,
    titles: Titles,
    languages: Sequence[str] | None,
    min_count: int,
    max_pieces: int | None,
) -> tuple[Reader, VocabularyReport]:
    """Make a reader whose encoder has a smaller vocabulary of word pieces.

    Args:
        reader: The reader to trim; it is not changed.
        titles: Titles whose pieces are kept.
        languages: Languages; the pieces that can be written with their alphabets are kept too.
        min_count: Minimum number of occurrences of a piece in the titles for it to be kept.
        max_pieces: Maximum number of pieces of the titles, the most frequent ones; None for no
            limit.

    Returns:
        The smaller reader, and the sizes and token counts before and after.

    Raises:
        CatalogError: The titles are not texts, or a text column is missing.
        ConfigError: There is no encoder, a language is not known, or a number is out of range.
        EncoderError: The tokenizer cannot be trimmed.
    """
    if reader.network.encoder is None or reader.tokenizer is None:
        raise ConfigError("There is no vocabulary to trim; expected a classifier with an encoder.")
    titles = given_titles(titles, reader.text_columns)
    tokenizer, texts = reader.tokenizer, reader.texts(titles)
    kept = choose_pieces(
        tokenizer, texts=texts, languages=languages, min_count=min_count, max_pieces=max_pieces
    )
    small = trim_tokenizer(tokenizer, kept)
    network = copy.deepcopy(reader.network)
    assert network.encoder is not None
    keep_pieces(network.encoder, torch.from_numpy(kept))
    names = list(titles.languages) if isinstance(titles, Catalog) and titles.languages else None
    width = network.encoder.word_embeddings.embedding_dim
    report = vocabulary_report(tokenizer, small, width, texts, names)
    config = config_of(network.encoder)
    return replace(reader, network=network, tokenizer=small, encoder_config=config), report
