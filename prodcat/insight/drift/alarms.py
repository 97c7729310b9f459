"""Alarms about nodes that changed more than chance explains."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from prodcat.insight.arrays import Flags, Floats
from prodcat.taxonomy.tree import Taxonomy

Kind = Literal["tree", "shares", "titles"]


@dataclass(frozen=True)
class NodeDrift:
    """An alarm: a node that changed more than chance explains.

    Attributes:
        node: The node of the tree; -1 for all titles together.
        kind: What changed: ``"shares"`` or ``"titles"`` (their words).
        p: The probability that at least one node shows such a large difference by chance, if
            nothing changed.
        before: Share of the earlier titles that are at or below the node.
        after: Share of the later titles that are at or below the node.
        doubtful: Whether the changed share may be a mistake of the classifier: the words of the
            titles at, above or below the node changed too, so that the classifier may assign these
            titles to wrong categories.
    """

    node: int
    kind: Kind
    p: float
    before: float
    after: float
    doubtful: bool = False


@dataclass(frozen=True, eq=False)
class PValues:
    """The p-values of all tests, corrected for the number of nodes.

    Attributes:
        shares: float64 [nodes]: p-value of the test of each node's share.
        titles: float64 [nodes]: p-value of the test of the words in each node's titles.
        all_titles: p-value of the test of the words in all titles together.
    """

    shares: Floats
    titles: Floats
    all_titles: float


def nodes_with_other_titles(tree: Taxonomy, p: PValues, level: float) -> Flags:
    """Find the nodes at, above or below which the words of the titles changed.

    Args:
        tree: The tree.
        p: The p-values of all tests.
        level: The largest p-value that raises an alarm.

    Returns:
        Bool [nodes]: whether the words changed at the node, above or below it, or in all titles
        together.
    """
    changed = np.flatnonzero(p.titles <= level)
    near = np.zeros(len(tree), bool)
    near[tree.chains[changed][tree.chains[changed] >= 0]] = True  # these and those above
    near |= np.isin(tree.chains, changed).any(axis=1)  # those below
    near |= p.all_titles <= level
    return near


def alarms_at(p: PValues, shares: Floats, level: float, doubtful: Flags) -> tuple[NodeDrift, ...]:
    """List the alarms.

    Args:
        p: The p-values of all tests.
        shares: float64 [nodes, 2]: shares of the titles before and after.
        level: The largest p-value that raises an alarm.
        doubtful: Bool [nodes]: whether a changed share of the node is doubtful.

    Returns:
        The alarms, the smallest p-value first.
    """
    alarms = [NodeDrift(-1, "titles", p.all_titles, 1.0, 1.0)] if p.all_titles <= level else []
    tests: tuple[tuple[Kind, Floats], ...] = (("titles", p.titles), ("shares", p.shares))
    for kind, values in tests:
        for node in np.flatnonzero(values <= level).tolist():
            before, after = shares[node].tolist()
            doubt = kind == "shares" and bool(doubtful[node])
            alarms.append(NodeDrift(node, kind, float(values[node]), before, after, doubt))
    alarms.sort(key=lambda alarm: (alarm.p, -abs(alarm.after - alarm.before), alarm.node))
    return tuple(alarms)
