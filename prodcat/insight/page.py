"""Self-contained HTML pages with headline numbers, tables, trees and charts.

A page loads nothing from the network.  Charts are drawn by Plotly.  A tree is a table that works
with a keyboard and a screen reader; its rows are created when a person expands their parent, so a
page with a tree of ten thousand nodes opens as fast as one with a small tree.  The HTML comes from
the Jinja template ``static/page.html``, which escapes all values.  The page's content security
policy allows only the scripts of this package and Plotly to run.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from prodcat.errors import ConfigError
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_plotly, for_script, for_terminal

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "Kind", "Page", "content_policy", "escape", "in_script", "render", "shown", "static_text",
]  # fmt: skip

Kind = Literal["text", "count", "share", "figure", "price", "interval"]
# Keys of traces and layouts whose values Plotly shows as text; x and y may be category names.
_PLOTLY_TEXTS = frozenset({"name", "labels", "text", "title", "x", "y"})


class Page:
    """A page to which sections and their contents are added from top to bottom.

    Args:
        title: Title of the page.
        about: A sentence or more below the title.
    """

    def __init__(self, title: str, about: str = "") -> None:
        self.title, self.about = title, about
        self._sections: list[dict[str, Any]] = []
        self._count = 0

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
            label: A description of the tree for screen readers.
            taxonomy: The tree.
            columns: A mapping for each column: ``"label"`` is its heading and ``"kind"`` a
                :data:`Kind`.  If ``"colour"`` is True, the cells are coloured by their values, from
                0 (red) to ``"most"`` (green; 1 by default).
            cells: For each node of the tree, a value for each column.
            kept: The nodes to show, which must include all their ancestors; all nodes by default.
            only: Filters that the reader can select: the name of each, and the index of a column.
                The filter shows only nodes whose cell in that column is neither empty nor 0.
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

    def html(self) -> str:
        """The page as a self-contained HTML document.

        Raises:
            ConfigError: The page has a chart, and plotly is not installed.
        """
        blocks = [block for section in self._sections for block in section["blocks"]]
        has_charts = any(block["kind"] == "charts" for block in blocks)
        plotly = _plotly() if has_charts else ""
        return render(
            "page.html",
            title=self.title,
            about=self.about,
            sections=self._sections,
            plotly=plotly,
            policy=content_policy(plotly, static_text("page.js")),
        )


def _with_texts_encoded(value: Any, shown_as_text: bool = False) -> Any:
    """Copy traces and layouts, with every text that Plotly shows escaped for it."""
    if isinstance(value, str):
        return for_plotly(value) if shown_as_text else value
    if isinstance(value, Mapping):
        return {key: _with_texts_encoded(item, key in _PLOTLY_TEXTS) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_texts_encoded(item, shown_as_text) for item in value]
    return value


def content_policy(*scripts: str) -> str:
    """The content security policy of a page that runs only these scripts and loads nothing.

    Args:
        scripts: The text of each script element that may run.

    Returns:
        The value of the header ``Content-Security-Policy``.
    """
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in scripts)
    allowed = " ".join(f"'sha256-{digest.decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


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
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    templates = Environment(
        loader=PackageLoader("prodcat.insight", "static"),
        autoescape=True,
        finalize=lambda value: for_terminal(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Styles and scripts are inserted as they are, because braces have another meaning in them.
    templates.globals["source"] = lambda name: Markup(static_text(name))
    templates.filters["json"] = lambda value: Markup(in_script(value))
    return templates


def in_script(value: Any) -> str:
    r"""Encode a value as JSON that cannot close the script element that it is written into.

    >>> print(in_script("</script>"))
    "\u003c/script>"
    """
    return for_script(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"Found {type(value)} on a page; expected numbers and strings.")


def shown(kind: Kind, value: Any) -> str:
    """Format a value for people; a dash means that it is not known.

    Args:
        kind: The kind of the value: a ``"text"``; a whole number (``"count"``); a ``"share"`` from
            0 to 1; a decimal number (``"figure"``); a ``"price"``; or an ``"interval"``, which is a
            pair of shares.
        value: The value, or None.

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
            "Charts need plotly, which is not installed; install it with "
            "pip install 'prodcat[report]'."
        ) from error
    script: str = get_plotlyjs()
    return script
