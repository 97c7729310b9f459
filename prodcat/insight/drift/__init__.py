"""What changed between two sets of titles: the tree, the shares of categories, or the titles.

**Tree.** Two trees are compared by the ids of their nodes: which nodes are new, gone, moved or
renamed.

**Shares.** The share of the titles that are at or below each node, by labels if all titles of both
sets have one, otherwise by the classifier's answers.  The statistic of a node is the likelihood
ratio of two shares against one share (G).

**Titles.** Whether the titles of a category use the same words as before.  Each title is a vector
of its n-grams.  The statistic of a node is the length of the difference between the two sets'
means; each category below the node is compared with itself, so that changed shares do not look like
changed titles.

All nodes are tested at once, and at most ``level`` of all comparisons raise any false alarm: half
of it for shares and half for titles.  The thresholds are found by a permutation test: the titles
are divided into two sets at random many times (for titles, within each category).  A node raises an
alarm if it exceeds what the most extreme of all nodes reaches by chance; each level of the tree has
an equal part in the false alarms (Westfall and Young, 1993).  Equal titles stay together, because
they are one product that is listed several times.
"""

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.drift.accuracy import AccuracyEstimate
from prodcat.insight.drift.alarms import Kind, NodeDrift
from prodcat.insight.drift.comparison import find_drift
from prodcat.insight.drift.result import Drift
from prodcat.insight.drift.trees import TreeChange, compare_trees

__all__ = [
    "AccuracyEstimate",
    "Drift",
    "Floats",
    "Ints",
    "Kind",
    "NodeDrift",
    "TreeChange",
    "compare_trees",
    "find_drift",
]
