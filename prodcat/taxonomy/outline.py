"""Shows a tree to people, as indented text or as nested HTML lists that can be folded."""

from collections.abc import Sequence
from dataclasses import dataclass

from prodcat.taxonomy.arrays import Children, Flags
from prodcat.text_encoding import for_html, for_terminal

_MOST_HTML_NODES = 2_000


@dataclass(frozen=True, eq=False)
class Outline:
    """The parts of a tree that its text and its HTML show.

    Attributes:
        heading: The line above the tree.
        names: The name of each node.
        children: The children of each node, and as the last entry the top-level nodes.
        terminal: bool [nodes]: whether a product may end at the node.
    """

    heading: str
    names: Sequence[str]
    children: Children
    terminal: Flags

    def text(self, max_level: int | None, max_children: int) -> str:
        """The tree as indented text.

        Args:
            max_level: The deepest level to show, 1 for the coarsest; None for all levels.
            max_children: The greatest number of children of a node to show; a last line gives the
                number of the others.
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
                name = for_terminal(self.names[child])
                lines.append(f"{indent}{'└── ' if last else '├── '}{name}{mark}")
                write(child, level + 1, indent + ("    " if last else "│   "))
            if len(shown) < len(below):
                lines.append(f"{indent}└── … {len(below) - len(shown)} more")

        write(-1, 0, "")
        return "\n".join(lines)

    def html(self) -> str:
        """The first 2,000 nodes of the tree as nested HTML lists that can be folded."""
        left = _MOST_HTML_NODES

        def write(node: int) -> str:
            nonlocal left
            items = []
            for child in self.children[node]:
                if left <= 0:
                    items.append("<li>…</li>")
                    break
                left -= 1
                name = for_html(self.names[child])
                if self.children[child]:
                    items.append(
                        f"<li><details><summary>{name} "
                        f"<small>({len(self.children[child])})</small></summary>"
                        f"{write(child)}</details></li>"
                    )
                else:
                    items.append(f"<li>{name}</li>")
            return f"<ul>{''.join(items)}</ul>"

        return f"<div><b>{for_html(self.heading)}</b>{write(-1)}</div>"
