"""What changed between two sets of titles, as a page, a table and a text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prodcat.insight.arrays import Floats
from prodcat.insight.drift.accuracy import AccuracyEstimate
from prodcat.insight.drift.alarms import Kind, NodeDrift, PValues
from prodcat.insight.drift.page import (
    add_alarms,
    add_categories,
    add_tree_changes,
)
from prodcat.insight.drift.trees import TreeChange
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_LINES = 20  # of alarms in the text


@dataclass(frozen=True, eq=False)
class Drift(Shown):
    """What changed between two sets of titles.

    Attributes:
        taxonomy: The classifier's tree.
        rows: Number of titles before and after.
        changes: Changes of the tree.
        alarms: Nodes that changed more than chance explains, the smallest p-value first.
        shares: float64 [nodes, 2]: shares of the titles before and after.
        p_shares: float64 [nodes]: p-values of the shares, see :class:`NodeDrift`; 1 if there is
            nothing to test.
        p_titles: float64 [nodes]: p-values of the titles' words, likewise.
        p_all_titles: p-value of the words of all titles together.
        accuracy: The estimated share of correct answers; None without labelled titles.
        level: The probability of any false alarm if nothing changed.
        by_labels: Whether titles are counted by their labels; otherwise by the answers.
    """

    taxonomy: Taxonomy
    rows: tuple[int, int]
    changes: tuple[TreeChange, ...]
    alarms: tuple[NodeDrift, ...]
    shares: Floats
    p_shares: Floats
    p_titles: Floats
    p_all_titles: float
    accuracy: AccuracyEstimate | None
    level: float
    by_labels: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What changed more than chance explains, without doubtful shares."""
        changed = {alarm.kind for alarm in self.alarms if not alarm.doubtful}
        if self.changes:
            changed.add("tree")
        return tuple(kind for kind in ("tree", "titles", "shares") if kind in changed)

    @property
    def _basis(self) -> str:
        return "labels" if self.by_labels else "answers"

    def table(self) -> "pa.Table":
        """One row for each node, after a row with an empty node_id for all titles together.

        Returns:
            The columns node_id, path, level, share_before, share_after, p_shares, p_titles,
            alarm (shares, titles, or both with a comma) and doubtful.
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

    def _headlines(self) -> Iterator[tuple[str, str, str]]:
        yield "changed", ", ".join(self.kinds) or "nothing", "more than chance explains"
        yield "alarms", f"{len(self.alarms):,}", ""
        yield "changes of the tree", f"{len(self.changes):,}", ""
        if self.accuracy is not None:
            yield "estimated accuracy", f"{self.accuracy.value:.1%}", self.accuracy.details

    def html(self) -> str:
        """One HTML file with everything in it."""
        page = Page(
            "Drift",
            f"{self.rows[0]:,} titles before, {self.rows[1]:,} after, counted by their "
            f"{self._basis}. If nothing changed, the probability of any alarm on this page is at "
            f"most {self.level:.3g}.",
        )
        page.section("What changed")
        page.numbers(self._headlines())
        if self.alarms:
            add_alarms(page, self.taxonomy, self.alarms)
        if self.changes:
            add_tree_changes(page, self.changes)
        p = PValues(self.p_shares, self.p_titles, self.p_all_titles)
        add_categories(page, self.taxonomy, self.shares, p, self.alarms)
        return page.html()

    def __str__(self) -> str:
        """What changed, for people."""
        before, after = self.rows
        lines = [
            f"{before:,} titles before, {after:,} after; shares by {self._basis}; the probability "
            f"of any false alarm is at most {self.level:.3g}",
            f"changed: {', '.join(self.kinds) or 'nothing more than chance explains'}",
            *self._tree_lines(),
            *self._alarm_lines(),
            *self._accuracy_lines(),
        ]
        return "\n".join(lines)

    def _tree_lines(self) -> Iterator[str]:
        if self.changes:
            kinds = [change.kind for change in self.changes]
            counts = [
                f"{kinds.count(kind):,} {kind}" for kind in ("new", "gone", "moved", "renamed")
            ]
            yield f"tree: {', '.join(counts)}"

    def _alarm_lines(self) -> Iterator[str]:
        for alarm in self.alarms[:_MOST_LINES]:
            path = join_path(self.taxonomy.paths[alarm.node]) if alarm.node >= 0 else "all titles"
            shares = f"{alarm.before:.2%} to {alarm.after:.2%}"
            text = shares if alarm.kind == "shares" else "the words changed"
            doubt = " (the titles changed too)" if alarm.doubtful else ""
            yield f"  {alarm.kind}: {path}: {text}, p {alarm.p:.3f}{doubt}"

    def _accuracy_lines(self) -> Iterator[str]:
        if self.accuracy is not None:
            yield f"estimated accuracy: {self.accuracy.value:.1%} ({self.accuracy.details})"
