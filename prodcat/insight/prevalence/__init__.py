"""How many products of each category there are, counted by a classifier that makes mistakes.

Counting answers is biased: mistakes into a category do not balance mistakes out of it, least of all
if it has few products.  Here the counts are corrected for the classifier's confusions of
departments, measured on labelled titles that it was not trained on, and the intervals include
everything that is uncertain.

Titles fall into cells: the answered department and the confidence of the answer.  Let ``C`` be the
probability of a cell given the true department, with ``C_i ~ Dirichlet(n_i + 10 m_i)``: ``n_i`` are
the labelled titles of department ``i`` in each cell, and ``m_i`` is what the classifier's
probabilities predict, which counts as much as ten titles.  The titles of a cell ``c`` are assigned
to departments at random in proportion to ``q_i C_ic``, and the shares ``q`` are drawn again from
the assigned titles.  This Gibbs sampling gives the posterior of the true counts.  It assumes label
shift: the titles of a department are of the same kind in all sets (Saerens, Latinne and
Decaestecker, 2002, estimate the shares alone).  ``C`` is drawn from the labelled titles only, so
that a large set cannot distort it.

Titles of a category are right or wrong together, so they tell less than their number suggests.  How
much less is measured: the labelled titles are cut in two many times, with no category in both
parts; sets with other shares are drawn from one part and counted with the other.  If these counts
are farther off than their posterior predicts, all intervals are widened by that ratio (the
dispersion of a quasi-likelihood).

Within a department, the classifier's probabilities are used as they are.  The intervals of these
counts include the randomness of the titles, the dispersion, and an error proportional to the count,
which is measured for each level on the labelled titles.
"""

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.prevalence.confusion import Confusion
from prodcat.insight.prevalence.counts import Counts, at_or_below, shares
from prodcat.insight.prevalence.estimation import prevalence
from prodcat.insight.prevalence.evidence import (
    EDGES,
    Evidence,
    gather,
    judged_rows,
    node_probabilities,
)

__all__ = [
    "EDGES",
    "Confusion",
    "Counts",
    "Evidence",
    "Floats",
    "Ints",
    "at_or_below",
    "gather",
    "judged_rows",
    "node_probabilities",
    "prevalence",
    "shares",
]
