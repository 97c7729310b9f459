"""``prodcat models …``: publish, promote and list models in a store."""

import argparse
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import MODEL_FOLDER
from prodcat.cli.destinations import check_model_folder
from prodcat.cli.environment import cache_folder, key_paths, named_keys, store_uri
from prodcat.cli.output import note, print_data, show
from prodcat.cli.parser import add_command
from prodcat.cli.version_tables import version_facts, versions_table
from prodcat.errors import ConfigError, StoreError
from prodcat.storage.document import json_text

if TYPE_CHECKING:
    from prodcat.classifier.store import Store

_MODEL = "name of the model in the store, such as tr"
_ALIAS = "alias, such as production"
_REFERENCE = "model@alias, model@version or model@latest"
_VERSION = "the full name of the version, the 12 digits at its end, an alias, or latest"
_VERSION_NAME = re.compile(r"(?:.*-)?[0-9a-f]{12}")  # what is read as an alias in no case
_EXAMPLES = {
    "publish": {
        "publish a classifier, and let the alias production name it": (
            "models publish tr model --store store --alias production --note first"
        )
    },
    "promote": {
        "let an alias name the newest version": (
            "models promote tr latest staging --store store --reason 'better on new titles'"
        )
    },
    "rollback": {
        "let an alias name what it named before": "models rollback tr production --store store"
    },
    "remove-alias": {"remove an alias": "models remove-alias tr staging --store store"},
    "list": {"list the versions of one model": "models list tr --store store"},
    "show": {
        "show all facts about a version": "models show tr@production --store store",
        "pass them on to a program": "models show tr@latest --store store --json",
    },
    "history": {"show who changed an alias": "models history tr production --store store"},
    "delete": {"delete the newest version": "models delete tr latest --store store"},
    "prune": {"keep the three newest versions": "models prune tr --keep 3 --store store"},
    "export": {
        "copy a version for SageMaker": "models export tr@production model.tar.gz --store store"
    },
    "load": {
        "copy a version for SageMaker": "models load tr@production model.tar.gz --store store"
    },
}


def add_models(commands: Any) -> None:
    """Add the command and its verbs to a parser's commands."""
    parser = commands.add_parser(
        "models",
        help="publish, promote, roll back and list models that teams share",
        summary="publish, promote, roll back and list models that teams share",
        description="Publish, promote, roll back and list models that teams share.",
        examples={
            "publish a classifier, and let an alias name it": (
                "models publish tr model --store store --alias production"
            ),
            "list what is published": "models list --store store",
        },
    )
    parser.set_defaults(run=run)
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="COMMAND", help=argparse.SUPPRESS
    )
    for add in (
        _add_publish,
        _add_promote,
        _add_rollback,
        _add_remove_alias,
        _add_list,
        _add_show,
        _add_history,
        _add_delete,
        _add_prune,
        _add_export,
    ):
        add(verbs)


def run(options: argparse.Namespace) -> None:
    """Run the verb after ``models``."""
    options.action(options)


def _add_verb(
    verbs: Any,
    name: str,
    text: str,
    action: Callable[[argparse.Namespace], None],
) -> argparse.ArgumentParser:
    """Add a verb, and return its parser with the options that all verbs have."""
    parser = add_command(verbs, name, text, examples=_EXAMPLES[name])
    parser.add_argument(
        "--store",
        default=store_uri(),
        metavar="URI",
        help="the store: a folder or an fsspec URI; default PRODCAT_STORE",
    )
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="KEY",
        help="file with a key (an Ed25519 key in PEM format, or a shared secret) to sign and check "
        "with; may be repeated; default PRODCAT_KEYS",
    )
    parser.set_defaults(action=action)
    return parser


def _store(options: argparse.Namespace) -> "Store":
    from prodcat.classifier.store import Store
    from prodcat.storage.signature import Key

    if not options.store:
        raise ConfigError(
            "No store is named: expected --store URI, or PRODCAT_STORE in the environment."
        )
    keys = [Key.from_file(path) for path in options.key] or named_keys()
    return Store(options.store, keys=keys, cache=cache_folder())


