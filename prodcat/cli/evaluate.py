"""``prodcat evaluate``: measure how good a classifier is on labelled titles."""

import argparse
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from prodcat.cli.answers import answer_keywords, answer_options
from prodcat.cli.classifiers import device_option, load_classifier, model_option
from prodcat.cli.input import check_tables, column_options, read_titles, tables_argument
from prodcat.cli.output import STDOUT, check_writable, save_report, show, write_file
from prodcat.cli.page_language import page_language_option
from prodcat.cli.parser import add_command
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier

_ASKED = ("precision", "cascade", "objective", "guarantee", "max_error", "certainty")
_PLOTS = (".png", ".svg", ".pdf")
_REPORTS = (".html", ".htm", ".md")


def add_evaluate(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "evaluate",
        "measure a classifier on labelled titles",
        basic=[
            "--title",
            "--path",
            "--model",
            "--json",
            "--plot",
            "--report",
            "--known",
            "--page-language",
        ],
        examples={
            "measure on titles that training did not see": "evaluate labelled.csv --model model",
            "write a page with the worst mistakes": (
                "evaluate labelled.csv --model model --report report.html --known catalog.csv"
            ),
            "pass the metrics on to a program": "evaluate labelled.csv --model model --json -",
        },
    )
    tables_argument(parser, "catalog", "titles with categories")
    model_option(parser)
    parser.add_argument(
        "--json", metavar="OUTPUT", help="also write the metrics to this file; - for stdout"
    )
    parser.add_argument(
        "--plot",
        metavar="OUTPUT",
        help="also draw reliability and risk into this file: .png, .svg or .pdf",
    )
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="OUTPUT",
        help="also write a report for people to this file: .html or .md, or - for Markdown on "
        "stdout; may be repeated",
    )
    tables_argument(
        parser, "--known", "for the report, labelled titles that are shown with similar mistakes"
    )
    parser.add_argument(
        "--production", metavar="MODEL", help="for the report: a classifier to compare with"
    )
    parser.add_argument(
        "--weight",
        metavar="COLUMN",
        help="for the report: column that says what a wrong answer costs, such as sales; "
        "departments and categories are ranked by it",
    )
    page_language_option(parser, "language of the report")
    device_option(parser)
    answer_options(parser, _ASKED, without=["auto"])
    column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Evaluate a classifier, print the metrics, and write the files that the options name.

    Raises:
        ConfigError: A file has an unknown ending, or options are not consistent.
        CatalogError: The titles cannot be read.
        ArtifactError: A classifier cannot be loaded.
        StoreError: There is no such version, or a file cannot be written.
    """
    _check_files(options)
    check_tables(options)
    classifier = load_classifier(options, options.model)
    catalog = _read_titles(options, classifier)
    asked = answer_keywords(options, _ASKED)
    evaluation = classifier.evaluate(catalog, **asked)
    if options.json:
        write_file(options.json, evaluation.to_json().encode())
    show(evaluation)
    if options.plot:
        _save_plot(options.plot, evaluation.plot)
    if not options.report:
        return
    from prodcat.insight.report import report_evaluation

    production = None
    if options.production:
        other = load_classifier(options, options.production)
        again = read_titles(options, options.catalog, taxonomy=other.taxonomy)
        production = other.evaluate(again, **asked)
    report = report_evaluation(
        evaluation,
        classifier.taxonomy,
        titles=catalog.take(catalog.labelled),
        known=None if options.known is None else read_titles(options, options.known),
        production=production,
        name=options.model,
        classifier=classifier,
        weights=_weights(options, catalog),
    )
    report = report.in_language(options.page_language)
    for uri in options.report:
        save_report(report, uri, ".md")


def _check_files(options: argparse.Namespace) -> None:
    """Refuse files with an unknown ending, before anything is computed."""
    if options.plot and not options.plot.lower().endswith(_PLOTS):
        raise ConfigError(
            f"--plot is {options.plot!r}; expected a name ending with .png, .svg or .pdf."
        )
    for uri in options.report:
        if uri != STDOUT and not uri.lower().endswith(_REPORTS):
            raise ConfigError(f"--report is {uri!r}; expected a name ending with .html or .md.")
    about_report = options.known or options.production or options.weight
    if (about_report or options.page_language != "en") and not options.report:
        raise ConfigError(
            "--known, --production, --weight and --page-language are for a report; add --report "
            "FILE."
        )
    check_writable("--json", options.json)
    check_writable("--plot", options.plot)
    for uri in options.report:
        check_writable("--report", uri)


def _read_titles(options: argparse.Namespace, classifier: "Classifier") -> "Catalog":
    """Read the labelled titles, with the columns of groups and of weights if they are needed."""
    promised = options.guarantee is not None or options.max_error is not None
    group = classifier.group_column(promised)
    keep = [name for name in (group, options.weight) if name is not None]
    return read_titles(
        options, options.catalog, taxonomy=classifier.taxonomy, keep=list(dict.fromkeys(keep))
    )


def _weights(options: argparse.Namespace, catalog: "Catalog") -> "Sequence[float] | None":
    """The numbers in the column of ``--weight`` for the labelled titles, None without it."""
    from prodcat.insight.numbers import numbers_of

    if options.weight is None:
        return None
    numbers: Sequence[float] = numbers_of(
        catalog.take(catalog.labelled).columns[options.weight], options.weight
    ).tolist()
    return numbers


def _save_plot(uri: str, plot: Callable[[], Any]) -> None:
    image = io.BytesIO()
    plot().savefig(image, format=uri.lower().rsplit(".", 1)[-1])
    write_file(uri, image.getvalue())
