"""The n-grams of texts as hashes of 64 bits.

The highest bit of a hash is 1 for character n-grams and 0 for words.  If further text columns are
read as fields, the highest 8 bits are the number of its group: 0 for the words of the titles, 1 for
their character n-grams, and two more for each field.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.cleaning import clean
from prodcat.catalog.fields import plain
from prodcat.catalog.text import fold, fold_before
from prodcat.model.fields import Field, columns_of

Hashes = NDArray[np.uint64]
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_CHARACTER = np.uint64(1) << np.uint64(63)
# What makes the hash of a first and of a last word differ from that of the same word elsewhere.
_FIRST, _LAST = np.uint64(0xF1), np.uint64(0x1A)
_GROUP = np.uint64(56)  # bits of a hash below the number of its group, if there are fields
# Whether a code point belongs to a word: 1 or 0, and -1 where that is not known yet.
_IN_WORD = np.full(0x110000, -1, np.int8)


def hash_texts(
    texts: Sequence[str],
    characters: tuple[int, int],
    version: int,
    fields: tuple[Field, ...] = (),
) -> tuple[NDArray[np.int64], Hashes]:
    """The text, int64 [entry], and the hash, uint64 [entry], of every n-gram of the texts."""
    if not fields:
        return _hash_lines([plain(text) for text in texts], characters, version)
    titles, *columns = columns_of(texts, len(fields))
    parts = [_hash_lines(titles, characters, version)]
    for field, values in zip(fields, columns, strict=True):
        if field.kind == "number":
            parts.append(hash_numbers(field, values))
        else:
            parts.append(_hash_lines(values, characters, version))
    hashes = [in_group(part, place, fields) for place, (_, part) in enumerate(parts)]
    return np.concatenate([rows for rows, _ in parts]), np.concatenate(hashes)


def in_group(hashes: Hashes, place: int, fields: tuple[Field, ...]) -> Hashes:
    """Write the number of its group into each hash.

    Args:
        hashes: uint64 [n], whose highest bit says whether they are those of character n-grams.
        place: The place of the text that they are from: 0 for the title, then the fields.
        fields: How the further text columns are read; without any, the hashes stay as they are.
    """
    if not fields:
        return hashes
    group = np.uint64(2 * place) + (hashes >> np.uint64(63))
    return (hashes & ~_CHARACTER) >> np.uint64(7) | group << _GROUP


def hash_numbers(field: Field, values: Sequence[str]) -> tuple[NDArray[np.int64], Hashes]:
    """The position, int64 [entry], and the hash, uint64 [entry], of each range of a number."""
    rows, codes = field.ranges(values)
    return rows, _mix(codes) & ~_CHARACTER


def hash_groups(hashes: Hashes, fields: int) -> NDArray[np.int64]:
    """The group, int64 [n], of each hash, uint64 [n], of texts with this number of fields."""
    return (hashes >> (_GROUP if fields else np.uint64(63))).astype(np.int64)


def pieces_of(text: str, version: int) -> list[str]:
    """What is between the blanks of a text, cleaned and folded.

    >>> pieces_of("Crème  brûlée, 250&nbsp;g", 2)
    ['creme', 'brulee,', '250', 'g']
    """
    return (fold_before(text) if version == 1 else fold(clean(text))).split()


def hash_pieces(
    pieces: Sequence[str], characters: tuple[int, int], version: int
) -> tuple[tuple[NDArray[np.int64], Hashes], tuple[NDArray[np.int64], Hashes]]:
    """Hash pieces by themselves: character n-grams cross no blank.

    Args:
        pieces: Distinct or repeated pieces, as from :func:`pieces_of`.
        characters: Lengths of the shortest and the longest character n-gram.
        version: As in :class:`prodcat.model.ngrams.NGrams`.

    Returns:
        The piece, int64 [entry], and the hash, uint64 [entry], of each character n-gram; and the
        same for each word, in order, from which :func:`word_ngrams` makes n-grams of words.
    """
    joined = "".join(f" {piece} " for piece in pieces)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    letters = codes.astype(np.uint64)
    if not len(letters):
        nothing = np.zeros(0, np.int64), np.zeros(0, np.uint64)
        return nothing, nothing
    row = np.repeat(np.arange(len(pieces)), [len(piece) + 2 for piece in pieces])
    between = codes == ord(" ") if version == 1 else ~_in_words(codes)
    parts = _character_ngrams(letters, row, characters)
    rows, hashes = ([part[side] for part in parts] for side in (0, 1))
    of_characters = (
        np.concatenate([np.zeros(0, np.int64), *rows]),
        np.concatenate([np.zeros(0, np.uint64), *hashes]),
    )
    return of_characters, _words(letters, row, between)


def words_of(piece: str, version: int) -> list[str]:
    """The words of a piece, in the order in which :func:`hash_pieces` hashes them.

    >>> words_of("l'oreal,", 2), words_of("l'oreal,", 1)
    (['l', 'oreal'], ["l'oreal,"])
    """
    if version == 1:
        return [piece] if piece else []
    inside = _in_words(np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), np.uint32))
    edge = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]))).tolist()
    return [piece[start:end] for start, end in zip(edge[::2], edge[1::2], strict=True)]


def _hash_lines(
    texts: Sequence[str], characters: tuple[int, int], version: int
) -> tuple[NDArray[np.int64], Hashes]:
    """The text, int64 [entry], and the hash, uint64 [entry], of every n-gram of plain texts."""
    lines = [" ".join(pieces_of(text, version)) for text in texts]
    (row, hashes), words = hash_pieces(lines, characters, version)
    rows, words_hashed = word_ngrams(*words, version)
    return np.concatenate([row, rows]), np.concatenate([hashes, words_hashed])


def _character_ngrams(
    letters: NDArray[np.uint64], row: NDArray[np.int64], characters: tuple[int, int]
) -> list[tuple[NDArray[np.int64], Hashes]]:
    """Rows and hashes of the n-grams of each size; they may begin or end with a blank.

    Args:
        letters: uint64 [letter]: the code points of all lines, each between two blanks.
        row: int64 [letter]: the row of each letter.
        characters: Lengths of the shortest and the longest n-gram.

    Returns:
        For each size the row, int64 [entry], and the hash, uint64 [entry], of each n-gram.
    """
    parts = []
    space = letters == ord(" ")
    window = letters + np.uint64(1)
    inside = np.ones(len(letters), np.bool_)
    for size in range(2, characters[1] + 1):
        if len(window) < 2:
            break
        window = window[:-1] * _PRIME + letters[size - 1 :] + np.uint64(1)
        inside = inside[:-1]
        if size > 2:
            inside = inside & ~space[size - 2 : size - 2 + len(inside)]
        last = slice(size - 1, size - 1 + len(window))
        valid = inside & (row[: len(window)] == row[last])
        if size == 2:
            valid &= ~(space[:-1] & space[1:])
        if size >= characters[0]:
            hashes = _mix(window[valid] + np.uint64(size)) | _CHARACTER
            parts.append((row[: len(window)][valid], hashes))
    return parts


def _in_words(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether each code point is part of a word, bool [codes]: letters, digits and their marks."""
    known = _IN_WORD[codes]
    if (known < 0).any():
        for code in np.unique(codes[known < 0]).tolist():
            letter = chr(code)
            mark = unicodedata.category(letter)[0] == "M"
            _IN_WORD[code] = letter.isalnum() or letter == "_" or mark
        known = _IN_WORD[codes]
    return known > 0


