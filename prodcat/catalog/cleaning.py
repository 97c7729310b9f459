"""Removes what exports leave in titles: HTML, control characters, and runs of blanks."""

import html
import re
from html.entities import html5

_MOST_ROUNDS = 10  # of unescaping; no export escapes a title that often
_ENTITY = re.compile(
    r"&(?:(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
    r"|(#0?39(?!\d)|(?:quot|nbsp|amp|[A-Za-z](?:acute|grave|circ|uml|tilde|cedil))(?!\w)))"
)
# Elements whose names are no words or codes that a title has in angle brackets, as in "<new>".
_PLAIN_TAGS = (
    "b|i|p|u|br|wbr|hr|div|span|strong|em|sub|sup|font|img|ul|ol|li|dl|dt|dd|table|tbody|thead|"
    "tfoot|tr|td|th|h1|h2|h3|h4|h5|h6|pre|tt|abbr|iframe|svg|script|style|blockquote"
)
# Elements that count only where they are closed, or have attributes.
_DOUBTFUL_TAGS = (
    "a|q|s|small|big|center|del|ins|mark|code|label|strike|cite|form|input|button|select|option|"
    "article|section|header|footer|main|nav|figure|picture|source|video|title|html|head|body|meta|"
    "link"
)
_INLINE_TAGS = "a|b|i|u|q|s|wbr|span|strong|em|sub|sup|font|tt|abbr|small|big|del|ins|mark|code"
_PLAIN, _INLINE = frozenset(_PLAIN_TAGS.split("|")), frozenset(_INLINE_TAGS.split("|"))
_NAME = f"{_PLAIN_TAGS}|{_DOUBTFUL_TAGS}"
_TAG = re.compile(
    rf"<(/?)({_NAME})(\s[^<>=]+=[^<>]*|\s*+/?\s*+)>"
    r"|<!\[CDATA\[([^<>]*)\]\]>|<!--[^<>]*-->|<!doctype [^<>]*>",
    re.IGNORECASE,
)
_CLOSED = re.compile(rf"</({_NAME})\s*>", re.IGNORECASE)
# Controls that are no blanks, soft hyphens, bidirectional marks and other marks without width, but
# not the blanks of width 0 between the words of Thai, Lao, Burmese and Khmer.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x9f\xad\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
    r"|\u200b(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])"
)


def clean(text: str) -> str:
    """Undo the noise of exports: HTML entities and tags, control characters and runs of blanks.

    Entities may have been escaped several times.  Whatever else is in angle brackets stays, and
    so does a text of which nothing would be left.  The time is linear in the text's length, and
    cleaning a clean text does not change it.

    >>> clean("Cr&egrave;me&nbsp;&amp;amp;  Caf&#233;<br/>250 g")
    'Crème & Café 250 g'
    >>> clean("H<sub>2</sub>O"), clean("Pack <3 pcs>, a < b"), clean("<br>")
    ('H2O', 'Pack <3 pcs>, a < b', '<br>')
    """
    cleaned = text
    for _ in range(_MOST_ROUNDS):
        if _is_clean(cleaned):
            return cleaned.strip() or text
        before, cleaned = cleaned, _cleaned_once(cleaned)
        if cleaned == before:
            return cleaned or text
    return text


def _is_clean(text: str) -> bool:
    """Whether a quick look shows that there is nothing to do but to remove blanks at the ends."""
    return text.isprintable() and "&" not in text and "<" not in text and "  " not in text


def _cleaned_once(text: str) -> str:
    if "&" in text:
        text = _ENTITY.sub(_unescaped, text)
    if "<" in text:
        closed = {name.lower() for name in _CLOSED.findall(text)}
        text = _TAG.sub(lambda tag: _in_place_of(tag, closed), text)
    if not text.isprintable():
        text = _UNSEEN.sub(_without_control, text)
    return " ".join(text.split())


def _unescaped(entity: re.Match[str]) -> str:
    name = entity[1] or entity[2]
    if name.startswith("#"):
        return html.unescape(f"&{name};").replace("\ufffd", "")
    # A title in capitals has its entities in capitals too.
    capital = html5.get(f"{name.lower()};", "").upper() if name.isupper() else ""
    return html5.get(f"{name};") or capital or entity[0]


def _in_place_of(tag: re.Match[str], closed: set[str]) -> str:
    """What stays where a tag is: nothing, a blank between blocks, or the tag if it may be text."""
    if tag[2] is None:  # a comment or a section of characters
        return tag[4] or " "
    name = tag[2].lower()
    is_plain = name in _PLAIN and tag[2] in (name, "BR")
    if tag[1] or tag[3].strip() or is_plain or name in closed:
        return "" if name in _INLINE else " "
    return tag[0]


def _without_control(control: re.Match[str]) -> str:
    """Nothing, or the letter that Windows' encoding has in place of the control."""
    number = ord(control[0])
    return bytes([number]).decode("cp1252", "ignore") if 0x80 <= number < 0xA0 else ""
