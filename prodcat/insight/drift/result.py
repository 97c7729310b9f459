"""The differences between two sets of titles as an HTML page, a table and a text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prodcat.insight.arrays import Floats
from prodcat.insight.drift.accuracy import AccuracyEstimate
from prodcat.insight.drift.alarms import Kind, NodeDrift, PValues
from prodcat.insight.drift.trees import TreeChange
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_terminal

_MOST_LINES = 20  # of alarms in the text
_MOST_ROWS = 100  # in a table of the page


@dataclass(frozen=True, eq=False)
class Drift(Shown):
    """What changed between two sets of titles.

    Attributes:
        taxonomy: The classifier's tree.
        rows: Number of titles before and after.
        changes: Changes of the tree.
        alarms: Nodes that changed more than chance explains, the smallest p-value first.
        shares: float64 [nodes, 2]: share of the titles at or below each node, before and after.
        p_shares: float64 [nodes]: p-value of the difference of each node's shares, corrected for
            the number of nodes; 1 if there is nothing to test.
        p_titles: float64 [nodes]: p-value of the difference of the words in each node's titles,
            corrected in the same way; 1 if there is nothing to test.
        p_all_titles: p-value of the difference of the words in all titles together.
        accuracy: The estimated share of correct answers; None without labelled titles.
        level: The largest probability of any false alarm if nothing changed.
        by_labels: True if titles are counted by their labels, False if by the answers.
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
        """The kinds of changes that chance does not explain, leaving out doubtful alarms."""
        changed = {alarm.kind for alarm in self.alarms if not alarm.doubtful}
        if self.changes:
            changed.add("tree")
        return tuple(kind for kind in ("tree", "titles", "shares") if kind in changed)

    @property
    def _basis(self) -> str:
        return "labels" if self.by_labels else "answers"

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

    def _headlines(self) -> Iterator[tuple[str, str, str]]:
        yield "changed", ", ".join(self.kinds) or "nothing", "more than chance explains"
        yield "alarms", f"{len(self.alarms):,}", ""
        yield "changes of the tree", f"{len(self.changes):,}", ""
        if self.accuracy is not None:
            yield "estimated accuracy", f"{self.accuracy.value:.1%}", self.accuracy.details

    def html(self) -> str:
        """A self-contained HTML page."""
        page = Page(
            "Drift",
            f"{self.rows[0]:,} titles before and {self.rows[1]:,} after, counted by their "
            f"{self._basis}. If nothing had changed, this page would show an alarm with a "
            f"probability of at most {self.level:.3g}.",
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
        """The changes of the tree, the alarms and the estimated accuracy, as text."""
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
            yield for_terminal(f"  {alarm.kind}: {path}: {text}, p {alarm.p:.3f}{doubt}")

    def _accuracy_lines(self) -> Iterator[str]:
        if self.accuracy is not None:
            yield f"estimated accuracy: {self.accuracy.value:.1%} ({self.accuracy.details})"


def add_alarms(page: Page, tree: Taxonomy, alarms: Sequence[NodeDrift]) -> None:
    """Add a table of alarms to the page."""
    page.section(
        "Alarms",
        "p is the probability that at least one category shows such a large difference by chance, "
        "if nothing changed. A changed share is doubtful if the words of the titles changed too, "
        "because the classifier may have assigned these titles to wrong categories.",
    )
    page.table(
        [("category", "text"), ("changed", "text"), ("before", "share"), ("after", "share"),
         ("p", "figure"), ("doubtful", "text")],
        [
            (join_path(tree.paths[alarm.node]) if alarm.node >= 0 else "all titles", alarm.kind,
             alarm.before, alarm.after, alarm.p, "yes" if alarm.doubtful else "")
            for alarm in alarms[:_MOST_ROWS]
        ],
        f"Alarms, the smallest p first ({min(len(alarms), _MOST_ROWS):,} of {len(alarms):,})",
    )  # fmt: skip


def add_tree_changes(page: Page, changes: Sequence[TreeChange]) -> None:
    """Add a table of the nodes that are new, gone, moved or renamed to the page."""
    page.section("The tree", "Categories with the same id are the same category.")
    page.table(
        [("change", "text"), ("before", "text"), ("after", "text")],
        [
            (change.kind, join_path(change.before) or None, join_path(change.after) or None)
            for change in changes[:_MOST_ROWS]
        ],
        f"Changes of the tree ({min(len(changes), _MOST_ROWS):,} of {len(changes):,})",
    )


def add_categories(
    page: Page, tree: Taxonomy, shares: Floats, p: PValues, alarms: Sequence[NodeDrift]
) -> None:
    """Add the tree with the shares of each category to the page.

    Args:
        page: The page.
        tree: The tree.
        shares: float64 [nodes, 2]: shares of the titles before and after.
        p: The p-values of all tests.
        alarms: All alarms.
    """
    with_alarm = {alarm.node for alarm in alarms}
    page.section("All categories")
    page.tree(
        "Categories with their shares before and after",
        tree,
        [
            {"label": "before", "kind": "share"},
            {"label": "after", "kind": "share"},
            {"label": "p of shares", "kind": "figure"},
            {"label": "p of titles", "kind": "figure"},
            {"label": "alarm", "kind": "count"},
        ],
        [
            (
                *shares[node].round(6).tolist(),
                round(float(p.shares[node]), 4),
                round(float(p.titles[node]), 4),
                int(node in with_alarm),
            )
            for node in range(len(tree))
        ],
        kept=np.flatnonzero(shares.sum(axis=1) > 0).tolist(),
        only={"with alarms": 4},
    )
