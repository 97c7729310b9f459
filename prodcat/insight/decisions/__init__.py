"""The decisions of a person who reviews the items of a queue, saved in a file.

* :mod:`~prodcat.insight.decisions.decisions`: the decisions and how they replace one another.
* :mod:`~prodcat.insight.decisions.file`: the file, to which lines are only appended.
* :mod:`~prodcat.insight.decisions.choices`: what can be decided about items; of titles, a category.
* :mod:`~prodcat.insight.decisions.pairs`: pairs of products, of which a relation is decided.
"""

from prodcat.insight.decisions.decisions import Decisions

__all__ = ["Decisions"]
