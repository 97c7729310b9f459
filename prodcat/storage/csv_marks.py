"""Backslashes, quotes, blanks and line feeds in lines of CSV that Python's reader does not expect.

Lines are changed before they are read, so that the reader gives the texts that were meant.
"""

import re
from collections.abc import Iterable, Iterator

_KEPT, _PLAIN, _FEED = "\ufdd0", "\ufdd1", "\ufdd2"  # no characters, which few texts have
_MOST_PLAIN = 0.8  # share of lines in quotes that may be so by chance
_MOST_LINES = 100  # from which quotes are recognised


def doubled_backslashes(lines: Iterable[str], escaped: str, *, pairs: bool) -> Iterator[str]:
    r"""Double the backslashes that escape nothing, so that a reader of CSV keeps them.

    Args:
        lines: The lines of a file.
        escaped: The characters that are escaped with a backslash.
        pairs: Whether two backslashes stand for one everywhere; otherwise only before a character
            that may be escaped.

    >>> list(doubled_backslashes(['"32\\" LED","C:\\temp"\n'], '"', pairs=False))
    ['"32\\" LED","C:\\\\temp"\n']
    """
    search = re.compile(rf"(\\+)([{re.escape(escaped)}])?")

    def doubled(match: re.Match[str]) -> str:
        run, follows = match[1], match[2]
        if follows:
            return match[0]
        return run + "\\" * (len(run) % 2) if pairs else run + run

    for line in lines:
        yield search.sub(doubled, line) if "\\" in line else line


def loose_backslashes(sample: str, escaped: str) -> bool:
    r"""Whether a text has backslashes that escape nothing, so that they are not escaped either.

    >>> loose_backslashes('"C:\\temp"', '"'), loose_backslashes('"C:\\\\ 5\\""', '"')
    (True, False)
    """
    return re.search(rf"(?<!\\)(?:\\\\)*\\(?![\\{re.escape(escaped)}])", sample) is not None


def without_blanks(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    """Remove the blanks between the quote that ends a field and the delimiter.

    >>> list(without_blanks(['"a , b" , "c" ,d'], ","))
    ['"a , b", "c",d']
    """
    blanks = re.compile(rf" +(?=[{re.escape(delimiter)}\r\n]|$)")
    is_open = False
    for line in lines:
        parts = line.split('"')
        for place in range(1, len(parts)):
            if is_open and (match := blanks.match(parts[place])):
                parts[place] = parts[place][match.end() :]
            is_open = not is_open
        yield '"'.join(parts)


def odd_quotes(sample: str) -> list[str]:
    r"""The other characters than ``"`` that enclose all names of columns, or the texts below.

    >>> odd_quotes("'title','path'\nMilk,Food\n"), odd_quotes("title\n's-Gravenhage\n")
    (["'"], [])
    """
    lines = [line.strip() for line in sample.splitlines()[:_MOST_LINES]]
    lines = [line for line in lines if line]
    quotes = []
    for quote in "'`" if lines else "":
        name = rf"{quote}[^{quote}]+{quote}"
        is_header = re.fullmatch(rf"{name}(?:[^\w{quote}]{name})*", lines[0]) is not None
        text = re.compile(rf"{quote}[^{quote}]*(?:{quote}{quote}[^{quote}]*)*{quote}(?:[,;\t|]|$)")
        if is_header or (lines[1:] and all(map(text.match, lines[1:]))):
            quotes.append(quote)
    return quotes


def kept_quotes(sample: str) -> str:
    r"""The character that encloses the texts of most lines although not all close; or nothing.

    >>> kept_quotes("title\n'L'Oreal'\n'Milk'\n"), kept_quotes("title\n'90s CD\nMilk\n")
    ("'", '')
    """
    lines = [line.strip() for line in sample.splitlines()[1:_MOST_LINES]]
    lines = [line for line in lines if line]
    for quote in "'`":
        text = re.compile(rf"{quote}.*{quote}(?:[,;\t|]|$)")
        if sum(text.match(line) is not None for line in lines) > _MOST_PLAIN * len(lines):
            return quote
    return "".join(odd_quotes(sample)[:1])


def kept_feeds(text: str) -> str:
    """Write line feeds with other characters, so that they end no line."""
    if _KEPT in text:
        text = text.replace(_KEPT, _KEPT + _PLAIN)
    return text.replace("\n", _KEPT + _FEED)


def restored_feeds(text: str) -> str:
    r"""The text from which :func:`kept_feeds` made this one.

    >>> restored_feeds(kept_feeds("a\n\ufdd0\ufdd2")) == "a\n\ufdd0\ufdd2"
    True
    """
    if _KEPT not in text:
        return text
    return text.replace(_KEPT + _FEED, "\n").replace(_KEPT + _PLAIN, _KEPT)
