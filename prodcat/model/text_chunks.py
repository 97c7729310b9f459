"""Divides texts into chunks that are worked on together, in bounded memory."""

from collections.abc import Iterator, Sequence

_LETTERS = 1 << 20  # in a chunk, apart from its last text


def text_chunks(texts: Sequence[str], most: int) -> Iterator[list[str]]:
    """Consecutive texts: as many as allowed, but fewer if they are long; one chunk if none.

    Args:
        texts: The texts.
        most: The most texts in a chunk.

    >>> [len(chunk) for chunk in text_chunks(["sut"] * 5, 2)], list(text_chunks([], 2))
    ([2, 2, 1], [[]])
    """
    chunk: list[str] = []
    letters = 0
    for text in texts:
        chunk.append(text)
        letters += len(text)
        if len(chunk) == most or letters >= _LETTERS:
            yield chunk
            chunk, letters = [], 0
    if chunk or not texts:
        yield chunk
