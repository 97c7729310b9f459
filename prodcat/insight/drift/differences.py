"""What differs between two sets of titles, as data."""

from dataclasses import dataclass

from prodcat.insight.arrays import Floats
from prodcat.insight.drift.accuracy import AccuracyEstimate
from prodcat.insight.drift.alarms import Kind, NodeDrift
from prodcat.insight.drift.evidence import NodeEvidence
from prodcat.insight.drift.trees import TreeChange
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True, eq=False, repr=False)
class Differences:
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
        across_trees: Whether the titles are of two trees, so that categories whose titles cannot be
            told apart in one of them are counted together, at the category above them.
        evidence: The words and the products behind the alarms, in the order of the alarms.
        language: The language of the page.
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
    across_trees: bool = False
    evidence: tuple[NodeEvidence, ...] = ()
    language: str = "en"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of changes that chance does not explain, leaving out doubtful alarms."""
        changed = {alarm.kind for alarm in self.alarms if not alarm.doubtful}
        if self.changes:
            changed.add("tree")
        return tuple(kind for kind in ("tree", "titles", "shares") if kind in changed)

    @property
    def basis(self) -> str:
        """By what titles are counted: their labels or the answers to them."""
        return "labels" if self.by_labels else "answers"

    def name_of(self, node: int) -> str:
        """The path of a node as text; -1 stands for all titles."""
        return join_path(self.taxonomy.paths[node]) if node >= 0 else "all titles"