def _words(
    letters: NDArray[np.uint64], row: NDArray[np.int64], between: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Hashes]:
    """Rows and hashes of the words, in order.

    A word's hash is the difference of a running hash at its end and at its start.

    Args:
        letters: uint64 [letter]: the code points of all lines, each between two blanks.
        row: int64 [letter]: the row of each letter.
        between: bool [letter]: whether the letter is between words.
    """
    running = np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum((letters + np.uint64(1)) * _powers(_PRIME, len(row)))]
    )
    edge = np.diff(np.concatenate([[True], between, [True]]).astype(np.int8))
    start, end = np.flatnonzero(edge == -1), np.flatnonzero(edge == 1)
    return row[start], _mix((running[end] - running[start]) * _powers(_INVERSE, len(row))[start])


def word_ngrams(
    row: NDArray[np.int64], word: Hashes, version: int
) -> tuple[NDArray[np.int64], Hashes]:
    """The n-grams of words: each word, pairs of words, and a row's first and last word.

    Args:
        row: int64 [word]: the row of each word, ascending.
        word: uint64 [word]: the hash of each word, as from :func:`hash_pieces`.
        version: As in :class:`prodcat.model.ngrams.NGrams`; in version 1 a row's first and last
            word are not n-grams once more.

    Returns:
        The row, int64 [entry], and the hash, uint64 [entry], of each n-gram.
    """
    if not len(word):
        return row, word
    # Whether a row ends before each word, and after the last one.
    border = np.ones(len(row) + 1, np.bool_)
    np.not_equal(row[:-1], row[1:], out=border[1:-1])
    first = (~border[1:-1]).nonzero()[0]
    rows, hashes = [row[first]], [word[first] * _PRIME + word[first + 1]]
    if version > 1:
        for following, salt in ((border[:-1], _FIRST), (border[1:], _LAST)):
            rows.append(row[following])
            hashes.append(word[following] * _PRIME + salt)
    mixed = _mix(np.concatenate(hashes))
    return np.concatenate([row, *rows]), np.concatenate([word, mixed]) & ~_CHARACTER


def _mix(hashes: Hashes) -> Hashes:
    """Mix the bits of each hash (the finaliser of SplitMix64, Steele et al., OOPSLA 2014)."""
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _powers(base: np.uint64, count: int) -> Hashes:
    """The powers 0 to ``count - 1`` of a number modulo 2**64, uint64 [count]."""
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)
