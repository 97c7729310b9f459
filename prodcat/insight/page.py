"""Self-contained HTML pages with headline numbers, tables, trees and charts.

A page loads nothing from the network.  Charts are drawn by Plotly.  A tree is a table that works
with a keyboard and a screen reader; its rows are created when a person expands their parent, so a
page with a tree of ten thousand nodes opens as fast as one with a small tree.  The HTML comes from
the Jinja template ``static/page.html``, which escapes all values.  The page's content security
policy allows only the scripts of this package and Plotly to run.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

from prodcat.errors import ConfigError
from prodcat.insight.design.colours import variables
from prodcat.insight.files import HtmlPage
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.page_table import Kind, PageTable, shown
from prodcat.insight.templates import content_policy, in_script, templates_in
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_plotly

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = [
    "Kind", "Page", "content_policy", "escape", "in_script", "render", "shown", "static_text",
]  # fmt: skip

# Keys of traces and layouts whose values Plotly shows as text; x and y may be category names.
_PLOTLY_TEXTS = frozenset({"name", "labels", "text", "title", "x", "y"})


class Page:
    """A page to which sections and their contents are added from top to bottom.

    Args:
        title: Title of the page.
        about: A sentence or more below the title.
        language: The language of the page; English by default.
    """

    def __init__(self, title: str, about: str = "", language: PageLanguage | None = None) -> None:
        self.title, self.about = title, about
        self.language = PageLanguage() if language is None else language
        self._sections: list[dict[str, Any]] = []
        self._count = 0
        self._scripts = ["page.js"]

    def section(self, title: str, text: str = "") -> None:
        """Begin a section; the contents that are added next become part of it.

        Args:
            title: Heading of the section, which also appears in the page's list of sections.
            text: What the section shows and how to read it.
        """
        self._sections.append({"id": self._new_id("s"), "title": title, "text": text, "blocks": []})

    def _new_id(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def _add(self, kind: str, **values: Any) -> None:
        """Add a block to the current section; the template has a branch for each kind."""
        self._sections[-1]["blocks"].append({"kind": kind, **values})

    def verdict(self, sentence: str, details: Iterable[str] = ()) -> None:
        """Add what the page says in one sentence, in large print, and what follows from it.

        Args:
            sentence: The verdict.
            details: Further sentences.
        """
        self._add("verdict", sentence=sentence, details=list(details))

    def numbers(self, headlines: Iterable[tuple[str, str, str]]) -> None:
        """Add headline numbers: for each its name, its value and a note in small print."""
        self._add("numbers", headlines=list(headlines))

    def table(
        self,
        columns: Sequence[tuple[str, Kind]],
        rows: Iterable[Sequence[Any]],
        caption: str = "",
    ) -> None:
        """Add a table.

        Args:
            columns: Name and kind of each column.
            rows: A value for each column in each row; None for a value that is not known.
            caption: Caption of the table.
        """
        rows = list(rows)
        most = [
            max((row[place] or 0 for row in rows), default=0) if kind == "bar" else 0
            for place, (_, kind) in enumerate(columns)
        ]
        cells = [
            [
                (
                    name,
                    kind,
                    self.language.shown(kind, value),
                    (value or 0) / length if length else None,
                )
                for (name, kind), value, length in zip(columns, row, most, strict=True)
            ]
            for row in rows
        ]
        self._add("table", columns=columns, cells=cells, caption=caption)

    def show(self, table: PageTable) -> None:
        """Add the first rows of a table, and say if there are more.

        Args:
            table: The table.
        """
        total = len(table.rows)
        most = total if table.most is None else table.most
        self.table(table.headings, table.rows[:most], self.language.caption(table, most))

    def cards(self, cards: Iterable[Mapping[str, Any]]) -> None:
        """Add cards, of which each says one thing and names the examples.

        Args:
            cards: For each card a mapping: ``"title"`` is its heading, ``"sentences"`` are the
                sentences below it, and ``"lists"`` are pairs of a heading and its list of texts.
        """
        self._add("cards", cards=list(cards))

    def legend(self, entries: Iterable[tuple[str, str]]) -> None:
        """Add what colours mean: pairs of a colour and a text."""
        self._add("legend", entries=list(entries))

    def worklist(self, data: Mapping[str, Any]) -> None:
        """Add a list of labels that the reader accepts or rejects; ``worklist.js`` draws it.

        Args:
            data: The columns of the list, as :func:`prodcat.insight.audit.worklist.worklist_data`
                returns them.
        """
        if "worklist.js" not in self._scripts:
            self._scripts.insert(0, "worklist.js")
        self._add("worklist", id=self._new_id("w"), data=data)

    def tree(
        self,
        label: str,
        taxonomy: Taxonomy,
        columns: Sequence[Mapping[str, Any]],
        cells: Sequence[Sequence[Any]],
        *,
        kept: Sequence[int] | None = None,
        only: Mapping[str, int] | None = None,
        sort: int | None = None,
    ) -> None:
        """Add a tree as a table.

        Args:
            label: A description of the tree for screen readers.
            taxonomy: The tree.
            columns: A mapping for each column: ``"label"`` is its heading and ``"kind"`` a
                :data:`Kind`.  If ``"colour"`` is True, the cells are coloured by their values:
                orange below ``"middle"`` (0.5 by default), blue above it.  Columns with ``"extra"``
                are left out on small screens.
            cells: For each node of the tree, a value for each column.
            kept: The nodes to show, which must include all their ancestors; all nodes by default.
            only: Filters that the reader can select: the name of each, and the index of a column.
                The filter shows only nodes whose cell in that column is neither empty nor 0.
            sort: Index of the column by which the tree is sorted at first, the largest value first.
        """
        nodes = list(range(len(taxonomy))) if kept is None else [int(node) for node in kept]
        position = {node: number for number, node in enumerate(nodes)}
        data = {
            "label": label,
            "columns": list(columns),
            "names": [taxonomy.paths[node][-1] for node in nodes],
            "parents": [position.get(int(taxonomy.parent[node]), -1) for node in nodes],
            "cells": [list(cells[node]) for node in nodes],
            "sort": sort,
        }
        self._add("tree", id=self._new_id("t"), data=data, only=dict(only or {}))

    def charts(
        self, charts: Sequence[tuple[str, Any, Mapping[str, Any]]], tall: bool = False
    ) -> None:
        """Add a chart, or several side by side.

        Args:
            charts: For each chart a description for screen readers, and Plotly's traces and layout.
                Texts in them are plain texts; this method escapes them for Plotly.
            tall: Whether the charts are higher than usual.
        """
        figures = [
            {
                "id": self._new_id("f"),
                "label": label,
                "data": _with_texts_encoded({"data": data, "layout": layout}),
            }
            for label, data, layout in charts
        ]
        self._add("charts", figures=figures, tall=tall)

    def html(self) -> HtmlPage:
        """The page as a self-contained HTML document.

        Raises:
            ConfigError: The page has a chart, and plotly is not installed.
        """
        blocks = [block for section in self._sections for block in section["blocks"]]
        has_charts = any(block["kind"] == "charts" for block in blocks)
        plotly = _plotly() if has_charts else ""
        script = "\n".join(static_text(name) for name in self._scripts)
        source = render(
            "page.html",
            title=self.title,
            about=self.about,
            language=self.language.name,
            text=self.language,
            spec=self.language.spec(),
            sections=self._sections,
            plotly=plotly,
            script=script,
            policy=content_policy(plotly, script),
        )
        return HtmlPage(source, self.title)


def _with_texts_encoded(value: Any, shown_as_text: bool = False) -> Any:
    """Copy traces and layouts, with every text that Plotly shows escaped for it."""
    if isinstance(value, str):
        return for_plotly(value) if shown_as_text else value
    if isinstance(value, Mapping):
        return {key: _with_texts_encoded(item, key in _PLOTLY_TEXTS) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_texts_encoded(item, shown_as_text) for item in value]
    return value


def static_text(name: str) -> str:
    """The text of a file in the folder ``static`` of this package, by its name."""
    return resources.files("prodcat.insight").joinpath("static", name).read_text("utf-8")


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package.

    Values are escaped for HTML, and control characters in them become visible.

    Args:
        template: Name of a file in the folder ``static``.
        values: The values of the template's variables, by name.

    Returns:
        The HTML.
    """
    return _templates().get_template(template).render(values)


@cache
def _templates() -> "Environment":
    templates = templates_in("prodcat.insight")
    templates.globals["source"] = _source
    return templates


def _source(name: str) -> "Markup":
    """A style or a script, as it is: braces have another meaning in it than in a template."""
    from markupsafe import Markup

    colours = variables() if name == "page.css" else ""
    return Markup(colours + static_text(name))


@cache
def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ConfigError(
            "Charts need plotly, which is not installed; install it with "
            "pip install 'prodcat[report]'."
        ) from error
    script: str = get_plotlyjs()
    return script