def _full_version(store: "Store", options: argparse.Namespace) -> str:
    """The version that is named: by its name, by an alias, or the newest one for ``latest``."""
    named = str(options.version).removeprefix(f"{options.model}@")
    if named == "latest":
        return store.show(f"{options.model}@latest").version
    if _VERSION_NAME.fullmatch(named):
        return named
    return store.aliases(options.model).get(named, named)


def _reason_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="reason for the history of the alias"
    )


def _take_over_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--take-over",
        action="store_true",
        help="change the alias even if its last change is damaged or not signed by one of the keys",
    )


def _json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print JSON for programs in place of a table"
    )


def _print_json(value: object) -> None:
    print_data(json_text(value, indent=2))


# -- change versions and aliases --------------------------------------------------


def _add_publish(verbs: Any) -> None:
    parser = _add_verb(verbs, "publish", "add a saved classifier as a version", _publish)
    parser.add_argument("model", metavar="MODEL", help=_MODEL)
    parser.add_argument(
        "source", metavar="SOURCE", help="a saved classifier: a folder, a URI or a model.tar.gz"
    )
    parser.add_argument("--alias", metavar="ALIAS", help="alias to which the version is promoted")
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="remark that is kept with the version"
    )


def _publish(options: argparse.Namespace) -> None:
    from prodcat.classifier.loading import is_reference, load

    store = _store(options)
    # A classifier that comes from a store must be signed there, too.
    keys = store.keys if store.keys and is_reference(options.source, signed=True) else None
    classifier = load(options.source, device="cpu", cache=cache_folder(), keys=keys)
    version = store.publish(classifier, options.model, alias=options.alias, note=options.note)
    named = f", named {options.alias}" if options.alias else ""
    show(f"{options.model}@{version}{named}")


def _add_promote(verbs: Any) -> None:
    parser = _add_verb(verbs, "promote", "let an alias name a version", _promote)
    parser.add_argument("model", metavar="MODEL", help=_MODEL)
    parser.add_argument("version", metavar="VERSION", help=_VERSION)
    parser.add_argument("alias", metavar="ALIAS", help=_ALIAS)
    _reason_option(parser)
    _take_over_option(parser)


def _promote(options: argparse.Namespace) -> None:
    store = _store(options)
    event = store.promote(
        options.model,
        _full_version(store, options),
        options.alias,
        reason=options.reason,
        take_over=options.take_over,
    )
    before = f" (it was {event.previous})" if event.previous else ""
    show(f"{options.model}@{options.alias} is {event.version}{before}")


def _add_rollback(verbs: Any) -> None:
    parser = _add_verb(
        verbs, "rollback", "let an alias name the version that it named before", _rollback
    )
    parser.add_argument("model", metavar="MODEL", help=_MODEL)
    parser.add_argument("alias", metavar="ALIAS", help=_ALIAS)
    _reason_option(parser)


def _rollback(options: argparse.Namespace) -> None:
    event = _store(options).rollback(options.model, options.alias, reason=options.reason)
    before = event.previous or "nothing"
    show(f"{options.model}@{options.alias} is {event.version} again (it was {before})")


def _add_remove_alias(verbs: Any) -> None:
    parser = _add_verb(verbs, "remove-alias", "let an alias name no version", _remove_alias)
    parser.add_argument("model", metavar="MODEL", help=_MODEL)
    parser.add_argument("alias", metavar="ALIAS", help=_ALIAS)
    _reason_option(parser)
    _take_over_option(parser)


def _remove_alias(options: argparse.Namespace) -> None:
    event = _store(options).remove_alias(
        options.model, options.alias, reason=options.reason, take_over=options.take_over
    )
    show(f"{options.model}@{options.alias} names nothing (it was {event.previous or 'unknown'})")


# -- show what is in the store ----------------------------------------------------


def _add_list(verbs: Any) -> None:
    parser = _add_verb(verbs, "list", "show all versions", _list)
    parser.add_argument(
        "model", metavar="MODEL", nargs="?", help="show only versions of this model"
    )
    _json_option(parser)


