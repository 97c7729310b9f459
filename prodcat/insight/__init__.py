"""Reports for people: HTML pages, tables and texts about models, catalogs and markets.

* :mod:`~prodcat.insight.report`: an evaluation as an HTML page and as Markdown.
* :mod:`~prodcat.insight.assortment`: what several retailers sell, category by category; their
  products are counted with :mod:`~prodcat.insight.prevalence`.
* :mod:`~prodcat.insight.audit`: labels that are probably wrong.
* :mod:`~prodcat.insight.drift`: the differences between two sets of titles.
* :mod:`~prodcat.insight.queue`: the titles to label next; :mod:`~prodcat.insight.review`: the web
  page on which a person labels them; :mod:`~prodcat.insight.decisions`: the file in which this
  person's decisions are saved.
"""
