"""Decodes a text file: the encoding is the one that is named, or the one that its bytes show.

UTF-8 and the files with a mark at their beginning are certain.  Bytes that are not UTF-8 are
compared with what people write (:mod:`prodcat.storage.legacy_encodings`); for that, the whole file
is read once.  As long as a file has only ASCII characters, all these encodings are equal, so that
nothing is decided before the first other byte.
"""

import codecs
import re
from dataclasses import dataclass
from typing import IO

from prodcat.errors import CatalogError
from prodcat.storage.csv_marks import kept_feeds
from prodcat.storage.legacy_encodings import LegacyGuess, guess_encoding
from prodcat.storage.wide_encodings import cut_escape, escaped_encoding, unmarked_encoding

_BLOCK = 256 << 10  # bytes that are read at once
_MARKS = (  # the longer marks first, as one begins with another
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PACKED = ((b"\x1f\x8b", "packed with gzip"), (b"PK\x03\x04", "a ZIP archive or a workbook"))
_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]*[\x80-\xff][0-9A-Za-z\x80-\xff]*")
_MOST_WORDS = 20_000  # different words from which an encoding is guessed
_MOST_LETTERS = 100  # bytes of a word of which the encoding is guessed
_MOST_UNKNOWN = 20  # words of unknown encoding that are taken for faults of their rows
_CHANCE = 50  # words that are not UTF-8, for one that is UTF-8 by chance
_PLAIN = ("utf-8", "utf-8-sig")
_WIDE = ("utf-16", "utf-32")


@dataclass(frozen=True)
class Encoding:
    """The encoding of a file, and how it is known.

    Attributes:
        name: The name of the encoding, as Python knows it.
        guess: What else the bytes may be, if the encoding was guessed from them; None if it is
            certain or was named.
    """

    name: str
    guess: LegacyGuess | None = None

    @property
    def is_guessed(self) -> bool:
        """Whether the encoding was guessed from the letters that it gives."""
        return self.guess is not None and self.guess.encoding is not None


