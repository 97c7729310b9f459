"""``prodcat tree migrate``: carry labels, models and reviews over to the next version of a tree."""

import argparse
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import FILE, MODEL_FOLDER, OUTPUT
from prodcat.cli.classifiers import device_option, in_usual_store
from prodcat.cli.input import check_tables, file_options, one_or_many, title_option
from prodcat.cli.migrated_models import check_model_output, migrated_model, save_migrated
from prodcat.cli.migrated_reviews import check_review, migrate_audit, migrate_review
from prodcat.cli.migrated_tables import (
    TableRequest,
    finish_labels,
    migrate_table,
    read_whole,
    table_kind,
    write_table,
)
from prodcat.cli.output import STDOUT, check_writable
from prodcat.cli.parser import Parser, add_command
from prodcat.cli.tree_arguments import read_tree, same_names_option, tree_arguments
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.taxonomy.changes.changes import TreeChanges

_BASIC = (
    "--catalog", "--output", "--undecided", "--decided", "--model", "--output-model", "--queue",
    "--audit", "--title", "--path", "--accept-unsure",
)  # fmt: skip
_EXAMPLES = {
    "the labels of a catalog, and a list of the titles for which a person must choose": (
        "tree migrate old-tree.csv new-tree.csv checked.xlsx --catalog catalog.csv "
        "--output new-catalog.csv --undecided undecided.xlsx"
    ),
    "the same, with what a model takes for the likeliest choice": (
        "tree migrate old-tree.csv new-tree.csv checked.xlsx --catalog catalog.csv --model model "
        "--output new-catalog.parquet --undecided guessed.csv"
    ),
    "with what a person has chosen": (
        "tree migrate old-tree.csv new-tree.csv checked.xlsx --catalog catalog.csv "
        "--decided chosen.csv --output decided.csv"
    ),
    "a model": (
        "tree migrate old-tree.csv new-tree.csv checked.xlsx --model model --output-model new-model"
    ),
    "a model in a store, as a new version that no alias names": (
        "tree migrate old-tree.csv new-tree.csv checked.xlsx --model store/tr@production "
        "--output-model store/tr@latest"
    ),
    "a review queue with its decisions": (
        "tree migrate old-tree.csv new-tree.csv checked.xlsx --model model --queue queue.jsonl "
        "--output new-queue.jsonl"
    ),
}


def add_migrate(verbs: Any) -> None:
    """Add the verb to a parser's verbs."""
    parser = add_command(
        verbs,
        "migrate",
        "carry labels, models and reviews over to the next version of the tree",
        basic=_BASIC,
        examples=_EXAMPLES,
        description="Carry labels, models and reviews over to the next version of the tree, by the "
        "table of changes that a person has checked. What the table does not decide is listed for "
        "a person, title by title.",
    )
    tree_arguments(parser, old="tree that was in use")
    parser.add_argument(
        "table", metavar="TABLE", help="checked table of changes, from prodcat tree diff"
    )
    _what_options(parser)
    _model_options(parser)
    _label_options(parser)
    parser.set_defaults(run=run, inner="terminal")


def _what_options(parser: Parser) -> None:
    """Add the options that say what is migrated, and where it goes."""
    parser.add_argument(
        "--catalog",
        nargs="+",
        metavar=FILE,
        help="table with labels of the old tree, of which all rows and other columns are kept",
    )
    parser.add_argument(
        "--audit", metavar=FILE, help="table that prodcat audit wrote (.csv, .xlsx, .parquet, …)"
    )
    parser.add_argument(
        "--queue", metavar="FILE.jsonl", help="review queue, whose decisions are migrated too"
    )
    parser.add_argument(
        "--output",
        metavar=OUTPUT,
        help="the migrated table (.csv, .tsv, .jsonl, .parquet, .xlsx; - for the standard output) "
        "or queue (.jsonl)",
    )
    parser.add_argument(
        "--undecided",
        metavar=OUTPUT,
        help="list of the titles for which a person must choose (.csv, .xlsx, .json, .jsonl, "
        ".parquet)",
    )
    parser.add_argument(
        "--decided",
        metavar=FILE,
        help="the same list, in which a person filled in new_path or new_id",
    )
    parser.add_argument(
        "--decisions",
        metavar="FILE.jsonl",
        help="the decisions about --queue; those in the folder of the queue if not given",
    )
    parser.add_argument(
        "--accept-unsure",
        action="store_true",
        help="accept changes that the table marks as not sure, which nobody has checked",
    )
    parser.add_argument(
        "--fallback",
        default="ancestor",
        choices=["ancestor", "empty"],
        help="label of a title for which a person must choose: the deepest category that is "
        "certain (ancestor, the default), or none (empty)",
    )


