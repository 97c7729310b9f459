"""What people look at: pages, tables and texts about evaluations, assortments, labels and drift.

* :mod:`~prodcat.insight.report`: an evaluation as a page and as Markdown.
* :mod:`~prodcat.insight.assortment`: retailers compared category by category; products are counted
  with :mod:`~prodcat.insight.prevalence`.
* :mod:`~prodcat.insight.audit`: labels that are probably wrong.
* :mod:`~prodcat.insight.drift`: what changed between two sets of titles.
* :mod:`~prodcat.insight.queue`, :mod:`~prodcat.insight.decisions`,
  :mod:`~prodcat.insight.review`: which titles to label next, the decisions of the person who
  labels them, and the page to do so.
"""
