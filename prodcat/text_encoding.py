r"""Escape texts from data, artifacts and file names for the format that they are written into.

A category, a title or a file name may contain any characters, and every format gives a meaning to
some of them: tags in HTML and Plotly, punctuation in Markdown, formulas in spreadsheets, escape
sequences in terminals, line ends in logs.  There is one function for each format, and whatever is
written for people goes through it.  Files that programs read (Parquet, JSON, the CSV of
``prodcat predict``) hold the texts as they are.
"""

import html
import logging
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

# Controls, bidirectional and other format marks, lone surrogates, and separators of lines.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_HARMLESS = frozenset("\xad\u200c\u200d")  # hyphens and joiners that words and emoji contain
_PLOTLY = str.maketrans({letter: f"&#{ord(letter)};" for letter in "&<>$%"})
# A formula begins where a cell begins, for any of the usual separators of cells.
_FORMULA = re.compile(
    r"""(^|[;|\t\r\n])(?='*(?:[^\S\t\r\n]|["\ufeff]){0,99}[=+\-@\t\r\n＝＋－＠])"""
)
# Cells of CSV that some reader would change without quotes; some split lines where Python does.
_QUOTED = r'["\n-\r\x1c-\x1e\x85\u2028\u2029]|\A(?:[\s\ufeff]|\Z)|\s\Z'
_NUMBER = re.compile(r"[+-]?(\d++([.,]\d*+)?|[.,]\d++)([eE][+-]?\d++)?")


def for_terminal(text: str, lines: bool = False) -> str:
    r"""Show controls, bidirectional marks and lone surrogates as backslash escapes.

    Args:
        text: The text.
        lines: Whether the text has several lines on purpose; otherwise the result is one line.

    >>> print(for_terminal("red\x1b[2J\napple"))
    red\x1b[2J\napple
    """
    if text.isprintable():
        return text
    return "".join(
        repr(letter)[1:-1]
        if unicodedata.category(letter) in _HIDDEN
        and letter not in _HARMLESS
        and not (lines and letter == "\n")
        else letter
        for letter in text
    )


def for_html(text: str) -> str:
    """Escape a text for the content of an HTML element, also where MathJax is loaded.

    >>> for_html("<b> $x$")
    '&lt;b&gt; <span>$</span>x<span>$</span>'
    """
    escaped = html.escape(for_terminal(text))
    return re.sub(r"[$\\]", lambda letter: f"<span>{letter[0]}</span>", escaped)


def for_script(json_text: str) -> str:
    r"""Escape JSON so that it cannot end the script element that contains it.

    >>> print(for_script('"</script>"'))
    "\u003c/script>"
    """
    visible = for_terminal(json_text)
    if visible != json_text:  # a backslash of its own, as JSON has no \x1b
        visible = "".join(
            letter if for_terminal(letter) == letter else f"\\{for_terminal(letter)}"
            for letter in json_text
        )
    return visible.replace("<", "\\u003c")


def for_plotly(text: str) -> str:
    """Write the letters that Plotly reads as tags, entities, templates or formulas as entities.

    >>> for_plotly("<b> 50 %")
    '&#60;b&#62; 50 &#37;'
    """
    return for_terminal(text).translate(_PLOTLY)


def for_markdown(text: str) -> str:
    """Write a text as inline code, in which Markdown reads no link, image, tag or mention.

    Bars are written as entities between pieces of code, because they would end a table's cell.

    >>> print(for_markdown("a | [b](c)"))
    `a `&#124;` [b](c)`
    """
    return "&#124;".join(_inline_code(piece) for piece in for_terminal(text).split("|"))


def _inline_code(text: str) -> str:
    if not text.strip():
        return text
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    # Markdown removes one blank from either end, or reads a backtick as part of the fence.
    pad = " " if text[0] == text[-1] == " " or "`" in (text[0], text[-1]) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def for_spreadsheet(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would read as a formula, but not before numbers.

    Removing the added apostrophe gives the original text.

    >>> for_spreadsheet("=1+1"), for_spreadsheet("-1.5"), for_spreadsheet("'=1")
    ("'=1+1", '-1.5', "''=1")
    """
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1'", text)


def for_csv(rows: Iterable[Iterable[Any]], delimiter: str = ",") -> str:
    r"""Write rows as CSV for programs, which read every text back as it is.

    Rows end with a line feed.  Cells are quoted if they have quotes, delimiters, any kind of line
    end, blanks or a byte order mark around them.  Empty texts are quoted too, and None is not.

    >>> for_csv([["title", "id", "size"], ["a\rb", 1, None], ["", 2, " 1 l"]])
    'title,id,size\n"a\rb",1,\n"",2," 1 l"\n'
    """
    needs_quotes = re.compile(f"{re.escape(delimiter)}|{_QUOTED}").search

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        if value is None or not needs_quotes(text):
            return text
        return '"' + text.replace('"', '""') + '"'

    lines = [delimiter.join(map(cell, row)) or '""' for row in rows]
    return "".join([f"{line}\n" for line in lines])


def for_log(text: str) -> str:
    r"""Encode a message for a log or an error stream; further lines are indented.

    So no text can look like the beginning of another message.

    >>> print(for_log("two\nlines"))
    two
        lines
    """
    return for_terminal(text, lines=True).replace("\n", "\n    ")


class LogFormatter(logging.Formatter):
    """Formats records by :func:`for_log`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, with its traceback if it has one."""
        return for_log(super().format(record))
