"""``prodcat guarantee``: measure error guarantees for a classifier's answers on new titles."""

import argparse
from typing import TYPE_CHECKING, Any

from prodcat.cli.answers import answer_keywords
from prodcat.cli.arrangement import MODEL_FOLDER
from prodcat.cli.classifiers import device_option, load_classifier, model_option
from prodcat.cli.destinations import check_model_folder
from prodcat.cli.input import check_tables, column_options, read_titles, tables_argument
from prodcat.cli.output import show
from prodcat.cli.parser import add_command
from prodcat.cli.promises import promises_table
from prodcat.decisions.options import OBJECTIVES
from prodcat.errors import CatalogError

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier


def add_guarantee(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "guarantee",
        "measure, on new titles, what can be promised of the answers",
        basic=["--title", "--path", "--model", "--output", "--group", "--by-department"],
        examples={
            "measure what can be promised, and save the classifier with it": (
                "guarantee labelled.csv --model model --output promised"
            ),
            "let at most 5 in 100 answers be wrong, and leave out the other titles": (
                "predict titles.csv --model promised --max-error 0.05 --output sure.csv"
            ),
        },
    )
    tables_argument(parser, "catalog", "labelled titles that training did not see")
    model_option(parser)
    parser.add_argument(
        "--output",
        required=True,
        metavar=MODEL_FOLDER,
        help="folder or URI for the classifier with the guarantee",
    )
    grouping = parser.add_mutually_exclusive_group()
    grouping.add_argument(
        "--group",
        metavar="COLUMN",
        help="column, such as country, for one promise for each of its values",
    )
    grouping.add_argument(
        "--by-department",
        action="store_true",
        help="make one promise for each top-level category",
    )
    parser.add_argument(
        "--pool-below",
        type=int,
        default=0,
        metavar="TITLES",
        help="groups with fewer titles share one promise; default 0: none do",
    )
    parser.add_argument(
        "--objective",
        default="path",
        choices=list(OBJECTIVES),
        help="objective of the answers that the promise is about; default path",
    )
    device_option(parser)
    column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure a guarantee, save the classifier with it, and print the guarantee.

    Raises:
        CatalogError: The titles cannot be read, or lack the column of groups, or the classifier
            has learned all of them.
        ConfigError: An option has a value that is not allowed, or there are too few titles.
        ArtifactError: The classifier cannot be loaded or saved.
        StoreError: There is no such version.
    """
    check_model_folder(options, "--output", options.output)
    check_tables(options)
    classifier = load_classifier(options, options.model)
    keep = [] if options.group is None else [options.group]
    catalog = read_titles(options, options.catalog, taxonomy=classifier.taxonomy, keep=keep)
    named = ("group", "by_department", "pool_below", "objective")
    _check_new(classifier, catalog)
    measured = classifier.with_guarantee(catalog, **answer_keywords(options, named))
    measured.save(options.output)
    assert measured.guarantee is not None
    show(f"{measured.guarantee!r}; saved {options.output}\n")
    show("what it buys, on these titles, with a certainty of 95 %:\n")
    show(promises_table(measured.guarantee))


def _check_new(classifier: "Classifier", catalog: "Catalog") -> None:
    """Refuse titles that the classifier has all learned.

    Raises:
        CatalogError: It has.
    """
    known = classifier.provenance.has_seen(classifier.reader.texts(catalog))
    if len(known) and known.all():
        raise CatalogError(
            f"All {len(known):,} titles were used before in training, validation or calibration; "
            "expected titles that the classifier has not learned, as it answers those that it "
            "knows better than new ones. Label new titles, or hold some out of the training."
        )
