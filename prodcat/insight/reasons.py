"""The reasons for answers as a page for people and as a table for other programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.explanation.explanations import Explanations
from prodcat.classifier.explanation.marked_titles import html_of
from prodcat.insight.files import HtmlPage, Shown, arrow_table
from prodcat.taxonomy.notebook import NotebookTable, texts_of_rows

_PAGE = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Reasons</title>'
    '<meta name="color-scheme" content="light dark"><style>body{{font:15px/1.5 system-ui,'
    "sans-serif;margin:2em auto;max-width:72em;padding:0 1em}}</style></head><body>{}</body></html>"
)


@dataclass(frozen=True, eq=False, repr=False)
class Reasons(Shown):
    """The reasons for answers, to be saved.

    The page has all titles, with their words coloured.  The table has a row for each word at each
    level.

    Attributes:
        explanations: What :meth:`prodcat.Classifier.explain` returned.
    """

    explanations: Explanations

    def __str__(self) -> str:
        """The reasons as text."""
        return str(self.explanations)

    def html(self) -> HtmlPage:
        """A self-contained HTML page."""
        titles = [each.html() for each in self.explanations]
        return HtmlPage(_PAGE.format(html_of(titles, len(titles))), "Reasons")

    def table(self) -> Any:
        """A row for each word at each level, as an Arrow table."""
        return arrow_table(self.explanations.columns("words"))

    def _numbers(self) -> Sequence[str]:
        return [f"{len(self.explanations):,} titles"]

    def _tables(self) -> Sequence[NotebookTable]:
        columns = self.explanations.columns("levels")
        return [NotebookTable(list(columns), texts_of_rows(columns), "levels")]
