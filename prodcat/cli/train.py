"""``prodcat train``: train a classifier on titles with categories."""

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import MODEL_FOLDER
from prodcat.cli.classifiers import device_option, load_classifier
from prodcat.cli.destinations import check_file, check_folder, check_model_folder
from prodcat.cli.encoder_comparison import compare_encoders
from prodcat.cli.input import (
    column_options,
    first_piece,
    one_or_many,
    read_titles,
    tables_argument,
)
from prodcat.cli.output import note, show, write_file
from prodcat.cli.parser import add_command
from prodcat.cli.processes import connected_processes, tells_of_sigterm
from prodcat.cli.settings import given_settings, setting_options
from prodcat.cli.settings_file import check_config_new, config_options, fill_in, save_config
from prodcat.cli.training_report import next_commands, training_results
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier
    from prodcat.taxonomy.tree import Taxonomy

_MOST_NAMES = 10  # of unused columns that are printed
_BASIC = (
    "--output", "--title", "--path", "--text", "--encoder", "--validation", "--taxonomy",
    "--suggest-columns", "--compare", "--config",
)  # fmt: skip
_EXAMPLES = {
    "train on a table with the columns title and path (A > B > C)": (
        "train catalog.csv --output model --encoder encoder"
    ),
    "n-grams alone, in seconds; one column for each level; several files": (
        "train --path department category --title name --encoder none --output small "
        "shop/1.csv shop/2.csv"
    ),
    "see which other columns of the table would make answers better": (
        "train catalog.csv --suggest-columns"
    ),
    "see what an encoder is worth and costs on your rows": (
        "train catalog.csv --compare encoder,none"
    ),
    "take the options from a file": "train catalog.csv --config train.toml --output model",
}