class DecodedText:
    """A text file as a stream of characters, whose line ends are left as they are.

    Bytes that are not valid become lone surrogates (``surrogateescape``).

    Args:
        raw: The opened file; its bytes are not compressed any more.
        name: The name of the file, for messages.
        encoding: The encoding; None to find it out.

    Raises:
        CatalogError: The file is packed, or begins with the mark of another encoding than the named
            one.
    """

    def __init__(self, raw: IO[bytes], name: str, encoding: str | None = None) -> None:
        self._raw, self._name = raw, name
        self._position = 0  # of the bytes that were read
        self._text: list[str] = []  # what was decoded but not read yet
        self._decoder: codecs.IncrementalDecoder | None = None
        self._ended = False
        self._keeps_feeds = False
        self._held = b""  # the start of an escape that the next block may end
        self.encoding: Encoding | None = None
        self._begin(encoding)

    def _begin(self, named: str | None) -> None:
        """Read the first bytes, and decide what they decide."""
        head = self._block()
        packed = next((kind for bytes_, kind in _PACKED if head.startswith(bytes_)), None)
        if packed is not None:
            raise CatalogError(
                f"{self._name!r} is {packed}; expected text. Unpack it, or give the file the "
                "ending of what it is."
            )
        mark = marked_encoding(head) or unmarked_encoding(head)
        if named is not None:
            canonical = codecs.lookup(named).name
            if mark is not None and not mark.startswith(canonical.removesuffix("-sig")[:6]):
                raise CatalogError(
                    f"{self._name!r} begins as {mark.removesuffix('-sig')}, and not as "
                    f"{named!r}. Leave out the encoding, or correct it."
                )
            self._decide(Encoding(mark or canonical))
        elif mark is not None:
            self._decide(Encoding(mark))
        self._add(head)

    def _block(self) -> bytes:
        block = self._raw.read(_BLOCK)
        self._position += len(block)
        return block

    def _decide(self, encoding: Encoding) -> None:
        self.encoding = encoding
        wide = encoding.name.startswith(_WIDE)
        errors = "surrogatepass" if wide else "surrogateescape"
        self._decoder = codecs.getincrementaldecoder(encoding.name)(errors)

    def _add(self, block: bytes) -> None:
        """Decode a block of bytes; an empty one is the end of the file."""
        self._ended = self._ended or not block
        if self._decoder is None:
            block, self._held = self._held + block, b""
            name = escaped_encoding(block) if block.isascii() else None
            if block.isascii() and name is None:
                end = len(block) if self._ended else cut_escape(block)
                block, self._held = block[:end], block[end:]
                self._text.append(block.decode("ascii"))
                return
            self._decide(Encoding(name) if name else self._recognised(block))
        assert self._decoder is not None
        try:
            self._text.append(self._decoder.decode(block, self._ended))
        except UnicodeError as error:
            assert self.encoding is not None
            raise CatalogError(
                f"{self._name!r} cannot be read as {self.encoding.name}: {error}. "
                "Name another encoding with encoding= (--file-encoding), or save the file as "
                "UTF-8."
            ) from error

    def _recognised(self, block: bytes) -> Encoding:
        """The encoding of a file whose first bytes beyond ASCII are in this block."""
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            return self._guessed()
        return Encoding("utf-8")

    def _guessed(self) -> Encoding:
        """The encoding of a file that is not UTF-8, or not everywhere."""
        words, valid = self._words()
        if valid * _CHANCE > len(words):
            return Encoding("utf-8")
        guess = guess_encoding(words)
        if guess.encoding is None:
            if guess.others and len(words) > _MOST_UNKNOWN:
                raise CatalogError(
                    f"{self._name!r} is not UTF-8, and may be {' or '.join(guess.others[:3])}, "
                    f"which have different letters: {guess.example!r} in {guess.others[0]}. Name "
                    "its encoding with encoding= (--file-encoding)."
                )
            return Encoding("utf-8", guess)
        return Encoding(guess.encoding, guess)

    def _words(self) -> tuple[set[bytes], int]:
        """The different words of the file that are not UTF-8, and the number that are UTF-8."""
        try:
            self._raw.seek(0)
        except (OSError, ValueError) as error:
            raise CatalogError(
                f"{self._name!r} is not UTF-8, and cannot be read twice to find out what it is. "
                "Name its encoding with encoding= (--file-encoding)."
            ) from error
        invalid: set[bytes] = set()
        valid: set[bytes] = set()
        rest = b""
        while len(invalid) < _MOST_WORDS and (block := self._raw.read(_BLOCK)):
            block = rest + block
            # A word may go on in the next block.
            end = max(block.rfind(mark) for mark in (b"\n", b"\r", b" ", b";", b",")) + 1
            rest = block[end:] if len(block) - end < _BLOCK else b""
            for word in set(_WORD.findall(block, 0, end or len(block))):
                (valid if _is_utf8(word) else invalid).add(word[:_MOST_LETTERS])
        for word in _WORD.findall(rest):
            (valid if _is_utf8(word) else invalid).add(word[:_MOST_LETTERS])
        self._raw.seek(self._position)
        return invalid, len(valid)

    def read(self, size: int) -> str:
        """Read characters.

        Args:
            size: The maximum number of characters.

        Returns:
            At least one character, or an empty text at the end of the file.

        Raises:
            CatalogError: The bytes do not fit the encoding.
        """
        while not any(self._text) and not self._ended:
            self._text.clear()
            self._add(self._block())
        text = "".join(self._text)
        self._text = [text[size:]] if len(text) > size else []
        return kept_feeds(text[:size]) if self._keeps_feeds else text[:size]

    def keep_feeds(self) -> None:
        """From now on, line feeds are read as :func:`.csv_marks.kept_feeds` writes them."""
        self._keeps_feeds = True

    def peek(self, size: int) -> str:
        """The next characters, at least ``size`` of them unless the file ends; they stay unread."""
        while sum(map(len, self._text)) < size and not self._ended:
            self._add(self._block())
        return "".join(self._text)


def marked_encoding(head: bytes) -> str | None:
    r"""The encoding that a byte order mark at the beginning of a text shows, or None.

    >>> marked_encoding(b"\xff\xfea\x00")
    'utf-16'
    """
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True
