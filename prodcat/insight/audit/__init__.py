"""Labels that are probably wrong, found by models that were not trained on them.

Labels are ranked by a score, the suspicion.  Let ``p`` be the model's probability of the label,
``m`` the probability of its answer (the most probable category), and ``d`` by how much the answer's
department is more probable than the label's department.  The suspicion is

    2 log m - log max(p, 1e-4) + d^4 / 2

The first term is small if the model is not confident, so that titles that are merely difficult do
not rank first.  The last term ranks a wrong department before a wrong sibling category if all else
is equal.  (The formula and its constants were chosen on other data than the benchmark's: labels
that were swapped in another way.)

The share of wrong labels cannot be estimated from these probabilities, because the models also
learn from the wrong labels: if five in a hundred are wrong, the models expect five to be wrong.
Instead, the audit reports how many labels are clearly contradicted: the model gives another
category a probability of at least 0.9.

For each row, only the probabilities of the answer and of the label at each level are kept, so the
memory that an audit of millions of rows needs is that of a table of rows times levels.
"""

from prodcat.catalog.splits import folds_of
from prodcat.insight.arrays import Floats
from prodcat.insight.audit.audited_labels import AuditedLabels
from prodcat.insight.audit.cross_validation import audit
from prodcat.insight.audit.labels import audit_labels
from prodcat.insight.audit.out_of_fold import OutOfFold, out_of_fold
from prodcat.insight.audit.problems import Conflict, LabelProblem, check_ids
from prodcat.insight.audit.result import Audit
from prodcat.insight.audit.worklist import review_items

__all__ = [
    "Audit",
    "AuditedLabels",
    "Conflict",
    "Floats",
    "LabelProblem",
    "OutOfFold",
    "audit",
    "audit_labels",
    "check_ids",
    "folds_of",
    "out_of_fold",
    "review_items",
]
