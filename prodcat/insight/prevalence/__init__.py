"""Estimates of the number of products in each category, by a classifier that makes mistakes.

Counting the classifier's answers is biased: a category wrongly gains some products and wrongly
loses others, and the two numbers differ, above all if the category is small.  Here
the counts are corrected for the classifier's confusions of departments, which are measured on
labelled titles that it was not trained on.  The intervals include the uncertainty of this
measurement.

Each title falls into a cell, which is a pair of the answered department and a range of the
department's probability.  Let ``C_ic`` be the probability of cell ``c`` if ``i`` is the true
department, with the distribution ``C_i ~ Dirichlet(n_i + 40 m_i)``.  Here ``n_i`` is the number of
labelled titles of department ``i`` in each cell, and ``m_i`` is the distribution that the
classifier's probabilities predict, which weighs as much as forty titles, and starts from the usual
confusions of all departments.  Gibbs sampling alternates between two steps: the titles of each cell
``c`` are assigned to departments at random in proportion to ``q_i C_ic``, and the shares ``q`` of
the departments are drawn given the assigned titles.  This gives the posterior distribution of the
true counts.  The method assumes label shift: the titles of a department have the same distribution
in all sets (Saerens, Latinne and Decaestecker, 2002, estimate the shares alone).  ``C`` is drawn
from the labelled titles only, so that a large set of unlabelled titles cannot distort it.

Titles of the same category tend to be all answered correctly or all wrongly, so they contain less
information than their number suggests.  How much less is measured: the labelled titles are divided
into two parts many times, with no category in both parts; sets of titles with other shares are
drawn from one part and counted with the help of the other.  If fewer than 95 % of these counts are
in the intervals of 95 %, all intervals are widened until they are.

Within a department, the classifier's probabilities are not corrected.  The intervals of these
counts include the random variation of the titles, the dispersion, and an error that is proportional
to the count and is measured for each level of the tree on the labelled titles.
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
