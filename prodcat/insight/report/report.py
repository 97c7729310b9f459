"""The report on an evaluation, as HTML and as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodcat.errors import ConfigError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.files import write_form
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.markdown import report_markdown
from prodcat.insight.report.page import report_page
from prodcat.taxonomy.tree import Taxonomy

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog


@dataclass(frozen=True)
class Report:
    """A report as HTML and as Markdown.

    Attributes:
        html: One file with everything in it; nothing is fetched when it is opened.
        markdown: The same figures and tables, for a pull request or a wiki.
    """

    html: str
    markdown: str

    def save(self, uri: str) -> None:
        """Write the HTML or the Markdown, as the ending of the name says.

        Args:
            uri: The file, at any fsspec URI; its name ends with ``.html`` or ``.md``.

        Raises:
            ConfigError: The name has another ending.
            StoreError: The file cannot be written.
        """
        write_form(
            uri, {"html": self.html.encode, "htm": self.html.encode, "md": self.markdown.encode}
        )


def report_evaluation(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    *,
    titles: Sequence[str] | None = None,
    known: "Catalog | None" = None,
    production: Evaluation | None = None,
    name: str = "",
) -> Report:
    """Show an evaluation to people.

    Args:
        evaluation: From :meth:`Classifier.evaluate`.
        taxonomy: The classifier's tree.
        titles: Titles of the evaluated rows, in their order, to show examples of wrong answers.
        known: Labelled titles, such as the training rows; each example is shown with the most
            similar of them.
        production: An evaluation of the classifier in production on the same rows.
        name: Name of the classifier, for the title.

    Returns:
        HTML and Markdown.

    Raises:
        ConfigError: The evaluation is of another tree; it was read from a file and lacks the
            single rows that ``titles`` or ``production`` need; the number of titles is wrong; or
            plotly is not installed.
    """
    judged = evaluation.judged
    if judged is None and (titles is not None or production is not None):
        raise ConfigError(
            "This evaluation was read from a file and does not know its single rows; expected one "
            "from Classifier.evaluate(). Leave out titles and production, or evaluate again."
        )
    if judged is not None and judged.tree_hash != taxonomy.hash:
        raise ConfigError(
            "The evaluation is of another tree than the taxonomy that was given; expected "
            "classifier.taxonomy."
        )
    if titles is not None and len(titles) != evaluation.rows:
        raise ConfigError(
            f"Found {len(titles):,} titles for {evaluation.rows:,} evaluated rows; expected the "
            "title of each labelled row, in order."
        )
    comparison = None if production is None else evaluation.compare(production)
    contents = Contents.of(
        evaluation, taxonomy, titles=titles, known=known, comparison=comparison, name=name
    )
    return Report(report_page(contents), report_markdown(contents))
