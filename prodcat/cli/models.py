"""``prodcat models …``: the store's verbs on the command line."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodcat.classifier.store import Store, Version
    from prodcat.storage.signature import Key


_TAKE_OVER = "although the alias's last change is damaged, or not signed by one of the keys"


def add_models(commands: Any) -> None:
    """Add the command and its verbs to a parser's commands."""
    models = commands.add_parser(
        "models", help="models that teams share: publish, promote, roll back, list, …"
    )
    verbs = models.add_subparsers(dest="verb", required=True, metavar="verb")

    def verb(name: str, text: str, run: Any, *names: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, aliases=names)
        parser.add_argument(
            "--store",
            default=os.environ.get("PRODCAT_STORE"),
            metavar="URI",
            help="the store: a folder or an fsspec URI; PRODCAT_STORE if not given",
        )
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="FILE",
            help="a key to sign and check with (PEM, Ed25519) or a shared secret, more than once; "
            "PRODCAT_KEYS if not given",
        )
        parser.set_defaults(run=run)
        return parser

    own = verb("publish", "add a saved classifier as a version", _publish)
    own.add_argument("model", help="its name in the store, such as tr")
    own.add_argument("source", help="a saved classifier: a folder, a URI or a model.tar.gz")
    own.add_argument("--alias", help="promote it to this alias, too")
    own.add_argument("--note", default="", help="something to say of it")

    own = verb("promote", "let an alias name a version", _promote)
    own.add_argument("model")
    own.add_argument("version", help="whole, or the 12 digits at its end")
    own.add_argument("alias", help="such as production")
    own.add_argument("--reason", default="", help="for the log")
    own.add_argument("--take-over", action="store_true", help=_TAKE_OVER)

    for name, text, run in (
        ("rollback", "let an alias name what it named before", _rollback),
        ("remove-alias", "let an alias name nothing", _remove_alias),
    ):
        own = verb(name, text, run)
        own.add_argument("model")
        own.add_argument("alias")
        own.add_argument("--reason", default="", help="for the log")
        if name == "remove-alias":
            own.add_argument("--take-over", action="store_true", help=_TAKE_OVER)

    own = verb("list", "show all versions", _list)
    own.add_argument("model", nargs="?", help="of this model alone")
    own.add_argument("--json", action="store_true", help="as JSON")

    own = verb("show", "show all that is known of a version", _show)
    own.add_argument("reference", help="model@alias, model@version or model@latest")
    own.add_argument("--json", action="store_true", help="as JSON")

    own = verb("history", "show all changes of an alias", _history)
    own.add_argument("model")
    own.add_argument("alias")
    own.add_argument("--json", action="store_true", help="as JSON")

    own = verb("delete", "delete a version that no alias names", _delete)
    own.add_argument("model")
    own.add_argument("version", help="whole, or the 12 digits at its end")

    own = verb("prune", "delete old versions and what was left unfinished", _prune)
    own.add_argument("model", nargs="?", help="of this model alone")
    own.add_argument("--keep", type=int, required=True, help="newest versions to keep")
    own.add_argument(
        "--unfinished-after",
        type=float,
        default=3600.0,
        metavar="SECONDS",
        help="uploads not finished after this are abandoned",
    )

    own = verb("export", "copy a version out of the store", _export, "load")
    own.add_argument("reference", help="model@alias, model@version or model@latest")
    own.add_argument("output", help="a folder, a URI, or model.tar.gz as SageMaker takes it")
    own.add_argument("--onnx", action="store_true", help="as an ONNX graph, compared first")


def named_keys() -> "list[Key] | None":
    """The keys in the files that PRODCAT_KEYS names, or None where it names none."""
    from prodcat.storage.signature import Key

    return [Key.from_file(path) for path in key_paths()] or None


def key_paths() -> list[str]:
    """The files that PRODCAT_KEYS names."""
    return [path for path in os.environ.get("PRODCAT_KEYS", "").split(os.pathsep) if path]


def _store(options: argparse.Namespace) -> "Store":
    from prodcat.classifier.store import Store
    from prodcat.storage.signature import Key

    if not options.store:
        raise ConfigError(
            "No store is named: expected --store URI, or PRODCAT_STORE in the environment."
        )
    keys = [Key.from_file(path) for path in options.key] or named_keys()
    return Store(options.store, keys=keys, cache=os.environ.get("PRODCAT_CACHE"))


def _publish(options: argparse.Namespace) -> None:
    from prodcat.classifier.loading import is_reference, load

    store = _store(options)
    # What is signed here was signed where it is from, if it is from a store.
    keys = store.keys if store.keys and is_reference(options.source, signed=True) else None
    cache = os.environ.get("PRODCAT_CACHE")
    classifier = load(options.source, device="cpu", cache=cache, keys=keys)
    version = store.publish(classifier, options.model, alias=options.alias, note=options.note)
    named = f", named {options.alias}" if options.alias else ""
    print(f"{options.model}@{version}{named}")


