"""The language of a page: its texts, and how it writes numbers."""

import os
from abc import abstractmethod
from dataclasses import replace
from typing import Any

from prodcat.insight.design.numbers import FORMATS
from prodcat.insight.design.texts import Texts, text_table
from prodcat.insight.files import Shown, WrittenFile
from prodcat.insight.page_table import SMALLEST_SHARE, Kind, PageTable, shown

_SCRIPT_TEXTS = ("script.", "list.", "head.category", "page.all", "page.show", "audit.head.clear")


class PageLanguage:
    """The texts of a page and its numbers, in one of eight languages.

    Args:
        language: One of :data:`prodcat.insight.design.LANGUAGES`.

    Raises:
        ConfigError: There are no texts in this language.
    """

    def __init__(self, language: str = "en") -> None:
        self._texts = Texts(language)
        self.name = language
        self._format = FORMATS[language]
        # English texts outside of pages, such as the Markdown of a report, have a blank here.
        self._numbers = replace(self._format, percent="# %") if self.is_english else self._format

    @property
    def is_english(self) -> bool:
        """Whether the page is in English."""
        return self.name == "en"

    def __call__(self, key: str, /, **values: str) -> str:
        """The text of a key, with values in its places.

        Args:
            key: The key.
            values: What stands in the places of the text, by name.

        >>> PageLanguage("it")("list.range", low="1", high="50", count="174")
        'Da 1 a 50 di 174 etichette'
        """
        return self._texts(key, **values)

    def counted(self, key: str, count: int, **values: str) -> str:
        """The text of a key in the singular or in the plural; ``n`` is the number.

        Args:
            key: The key of the plural; that of the singular ends with ``.one``.
            count: The number.
            values: What stands in the other places of the text, by name.

        >>> PageLanguage("de").counted("titles", 1), PageLanguage("de").counted("titles", 1_200)
        ('1 Titel', '1.200 Titel')
        """
        ending = ".one" if count == 1 else ""
        return self._texts(f"{key}{ending}", n=self.number(count), **values)

    def number(self, value: float, digits: int = 0) -> str:
        """A number with this many decimals."""
        return self._numbers.number(value, digits)

    def capitalised(self, text: str) -> str:
        """A text with a capital letter at its beginning.

        >>> PageLanguage("tr").capitalised("içecek"), PageLanguage("en").capitalised("in it")
        ('İçecek', 'In it')
        """
        first = "İ" if self.name == "tr" and text.startswith("i") else text[:1].upper()
        return first + text[1:]

    @property
    def separators(self) -> str:
        """The mark before decimals and that between thousands, as Plotly wants them."""
        return self._numbers.decimal + self._numbers.group

    def whole_percent(self, value: float) -> str:
        """A share of 0 to 1 as a percentage without decimals."""
        return self._format.percent.replace("#", self.number(100 * value))

    def shown(self, kind: Kind, value: Any) -> str:
        """Format a value for people, as :func:`prodcat.insight.page_table.shown` does in English.

        Args:
            kind: The kind of the value.
            value: The value, or None if it is not known.

        >>> PageLanguage("tr").shown("share", 0.1234), PageLanguage("fr").shown("figure", -1234.5)
        ('%12,3', '−1\u202f234,50')
        """
        if value is None or self.is_english:
            return shown(kind, value)
        if kind == "count":
            return self.number(value)
        if kind in ("share", "bar"):
            return self._share(value)
        if kind == "points":
            return self._texts("script.points", n=self.signed(100 * value, 1))
        if kind in ("figure", "price"):
            return self.number(value, 2)
        if kind == "interval":
            low, high = (self.number(100 * end, 1) for end in value)
            return self._texts("script.range", low=low, high=high)
        return str(value)

    def signed(self, value: float, digits: int) -> str:
        """A number with its sign, which a zero has as well."""
        number = self.number(value, digits)
        if self.is_english:
            number = number.replace("−", "-")
        return number if number.startswith(("−", "-")) else f"+{number}"

    def _share(self, value: float) -> str:
        sign = ""
        if 0 < value < SMALLEST_SHARE:
            sign, value = "< ", 0.001
        elif 1 - SMALLEST_SHARE < value < 1:
            sign, value = "> ", 0.999
        return sign + self._numbers.percent.replace("#", self.number(100 * value, 1))

    def caption(self, table: PageTable, most: int) -> str:
        """The caption of a table, which says if the page shows only the first rows."""
        if most >= len(table.rows):
            return table.caption
        counts = {"most": self.number(most), "count": self.number(len(table.rows))}
        return self._texts("page.first", caption=table.caption, **counts)

    def spec(self) -> dict[str, Any]:
        """The texts and the form of numbers for the scripts of a page."""
        texts = {
            key: texts[self.name]
            for key, texts in text_table().items()
            if key.startswith(_SCRIPT_TEXTS)
        }
        minus = "-" if self.is_english else "−"
        return {"texts": texts, "numbers": {**self._numbers.spec(), "minus": minus}}


class ShownInLanguages(Shown):
    """A result whose page is in one of eight languages; its tables are the same in all of them."""

    @abstractmethod
    def in_language(self, language: str) -> "ShownInLanguages":
        """The same result, whose page is in another language.

        Args:
            language: ``de``, ``en``, ``es``, ``fr``, ``it``, ``nl``, ``pt`` or ``tr``.

        Raises:
            ConfigError: There are no pages in this language.
        """

    def save(self, uri: str | os.PathLike[str], *, language: str | None = None) -> WrittenFile:
        """Write the page or the table, depending on the file name extension.

        Args:
            uri: The file, as for :meth:`prodcat.insight.files.Shown.save`.
            language: The language of the page; by default that of the result.

        Returns:
            The file, which a notebook shows as a link.

        Raises:
            ConfigError: The name has another extension, there are no pages in this language, or
                the page needs plotly, which is not installed.
            StoreError: The file cannot be written.
        """
        result = self if language is None else self.in_language(language)
        return Shown.save(result, uri)
