r"""What changed between two sets of titles: the tree, the shares of categories, or the titles.

**Tree.** Two trees are compared by their nodes' ids: what is new, gone, moved, renamed.

**Shares.** How many titles are at or below each node, by their labels where both sets have them,
otherwise by what the classifier answers.  A node's statistic is the likelihood ratio of two shares
against one (G).

**Titles.** Whether the titles of a category are worded as before.  Every title is a vector of its
n-grams; a node's statistic is the length of the difference of the two sets' means, each category
below it compared with itself, so that other shares are no other titles.

All nodes are tested at once and may alarm falsely in no more than ``level`` of all comparisons:
half of it for shares and half for titles.  What counts as an alarm is not read off a table but off
the titles themselves, dealt into two sets at random again and again, for titles within each
category: a node alarms where it is beyond what the worst of all nodes is by chance, departments and
every other level having an equal part in the false alarms (Westfall and Young, 1993).  Titles that
are equal stay together, as they are one product that is listed often.
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
