"""Migrates a classifier to the next version of its tree, in a folder or in a store."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prodcat.cli.classifiers import in_usual_store, load_classifier
from prodcat.cli.destinations import check_model_folder
from prodcat.cli.environment import cache_folder, named_keys
from prodcat.cli.input import read_titles
from prodcat.cli.output import note, show
from prodcat.errors import ConfigError, TaxonomyError

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Classifier
    from prodcat.classifier.migration.report import MigrationReport
    from prodcat.classifier.store import Store
    from prodcat.taxonomy.changes.changes import TreeChanges


@dataclass(frozen=True)
class MigratedModel:
    """A classifier before and after its tree changed.

    Attributes:
        before: The classifier as it was loaded.
        after: The classifier of the new tree; the same one if it was of the new tree already.
        changes: The changes of its tree.
        report: What was done; None if nothing was.
    """

    before: "Classifier"
    after: "Classifier"
    changes: "TreeChanges"
    report: "MigrationReport | None"


def check_model_output(options: argparse.Namespace) -> None:
    """Refuse an output for the classifier that cannot be written, or that exists.

    Raises:
        ConfigError: It is neither a free folder nor a version of a store.
    """
    output = in_usual_store(options.output_model)
    if _is_in_store(output):
        _, reference = _store_and_reference(output)
        _name_and_alias(reference)
    else:
        check_model_folder(options, "--output-model", output)


def migrated_model(options: argparse.Namespace, changes: "TreeChanges") -> MigratedModel:
    """Load the classifier of ``--model``, and migrate it unless it is of the new tree already.

    Raises:
        TaxonomyError: It has categories that are in neither tree.
        ConfigError: It is of the new tree, and shall be migrated.
        ArtifactError: It cannot be loaded.
        StoreError: There is no such version.
    """
    from prodcat.catalog.relabelling import Relabelling
    from prodcat.taxonomy.changes.restricting import changes_of

    relabelling = Relabelling(changes)
    classifier = load_classifier(options, options.model)
    tree = classifier.taxonomy
    is_new = tree.hash == relabelling.new.hash
    if is_new and (tree == relabelling.new or relabelling.old.hash != relabelling.new.hash):
        if options.output_model is not None:
            raise ConfigError(
                f"--model is {options.model!r}, whose tree is the new one already; expected a "
                "classifier of the old tree. Leave --output-model out."
            )
        return MigratedModel(classifier, classifier, changes, None)
    try:
        of_model = changes if tree.hash == relabelling.old.hash else changes_of(tree, changes)
    except TaxonomyError as error:
        raise TaxonomyError(
            f"--model is {options.model!r}, a classifier of another tree: {error}"
        ) from error
    titles = None
    if options.new_titles is not None:
        names = argparse.Namespace(**{**vars(options), "path": options.path or ["path"]})
        titles = read_titles(names, options.new_titles, taxonomy=relabelling.new)
    note(f"migrating {options.model}")
    after, report = classifier.migrate(of_model, titles)
    return MigratedModel(classifier, after.with_origin(classifier.origin), of_model, report)


def save_migrated(options: argparse.Namespace, model: MigratedModel) -> None:
    """Save the migrated classifier to ``--output-model``, and its report to ``--report``.

    Raises:
        ArtifactError: It cannot be saved.
        StoreError: The store cannot be written to.
        ConflictError: Another process changed the alias at the same time.
    """
    output = in_usual_store(options.output_model)
    show(model.report)
    if _is_in_store(output):
        store, reference = _opened(output)
        name, alias = _name_and_alias(reference)
        remark = f"migrated from {options.model} to a tree of {len(model.after.taxonomy):,} nodes"
        version = store.publish(model.after, name, alias=alias, note=remark)
        show(f"{name}@{version}" + (f", named {alias}" if alias else ""))
    else:
        model.after.save(output)
        show(f"saved to {output}")
    if options.report is not None and model.report is not None:
        _save_report(model.report, options.report)
        note(f"written to {options.report}")


def _save_report(report: "MigrationReport", uri: str) -> None:
    """Write what became of each category as a table."""
    from prodcat.storage.row_tables import save_rows

    rows = report.to_table()
    numbers = ("titles", "learned_before", "taken")
    types = {name: int if name in numbers else str for name in _columns(rows)}
    save_rows(uri, types, rows)


def _columns(rows: list[dict[str, object]]) -> list[str]:
    return list(rows[0]) if rows else ["kind", "old_id", "old_path", "new_ids", "new_paths"]


def _is_in_store(output: str) -> bool:
    """Whether an output is a version of a store, such as ``store/tr@latest``."""
    from prodcat.storage.archive import is_archive

    return "@" in output.rstrip("/").rpartition("/")[2] and not is_archive(output)


def _store_and_reference(output: str) -> tuple[str, str]:
    folder, _, reference = output.rstrip("/").rpartition("/")
    return folder or ".", reference


def _opened(output: str) -> "tuple[Store, str]":
    from prodcat.classifier.store import Store

    folder, reference = _store_and_reference(output)
    return Store(folder, keys=named_keys(), cache=cache_folder()), reference


def _name_and_alias(reference: str) -> tuple[str, str | None]:
    """The name of the model, and the alias for the new version; None for ``latest``.

    Raises:
        ConfigError: A version is named, which never changes, or a name is not allowed.
    """
    from prodcat.storage.aliases import VERSION
    from prodcat.storage.references import LATEST, split_reference

    name, alias = split_reference(reference)
    if VERSION.fullmatch(alias):
        raise ConfigError(
            f"--output-model is {reference!r}, a version, which never changes; expected "
            f"{name}@{LATEST} for a new version, or {name}@ALIAS to let an alias name it."
        )
    return name, None if alias == LATEST else alias
