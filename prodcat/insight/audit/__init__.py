"""Which labels are wrong: probabilities from models that have not seen the row, and the tree.

Labels are ranked by how much speaks against them: with ``p`` the probability of the label, ``m``
that of the answer, and ``d`` by how much the answer's department is more probable than the label's,

    2 log m - log max(p, 1e-4) + d^4 / 2

A title that is merely hard has an answer that is not sure, which the first term counts against it;
the last one puts a wrong department before a wrong sibling of which as much is known.  (Form and
constants were chosen on other swapped labels than those that the benchmark judges it on.)

How many labels are wrong cannot be told from probabilities that were learned from them: a model
that saw five wrong ones in a hundred expects five.  What is told is how many are clearly
contradicted: those with another answer of at least 0.9.

Nothing is kept of a row but its probability at each level and that of the answer, so millions of
rows are no more than a table of rows times levels.
"""

from prodcat.insight.arrays import Floats
from prodcat.insight.audit.cross_validation import audit, folds_of
from prodcat.insight.audit.labels import audit_labels
from prodcat.insight.audit.out_of_fold import OutOfFold, out_of_fold
from prodcat.insight.audit.problems import Conflict, LabelProblem
from prodcat.insight.audit.result import Audit

__all__ = [
    "Audit",
    "Conflict",
    "Floats",
    "LabelProblem",
    "OutOfFold",
    "audit",
    "audit_labels",
    "folds_of",
    "out_of_fold",
]
