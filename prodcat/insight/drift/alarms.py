"""Nodes at which more changed than chance explains, and which of the alarms are doubtful."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from prodcat.insight.arrays import Flags, Floats
from prodcat.taxonomy.tree import Taxonomy

Kind = Literal["tree", "shares", "titles"]


@dataclass(frozen=True)
class NodeDrift:
    """An alarm.

    Attributes:
        node: The node of the tree that alarms; -1 for all titles.
        kind: ``"shares"`` or ``"titles"``.
        p: The probability that a difference as large is seen anywhere where nothing changed.
        before: Share of the titles before that are at or below the node.
        after: Share of the titles after that are at or below the node.
        doubtful: Whether a changed share may be an error of the classifier: the titles changed
            too, at this node, above or below it, so that it may have taken them for others.
    """

    node: int
    kind: Kind
    p: float
    before: float
    after: float
    doubtful: bool = False


@dataclass(frozen=True, eq=False)
class PValues:
    """The p of every test, corrected for all nodes.

    Attributes:
        shares: float64 [nodes]: p of each node's share of the titles.
        titles: float64 [nodes]: p of the wording of each node's titles.
        all_titles: p of the wording of all titles together.
    """

    shares: Floats
    titles: Floats
    all_titles: float


def nodes_with_other_titles(tree: Taxonomy, p: PValues, level: float) -> Flags:
    """Tell near which nodes the wording of titles changed.

    Args:
        tree: The tree.
        p: The p of every test.
        level: The largest p that alarms.

    Returns:
        Bool [nodes]: whether titles changed at the node, above or below it.
    """
    changed = np.flatnonzero(p.titles <= level)
    near = np.zeros(len(tree), bool)
    near[tree.chains[changed][tree.chains[changed] >= 0]] = True  # the changed ones, those above
    near |= np.isin(tree.chains, changed).any(axis=1)  # those below
    near |= p.all_titles <= level
    return near


def alarms_at(p: PValues, shares: Floats, level: float, doubtful: Flags) -> tuple[NodeDrift, ...]:
    """Every test that alarms, the surest first.

    Args:
        p: The p of every test.
        shares: float64 [nodes, 2]: shares of the titles before and after.
        level: The largest p that alarms.
        doubtful: Bool [nodes]: where a changed share is doubtful.
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
