"""Pictures of a tree for people: indented text, and HTML that folds."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prodcat.taxonomy.arrays import Children

_MOST_HTML_NODES = 2_000


@dataclass(frozen=True, eq=False)
class Outline:
    """The parts of a tree that are drawn.

    Attributes:
        heading: The line above the tree.
        names: The name of each node.
        children: The children of each node, followed by the nodes of the top level.
        terminal: bool [nodes]: whether a product may end at the node.
    """

    heading: str
    names: Sequence[str]
    children: Children
    terminal: NDArray[np.bool_]

    def text(self, max_level: int | None, max_children: int) -> str:
        """The tree as indented text.

        Args:
            max_level: The deepest level to write; None for all levels.
            max_children: The most children of a node to write; the others are counted.
        """
        lines = [self.heading]

        def write(node: int, level: int, indent: str) -> None:
            if max_level is not None and node >= 0 and level >= max_level:
                return
            below = self.children[node]
            shown = below[:max_children]
            for position, child in enumerate(shown):
                last = position == len(shown) - 1 and len(shown) == len(below)
                inner = self.children[child] and self.terminal[child]
                mark = " (terminal)" if inner else ""
                lines.append(f"{indent}{'└── ' if last else '├── '}{self.names[child]}{mark}")
                write(child, level + 1, indent + ("    " if last else "│   "))
            if len(shown) < len(below):
                lines.append(f"{indent}└── … {len(below) - len(shown)} more")

        write(-1, 0, "")
        return "\n".join(lines)

    def html(self) -> str:
        """The tree as nested lists that fold; of a large tree only the first 2,000 nodes."""
        left = _MOST_HTML_NODES

        def write(node: int) -> str:
            nonlocal left
            items = []
            for child in self.children[node]:
                if left <= 0:
                    items.append("<li>…</li>")
                    break
                left -= 1
                name = html.escape(self.names[child])
                if self.children[child]:
                    items.append(
                        f"<li><details><summary>{name} "
                        f"<small>({len(self.children[child])})</small></summary>"
                        f"{write(child)}</details></li>"
                    )
                else:
                    items.append(f"<li>{name}</li>")
            return f"<ul>{''.join(items)}</ul>"

        return f"<div><b>{html.escape(self.heading)}</b>{write(-1)}</div>"
