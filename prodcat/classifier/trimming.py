"""A reader with a smaller vocabulary of word pieces."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.reader import Reader, Titles
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
    """The reader with a smaller vocabulary, and a report of what was cut.

    Args:
        reader: The reader to make smaller; it stays as it is.
        titles: The pieces of these titles are kept.
        languages: The pieces that the alphabets of these languages can write are kept too.
        min_count: A piece is kept if it occurs at least this often in the titles.
        max_pieces: At most this many pieces of the titles are kept, the most frequent ones.

    Raises:
        ConfigError: There is no encoder, or a language is not known.
        EncoderError: The tokenizer cannot be trimmed.
    """
    if reader.network.encoder is None or reader.tokenizer is None:
        raise ConfigError("This classifier has no encoder, so no vocabulary to trim.")
    texts = reader.texts(titles)
    kept = choose_pieces(
        reader.tokenizer,
        texts=texts,
        languages=languages,
        min_count=min_count,
        max_pieces=max_pieces,
    )
    tokenizer = trim_tokenizer(reader.tokenizer, kept)
    network = copy.deepcopy(reader.network)
    assert network.encoder is not None
    keep_pieces(network.encoder, torch.from_numpy(kept))
    names = list(titles.languages) if isinstance(titles, Catalog) and titles.languages else None
    width = network.encoder.word_embeddings.embedding_dim
    report = vocabulary_report(reader.tokenizer, tokenizer, width, texts, names)
    config = config_of(network.encoder)
    return replace(reader, network=network, tokenizer=tokenizer, encoder_config=config), report
