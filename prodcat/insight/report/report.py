"""The report on an evaluation, in two forms."""

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
    """A report in two forms.

    Attributes:
        html: One file with everything in it; nothing is fetched when it is looked at.
        markdown: The same figures and tables, for a pull request or a wiki.
    """

    html: str
    markdown: str

    def save(self, uri: str) -> None:
        """Write one of the forms, by the name's ending.

        Args:
            uri: At any fsspec URI; ends with ``.html`` or ``.md``.

        Raises:
            ConfigError: It ends otherwise.
            StoreError: It cannot be written.
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
        taxonomy: The tree that it judged in.
        titles: Titles of its rows, in their order, for examples of mistakes.
        known: Labelled titles, such as those that were trained on: each example is shown with
            those that are most like it.
        production: Another evaluation of the same rows, of what is in production.
        name: What was evaluated, for the title.

    Returns:
        HTML and Markdown.

    Raises:
        ConfigError: The evaluation is of another tree, has no single rows (it was read from a
            file) while titles or production need them, or the titles are not as many; or plotly
            is not installed.
    """
    judged = evaluation.judged
    if judged is None and (titles is not None or production is not None):
        raise ConfigError(
            "This evaluation was read from a file and does not know its single rows; expected one "
            "from Classifier.evaluate(). Leave out titles and production, or evaluate again."
        )
    if judged is not None and judged.tree_hash != taxonomy.hash:
        raise ConfigError(
            "The evaluation is of another tree than the one given; expected the classifier's "
            "own: classifier.taxonomy."
        )
    if titles is not None and len(titles) != evaluation.rows:
        raise ConfigError(
            f"Found {len(titles):,} titles for {evaluation.rows:,} judged rows; expected one for "
            "each labelled row, in order."
        )
    comparison = None if production is None else evaluation.compare(production)
    contents = Contents.of(
        evaluation, taxonomy, titles=titles, known=known, comparison=comparison, name=name
    )
    return Report(report_page(contents), report_markdown(contents))
