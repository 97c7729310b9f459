"""How many of a competitor's products we have, by category, with the matcher's mistakes.

A matcher says for each of their products how probable it is that we have the same product.  The sum
of these probabilities is biased where the matcher is, so it is corrected by the matcher's mistakes
on reviewed products, as counts of categories are by a classifier's (see
:mod:`prodcat.insight.prevalence`).

The products fall into cells, which are ranges of the probability.  Let ``C_0`` and ``C_1`` be the
distributions over cells of products that we lack and that we have, with
``C_i ~ Dirichlet(n_i + 4 m_i)``.  Here ``n_i`` is the number of such reviewed products in each
cell, and ``m_i`` is the distribution that the probabilities themselves predict.  Each category has
its own share of products that we have, and Gibbs sampling draws these shares and the products of
each cell in turn.  All categories share ``C``, so that the count of all products has the
uncertainty of ``C`` once.

The products of a category are matched well or badly together.  How much this matters is measured as
for categories: the reviewed products are divided many times, with no category in both parts, one
part is counted with the help of the other, and all intervals are widened until they hold 95 % of
these counts.
"""

from prodcat.insight.overlap.counting import count_overlap
from prodcat.insight.overlap.mistakes import MatchMistakes
from prodcat.insight.overlap.result import Overlap

__all__ = ["MatchMistakes", "Overlap", "count_overlap"]
