"""The sections of the page about drift."""

from collections.abc import Sequence

import numpy as np

from prodcat.insight.arrays import Floats
from prodcat.insight.drift.alarms import NodeDrift, PValues
from prodcat.insight.drift.trees import TreeChange
from prodcat.insight.page import Page
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

_MOST_ROWS = 100  # of a table


def add_alarms(page: Page, tree: Taxonomy, alarms: Sequence[NodeDrift]) -> None:
    """Add a table of alarms, the smallest p-value first."""
    page.section(
        "Alarms",
        "p is the probability that any category shows such a difference if nothing changed. A "
        "changed share is doubtful if the titles changed too, because the classifier may have "
        "assigned them to other categories.",
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
    """Add a table of the nodes that are new, gone, moved or renamed."""
    page.section("The tree", "Categories are compared by their ids.")
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
    """Add the tree with the shares of each category.

    Args:
        page: The page.
        tree: The tree.
        shares: float64 [nodes, 2]: shares before and after.
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
