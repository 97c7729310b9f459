"""A self-contained page of the design's components, in one of eight languages.

The page loads nothing from the network, and its content security policy allows its own script
alone.  Texts are written by a template that escapes them, or by the script as text nodes.
"""

import base64
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from prodcat.insight.design.colours import variables
from prodcat.insight.design.numbers import FORMATS
from prodcat.insight.design.tables import Table
from prodcat.insight.design.texts import Texts, text_table
from prodcat.insight.files import HtmlPage
from prodcat.insight.templates import content_policy, templates_in

if TYPE_CHECKING:
    from jinja2 import Environment

_SCRIPT_TEXTS = ("js.", "code.", "unit.")  # beginnings of the keys that the script reads


class DesignPage:
    """A page to which parts are added from top to bottom.

    Args:
        title: Title of the page.
        language: The language of its texts and numbers.
        currency: The ISO 4217 code of the currency of all prices; empty for none.

    Raises:
        ConfigError: There are no texts in this language.
    """

    def __init__(self, title: str, language: str = "en", currency: str = "") -> None:
        self.title = title
        self.text = Texts(language)
        self.numbers = FORMATS[language]
        self.currency = currency
        self._groups: list[dict[str, Any]] = []
        self._sections: list[dict[str, Any]] = []
        self._data: dict[str, Any] = {}
        self._tables: dict[str, Table] = {}
        self._files: dict[str, str] = {}
        self._filters: dict[str, Any] | None = None
        self._count = 0

    def group(self, name: str) -> None:
        """Begin the parts about one subject; the reader selects one of several subjects."""
        self._sections = []
        self._groups.append({"id": self._new_id("g"), "name": name, "sections": self._sections})

    def section(
        self, title: str, text: str = "", *, anchor: str = "", closed: bool = False
    ) -> None:
        """Begin a section.

        Args:
            title: Its heading, which is also part of the list of sections; empty for the top.
            text: What it shows.
            anchor: What other parts of the page link to.
            closed: Whether the reader opens it first, as the explanation of the method.
        """
        self._sections.append(
            {
                "id": self._new_id("s"), "title": title, "text": text, "anchor": anchor,
                "closed": closed, "blocks": [],
            }
        )  # fmt: skip

    def _new_id(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def _add(self, kind: str, **values: Any) -> None:
        """Add a block to the current section; the template has a branch for each kind."""
        self._sections[-1]["blocks"].append({"kind": kind, **values})

    def headline(self, sentence: str, note: str = "", link: tuple[str, str] | None = None) -> None:
        """Add the sentence that the page is about.

        Args:
            sentence: The sentence.
            note: How sure it is.
            link: The text of a link, and the anchor of the section that it leads to.
        """
        self._add("headline", sentence=sentence, note=note, link=link)

    def cards(self, cards: Sequence[tuple[str, str, str]]) -> None:
        """Add questions with their answers: for each the question, the answer and a note."""
        self._add("cards", cards=[{"question": q, "answer": a, "note": n} for q, a, n in cards])

    def paragraph(self, text: str) -> None:
        """Add a paragraph."""
        self._add("paragraph", text=text)

    def legend(self, more: str = "", less: str = "") -> None:
        """Add the meaning of the colours and arrows.

        Args:
            more: What ▲ means; by default that we have more or are dearer.
            less: What ▼ means; by default that we have less or are cheaper.
        """
        self._add(
            "legend",
            more=more or self.text("legend.more"),
            less=less or self.text("legend.less"),
        )

    def empty(self, text: str) -> None:
        """Add what is said where nothing can be shown, and what would be needed for it."""
        self._add("empty", text=text)

    def table(self, table: Table) -> None:
        """Add a table; one that is added several times has its rows in the page once."""
        known = (name for name, other in self._tables.items() if other is table)
        identity = next(known, "") or self._new_id("t")
        if identity not in self._tables:
            self._tables[identity] = table
            self._data[identity] = table.spec()
        self._add("table", id=identity, caption=table.caption, compact=table.is_compact)

    def entries(self, entries: Sequence[tuple[str, str, float, Table]]) -> None:
        """Add a ranked list.

        Args:
            entries: For each entry its heading, a sentence, a worth of 0 to 100, and a table.
        """
        listed = []
        for place, (heading, sentence, worth, table) in enumerate(entries, 1):
            identity = self._new_id("t")
            self._data[identity] = table.spec()
            shown_worth = self.numbers.number(worth)
            listed.append(
                {
                    "place": place, "heading": heading, "sentence": sentence, "worth": worth,
                    "shown_worth": shown_worth, "id": identity, "caption": table.caption,
                }
            )  # fmt: skip
        self._add("entries", entries=listed)

    def downloads(self, title: str, note: str, files: Sequence[tuple[str, str, bytes]]) -> None:
        """Add buttons that save files, whose contents are part of the page.

        Args:
            title: What the files are.
            note: A sentence about them.
            files: For each file the text of its button, its name and its content.
        """
        buttons = []
        for label, name, content in files:
            identity = self._new_id("d")
            self._files[identity] = base64.b64encode(content).decode()
            buttons.append({"label": label, "name": name, "id": identity})
        self._add("downloads", title=title, note=note, buttons=buttons)

    def filters(self, departments: Sequence[str], brands: Sequence[str], prices: bool) -> None:
        """Let the reader filter all tables of the page at once.

        Args:
            departments: The departments that can be selected.
            brands: The brands that are suggested.
            prices: Whether the reader can filter by price.
        """
        self._filters = {"departments": departments, "brands": brands, "prices": prices}

    def html(self) -> HtmlPage:
        """The page as a self-contained HTML document."""
        script = design_file("design.js")
        data = {
            "tables": self._data,
            "files": self._files,
            "numbers": self.numbers.spec(self.currency),
            "texts": {
                key: texts[self.text.language]
                for key, texts in text_table().items()
                if key.startswith(_SCRIPT_TEXTS)
            },
        }
        source = (
            _templates()
            .get_template("design.html")
            .render(
                title=self.title,
                language=self.text.language,
                text=self.text,
                groups=self._groups,
                filters=self._filters,
                data=data,
                script=script,
                style=variables() + design_file("design.css"),
                policy=content_policy(script),
            )
        )
        return HtmlPage(source, self.title)


def design_file(name: str) -> str:
    """The text of a file in the folder ``static`` of this package, by its name."""
    return resources.files("prodcat.insight.design").joinpath("static", name).read_text("utf-8")


@cache
def _templates() -> "Environment":
    from markupsafe import Markup

    templates = templates_in("prodcat.insight.design")
    templates.filters["source"] = Markup  # styles and scripts, in which braces mean something else
    return templates
