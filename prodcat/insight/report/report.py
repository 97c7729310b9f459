"""The report on an evaluation, as HTML and as Markdown."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.errors import ConfigError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.files import write_form
from prodcat.insight.page import Kind, shown
from prodcat.insight.report.contents import Contents, Table
from prodcat.insight.report.page import report_page
from prodcat.storage.containers import given_texts
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_markdown

_MOST_ROWS = 20  # in a table of the Markdown


@dataclass(frozen=True)
class Report:
    """A report as HTML and as Markdown.

    Attributes:
        html: A self-contained HTML page, which loads nothing from the network.
        markdown: The headline figures and the first 20 rows of each table, for a pull request or a
            wiki.
    """

    html: str
    markdown: str

    def save(self, uri: str | os.PathLike[str]) -> None:
        """Write the HTML or the Markdown, depending on the file name extension.

        Args:
            uri: The file, at any fsspec URI; its name ends with ``.html``, ``.htm`` or ``.md``.

        Raises:
            ConfigError: The name has another extension.
            StoreError: The file cannot be written.
        """
        html = self.html.encode
        write_form(uri, {"html": html, "htm": html, "md": self.markdown.encode})


def report_evaluation(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    *,
    titles: Sequence[str] | None = None,
    known: Catalog | None = None,
    production: Evaluation | None = None,
    name: str = "",
) -> Report:
    """Write a report on an evaluation.

    Args:
        evaluation: The evaluation, from :meth:`Classifier.evaluate`.
        taxonomy: The classifier's tree.
        titles: Titles of the evaluated rows, in their order.  With them, the report shows examples
            of wrong answers.
        known: Labelled titles, such as the training rows; each example is shown with the most
            similar of them.
        production: An evaluation of the classifier in production on the same rows, to compare with.
        name: Name of the classifier, for the title of the report.

    Returns:
        The report as HTML and as Markdown.

    Raises:
        ConfigError: The evaluation used another tree; it was read from a file and lacks the
            individual rows that ``titles`` or ``production`` need; the number of titles differs
            from that of the rows; or plotly is not installed.
        CatalogError: ``production`` has other rows, or was read from a file; ``titles`` are not
            texts in an order; or ``known`` is no catalog.
    """
    if known is not None:
        check_catalog(known, "known")
    titles = None if titles is None else given_texts(titles, "titles")
    judged = evaluation.judged
    if judged is None and (titles is not None or production is not None):
        raise ConfigError(
            "This evaluation was read from a file, which does not contain individual rows; "
            "expected one from Classifier.evaluate(). Leave out titles and production, or evaluate "
            "again."
        )
    if judged is not None and judged.tree_hash != taxonomy.hash:
        raise ConfigError(
            "The evaluation is of another tree than the given taxonomy; expected "
            "taxonomy=classifier.taxonomy of the classifier that was evaluated."
        )
    if titles is not None and len(titles) != evaluation.rows:
        raise ConfigError(
            f"Found {len(titles):,} titles for {evaluation.rows:,} evaluated rows; expected the "
            "title of each labelled row, in order."
        )
    comparison = None if production is None else evaluation.compare(production)
    contents = Contents(
        name or "A classifier", evaluation, taxonomy, comparison, titles=titles, known=known
    )
    return Report(report_page(contents), report_markdown(contents))


def report_markdown(contents: Contents) -> str:
    """Write the contents of a report as Markdown, each table with at most 20 rows."""
    lines = [f"# {for_markdown(contents.name)}: evaluation", ""]
    lines += _lines(["", "value", "95 % interval"], contents.headlines())
    lines += ["", "## By level", "", *_table(contents.levels())]
    if contents.comparison is not None:
        lines += ["", f"## Against production, on {contents.comparison.rows:,} rows", ""]
        lines += _lines(
            ["metric", "difference", "95 % interval", "verdict"],
            [
                (metric, f"{value:+.4f}", f"{low:+.4f} to {high:+.4f}", verdict)
                for metric, value, low, high, verdict in contents.differences()
            ],
        )
    if contents.worst:
        lines += ["", "## Worst categories", "", *_table(contents.worst_categories())]
    lines += ["", "## Confusions by common ancestor", "", *_table(contents.confusions())]
    if contents.examples:
        lines += ["", "## Examples", "", *_table(contents.wrong_answers())]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    columns, rows = table
    cells = [
        [_cell(kind, value) for (_, kind), value in zip(columns, row, strict=True)]
        for row in rows[:_MOST_ROWS]
    ]
    return _lines([name for name, _ in columns], cells)


def _cell(kind: Kind, value: Any) -> str:
    text = shown(kind, value)
    return for_markdown(text) if kind == "text" and value is not None else text


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]
