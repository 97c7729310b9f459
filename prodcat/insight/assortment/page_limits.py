"""How much of each table the page holds, so that it stays small enough to mail and to open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.insight.arrays import Floats
from prodcat.insight.design.page import DesignPage
from prodcat.taxonomy.tree import Taxonomy

Rows = Sequence[Mapping[str, Any]]
_MOST_ROWS = 2_000  # of a table, of which the first are kept
_MOST_CHANGES = 1_000
_MOST_LETTERS = 400_000  # in the texts of the rows of a table
_MOST_CATEGORIES = 12_000  # of a tree, of which the largest are kept
_NOT_SHOWN = {"retailer", "node_id"}  # columns


@dataclass(frozen=True)
class PageLimits:
    """How much of each table the page holds; all of it is in the tables to download.

    The comparisons of a page share its size, so that the page does not grow with their number.

    Attributes:
        comparisons: The number of retailers that we are compared with, at least 1.
    """

    comparisons: int

    @property
    def changes(self) -> int:
        """The most products in the table of what changed."""
        return max(_MOST_CHANGES // self.comparisons, 1)

    def cut(
        self, page: DesignPage, caption: str, rows: Rows, count: int | None = None
    ) -> tuple[str, Rows]:
        """The first rows of a table, and its caption, which says so if there are more.

        Args:
            page: The page.
            caption: What the table shows.
            rows: Its rows.
            count: The number of all rows, if ``rows`` are only the first of them.
        """
        most_letters = _MOST_LETTERS // self.comparisons
        kept: list[Mapping[str, Any]] = []
        letters = 0
        for row in rows[: max(_MOST_ROWS // self.comparisons, 1)]:
            letters += sum(
                len(value)
                for name, value in row.items()
                if isinstance(value, str) and name not in _NOT_SHOWN
            )
            if kept and letters > most_letters:
                break
            kept.append(row)
        count = len(rows) if count is None else count
        if len(kept) < count:
            shown, whole = page.numbers.number(len(kept)), page.numbers.number(count)
            caption = f"{caption}. {page.text('caption.cut', n=shown, count=whole)}"
        return caption, kept

    def largest(self, tree: Taxonomy, nodes: Sequence[int], sizes: Floats) -> list[int]:
        """The largest categories, in their order.

        Args:
            tree: The tree.
            nodes: The categories, with all that are above them.
            sizes: float64 [nodes of the tree]: the size of each category.
        """
        most = max(_MOST_CATEGORIES // self.comparisons, 1)
        if len(nodes) <= most:
            return list(nodes)
        kept: set[int] = set()
        for node in sorted(nodes, key=lambda node: -sizes[node])[:most]:
            while node >= 0 and node not in kept:  # what is above is shown too
                kept.add(node)
                node = int(tree.parent[node])
        return [node for node in nodes if node in kept]


def tree_caption(page: DesignPage, caption: str, shown: int, count: int) -> str:
    """The caption of a table of categories, which says so if some are left out.

    Args:
        page: The page.
        caption: What the table shows.
        shown: The number of categories that are shown.
        count: The number of all categories.
    """
    if shown == count:
        return caption
    numbers = page.numbers
    cut = page.text("caption.cut.tree", n=numbers.number(shown), count=numbers.number(count))
    return f"{caption}. {cut}"