def add_train(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "train",
        "train a classifier and save it",
        basic=_BASIC,
        examples=_EXAMPLES,
        fill_in=fill_in,
    )
    tables_argument(parser, "catalog", "titles with categories")
    parser.add_argument(
        "--output", metavar=MODEL_FOLDER, help="where to save: a folder or an fsspec URI"
    )
    parser.add_argument(
        "--compare",
        metavar="ENCODERS",
        help="save nothing, but train with each of these encoders (a,b,none), and print what each "
        "is worth on your rows and what it costs",
    )
    parser.add_argument(
        "--suggest-columns",
        action="store_true",
        help="train nothing, but measure which unused columns would make answers better",
    )
    tables_argument(
        parser, "--validation", "titles that decide when to stop, in place of some held out"
    )
    parser.add_argument(
        "--taxonomy",
        metavar="TREE",
        help="the tree (.json, .jsonl or .csv); made from the paths of the titles if not given",
    )
    column_options(parser)
    setting_options(parser)
    parser.add_argument(
        "--warm-start",
        metavar="URI",
        help="a saved classifier to start from; nothing is trained if nothing has changed since",
    )
    parser.add_argument(
        "--checkpoints",
        metavar="URI",
        help="folder for the state of the training, which is also saved at SIGTERM; the same "
        "command resumes it",
    )
    device_option(parser)
    parser.add_argument(
        "--history",
        metavar="OUTPUT",
        help="also write the history to this file, a line of JSON for each epoch; - for stdout",
    )
    config_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train a classifier and save it, together with torchrun's other processes if there are any.

    Raises:
        CatalogError: The titles cannot be read, or there are too few to measure columns on.
        TaxonomyError: The tree cannot be read.
        ConfigError: A setting has a value that is not allowed, ``--output`` is missing, or an
            output cannot be written.
        ArtifactError: The classifier to start from cannot be loaded, or the new one not saved.
        StoreError: A store cannot be reached.
        Interrupted: SIGTERM stopped the training; with ``--checkpoints`` its state is saved.
    """
    _check(options)
    if options.save_config:
        save_config(options.save_config, options.parser, options.given)
    with tells_of_sigterm(options.checkpoints):
        note(f"reading {options.catalog}")
        if options.suggest_columns:
            _suggest_columns(options)
        elif options.compare:
            _compare(options)
        else:
            with connected_processes(options) as writes:
                _train(options, writes)


def _check(options: argparse.Namespace) -> None:
    """Refuse settings and outputs that are not possible, before anything is read.

    Raises:
        ConfigError: A setting has a value that is not allowed, ``--output`` is missing or does not
            fit, or nothing can be written to an output.
    """
    from prodcat.model.config import ModelConfig, TrainingConfig

    given_settings(options, TrainingConfig)
    if not options.warm_start:  # the settings that are not given come from there
        given_settings(options, ModelConfig)
    if options.save_config:
        check_file("--save-config", options.save_config)
        check_config_new(options.save_config, options)
    if options.suggest_columns:
        return
    if options.compare:
        if options.output is not None:
            raise ConfigError(
                "--compare saves no classifier; expected no --output with it. Train with the "
                "encoder that you choose."
            )
        return
    if options.output is None:
        raise ConfigError("--output is missing; expected a folder or an fsspec URI to save to.")
    check_model_folder(options, "--output", options.output, updated=options.warm_start)
    if options.history:
        check_file("--history", options.history)
    if options.checkpoints:
        check_folder("--checkpoints", options.checkpoints)


def _compare(options: argparse.Namespace) -> None:
    """Compare encoders; nothing is saved."""
    catalog, validation = _read_catalogs(options)
    note(repr(catalog))
    compare_encoders(options, catalog, validation)


def _train(options: argparse.Namespace, writes: bool) -> None:
    from prodcat.model.config import ModelConfig, TrainingConfig
    from prodcat.training.checkpoint import CheckpointFolder
    from prodcat.training.fitting import fit

    catalog, validation = _read_catalogs(options)
    if writes:
        note(repr(catalog))
        _say_unused_columns(options)
    warm = load_classifier(options, options.warm_start) if options.warm_start else None
    model = given_settings(options, ModelConfig, None if warm is None else warm.model)
    checkpoints = CheckpointFolder(options.checkpoints) if options.checkpoints else None
    if writes:
        note(f"training with {model.encoder or 'n-grams alone'}")
    classifier = fit(
        catalog,
        validation=validation,
        model=model,
        training=given_settings(options, TrainingConfig),
        warm_start=warm,
        checkpoints=checkpoints,
        device=options.device,
        progress=not options.quiet,
    )
    if not writes:
        return
    if classifier is warm and _is_in_place(options):
        return
    classifier.save(options.output)
    if checkpoints is not None:
        checkpoints.clear()
    _tell(options, classifier)


def _read_catalogs(options: argparse.Namespace) -> "tuple[Catalog, Catalog | None]":
    """The training titles, and the validation titles if their file is given."""
    from prodcat.model.config import TrainingConfig

    group = given_settings(options, TrainingConfig).group
    keep = [] if group is None else [group]
    catalog = read_titles(options, options.catalog, taxonomy=_taxonomy(options), keep=keep)
    validation = None
    if options.validation:
        validation = read_titles(options, options.validation, taxonomy=catalog.taxonomy)
    return catalog, validation


def _taxonomy(options: argparse.Namespace) -> "Taxonomy | None":
    """The tree if its file is given."""
    from prodcat.taxonomy.reading import read_taxonomy

    if not options.taxonomy:
        return None
    return read_taxonomy(options.taxonomy, separator=options.separator, inner=options.inner)


def _say_unused_columns(options: argparse.Namespace) -> None:
    """Say which columns of the file are not used, and how to measure what they are worth."""
    from prodcat.insight.columns import unused_columns
    from prodcat.model.config import TrainingConfig

    group = given_settings(options, TrainingConfig).group
    used = (options.title, options.path, options.path_ids, options.text, options.language, group)
    unused = unused_columns(first_piece(options, options.catalog, 1), *used)
    if unused:
        more = ", ..." if len(unused) > _MOST_NAMES else ""
        note(
            f"unused columns: {', '.join(unused[:_MOST_NAMES])}{more}; --suggest-columns measures "
            "which of them would make answers better"
        )


def _suggest_columns(options: argparse.Namespace) -> None:
    """Measure the unused columns, and print what they are worth and how to use them."""
    from prodcat.insight.columns import suggest_columns

    gains = suggest_columns(
        options.catalog,
        title=options.title,
        path=one_or_many(options.path),
        path_ids=one_or_many(options.path_ids),
        text=options.text,
        taxonomy=_taxonomy(options),
        language=options.language,
        separator=options.separator,
        inner=options.inner,
        merge=options.merge,
        delimiter=options.delimiter,
        encoding=options.file_encoding,
        sheet=options.sheet,
    )
    options.facts.update(columns=gains.useful)
    show(gains)
    if gains.useful:
        names = " ".join(shlex.quote(name) for name in [*options.text, *gains.useful])
        show(f"\nTo use the columns that make answers better, add: --text {names}")
    else:
        show("\nNo column makes answers better by more than chance.")


def _is_in_place(options: argparse.Namespace) -> bool:
    """Print that nothing was trained; return whether the output already is that classifier."""
    from prodcat.storage.table_files import address

    show(f"Titles, tree and settings are those of {options.warm_start}: nothing was trained.")
    return bool(address(options.output) == address(options.warm_start))


def _tell(options: argparse.Namespace, classifier: "Classifier") -> None:
    """Add facts about the training to ``options.facts``, write the history, print the metrics."""
    validation = classifier.validation
    options.facts.update(
        output=options.output,
        fingerprint=classifier.fingerprint,
        path_accuracy=None if validation is None else validation.path_accuracy,
    )
    if options.history:
        from prodcat.storage.document import json_bytes

        lines = [json_bytes(epoch.to_dict()) for epoch in classifier.history]
        write_file(options.history, b"".join(lines))
    if options.verbose and validation is not None:
        show(f"{validation}\n")
    show(training_results(options, classifier))
    show(f"\nsaved to {options.output}")
    if not options.quiet:
        show(f"\n{next_commands(options)}")
