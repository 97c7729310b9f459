"""The sections of the page that shows what changed."""

from collections.abc import Sequence

import numpy as np

from prodcat.insight.arrays import Floats
from prodcat.insight.drift.accuracy import AccuracyEstimate
from prodcat.insight.drift.alarms import NodeDrift, PValues
from prodcat.insight.drift.trees import TreeChange
from prodcat.insight.page import Page
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

_MOST_ROWS = 100  # of a table


def add_headlines(
    page: Page,
    kinds: Sequence[str],
    alarms: int,
    changes: int,
    accuracy: AccuracyEstimate | None,
) -> None:
    """Add what changed, in numbers.

    Args:
        page: The page.
        kinds: What changed: the tree, the shares, the titles.
        alarms: How many tests alarm.
        changes: How many nodes of the tree changed.
        accuracy: The estimated share of right answers, or None.
    """
    page.section("What changed")
    numbers = [
        ("changed", ", ".join(kinds) or "nothing", "beyond chance"),
        ("alarms", f"{alarms:,}", ""),
        ("changes of the tree", f"{changes:,}", ""),
    ]
    if accuracy is not None:
        doubt = "; doubtful, as the titles changed" if accuracy.doubtful else ""
        interval = f"{accuracy.low:.1%} – {accuracy.high:.1%}"
        small = f"{interval}, before {accuracy.before:.1%}{doubt}"
        numbers.append(("estimated accuracy", f"{accuracy.value:.1%}", small))
    page.numbers(numbers)


def add_alarms(page: Page, tree: Taxonomy, alarms: Sequence[NodeDrift]) -> None:
    """Add a table of alarms, the surest first."""
    page.section(
        "Alarms",
        "The probability is that something as large is seen at any node where nothing changed. "
        "Shares are doubtful where titles changed too: the classifier may have taken them for "
        "others.",
    )
    page.table(
        [("category", "text"), ("changed", "text"), ("before", "share"), ("after", "share"),
         ("p", "figure"), ("doubtful", "text")],
        [
            (join_path(tree.paths[alarm.node]) if alarm.node >= 0 else "all titles", alarm.kind,
             alarm.before, alarm.after, alarm.p, "yes" if alarm.doubtful else "")
            for alarm in alarms[:_MOST_ROWS]
        ],
        f"Alarms, the surest first ({min(len(alarms), _MOST_ROWS):,} of {len(alarms):,})",
    )  # fmt: skip


def add_tree_changes(page: Page, changes: Sequence[TreeChange]) -> None:
    """Add a table of the nodes that are not where or what they were."""
    page.section("The tree", "By the nodes' ids.")
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
    """Add the tree with each category's shares.

    Args:
        page: The page.
        tree: The tree.
        shares: float64 [nodes, 2]: shares before and after.
        p: The p of every test.
        alarms: What alarms.
    """
    alarming = {alarm.node for alarm in alarms}
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
                int(node in alarming),
            )
            for node in range(len(tree))
        ],
        kept=np.flatnonzero(shares.sum(axis=1) > 0).tolist(),
        only={"with alarms": 4},
    )
