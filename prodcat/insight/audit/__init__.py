"""Labels that are probably wrong, found by models that were not trained on them.

Labels are ranked by a suspicion.  Let ``p`` be the probability of the label, ``m`` that of the
answer, and ``d`` by how much the answer's department is more probable than the label's:

    2 log m - log max(p, 1e-4) + d^4 / 2

The first term is small if the answer is not confident, so that titles which are merely hard do not
rank first.  The last term ranks a wrong department before a wrong sibling if all else is equal.
(The formula and its constants were chosen on other swapped labels than those of the benchmark.)

The share of wrong labels cannot be estimated from these probabilities, because the models learn
from wrong labels too: if five in a hundred are wrong, the models expect five to be wrong.  What is
reported is how many labels are clearly contradicted: another answer has a probability of at least
0.9.

Of each row, only the probabilities of the label at each level and of the answer are kept, so an
audit of millions of rows needs no more memory than a table of rows times levels.
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