def _model_options(parser: Parser) -> None:
    """Add the options for a classifier."""
    parser.add_argument(
        "--model",
        type=in_usual_store,
        metavar="MODEL",
        help="a classifier of the old tree, which is migrated with --output-model, or one of the "
        "new tree; it says what is likeliest where a person must choose",
    )
    parser.add_argument(
        "--output-model",
        metavar=MODEL_FOLDER,
        help="where the migrated classifier goes: a folder, a URI, model.tar.gz, or a store: "
        "STORE/model@latest for a new version, STORE/model@ALIAS to let the alias name it",
    )
    parser.add_argument(
        "--new-titles",
        metavar=FILE,
        help="titles labelled with the new tree, from which the model learns new and split ones",
    )
    parser.add_argument(
        "--report", metavar=OUTPUT, help="what became of each category in the model, as a table"
    )
    device_option(parser)


def _label_options(parser: Parser) -> None:
    """Add the options that name the columns of the table, and say how files are read."""
    title_option(parser)
    parser.add_argument(
        "--path",
        nargs="+",
        metavar="COLUMN",
        help="column with the whole path (A > B > C), or one column for each level, coarsest "
        "first; default path",
    )
    parser.add_argument(
        "--path-ids", nargs="+", metavar="COLUMN", help="column or columns with the ids along it"
    )
    parser.add_argument("--id", metavar="COLUMN", help="column with the id of the category itself")
    parser.add_argument(
        "--separator",
        default=">",
        metavar="TEXT",
        help="text between the names of a path, also in the trees; default >",
    )
    same_names_option(parser)
    parser.add_argument("--language", metavar="COLUMN", help="column with the row's language code")
    parser.add_argument(
        "--text", nargs="*", default=[], metavar="COLUMN", help="further columns that --model reads"
    )
    parser.add_argument(
        "--merge",
        choices=["spelling", "accents"],
        help="take labels for a category of the tree that differ from it only in case, blanks and "
        "Unicode's form (spelling), or also in accents",
    )
    parser.add_argument(
        "--on-error",
        default="raise",
        choices=["raise", "accept"],
        help="rows whose label is not in the old tree: stop with an error (raise, the default), or "
        "leave them without a label and list them (accept)",
    )
    file_options(parser)


def run(options: argparse.Namespace) -> None:
    """Migrate what the options name.

    Raises:
        ConfigError: The options are not consistent, an output cannot be written, or changes are not
            sure.
        TaxonomyError: A tree cannot be read, or the table of changes is of other trees.
        CatalogError: A table cannot be read, has labels that are not in the old tree, or a choice
            is wrong.
        ArtifactError: The model cannot be loaded.
        StoreError: There is no such version, or a file cannot be written.
    """
    _check(options)
    check_tables(options)
    changes = _read_changes(options)
    model = None if options.model is None else migrated_model(options, changes)
    if options.catalog is not None:
        _migrate_catalog(options, changes, model)
    elif options.audit is not None:
        migrate_audit(options, changes)
    elif options.queue is not None:
        migrate_review(options, changes, model)
    if model is not None and options.output_model is not None:
        save_migrated(options, model)


