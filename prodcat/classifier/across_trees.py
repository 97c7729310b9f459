"""Compares classifiers of two trees on the categories that both trees have."""

from dataclasses import dataclass

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.reading import read_catalog
from prodcat.catalog.relabelling import Relabelling
from prodcat.classifier.classifier import Classifier
from prodcat.evaluation.intervals import Interval, paired_bootstrap
from prodcat.taxonomy.arrays import Flags, Ints


@dataclass(frozen=True, eq=False)
class SharedTitles:
    """Labelled titles of categories that an old and a new tree have.

    An answer is right if it cannot be told from the label in one of the trees: answers of the old
    tree are carried over to the new one, and the parts of a category that was split count as one.

    Attributes:
        relabelling: What each label of the old tree becomes in the new one.
        catalog: The titles, with labels of the new tree.
        truth: int64 [titles]: the node of the new tree at which both trees can be compared.
        left_out: The number of labelled titles of categories that only the new tree has.
    """

    relabelling: Relabelling
    catalog: Catalog
    truth: Ints
    left_out: int

    @classmethod
    def of(cls, catalog: Catalog, relabelling: Relabelling) -> "SharedTitles":
        """Choose among titles.

        Args:
            catalog: Titles with labels of the new tree.
            relabelling: What each label of the old tree becomes.
        """
        labelled = catalog.take(catalog.labelled)
        truth = relabelling.shared[labelled.targets]
        kept = truth >= 0
        return cls(relabelling, labelled.take(kept), truth[kept], int((~kept).sum()))

    def __len__(self) -> int:
        """The number of titles."""
        return len(self.catalog)

    def are_right(self, classifier: Classifier) -> Flags:
        """Whether a classifier of either tree answers each title rightly, bool [titles]."""
        titles = {"title": list(self.catalog.titles)}
        further = {name: list(texts) for name, texts in self.catalog.texts.items()}
        answers = classifier.predict(
            read_catalog({**titles, **further}, path=None, text=[*further])
        )
        nodes = np.array([_node_of(best.path, classifier) for [best] in answers], np.int64)
        if classifier.taxonomy.hash != self.relabelling.new.hash:
            nodes = np.where(nodes >= 0, self.relabelling.nodes[np.maximum(nodes, 0)], -1)
        return self.are_same(nodes)

    def are_same(self, nodes: Ints) -> Flags:
        """Whether nodes of the new tree are right answers, bool [titles].

        Args:
            nodes: int64 [titles]: the answer to each title, -1 for none.
        """
        right: Flags = self.relabelling.shared[np.maximum(nodes, 0)] == self.truth
        return right & (nodes >= 0)


def _node_of(path: tuple[str, ...], classifier: Classifier) -> int:
    node = classifier.taxonomy.get(path) if path else None
    return -1 if node is None else node


def difference(ours: Flags, theirs: Flags) -> Interval:
    """The share of right answers of one classifier minus that of another, with its 95 % interval.

    Args:
        ours: bool [titles]: whether the answers of one are right.
        theirs: bool [titles]: the same for the other.
    """
    return paired_bootstrap(ours, theirs)