def _list(options: argparse.Namespace) -> None:
    store = _store(options)
    versions = store.list(options.model)
    if not versions and not store.exists():
        raise StoreError(
            f"There is no store at {options.store!r}. Check --store, or make the store with "
            "prodcat models publish."
        )
    if options.json:
        _print_json([asdict(version) for version in versions])
    elif not versions:
        show(f"{options.store} contains no models yet: prodcat models publish adds one.")
    else:
        show(versions_table(versions, signed=bool(options.key or key_paths())))


def _add_show(verbs: Any) -> None:
    parser = _add_verb(verbs, "show", "show all facts about a version", _show)
    parser.add_argument("reference", metavar="REFERENCE", help=_REFERENCE)
    _json_option(parser)


def _show(options: argparse.Namespace) -> None:
    version = _store(options).show(options.reference)
    if options.json:
        _print_json(asdict(version))
    else:
        show(version_facts(version))


def _add_history(verbs: Any) -> None:
    parser = _add_verb(verbs, "history", "show all changes of an alias", _history)
    parser.add_argument("model", metavar="MODEL", help=_MODEL)
    parser.add_argument("alias", metavar="ALIAS", help=_ALIAS)
    _json_option(parser)


def _history(options: argparse.Namespace) -> None:
    events = _store(options).history(options.model, options.alias)
    if options.json:
        _print_json([asdict(event) for event in events])
        return
    for event in events:
        show(event)


# -- delete versions and copy them ------------------------------------------------


def _add_delete(verbs: Any) -> None:
    parser = _add_verb(verbs, "delete", "delete a version that no alias names", _delete)
    parser.add_argument("model", metavar="MODEL", help=_MODEL)
    parser.add_argument("version", metavar="VERSION", help=_VERSION)


def _delete(options: argparse.Namespace) -> None:
    store = _store(options)
    version = _full_version(store, options)
    store.delete(options.model, version)
    show(f"deleted {options.model}@{version.removeprefix(options.model + '@')}")


def _add_prune(verbs: Any) -> None:
    parser = _add_verb(verbs, "prune", "delete old versions and unfinished uploads", _prune)
    parser.add_argument("model", metavar="MODEL", nargs="?", help="prune only this model")
    parser.add_argument(
        "--keep",
        type=int,
        required=True,
        metavar="NUMBER",
        help="number of newest versions of each model to keep",
    )
    parser.add_argument(
        "--unfinished-after",
        type=float,
        default=3600.0,
        metavar="SECONDS",
        help="time after which an unfinished upload counts as abandoned; default 3600",
    )


def _prune(options: argparse.Namespace) -> None:
    removed = _store(options).prune(
        options.keep, options.model, unfinished_after=options.unfinished_after
    )
    for name in removed:
        show(f"removed {name}")
    note(f"{len(removed)} removed")


def _add_export(verbs: Any) -> None:
    _export_verb(verbs, "export", "copy a version out of the store")
    _export_verb(verbs, "load", "earlier name of export")


def _export_verb(verbs: Any, name: str, text: str) -> None:
    parser = _add_verb(verbs, name, text, _export)
    parser.add_argument("reference", metavar="REFERENCE", help=_REFERENCE)
    parser.add_argument(
        "output", metavar=MODEL_FOLDER, help="a folder, a URI, or a model.tar.gz for SageMaker"
    )
    parser.add_argument(
        "--onnx",
        action="store_true",
        help="write an ONNX graph, after its probabilities were compared with the classifier's",
    )


def _export(options: argparse.Namespace) -> None:
    check_model_folder(options, MODEL_FOLDER, options.output)
    classifier = _store(options).load(options.reference, device="cpu")
    if options.onnx:
        from prodcat.classifier.onnx_export import export_onnx

        worst = export_onnx(classifier, options.output)
        show(f"{classifier.origin} is in {options.output}; probabilities differ by {worst:.1g}")
    else:
        classifier.save(options.output)
        show(f"{classifier.origin} is in {options.output}")
