"""All that changed between two sets of titles, as a page, a table and a text."""

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
    add_headlines,
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
    """What changed.

    Attributes:
        taxonomy: The classifier's tree.
        rows: How many titles there are before and after.
        changes: Changes of the tree.
        alarms: Nodes at which more changed than chance explains, the surest first.
        shares: float64 [nodes, 2]: shares of the titles before and after.
        p_shares: float64 [nodes]: p of the shares, see :class:`NodeDrift`; 1 where there is
            nothing to test.
        p_titles: float64 [nodes]: p of the wording of the titles, likewise.
        p_all_titles: p of the wording of all titles together.
        accuracy: The estimated share of right answers, or None where no labelled titles were given.
        level: The probability that anything alarms where nothing changed.
        by_labels: Whether shares are of labels; otherwise of answers.
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
        """What changed, as far as it is beyond chance; doubtful shares are not among it."""
        changed = {alarm.kind for alarm in self.alarms if not alarm.doubtful}
        if self.changes:
            changed.add("tree")
        return tuple(kind for kind in ("tree", "titles", "shares") if kind in changed)

    @property
    def _basis(self) -> str:
        return "labels" if self.by_labels else "answers"

    def table(self) -> "pa.Table":
        """One row for each node, and a first one with an empty node_id for all titles together.

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

    def html(self) -> str:
        """One HTML file with everything in it."""
        page = Page(
            "Drift",
            f"{self.rows[0]:,} titles before, {self.rows[1]:,} after; shares are of "
            f"{self._basis}. Anything alarms falsely in at most {self.level:.3g} of comparisons "
            "in which nothing changed.",
        )
        add_headlines(page, self.kinds, len(self.alarms), len(self.changes), self.accuracy)
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
            f"{before:,} titles before, {after:,} after; shares by {self._basis}; false alarms in "
            f"at most {self.level:.3g} of such comparisons",
            f"changed: {', '.join(self.kinds) or 'nothing beyond chance'}",
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
            text = shares if alarm.kind == "shares" else "other words"
            doubt = " (the titles changed too)" if alarm.doubtful else ""
            yield f"  {alarm.kind}: {path}: {text}, p {alarm.p:.3f}{doubt}"

    def _accuracy_lines(self) -> Iterator[str]:
        estimate = self.accuracy
        if estimate is not None:
            doubt = "; doubtful, as the titles changed" if estimate.doubtful else ""
            yield (
                f"estimated accuracy: {estimate.value:.1%} ({estimate.low:.1%} – "
                f"{estimate.high:.1%}), before {estimate.before:.1%}{doubt}"
            )
