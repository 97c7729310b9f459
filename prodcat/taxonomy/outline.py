"""Shows a tree to people, as indented text or as nested HTML lists that can be folded."""

from collections.abc import Sequence
from dataclasses import dataclass

from prodcat.taxonomy.arrays import Children, Flags
from prodcat.taxonomy.notebook import MOST_ROWS, cut, notebook_html
from prodcat.text_encoding import for_html, for_terminal

_MOST_HTML_NODES = 500


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
        """The first 500 nodes of the tree as nested HTML lists that can be folded.

        The first ten children of a node are shown; the others appear on a click.
        """

        def items(nodes: Sequence[int]) -> str:
            shown = [node for node in nodes if node < _MOST_HTML_NODES]
            first = "".join(map(item, shown[:MOST_ROWS]))
            if more := "".join(map(item, shown[MOST_ROWS:])):
                left = len(nodes) - MOST_ROWS
                first += f"<li><details><summary>… {left:,} more</summary><ul>{more}</ul>"
                first += "</details></li>"
            return f"<ul>{first}{'' if len(shown) == len(nodes) else '<li>…</li>'}</ul>"

        def item(node: int) -> str:
            name, below = for_html(cut(self.names[node])), self.children[node]
            if not below:
                return f"<li>{name}</li>"
            size = f"<small>({len(below):,})</small>"
            return f"<li><details><summary>{name} {size}</summary>{items(below)}</details></li>"

        name, _, numbers = self.heading.removesuffix(")").partition("(")
        return notebook_html(name, [numbers], further=items(self.children[-1]))
