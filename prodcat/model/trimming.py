"""Encoders with a smaller vocabulary of word pieces."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from prodcat.errors import ConfigError
from prodcat.model.encoder import Encoder
from prodcat.model.pretrained import load_encoder, write_encoder
from prodcat.model.vocabulary import choose_pieces, trim_tokenizer
from prodcat.model.vocabulary_report import VocabularyReport, vocabulary_report


@torch.no_grad()
def keep_pieces(encoder: Encoder, kept: Tensor) -> None:
    """Reduce the word embeddings of an encoder to those of these pieces, in place.

    Args:
        encoder: The encoder, which is changed.
        kept: int64 [piece]: the ids of the pieces, ascending; the first becomes id 0, and so on.
    """
    whole = encoder.word_embeddings
    ids = kept.tolist()
    place = {old: new for new, old in enumerate(ids)}
    config: Any = encoder.model().config
    old_pad = whole.padding_idx
    small = nn.Embedding(
        len(ids),
        whole.embedding_dim,
        padding_idx=None if old_pad is None else place.get(old_pad),
        _weight=whole.weight[kept.to(whole.weight.device)].clone(),
    )
    encoder.set_word_embeddings(small)
    config.vocab_size = len(ids)
    for name in ("pad", "bos", "eos", "cls", "sep", "mask"):
        old = getattr(config, f"{name}_token_id", None)
        if isinstance(old, int):
            setattr(config, f"{name}_token_id", place.get(old))


def trim_encoder(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    texts: Sequence[str] | None = None,
    text_languages: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
    min_count: int = 1,
    max_pieces: int | None = None,
) -> VocabularyReport:
    """Write a copy of an encoder that has only the word pieces of given texts or languages.

    Args:
        source: A hub name, a local folder or an fsspec URI, as for ``ModelConfig.encoder``.
        target: The folder to write, at any fsspec URI; use it as ``ModelConfig.encoder``.
        texts: Texts whose pieces are kept, for example all titles, in a list, a generator or a
            column of a frame.
        text_languages: The language of each text; used for the report only.
        languages: Languages such as ``["tr", "en"]``; the pieces that can be written with their
            alphabets are kept.
        min_count: Minimum number of occurrences of a piece in the texts for it to be kept.
        max_pieces: Maximum number of pieces of the texts, the most frequent ones; None for no
            limit.

    Returns:
        Size of the vocabulary, tokens of a text and unknown tokens, before and after.

    Raises:
        ConfigError: Neither texts nor languages are given, a language is not known, a number is out
            of range, ``source`` or ``target`` is no path, or ``texts`` is no list of texts.
        EncoderError: The encoder cannot be loaded, or its tokenizer cannot be trimmed.
    """
    source, target = _path("source", source), _path("target", target)
    texts = None if texts is None else _listed(texts)
    encoder, tokenizer = load_encoder(source)
    kept = choose_pieces(
        tokenizer, texts=texts, languages=languages, min_count=min_count, max_pieces=max_pieces
    )
    small = trim_tokenizer(tokenizer, kept)
    keep_pieces(encoder, torch.from_numpy(kept))
    write_encoder(encoder, small, target)
    return vocabulary_report(
        tokenizer, small, encoder.word_embeddings.embedding_dim, texts or [], text_languages
    )


def _path(name: str, given: object) -> str:
    """A path or URI as text.

    Raises:
        ConfigError: It is something else.
    """
    text = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(text, str) or not text:
        raise ConfigError(
            f"{name} is {_shown(given)}; expected the name, path or URI of an encoder's folder."
        )
    return text


def _listed(given: Any) -> list[str]:
    """The texts of a list or column.

    Raises:
        ConfigError: It has no texts, or is a table, a mapping or one text.
    """
    is_one = isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable)
    texts = [] if is_one or hasattr(given, "columns") else list(given)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ConfigError(
            f"texts is {_shown(given)}; expected a list of texts. Of a table give the column with "
            "the titles, of other values str() of each."
        )
    return texts


def _shown(given: object) -> str:
    is_short = given is None or isinstance(given, (str, float))
    return repr(given) if is_short else f"a {type(given).__name__}"
