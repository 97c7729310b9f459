r"""How many products of each category there are, counted by a classifier that errs.

Counting answers is biased: what is mistaken for a category need not be made up for by what is
mistaken for others, and the fewer products a category has the worse.  Here the answers are
corrected by how the classifier confuses departments, as labelled titles that it was not trained on
show it, and everything that is not known goes into the intervals.

Titles fall into cells, the answered department and how sure the answer is.  With ``C`` the
probability of a cell given the true department, ``C_i ~ Dirichlet(n_i + 10 m_i)``: ``n_i`` are the
labelled titles of the department in each cell, and ``m_i`` is what the classifier's own
probabilities expect, which counts for ten titles.  What ends in a cell is then dealt out among
departments in proportion to ``q_i C_ic``, and the shares ``q`` are drawn again from what they were
dealt: the posterior of the counts that a set of titles really has, by Gibbs sampling (the
assumption is label shift: titles of a department are of one kind everywhere; Saerens, Latinne and
Decaestecker, 2002, estimate the shares alone).  ``C`` is drawn from the labelled titles only, so
that a large set cannot bend it.

Titles of a category are right or wrong together, so there is less to learn from than their number
suggests.  How much less is measured: the labelled titles are cut in two again and again, no
category in both, sets with other shares are drawn from one part and counted by the other.  Where
these counts are off by more than their posterior says, intervals are made so much wider (the
dispersion of a quasi-likelihood).

Within a department the classifier's probabilities are taken as they are, with the chance of the
titles themselves, the dispersion, and an error in proportion to the count that is measured, level
by level, on the labelled titles.
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
