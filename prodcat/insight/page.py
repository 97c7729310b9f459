"""One HTML file with everything in it: trees that open and filter, charts, tables.

Nothing is fetched when it is looked at.  Charts are Plotly's; trees are tables that a keyboard
and a screen reader can use, with rows made when they are opened, so that ten thousand nodes cost
nothing at first.
"""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np

from prodcat.errors import ConfigError
from prodcat.taxonomy.tree import Taxonomy

Kind = Literal["text", "count", "share", "figure", "price", "interval"]


class Page:
    """A page that is filled from top to bottom.

    Args:
        title: Title of the document.
        about: A sentence below the title.
    """

    def __init__(self, title: str, about: str = "") -> None:
        self.title, self.about = title, about
        self._sections: list[tuple[str, str, list[str]]] = []
        self._holders: list[str] = []
        self._has_figures = False
        self._count = 0

    def section(self, title: str, text: str = "") -> None:
        """Begin a section.

        Args:
            title: Title of the section; also in the page's list of sections.
            text: What the section shows and how it is to be read.
        """
        self._count += 1
        self._sections.append((f"s{self._count}", title, []))
        if text:
            self.add(f'<p class="quiet">{escape(text)}</p>')

    def add(self, content: str) -> None:
        """Add HTML to the section."""
        self._sections[-1][2].append(content)

    def numbers(self, headlines: Iterable[tuple[str, str, str]]) -> None:
        """Add headline numbers: what, how much, and in small what goes with it."""
        cells = (
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(small)}</small></dd></div>"
            for name, value, small in headlines
        )
        self.add(f'<dl class="numbers">{"".join(cells)}</dl>')

    def table(
        self,
        columns: Sequence[tuple[str, Kind]],
        rows: Iterable[Sequence[Any]],
        caption: str = "",
    ) -> None:
        """Add a table.

        Args:
            columns: Name and kind of each column.
            rows: A value for each column; None for what is not known.
            caption: Caption of the table.
        """
        head = "".join(
            f'<th scope="col" class="{kind}">{escape(name)}</th>' for name, kind in columns
        )
        kinds = [kind for _, kind in columns]
        body = "".join(
            "<tr>"
            + "".join(
                f'<td class="{kind}">{escape(shown(kind, value))}</td>'
                for kind, value in zip(kinds, row, strict=True)
            )
            + "</tr>"
            for row in rows
        )
        title = f"<caption>{escape(caption)}</caption>" if caption else ""
        name = escape(caption or "Table")
        self.add(
            f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">'
            f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def tree(
        self,
        label: str,
        taxonomy: Taxonomy,
        columns: Sequence[Mapping[str, Any]],
        cells: Sequence[Sequence[Any]],
        *,
        kept: Sequence[int] | None = None,
        only: Mapping[str, int] | None = None,
    ) -> None:
        """Add a tree as a table.

        Args:
            label: What the tree is, for those who do not see it.
            taxonomy: The tree.
            columns: ``{"label", "kind"}``, with ``"colour": True`` and ``"most"`` where cells are
                coloured from 0 (red) to ``most`` (green).
            cells: For each node a value for each column.
            kept: Nodes to show, all their ancestors among them; all if not given.
            only: Filters by name, each the number of a column whose cell must be there and not 0.
        """
        self._count += 1
        name = f"t{self._count}"
        nodes = list(range(len(taxonomy))) if kept is None else [int(node) for node in kept]
        place = {node: number for number, node in enumerate(nodes)}
        data = {
            "label": label,
            "columns": list(columns),
            "names": [taxonomy.paths[node][-1] for node in nodes],
            "parents": [place.get(int(taxonomy.parent[node]), -1) for node in nodes],
            "cells": [list(cells[node]) for node in nodes],
        }
        options = "".join(
            f'<option value="{column}">{escape(text)}</option>'
            for text, column in (only or {}).items()
        )
        choice = (
            f'<label>Show<select data-filters="{name}"><option value="">all</option>{options}'
            "</select></label>"
            if only
            else ""
        )
        self.add(
            f'<div class="controls"><label>Filter<input type="search" data-filters="{name}" '
            f'placeholder="a category"></label>{choice}'
            f'<span role="status" class="quiet" data-said-of="{name}"></span></div>'
            f'<div class="scroll"><table id="{name}"></table></div>'
        )
        self._holders.append(
            f'<script type="application/json" class="tree-data" data-table="{name}">'
            f"{in_script(data)}</script>"
        )

    def figure(self, label: str, data: Any, layout: Mapping[str, Any], tall: bool = False) -> str:
        """A chart of Plotly as HTML, to be given to :meth:`add`.

        Args:
            label: What the chart shows, for those who do not see it.
            data: The chart's traces, as Plotly reads them.
            layout: The chart's layout, as Plotly reads it.
            tall: Whether the chart takes more room.
        """
        self._count += 1
        self._has_figures = True
        name = f"f{self._count}"
        self._holders.append(
            f'<script type="application/json" class="figure" data-place="{name}">'
            f"{in_script({'data': data, 'layout': layout})}</script>"
        )
        kind = "plot tall" if tall else "plot"
        return f'<div class="{kind}" id="{name}" role="group" aria-label="{escape(label)}"></div>'

    def html(self) -> str:
        """The whole file."""
        links = "".join(
            f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title, _ in self._sections
        )
        body = "".join(
            f'<section id="{name}" aria-labelledby="{name}-h">'
            f'<h2 id="{name}-h">{escape(title)}</h2>{"".join(content)}</section>'
            for name, title, content in self._sections
        )
        plotly = f"<script>{_plotly()}</script>" if self._has_figures else ""
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title>"
            f"<style>{_static('page.css')}</style></head>\n<body>"
            f"<header><h1>{escape(self.title)}</h1>"
            f'<p class="quiet">{escape(self.about)}</p></header>'
            f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main>{body}</main>\n'
            f"{''.join(self._holders)}\n{plotly}\n<script>{_static('page.js')}</script>"
            "</body></html>\n"
        )


def escape(text: object) -> str:
    """Text for HTML."""
    return html.escape(str(text))


def in_script(value: Any) -> str:
    """JSON for a script element, which it cannot end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return text.replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is nothing for a page.")


def shown(kind: Kind, value: Any) -> str:
    """A value as text; a dash for what is not known."""
    if value is None:
        return "–"
    if kind == "count":
        return f"{value:,}"
    if kind == "share":
        return f"{value:.2%}" if 0 < value < 0.0995 else f"{value:.1%}"
    if kind == "figure":
        return f"{value:.3f}"
    if kind == "price":
        return f"{value:,.2f}"
    if kind == "interval":
        return f"{100 * value[0]:.1f} – {100 * value[1]:.1f} %"
    return str(value)


@cache
def _static(name: str) -> str:
    return resources.files("prodcat.insight").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ConfigError(
            "Reports need plotly, which is not installed; install it with "
            "pip install 'prodcat[report]'."
        ) from error
    script: str = get_plotlyjs()
    return script
