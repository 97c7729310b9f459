"""The report on an evaluation, as HTML and as Markdown."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.errors import ConfigError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.insight.arrays import Floats
from prodcat.insight.files import HtmlPage, WrittenFile, size_text, write_form
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.page_table import PageTable
from prodcat.insight.report.contents import Contents
from prodcat.insight.report.example_reasons import example_reasons
from prodcat.insight.report.examples import examples_of
from prodcat.insight.report.markdown import report_markdown
from prodcat.insight.report.page import report_page
from prodcat.insight.report.tables import ReportTables
from prodcat.insight.report.verdict import verdict
from prodcat.storage.containers import given_texts
from prodcat.taxonomy.notebook import Library, NotebookTable, data_frame, notebook_html
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True)
class Report:
    """A report as HTML and as Markdown, in one of eight languages.

    Attributes:
        html: A self-contained HTML page, which loads nothing from the network.
        markdown: The headline figures and the first 20 rows of each table, for a pull request or a
            wiki.
        headlines: The name, value and 95 % interval of each headline figure, as texts.
        verdict: What the report says, in one sentence.
        page_tables: The tables of the page by name, which are the same in every language.
        contents: What the report was made from; None if it was not made by
            :func:`report_evaluation`.
    """

    html: str = field(repr=False)
    markdown: str = field(repr=False)
    headlines: tuple[tuple[str, str, str], ...] = ()
    verdict: str = ""
    page_tables: Mapping[str, PageTable] = field(repr=False, default_factory=dict)
    contents: Contents | None = field(repr=False, default=None, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.html, HtmlPage):
            object.__setattr__(self, "html", HtmlPage(self.html, "Report"))

    def _repr_html_(self) -> str:
        size = size_text(len(self.html.encode()))
        page = f'an HTML page of {size}; save("report.html") writes it, and shows a link'
        table = NotebookTable(("", "value", "95 % interval"), self.headlines)
        sentences = [self.verdict.rstrip("."), page] if self.verdict else [page]
        return notebook_html("Report", sentences, table)

    def tables(self) -> dict[str, Any]:
        """The tables of the page as Arrow tables, by name; those without rows are left out.

        Returns:
            ``metrics``, ``levels``, ``departments``, ``categories`` (with wrong answers),
            ``differences`` (from production), ``confusions``, ``reliability`` and ``examples``.
        """
        return {name: table.arrow() for name, table in self.page_tables.items()}

    def to_frame(self, name: str = "departments", *, library: Library = "pandas") -> Any:
        """A table of the page as a data frame.

        Args:
            name: The name of the table, as in :meth:`tables`.
            library: The library of the data frame: ``"pandas"`` or ``"polars"``.

        Raises:
            ConfigError: There is no such table, or the library is not installed, or is another one.
        """
        if name not in self.page_tables:
            raise ConfigError(
                f"The report has no table {name!r}; expected one of {sorted(self.page_tables)}. "
                "An evaluation that was read from a file has no departments, categories or "
                "examples."
            )
        table = self.page_tables[name].arrow()
        columns = zip(table.column_names, table.columns, strict=True)
        return data_frame({label: column.to_pylist() for label, column in columns}, library)

    def in_language(self, language: str) -> "Report":
        """The same report in another language.

        Args:
            language: ``de``, ``en``, ``es``, ``fr``, ``it``, ``nl``, ``pt`` or ``tr``.

        Raises:
            ConfigError: There are no pages in this language, or the report has no contents.
        """
        if self.contents is None:
            raise ConfigError(
                "This report has texts alone, which cannot be written in another language; "
                "expected one of report_evaluation()."
            )
        return _report_of(self.contents, language)

    def save(self, uri: str | os.PathLike[str], *, language: str | None = None) -> WrittenFile:
        """Write the HTML or the Markdown, depending on the file name extension.

        Args:
            uri: The file, at any fsspec URI; its name ends with ``.html``, ``.htm`` or ``.md``.
            language: The language, as for :meth:`in_language`; by default that of the report.

        Returns:
            The file, which a notebook shows as a link.

        Raises:
            ConfigError: The name has another extension, there are no pages in this language, or
                the report has no contents.
            StoreError: The file cannot be written.
        """
        report = self if language is None else self.in_language(language)
        html = report.html.encode
        return write_form(uri, {"html": html, "htm": html, "md": report.markdown.encode})


def report_evaluation(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    *,
    titles: Sequence[str] | Catalog | None = None,
    known: Catalog | None = None,
    production: Evaluation | None = None,
    name: str = "",
    classifier: Classifier | None = None,
    weights: Sequence[float] | None = None,
) -> Report:
    """Write a report on an evaluation.

    Args:
        evaluation: The evaluation, from :meth:`Classifier.evaluate`.
        taxonomy: The classifier's tree.
        titles: Titles of the evaluated rows, in their order, or a catalog of these rows.  With
            them, the report shows examples of wrong answers.
        known: Labelled titles, such as the training rows; each example is shown with the most
            similar of them.
        production: An evaluation of the classifier in production on the same rows, to compare with.
        name: Name of the classifier, for the title of the report.
        classifier: The classifier that was evaluated; with it, each example says by which words
            its answer is wrong.  If it reads further columns, ``titles`` must be a catalog.
        weights: What a wrong answer to each row costs, such as the sales of its product, to rank
            departments and categories by it.  By default all wrong answers cost the same.

    Returns:
        The report as HTML and as Markdown, in English; :meth:`Report.in_language` and
        :meth:`Report.save` give it in other languages.

    Raises:
        ConfigError: The evaluation used another tree; it was read from a file and lacks the
            individual rows that ``titles`` or ``production`` need; the number of titles differs
            from that of the rows; a weight is missing or negative; or plotly is not installed.
        CatalogError: ``production`` has other rows, or was read from a file; ``titles`` are not
            texts in an order; or ``known`` is no catalog.
    """
    if known is not None:
        check_catalog(known, "known")
    catalog = titles if isinstance(titles, Catalog) else None
    titles = titles.titles if isinstance(titles, Catalog) else titles
    titles = None if titles is None else given_texts(titles, "titles")
    reasons = None
    if classifier is not None and titles is not None:
        reasons = example_reasons(classifier, titles if catalog is None else catalog)
    _check(evaluation, taxonomy, titles, has_production=production is not None)
    costs = None if weights is None else _checked_weights(weights, evaluation)
    comparison = None if production is None else evaluation.compare(production)
    judged = evaluation.judged
    examples = []
    if judged is not None and titles is not None:
        examples = examples_of(judged, taxonomy, titles, known, reasons)
    contents = Contents(
        name, evaluation, taxonomy, comparison, examples, costs,
        has_reasons=reasons is not None, has_neighbours=known is not None,
    )  # fmt: skip
    return _report_of(contents, "en")


def _report_of(contents: Contents, language: str) -> Report:
    spoken = PageLanguage(language)
    return Report(
        report_page(contents, spoken),
        report_markdown(contents, spoken),
        tuple(ReportTables(contents, spoken).headlines()),
        verdict(contents.evaluation, contents.checks, spoken),
        ReportTables(contents, PageLanguage()).all(),
        contents,
    )


def _check(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    titles: Sequence[str] | None,
    *,
    has_production: bool,
) -> None:
    """Refuse what does not belong to the evaluation.

    Raises:
        ConfigError: The tree is another one, rows are not known, or the number of titles differs.
    """
    judged = evaluation.judged
    if judged is None and (titles is not None or has_production):
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


def _checked_weights(weights: Sequence[float], evaluation: Evaluation) -> Floats:
    rows, values = evaluation.rows, np.asarray(weights, np.float64)
    if evaluation.judged is None:
        raise ConfigError(
            "This evaluation was read from a file, which does not contain individual rows; "
            "expected one from Classifier.evaluate(). Leave out weights, or evaluate again."
        )
    if values.shape != (rows,):
        raise ConfigError(
            f"Found {len(weights):,} weights for {rows:,} evaluated rows; expected the weight of "
            "each labelled row, in order."
        )
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        raise ConfigError(
            f"The weight of row {int(wrong[0]) + 1:,} of the labelled rows is "
            f"{values[wrong[0]]:g}; expected a number of at least 0, such as the sales of the "
            "product."
        )
    return values
