"""``prodcat trim``: reduce the vocabulary of an encoder or a classifier."""

import argparse
from typing import TYPE_CHECKING, Any

from prodcat.cli.answers import answer_keywords
from prodcat.cli.arrangement import MODEL_FOLDER
from prodcat.cli.classifiers import load_classifier
from prodcat.cli.destinations import check_model_folder
from prodcat.cli.input import check_tables, file_options, tables_argument, title_option
from prodcat.cli.output import show
from prodcat.cli.parser import add_command
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog


def add_trim(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "trim",
        "cut the vocabulary of an encoder or a classifier to what is needed",
        basic=["--output", "--titles", "--title", "--languages"],
        examples={
            "keep the word pieces that occur in titles": (
                "trim encoder --titles titles.csv --output small-encoder"
            ),
            "keep all pieces that Turkish and English can write": (
                "trim encoder --languages tr en --output two-languages"
            ),
        },
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="an encoder (hub name, folder, URI) or a saved classifier",
    )
    parser.add_argument(
        "--output", required=True, metavar=MODEL_FOLDER, help="folder or URI for the smaller one"
    )
    tables_argument(parser, "--titles", "titles whose word pieces are kept")
    title_option(parser)
    parser.add_argument(
        "--text",
        nargs="*",
        default=[],
        metavar="COLUMN",
        help="further text columns, whose word pieces are kept too",
    )
    parser.add_argument(
        "--language", metavar="COLUMN", help="column with the language, for the report"
    )
    parser.add_argument(
        "--languages",
        nargs="+",
        metavar="CODE",
        help="languages whose alphabets are kept: all pieces that they can write; tr en …",
    )
    parser.add_argument(
        "--min-count",
        type=int,
        default=1,
        metavar="NUMBER",
        help="how often a piece must occur in the titles to be kept; default 1",
    )
    parser.add_argument(
        "--max-pieces",
        type=int,
        metavar="NUMBER",
        help="maximum number of pieces to keep, the most frequent ones",
    )
    file_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Trim an encoder or a classifier, save it, and print what was cut.

    Raises:
        ConfigError: A classifier is to be trimmed without ``--titles``, or the output cannot be
            written or would be replaced.
        CatalogError: The titles cannot be read.
        ArtifactError: The classifier cannot be loaded, or the smaller one cannot be saved.
    """
    from prodcat.model.trimming import trim_encoder

    check_model_folder(options, "--output", options.output)
    check_tables(options)
    titles = _read_titles(options) if options.titles else None
    kept = answer_keywords(options, ("languages", "min_count", "max_pieces"))
    if _is_classifier(options.source):
        if titles is None:
            raise ConfigError("A classifier can only be trimmed to titles. Give --titles FILE.")
        small, report = load_classifier(options, options.source).trimmed(titles, **kept)
        small.save(options.output)
    else:
        report = trim_encoder(
            options.source,
            options.output,
            texts=None if titles is None else titles.inputs,
            text_languages=None if titles is None else titles.languages,
            **kept,
        )
    show(report)
    show(f"\nsaved to {options.output}")


def _read_titles(options: argparse.Namespace) -> "Catalog":
    from prodcat.catalog.reading import read_catalog

    named = answer_keywords(options, ("title", "text", "language", "delimiter", "sheet"))
    named["encoding"] = options.file_encoding
    return read_catalog(options.titles, path=None, on_error="accept", **named)


def _is_classifier(source: str) -> bool:
    """Whether a source is a saved classifier rather than an encoder."""
    import fsspec

    from prodcat.classifier.loading import is_reference

    filesystem, path = fsspec.url_to_fs(source)
    if filesystem.exists(path):
        return filesystem.isfile(path) or bool(filesystem.exists(f"{path}/manifest.json"))
    return is_reference(source)
