"""The choices on the way to an answer: at each node one child, or to end there."""

from dataclasses import dataclass

import numpy as np

from prodcat.model.path_model import PathModel
from prodcat.model.path_steps import choice_nodes, choice_spans
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True)
class Choice:
    """A choice at a node on the path of an answer.

    Attributes:
        number: Its number among the choices of :class:`prodcat.model.path_model.Branches`.
        node: The chosen child, or the node itself if the answer ends there.
        ends: Whether the choice is to end at the node.
        level: The level of the choice, counted from 0.
        span: The range of outcomes that the choice leads to, as start and end.
        others: The numbers of the other choices at the node.
    """

    number: int
    node: int
    ends: bool
    level: int
    span: tuple[int, int]
    others: tuple[int, ...]


class ChoicesOfTree:
    """The choices at every node of a tree.

    Args:
        taxonomy: The tree.
        paths: Its path model.
    """

    def __init__(self, taxonomy: Taxonomy, paths: PathModel) -> None:
        self.taxonomy = taxonomy
        self._nodes = choice_nodes(taxonomy)
        self.spans = choice_spans(taxonomy)
        self._branch = paths.branches.choice_branch.cpu().numpy()
        self._level = paths.branches.choice_level.cpu().numpy()
        outcomes = len(taxonomy.outcomes)
        self._ending = np.full(len(taxonomy), -1, np.int64)
        self._ending[self._nodes[:outcomes]] = np.arange(outcomes)
        self._entering = self._ending.copy()
        self._entering[self._nodes[outcomes:]] = np.arange(outcomes, len(self._nodes))
        order = np.argsort(self._branch, kind="stable")
        edges = np.flatnonzero(np.diff(self._branch[order])) + 1
        groups = np.split(order, edges)
        self._together = {int(self._branch[group[0]]): group for group in groups if len(group)}
        self._outcomes = outcomes

    def choice(self, number: int) -> Choice:
        """The choice of this number."""
        node = int(self._nodes[number])
        ends = number < self._outcomes and self._entering[node] != number
        together = self._together[int(self._branch[number])]
        start, end = self.spans[number].tolist()
        others = tuple(each for each in together.tolist() if each != number)
        level = int(self._level[number])
        return Choice(number, node, bool(ends), level, (start, end), others)

    def along(self, node: int, ends: bool) -> list[Choice]:
        """The choices on the way to a node, coarsest first.

        Args:
            node: The node; -1 for the root, to which no choice leads.
            ends: Whether ending at the node is one more choice if it has children.
        """
        chain = [] if node < 0 else self.taxonomy.ancestors(node)
        numbers = [int(self._entering[each]) for each in chain]
        if ends and node >= 0 and self._ending[node] not in (-1, self._entering[node]):
            numbers.append(int(self._ending[node]))
        return [self.choice(number) for number in numbers]
