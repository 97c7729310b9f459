"""The differences between two sets of titles as an HTML page, a table and a text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from prodcat.errors import check_whole
from prodcat.evaluation.plots import plot_shares
from prodcat.insight.design.texts import check_language
from prodcat.insight.drift.alarms import NodeDrift
from prodcat.insight.drift.differences import Differences
from prodcat.insight.drift.page import drift_page
from prodcat.insight.drift.page_tables import page_tables
from prodcat.insight.drift.trees import KINDS
from prodcat.insight.files import HtmlPage
from prodcat.insight.page_language import PageLanguage, ShownInLanguages
from prodcat.insight.page_table import shown
from prodcat.taxonomy.notebook import NotebookTable
from prodcat.taxonomy.paths import join_path
from prodcat.text_encoding import for_terminal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LINES = 20  # of alarms in the text


@dataclass(frozen=True, eq=False, repr=False)
class Drift(Differences, ShownInLanguages):
    """What changed between two sets of titles, with the attributes of :class:`Differences`."""

    def in_language(self, language: str) -> "Drift":
        """The same differences, whose page is in another language.

        Args:
            language: ``de``, ``en``, ``es``, ``fr``, ``it``, ``nl``, ``pt`` or ``tr``.

        Raises:
            ConfigError: There are no pages in this language.
        """
        check_language(language)
        return replace(self, language=language)

    def table(self) -> Any:
        """The differences as an Arrow table.

        Returns:
            A row with an empty node_id for all titles together, then one row for each node.  The
            columns are node_id, path, level, share_before, share_after, p_shares, p_titles,
            alarm (empty, ``shares``, ``titles`` or ``shares,titles``) and doubtful.
        """
        import pyarrow as pa

        tree = self.taxonomy
        by_node: dict[int, list[NodeDrift]] = {node: [] for node in range(-1, len(tree))}
        for alarm in self.alarms:
            by_node[alarm.node].append(alarm)
        return pa.table(
            {
                "node_id": ["", *tree.ids],
                "path": ["", *(join_path(path) for path in tree.paths)],
                "level": np.append(0, tree.level),
                "share_before": np.append(1.0, self.shares[:, 0]),
                "share_after": np.append(1.0, self.shares[:, 1]),
                "p_shares": np.append(1.0, self.p_shares),
                "p_titles": np.append(self.p_all_titles, self.p_titles),
                "alarm": [
                    ",".join(sorted(alarm.kind for alarm in alarms)) for alarms in by_node.values()
                ],
                "doubtful": [
                    any(alarm.doubtful for alarm in alarms) for alarms in by_node.values()
                ],
            }
        )

    def tables(self) -> dict[str, Any]:
        """The Arrow tables behind the page, by name.

        Returns:
            ``categories`` is :meth:`table`.  ``alarms`` has a row for each alarm; ``words`` and
            ``products`` name what changed at the categories with an alarm, ``products`` at most 50
            titles of each kind and category; ``tree_changes`` lists the changes of the tree.
        """
        arrow = {name: table.arrow() for name, table in page_tables(self, PageLanguage()).items()}
        return {"categories": self.table(), **arrow}

    def _numbers(self) -> Sequence[str]:
        before, after = self.rows
        numbers = [
            f"{before:,} titles before",
            f"{after:,} after",
            f"changed: {', '.join(self.kinds) or 'nothing'}",
            f"{len(self.alarms):,} alarms",
        ]
        if self.accuracy is not None:
            numbers.append(f"estimated accuracy {shown('share', self.accuracy.value)}")
        return numbers

    def _tables(self) -> Sequence[NotebookTable]:
        alarms = [
            (self.name_of(alarm.node), alarm.kind, shown("share", alarm.before),
             shown("share", alarm.after), shown("share", alarm.p), "yes" if alarm.doubtful else "")
            for alarm in self.alarms
        ]  # fmt: skip
        changes = [
            (change.kind, join_path(change.before), join_path(change.after))
            for change in self.changes
        ]
        header = ("category", "changed", "before", "after", "by chance", "doubtful")
        return [
            NotebookTable(header, alarms, "alarms"),
            NotebookTable(("change", "before", "after"), changes, "changes of the tree"),
        ]

    def plot(self, ax: "Axes | None" = None, *, most: int = 10) -> "Axes":
        """Plot the shares of categories before and after.

        The categories are those whose share raised an alarm, or, if there are none, the deepest
        ones; those with the largest difference come first.

        Args:
            ax: The axes to plot on; None for a new figure.
            most: The greatest number of categories.

        Raises:
            ConfigError: matplotlib is not installed, or ``most`` is below 1.
        """
        check_whole("most", most, 1)
        changed = [alarm.node for alarm in self.alarms if alarm.kind == "shares"]
        nodes = np.array(changed or self.taxonomy.outcomes, np.int64)
        order = np.argsort(-np.abs(np.diff(self.shares[nodes])[:, 0]), kind="stable")[:most]
        rows = [(self.name_of(node), *self.shares[node].tolist()) for node in nodes[order].tolist()]
        title = "shares that changed" if changed else "shares, of which none changed"
        return plot_shares(rows, ax, title)

    def html(self) -> HtmlPage:
        """A self-contained HTML page."""
        return drift_page(self, PageLanguage(self.language))

    def __str__(self) -> str:
        """The changes of the tree, the alarms and the estimated accuracy, as text."""
        before, after = self.rows
        lines = [
            f"{before:,} titles before, {after:,} after; shares by {self.basis}; the probability "
            f"of any false alarm is at most {shown('share', self.level)}",
            f"changed: {', '.join(self.kinds) or 'nothing more than chance explains'}",
            *self._tree_lines(),
            *self._alarm_lines(),
            *self._accuracy_lines(),
        ]
        return "\n".join(lines)

    def _tree_lines(self) -> Iterator[str]:
        if self.changes:
            nodes = {(change.kind, change.node_id): None for change in self.changes}
            kinds = [kind for kind, _ in nodes]
            always = ("new", "gone", "moved", "renamed")
            counts = [
                f"{kinds.count(kind):,} {kind}" for kind in KINDS if kind in (*always, *kinds)
            ]
            yield f"tree: {', '.join(counts)}"

    def _alarm_lines(self) -> Iterator[str]:
        for alarm in self.alarms[:_MOST_LINES]:
            path = self.name_of(alarm.node)
            shares = f"{shown('share', alarm.before)} to {shown('share', alarm.after)}"
            text = shares if alarm.kind == "shares" else "the words changed"
            chance = shown("share", alarm.p)
            doubt = " (the titles changed too)" if alarm.doubtful else ""
            yield for_terminal(f"  {alarm.kind}: {path}: {text}; by chance {chance}{doubt}")

    def _accuracy_lines(self) -> Iterator[str]:
        if self.accuracy is not None:
            value = shown("share", self.accuracy.value)
            yield f"estimated accuracy: {value} ({self.accuracy.details})"