def _check(options: argparse.Namespace) -> None:
    """Refuse options that are not consistent, before anything is read.

    Raises:
        ConfigError: They are not, or an output could not be written.
    """
    from prodcat.storage.row_tables import ENDINGS

    given = [f"--{name}" for name in ("catalog", "audit", "queue") if getattr(options, name)]
    if len(given) > 1:
        raise ConfigError(
            f"Found {' and '.join(given)}; expected one of them. Run the command for each."
        )
    if not given and options.output_model is None:
        raise ConfigError(
            "There is nothing to migrate. Name a table with --catalog, --audit or --queue, or a "
            "model with --model and --output-model."
        )
    if given and options.output is None:
        raise ConfigError(f"Found {given[0]} without --output; expected the file for the result.")
    needed = {
        "--output": (options.output, given, "--catalog, --audit or --queue"),
        "--undecided": (
            options.undecided,
            options.catalog or options.audit,
            "--catalog or --audit",
        ),
        "--decided": (options.decided, options.catalog or options.audit, "--catalog or --audit"),
        "--decisions": (options.decisions, options.queue, "--queue"),
        "--output-model": (options.output_model, options.model, "--model"),
        "--new-titles": (options.new_titles, options.model, "--model"),
        "--report": (options.report, options.output_model, "--output-model"),
    }
    for option, (value, other, name) in needed.items():
        if value is not None and not other:
            raise ConfigError(f"Found {option} without {name}; expected both.")
    for option, uri in (("--undecided", options.undecided), ("--report", options.report)):
        if uri is not None and not uri.lower().endswith(ENDINGS):
            raise ConfigError(
                f"{option} is {uri!r}; expected a name ending with one of {', '.join(ENDINGS)}."
            )
        check_writable(option, uri)
    if options.queue is not None:
        check_review(options)
    elif options.output not in (None, STDOUT):
        table_kind(options.output)
    check_writable("--output", options.output)
    if options.output_model is not None:
        check_model_output(options)


def _read_changes(options: argparse.Namespace) -> "TreeChanges":
    """Read the trees and the table of changes.

    Raises:
        TaxonomyError: A tree cannot be read, or the table is wrong.
        ConfigError: Changes are not sure, and not accepted.
    """
    from prodcat.taxonomy.changes.changes import TreeChanges

    old, new = read_tree(options, options.old), read_tree(options, options.new)
    changes = TreeChanges.read(options.table, old, new)
    unsure = [row for row in changes.rows if not row.sure]
    if unsure and not options.accept_unsure:
        from prodcat.taxonomy.paths import join_path

        raise ConfigError(
            f"{options.table!r} marks {len(unsure):,} changes as not sure, such as that of "
            f"{join_path(unsure[0].old_path)!r} ({unsure[0].kind}). Check them, and write yes in "
            "the column sure; or add --accept-unsure."
        )
    return changes


def _migrate_catalog(options: argparse.Namespace, changes: "TreeChanges", model: Any) -> None:
    """Migrate the labels of a table, and list those that a person must choose."""
    from prodcat.catalog.label_columns import LabelColumns
    from prodcat.catalog.relabelling import Relabelling
    from prodcat.catalog.undecided import Choices

    path = options.path or (None if options.id or options.path_ids else ["path"])
    names = LabelColumns(
        options.title,
        one_or_many(path),
        one_or_many(options.path_ids),
        options.id,
        options.language,
        options.separator,
        options.merge,
    )
    relabelling = Relabelling(changes)
    chosen = None if options.decided is None else Choices.read(options.decided, relabelling.new)
    table = read_whole(options, options.catalog, names.requested.names())
    request = TableRequest(
        names,
        relabelling,
        options.fallback,
        chosen,
        None if model is None else model.after,
        options.on_error == "accept",
    )
    written, report = migrate_table(table, request)
    finish_labels(options, report, lambda: write_table(table, written, options.output))