def _promote(options: argparse.Namespace) -> None:
    event = _store(options).promote(
        options.model,
        options.version,
        options.alias,
        reason=options.reason,
        take_over=options.take_over,
    )
    before = f" (it was {event.previous})" if event.previous else ""
    print(f"{options.model}@{options.alias} is {event.version}{before}")


def _rollback(options: argparse.Namespace) -> None:
    event = _store(options).rollback(options.model, options.alias, reason=options.reason)
    before = event.previous or "nothing"
    print(f"{options.model}@{options.alias} is {event.version} again (it was {before})")


def _remove_alias(options: argparse.Namespace) -> None:
    event = _store(options).remove_alias(
        options.model, options.alias, reason=options.reason, take_over=options.take_over
    )
    print(f"{options.model}@{options.alias} names nothing (it was {event.previous or 'unknown'})")


def _list(options: argparse.Namespace) -> None:
    versions = _store(options).list(options.model)
    if options.json:
        print(json.dumps([asdict(own) for own in versions], ensure_ascii=False, indent=2))
    elif not versions:
        print(f"{options.store} holds no models yet: prodcat models publish adds one.")
    else:
        signed = bool(options.key or key_paths())
        print(_table([_line(own, signed) for own in versions]))


def _line(own: "Version", signed: bool) -> dict[str, str]:
    def share(name: str) -> str:
        value = own.metrics.get(name)
        return "" if value is None else f"{value:.4f}"

    return {
        "MODEL": own.model,
        "VERSION": own.version,
        "ALIASES": ", ".join(own.aliases),
        "PATH ACCURACY": share("path_accuracy"),
        "hF1": share("hierarchical_f1"),
        "ECE": share("ece"),
        "SIZE": _size(own.bytes),
        **({"SIGNED BY": own.signed_by or "nobody"} if signed else {}),
        "NOTE": own.note if len(own.note) <= 40 else own.note[:39] + "…",
    }


def _table(lines: "Sequence[dict[str, str]]") -> str:
    """Columns as wide as they must be; those that are empty in all lines are left out."""
    shown = [name for name in lines[0] if any(line[name] for line in lines)]
    widths = {name: max(len(name), *(len(line[name]) for line in lines)) for name in shown}
    numbers = ("PATH ACCURACY", "hF1", "ECE", "SIZE")

    def row(cells: dict[str, str]) -> str:
        padded = (
            cells[name].rjust(widths[name]) if name in numbers else cells[name].ljust(widths[name])
            for name in shown
        )
        return "  ".join(padded).rstrip()

    return "\n".join([row({name: name for name in shown}), *(row(line) for line in lines)])


def _size(number: int) -> str:
    value = float(number)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def _show(options: argparse.Namespace) -> None:
    own = _store(options).show(options.reference)
    if options.json:
        print(json.dumps(asdict(own), ensure_ascii=False, indent=2))
        return
    facts = {
        "version": own.reference,
        "aliases": ", ".join(own.aliases) or "none",
        "created": own.created,
        "note": own.note,
        "parent": own.parent or "none",
        "tree": own.tree_hash,
        "data": own.fingerprint or "unknown",
        "signed by": own.signed_by or "nobody",
        "size": _size(own.bytes),
        "prodcat": own.prodcat_version,
        **{f"  {name}": version for name, version in own.libraries.items()},
        "validation": "" if own.metrics else "unknown",
        **{
            f"  {name}": f"{value:,}" if name == "rows" else f"{value:.4f}"
            for name, value in own.metrics.items()
        },
        "files": "",
        **{
            f"  {name}": f"{_size(file['bytes']):>9}  {file['sha256'][:16]}…"
            for name, file in own.files.items()
        },
    }
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name.ljust(width)}  {value}".rstrip())


def _history(options: argparse.Namespace) -> None:
    events = _store(options).history(options.model, options.alias)
    if options.json:
        print(json.dumps([asdict(event) for event in events], ensure_ascii=False, indent=2))
        return
    for event in events:
        print(event)


def _delete(options: argparse.Namespace) -> None:
    _store(options).delete(options.model, options.version)
    print(f"deleted {options.model}@{options.version.removeprefix(options.model + '@')}")


def _prune(options: argparse.Namespace) -> None:
    removed = _store(options).prune(
        options.keep, options.model, unfinished_after=options.unfinished_after
    )
    for name in removed:
        print(f"removed {name}")
    print(f"{len(removed)} removed", file=sys.stderr)


def _export(options: argparse.Namespace) -> None:
    classifier = _store(options).load(options.reference, device="cpu")
    if options.onnx:
        from prodcat.classifier.onnx_export import export_onnx

        worst = export_onnx(classifier, options.output)
        print(f"{classifier.origin} is in {options.output}; probabilities differ by {worst:.1g}")
    else:
        classifier.save(options.output)
        print(f"{classifier.origin} is in {options.output}")
