"""The differences between two sets of titles: in the tree, the shares of categories, and the words.

**Tree.** The nodes of two trees are compared by their ids: nodes are new, gone, moved or renamed.

**Shares.** The share of the titles that are at or below each node is compared between the two sets.
Titles are counted by their labels if all titles of both sets have one, otherwise by the
classifier's answers.  The statistic of a node is the likelihood ratio G: that of two different
shares against one common share.

**Titles.** The words in the titles of each category are compared.  Each title is represented by a
vector of its n-grams.  The statistic of a node is the length of the difference between the mean
vectors of the two sets.  The difference is computed within each category below the node, so that
changed shares do not look like changed titles.

All nodes are tested at once.  If nothing changed, the probability of any false alarm is at most
``level``: one half of it for shares, the other for titles.  The thresholds come from a permutation
test: the titles are divided into two sets at random many times (for titles, within each category).
A node raises an alarm if its statistic exceeds what the most extreme of all nodes reaches by
chance; each level of the tree gets an equal part of the false alarms (Westfall and Young, 1993).
Equal titles stay in the same set, because they are one product that is listed several times.
"""

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.drift.accuracy import AccuracyEstimate
from prodcat.insight.drift.alarms import Kind, NodeDrift
from prodcat.insight.drift.comparison import find_drift
from prodcat.insight.drift.differences import Differences
from prodcat.insight.drift.evidence import NodeEvidence, ProductChange, WordChange
from prodcat.insight.drift.result import Drift
from prodcat.insight.drift.trees import TreeChange, compare_trees

__all__ = [
    "AccuracyEstimate",
    "Differences",
    "Drift",
    "Floats",
    "Ints",
    "Kind",
    "NodeDrift",
    "NodeEvidence",
    "ProductChange",
    "TreeChange",
    "WordChange",
    "compare_trees",
    "find_drift",
]
