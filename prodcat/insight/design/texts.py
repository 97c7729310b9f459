"""The texts of pages in eight languages, from one table."""

import re
from functools import cache
from importlib import resources

from prodcat.errors import ConfigError, did_you_mean

_PLACE = re.compile(r"\{(\w+)\}")
_NARROW = re.compile(r" (?=[;?!%])")  # blanks before signs in French
_WIDE = re.compile(r" (?=[:»])|(?<=«) ")
LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt", "tr")


def check_language(language: str) -> None:
    """Check that pages can be written in a language.

    Raises:
        ConfigError: There are no texts in it.
    """
    if language not in LANGUAGES:
        guess = did_you_mean(str(language), list(LANGUAGES)) or "."
        raise ConfigError(
            f"There are no pages in the language {language!r}{guess} Expected one of "
            f"{', '.join(LANGUAGES)}."
        )


@cache
def text_table() -> dict[str, dict[str, str]]:
    """The texts by their key and then by language.

    The table is a file with a block for each text: a line with its key in brackets, and a line for
    each language.
    """
    source = resources.files("prodcat.insight.design").joinpath("static", "texts.txt")
    table: dict[str, dict[str, str]] = {}
    texts: dict[str, str] = {}
    for line in source.read_text("utf-8").splitlines():
        if line.startswith("["):
            texts = table[line.strip("[]")] = {}
        elif line and not line.startswith("#"):
            language, _, text = line.partition(" ")
            texts[language] = unbroken(text, language)
    return table


def unbroken(text: str, language: str) -> str:
    r"""A text in which no line begins with a sign that French writes after a blank.

    Texts of other languages stay as they are.

    >>> unbroken("à 95 % : « oui » ?", "fr")
    'à 95\u202f%\xa0: «\xa0oui\xa0»\u202f?'
    """
    if language != "fr":
        return text
    return _WIDE.sub("\xa0", _NARROW.sub("\u202f", text))


class Texts:
    """The texts of one language.

    Args:
        language: One of :data:`LANGUAGES`.

    Raises:
        ConfigError: There are no texts in this language.
    """

    def __init__(self, language: str) -> None:
        check_language(language)
        self.language = language

    def __call__(self, key: str, /, **values: str) -> str:
        """The text of a key, with values in its places.

        Args:
            key: The key.
            values: What stands in the places of the text, by name.

        >>> Texts("de")("js.more", count="12")
        'Mehr von 12 zeigen'
        """
        text = text_table()[key][self.language]
        # One pass, and not str.format, as values may contain braces.
        return _PLACE.sub(lambda place: values.get(place[1], place[0]), text)
