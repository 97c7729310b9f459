"""``prodcat train``: train a classifier on titles with categories."""

import argparse
from typing import TYPE_CHECKING, Any

from prodcat.cli.classifiers import device_option, load_classifier
from prodcat.cli.input import column_options, read_titles
from prodcat.cli.output import say, show, write_file
from prodcat.cli.processes import connected_processes
from prodcat.cli.settings import given_settings, setting_options

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier


def add_train(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser("train", help="train a classifier and save it")
    parser.add_argument("catalog", help="titles with categories: a file, a glob or an fsspec URI")
    parser.add_argument("--output", required=True, help="where to save: a folder or an fsspec URI")
    parser.add_argument(
        "--validation",
        help="titles that decide when to stop; some titles are held out if not given",
    )
    parser.add_argument(
        "--taxonomy",
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
        "--history", help="also write the history to this file, a line of JSON for each epoch"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train a classifier and save it, together with torchrun's other processes if there are any.

    Raises:
        CatalogError: The titles cannot be read.
        TaxonomyError: The tree cannot be read.
        ConfigError: A setting has a value that is not allowed.
        ArtifactError: The classifier to start from cannot be loaded, or the new one not saved.
        StoreError: A store cannot be reached.
        Interrupted: SIGTERM stopped the training after its state was saved.
    """
    with connected_processes(options) as writes:
        _train(options, writes)


def _train(options: argparse.Namespace, writes: bool) -> None:
    from prodcat.model.config import ModelConfig, TrainingConfig
    from prodcat.training.checkpoint import CheckpointFolder
    from prodcat.training.fitting import fit

    catalog, validation = _read_catalogs(options)
    if writes:
        say(repr(catalog))
    warm = load_classifier(options, options.warm_start) if options.warm_start else None
    model = given_settings(options, ModelConfig, None if warm is None else warm.model)
    checkpoints = CheckpointFolder(options.checkpoints) if options.checkpoints else None
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
    from prodcat.taxonomy.reading import read_taxonomy

    taxonomy = None
    if options.taxonomy:
        taxonomy = read_taxonomy(options.taxonomy, separator=options.separator, inner=options.inner)
    catalog = read_titles(options, options.catalog, taxonomy=taxonomy)
    validation = None
    if options.validation:
        validation = read_titles(options, options.validation, taxonomy=catalog.taxonomy)
    return catalog, validation


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
    show(validation)
    show(f"\nsaved to {options.output}")
