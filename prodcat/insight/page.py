"""One HTML file with everything in it: headline numbers, tables, trees and charts.

Nothing is fetched from the network when the file is opened.  Charts are drawn by Plotly.  A tree is
a table that works with a keyboard and a screen reader; its rows are made when they are opened, so a
tree of ten thousand nodes opens as fast as a small one.  The HTML itself is the Jinja template
``static/page.html``, which escapes every value that it is given.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from prodcat.errors import ConfigError
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Kind", "Page", "escape", "in_script", "render", "shown"]

Kind = Literal["text", "count", "share", "figure", "price", "interval"]


class Page:
    """A page that is filled from top to bottom.

    Args:
        title: Title of the document.
        about: A sentence below the title.
    """

    def __init__(self, title: str, about: str = "") -> None:
        self.title, self.about = title, about
        self._sections: list[dict[str, Any]] = []
        self._count = 0

    def section(self, title: str, text: str = "") -> None:
        """Begin a section.

        Args:
            title: Title of the section; also in the page's list of sections.
            text: What the section shows and how to read it.
        """
        self._sections.append({"id": self._new_id("s"), "title": title, "text": text, "blocks": []})

    def _new_id(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def _add(self, kind: str, **values: Any) -> None:
        """Add a block to the section; the template knows how to show each kind."""
        self._sections[-1]["blocks"].append({"kind": kind, **values})

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
            rows: A value for each column; None for what is not known.
            caption: Caption of the table.
        """
        kinds = [kind for _, kind in columns]
        cells = [
            [(kind, shown(kind, value)) for kind, value in zip(kinds, row, strict=True)]
            for row in rows
        ]
        self._add("table", columns=columns, cells=cells, caption=caption)

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
            label: What the tree is, for people who do not see it.
            taxonomy: The tree.
            columns: ``{"label", "kind"}``; with ``"colour": True``, cells are coloured from 0 (red)
                to ``"most"`` (green), which is 1 by default.
            cells: For each node a value for each column.
            kept: Nodes to show, including all their ancestors; all nodes by default.
            only: Filters by name.  Each is the number of a column; the filter shows the nodes
                whose cell in it is neither empty nor 0.
        """
        nodes = list(range(len(taxonomy))) if kept is None else [int(node) for node in kept]
        position = {node: number for number, node in enumerate(nodes)}
        data = {
            "label": label,
            "columns": list(columns),
            "names": [taxonomy.paths[node][-1] for node in nodes],
            "parents": [position.get(int(taxonomy.parent[node]), -1) for node in nodes],
            "cells": [list(cells[node]) for node in nodes],
        }
        self._add("tree", id=self._new_id("t"), data=data, only=dict(only or {}))

    def charts(
        self, charts: Sequence[tuple[str, Any, Mapping[str, Any]]], tall: bool = False
    ) -> None:
        """Add a chart, or several side by side.

        Args:
            charts: For each its label, for people who do not see it, and its traces and its layout
                as Plotly reads them.
            tall: Whether the charts take more room.
        """
        figures = [
            {"id": self._new_id("f"), "label": label, "data": {"data": data, "layout": layout}}
            for label, data, layout in charts
        ]
        self._add("charts", figures=figures, tall=tall)

    def html(self) -> str:
        """The whole file.

        Raises:
            ConfigError: The page has a chart, and plotly is not installed.
        """
        blocks = [block for section in self._sections for block in section["blocks"]]
        has_charts = any(block["kind"] == "charts" for block in blocks)
        return render(
            "page.html",
            title=self.title,
            about=self.about,
            sections=self._sections,
            plotly=_plotly() if has_charts else "",
        )


def render(template: str, **values: Any) -> str:
    """Fill one of the package's templates; every value is escaped.

    Args:
        template: Name of a file in ``static/``.
        values: What the template shows, by name.
    """
    return _templates().get_template(template).render(values)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    templates = Environment(
        loader=PackageLoader("prodcat.insight", "static"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    static = resources.files("prodcat.insight").joinpath("static")
    # Styles and scripts of the package are no templates: their braces mean something else.
    templates.globals["source"] = lambda name: Markup(static.joinpath(name).read_text("utf-8"))
    templates.filters["json"] = lambda value: Markup(in_script(value))
    return templates


def in_script(value: Any) -> str:
    r"""Write a value as JSON that cannot end the script element that it stands in.

    >>> print(in_script("</script>"))
    "\u003c/script>"
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return text.replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A page cannot show a {type(value).__name__}; expected numbers and texts.")


def shown(kind: Kind, value: Any) -> str:
    """Write a value as people read it; a dash stands for what is not known.

    >>> shown("share", 0.25), shown("share", 0.0123), shown("count", None)
    ('25.0%', '1.23%', '–')
    """
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
