"""Models that many teams share: versions, aliases and a cache, at any fsspec URI.

    <store>/store.json                                     what this is
    <store>/<model>/versions/<version>/                    an artifact, see prodcat.storage.artifact
    <store>/<model>/aliases/<alias>/<number>.json          changes of an alias

A version is immutable.  An alias is a name that moves: "production", "candidate".
"""

import builtins
import json
import logging
import os
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch

from prodcat._version import __version__
from prodcat.classifier.classifier import Classifier, pick_device, rebuild
from prodcat.errors import ArtifactError, ConfigError, ConflictError, StoreError
from prodcat.storage.aliases import VERSION, AliasEvent, AliasLog, check_remark, stamp
from prodcat.storage.artifact import Artifact, read_near
from prodcat.storage.cache import Cache
from prodcat.storage.document import printable, read_document
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key, signer_of
from prodcat.storage.versions import Versions

logger = logging.getLogger("prodcat")
MARK = "store.json"
LATEST = "latest"
_LAYOUT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_METRICS = (
    "rows",
    "path_accuracy",
    "hierarchical_f1",
    "macro_hierarchical_f1",
    "macro_f1",
    "tree_distance",
    "ece",
    "log_loss",
)
_AT_ONCE = 8
_TRIES = 3
_HASH = 12  # digits of the hash in a version's name


@dataclass(frozen=True)
class Version:
    """What is known of one version of a model.

    Attributes:
        model: The model's name.
        version: Its own name.
        aliases: What names it.
        created: ISO 8601, UTC.
        parent: The version that it was trained, calibrated or trimmed from, or None.
        tree_hash: Hash of the tree; see :attr:`prodcat.Taxonomy.hash`.
        fingerprint: Hash of titles, tree and settings that it was trained with.
        metrics: On its validation titles.
        libraries: Versions of Python and packages that it was saved with.
        prodcat_version: Of the prodcat that saved it.
        bytes: Size of all files.
        files: Size and SHA-256 of each file.
        note: What its publisher said of it.
        signed_by: Id of the key that it is signed with, or None.  A store without keys takes
            its word for it.
    """

    model: str
    version: str
    aliases: tuple[str, ...]
    created: str
    parent: str | None
    tree_hash: str
    fingerprint: str | None
    metrics: dict[str, float]
    libraries: dict[str, str]
    prodcat_version: str
    bytes: int
    files: dict[str, dict[str, Any]]
    note: str
    signed_by: str | None

    @property
    def reference(self) -> str:
        """What :meth:`Store.load` takes: ``model@version``."""
        return f"{self.model}@{self.version}"


class Store:
    """Versions of models at an fsspec URI; any number of processes may use it at once.

    Args:
        uri: A folder: ``s3://bucket/models``, a local path or ``memory://…``.
        keys: What is published is signed with the first that can sign.  With keys, only
            versions and aliases that one of them signed are used.
        cache: Where downloads are kept, a folder or a :class:`prodcat.storage.cache.Cache`;
            ``~/.cache/prodcat`` if not given.  Local stores need none.
        storage_options: For the filesystem, such as ``endpoint_url``, ``key``, ``secret``.
        patience: Seconds for which an operation is tried again while the network or the
            server fails.

    Example:
        >>> store = Store("memory://models")
        >>> store.list()
        ()
    """

    def __init__(
        self,
        uri: str | os.PathLike[str],
        *,
        keys: Sequence[Key] | Key | None = None,
        cache: "Cache | str | Path | None" = None,
        storage_options: Mapping[str, Any] | None = None,
        patience: float = 60.0,
    ) -> None:
        uri = os.fspath(uri)
        self.uri = uri
        self.keys = (keys,) if isinstance(keys, Key) else tuple(keys or ())
        if keys is not None and not self.keys:
            raise ConfigError(
                "keys= is empty, so nothing would be checked; expected keys, or None to check "
                "no signatures."
            )
        self._objects = Objects(uri, storage_options, patience)
        self._cache = cache
        self._proven = False

    def __repr__(self) -> str:
        """Its address."""
        return f"Store({self.uri!r})"

    # -- writing ------------------------------------------------------------------

    def publish(
        self, classifier: Classifier, name: str, *, alias: str | None = None, note: str = ""
    ) -> str:
        """Add a version; it is seen once all of it is there and has been read back.

        Args:
            classifier: What to publish.
            name: The model's name, such as the country.
            alias: Promote it to this alias, too.
            note: Something to say of it.

        Returns:
            The version.  Where the same files were published before, that version.

        Raises:
            ConfigError: The name cannot be one.
            StoreError: The store cannot be written to.
            ConflictError: The alias was changed by someone else at the same time, or the
                upload was pruned away.
        """
        _check_name("model", name)
        check_remark("note", note)
        self._prove()
        if alias is not None:  # what cannot be promoted is not uploaded first
            self._log(name, alias).last()
        parent = classifier.origin
        facts = {
            "created": stamp(),
            "parent": parent,
            "tree_hash": classifier.taxonomy.hash,
            "fingerprint": classifier.fingerprint,
            "metrics": _metrics(classifier),
            "note": note,
        }
        versions = self._versions(name)
        version, is_new = versions.publish(classifier.files(), __version__, facts)
        if note and not is_new:
            logger.warning(
                "%s@%s holds the same files already; it keeps its own note, not %r.",
                name,
                version,
                note,
            )
        if alias is not None:
            self.promote(name, version, alias, reason=note)
        return version

    def promote(
        self, name: str, version: str, alias: str, *, reason: str = "", take_over: bool = False
    ) -> AliasEvent:
        """Let an alias name a version.

        Args:
            name: The model's name.
            version: Which.
            alias: Such as ``"production"``.
            reason: What for, for the log.
            take_over: Whether to do so although the alias's last change is damaged, or not
                signed by one of the keys, as in a store that begins to sign.  No rollback
                goes back to before it.

        Returns:
            The alias's last event: this change, or an older one where it named the version
            already.

        Raises:
            ConflictError: Someone else changed the alias at the same time, or deleted the
                version.
            StoreError: There is no such version.
            ArtifactError: The alias's last change is not as it should be.
        """
        log = self._log(name, alias)
        version = self._known(name, version)
        self._manifest(name, version)
        self._prove()
        last, broken = self._last(log, take_over)
        if broken is not None:
            return self._kept_event(log, log.take_over(broken, version, reason))
        if last is not None and last.version == version:
            return last
        below = 0
        if last is not None:
            below = last.number if last.version is not None else last.below
        return self._kept_event(log, log.append(last, "promote", version, below, reason))

    def rollback(self, name: str, alias: str, *, reason: str = "") -> AliasEvent:
        """Let an alias name what it named before; again, what it named before that.

        Args:
            name: The model's name.
            alias: Which.
            reason: What for, for the log.

        Raises:
            StoreError: There is nothing before, or it was deleted.
            ConflictError: Someone else changed the alias at the same time.
        """
        log = self._log(name, alias)
        last = log.last()
        if last is None:
            raise self._no_alias(name, alias)
        self._prove()
        if not last.below:
            raise StoreError(
                f"There is nothing before {last.version}, which {name}@{alias} names, to go back "
                "to. Promote the version that is wanted."
            )
        target = log.read(last.below)
        versions = self._versions(name)
        event = None
        if target.version is not None and versions.is_there(target.version):
            event = log.append(last, "rollback", target.version, target.below, reason)
            if versions.is_there(target.version):
                return event
            self._step_back(log, event)
        raise StoreError(
            f"{target.version}, which {name}@{alias} named before, was deleted. Promote one of "
            f"{', '.join(versions.found()[-5:]) or 'none: there are no versions'}."
        )

    def remove_alias(
        self, name: str, alias: str, *, reason: str = "", take_over: bool = False
    ) -> AliasEvent:
        """Let an alias name nothing.

        Args:
            name: The model's name.
            alias: Which.
            reason: What for, for the log.
            take_over: See :meth:`promote`.

        Raises:
            StoreError: There is no such alias.
            ConflictError: Someone else changed it at the same time.
            ArtifactError: The alias's last change is not as it should be.
        """
        log = self._log(name, alias)
        last, broken = self._last(log, take_over)
        if broken is not None:
            self._prove()
            return log.take_over(broken, None, reason)
        if last is None or last.version is None:
            raise self._no_alias(name, alias)
        self._prove()
        return log.append(last, "remove", None, last.number, reason)

    def delete(self, name: str, version: str) -> None:
        """Delete a version that no alias names.

        Raises:
            ConflictError: An alias names it.
            StoreError: There is no such version.
        """
        version = self._known(name, version)

        def wanted() -> str | None:
            # Signed or not: what anybody relies on is not deleted.
            events = self._aliases(name, signed=False)
            named = [own for own, event in events.items() if event.version == version]
            return f"{name}@{named[0]}" if named else None

        versions = self._versions(name)
        if not versions.is_there(version):
            raise self._no_version(name, version)
        self._prove()
        versions.remove(version, wanted)

    def prune(
        self, keep: int, name: str | None = None, *, unfinished_after: float = 3600.0
    ) -> tuple[str, ...]:
        """Delete old versions, and what interrupted publishers left behind.

        Kept are the newest versions, those that an alias names, and those to which a rollback
        would return.

        Args:
            keep: How many of the newest versions of each model.
            name: Of this model alone.
            unfinished_after: Seconds after which an upload that was not finished is taken
                for abandoned.

        Returns:
            What was removed: ``model@version``, and paths of leftovers.

        Raises:
            ConfigError: ``keep`` or ``unfinished_after`` is no such number.
        """
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 0:
            raise ConfigError(f"keep={keep!r} is out of range; expected a whole number from 0.")
        if not unfinished_after >= 0:
            raise ConfigError(
                f"unfinished_after={unfinished_after!r} is out of range; expected seconds from 0."
            )
        removed: builtins.list[str] = []
        before = time.time() - unfinished_after
        models = self._models() if name is None else [name]
        if name is not None and not self._objects.names(name):
            raise self._no_version(name, None)
        if models:
            self._prove()
        for model in models:
            versions = self._versions(model)
            aliases = self._aliases(model, signed=False)
            wanted = {event.version for event in aliases.values()}
            for alias, event in aliases.items():
                if event.below:
                    wanted.add(AliasLog(self._objects, model, alias).read(event.below).version)
            found = versions.found()
            for version in found[: max(len(found) - keep, 0)]:
                if version in wanted:
                    continue
                try:
                    self.delete(model, version)
                except ConflictError as error:  # promoted in this moment
                    logger.info("%s", error)
                    continue
                removed.append(f"{model}@{version}")
            removed += versions.clear_abandoned(unfinished_after, partial(self._named, model))
            removed += self._clear_parts(model, before)
        removed += self._objects.clear_parts("", before)
        return tuple(removed)

    # -- reading ------------------------------------------------------------------

    def load(self, reference: str, *, device: str | torch.device | None = None) -> Classifier:
        """Load a version, verified; from the cache where it was loaded before.

        Args:
            reference: ``"tr@production"``, ``"tr@<version>"``, or ``"tr@latest"`` for the
                newest version, promoted or not.
            device: Where to put it; a GPU if there is one.

        Raises:
            StoreError: There is no such model, version or alias, or the store cannot be
                reached.
            ArtifactError: The version is damaged, or not signed as it should be.
        """
        device = pick_device(device)
        version, artifact = self.open(reference)
        return replace(rebuild(artifact, device), origin=version)

    def open(self, reference: str) -> tuple[str, Artifact]:
        """A version's verified files.

        Returns:
            ``model@version``, and its artifact.

        Raises:
            StoreError: As for :meth:`load`.
            ArtifactError: As for :meth:`load`.
        """
        name, wanted = _parts_of(reference)
        version = self.resolve(reference)
        for _ in range(_TRIES):
            try:
                return f"{name}@{version}", self._open(name, version)
            except (StoreError, ArtifactError) as error:
                # An alias may have moved on and its old version been deleted meanwhile.
                gone = isinstance(error.__cause__, FileNotFoundError)
                if VERSION.fullmatch(wanted) or not gone:
                    raise
                now_meant = self.resolve(reference)
                if now_meant == version:
                    raise
                version = now_meant
        raise ConflictError(f"{reference} moves too fast to be read. Name a version.")

    def resolve(self, reference: str) -> str:
        """The version that a reference means now.

        Where the store cannot be reached, what it meant when it was last asked here, with a
        warning.

        Raises:
            StoreError: There is no such model, version or alias.
        """
        name, wanted = _parts_of(reference)
        if VERSION.fullmatch(wanted):
            return wanted
        if self._objects.is_near:
            return self._meant(self._objects, name, wanted)
        key = f"{self._address}|{name}@{wanted}"
        noted = _version_in(self._kept.noted(key))
        objects = self._objects
        if noted is not None:  # there is something to fall back on, so it need not take long
            objects = Objects(self.uri, objects.options, min(objects.patience, 10.0))
        try:
            version = self._meant(objects, name, wanted)
        except StoreError as error:
            if noted is None or not error.unreachable:
                raise
            version = noted
            logger.warning(
                "%s It cannot be asked what %s is; %s is used, which it was when it was last "
                "asked here.",
                error,
                reference,
                version,
            )
            return version
        self._kept.note(key, version.encode())
        return version

    def show(self, reference: str) -> Version:
        """What is known of a version.

        Raises:
            StoreError: As for :meth:`load`.
            ArtifactError: As for :meth:`load`.
        """
        name, _ = _parts_of(reference)
        version = self.resolve(reference)
        manifest = self._manifest(name, version)[2]
        return _described(manifest, self._aliases(name, strict=False))

    def list(self, name: str | None = None) -> tuple[Version, ...]:
        """All versions that are whole, by model, the newest first.

        Args:
            name: Of this model alone.

        Raises:
            StoreError: There is no such model, or the store cannot be reached.
        """
        found: builtins.list[Version] = []
        for model in self._models() if name is None else [name]:
            aliases = self._aliases(model, strict=False)
            names = self._versions(model).found()[::-1]
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                read = partial(self._described_or_not, model, aliases)
                found += [own for own in pool.map(read, names) if own is not None]
        if name is not None and not found:
            raise self._no_version(name, None)
        return tuple(found)

    def history(self, name: str, alias: str) -> tuple[AliasEvent, ...]:
        """All changes of an alias, the first one first.

        Raises:
            StoreError: There is no such alias.
        """
        events = self._log(name, alias).all()
        if not events:
            raise self._no_alias(name, alias)
        return tuple(events)

    def aliases(self, name: str) -> dict[str, str]:
        """What each alias of a model names."""
        return {
            alias: event.version
            for alias, event in self._aliases(name).items()
            if event.version is not None
        }

    # -- inside -------------------------------------------------------------------

    @cached_property
    def _kept(self) -> Cache:
        return Cache.of(self._cache)

    @property
    def _address(self) -> str:
        return f"{self._objects.options.get('endpoint_url', '')}|{self._objects.uri}"

    def _versions(self, name: str, objects: Objects | None = None) -> Versions:
        _check_name("model", name)
        return Versions(objects or self._objects, name, self.keys)

    def _log(self, name: str, alias: str, objects: Objects | None = None) -> AliasLog:
        _check_name("model", name)
        _check_name("alias", alias)
        return AliasLog(objects or self._objects, name, alias, self.keys)

    def _models(self) -> "builtins.list[str]":
        return [name for name in self._objects.names("") if _NAME.fullmatch(name) and name != MARK]

    def _aliases(
        self, name: str, *, strict: bool = True, signed: bool = True
    ) -> dict[str, AliasEvent]:
        """The last event of each alias, of removed ones too.

        Args:
            name: The model's name.
            strict: Whether one that is not right is an error; otherwise it is left out.
            signed: Whether it must be signed, if there are keys.
        """
        keys = self.keys if signed else ()

        def last(alias: str) -> AliasEvent | None:
            try:
                return AliasLog(self._objects, name, alias, keys).last()
            except ArtifactError as error:
                if strict:
                    raise
                logger.warning("Left out of the list: %s@%s: %s", name, alias, error)
                return None

        names = [own for own in self._objects.names(f"{name}/aliases") if _NAME.fullmatch(own)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            events = pool.map(last, names)
            return {
                alias: event
                for alias, event in zip(names, events, strict=True)
                if event is not None
            }

    def _named(self, name: str) -> set[str]:
        events = self._aliases(name, signed=False).values()
        return {event.version for event in events if event.version is not None}

    def _meant(self, objects: Objects, name: str, wanted: str) -> str:
        if wanted == LATEST:
            newest = self._versions(name, objects).newest()
            if newest is None:
                raise self._no_version(name, None)
            return newest
        event = self._log(name, wanted, objects).last()
        if event is None or event.version is None:
            raise self._no_alias(name, wanted)
        return event.version

    def _manifest(self, name: str, version: str) -> tuple[bytes, bytes | None, dict[str, Any]]:
        versions = self._versions(name)
        try:
            content, signature = versions.manifest(version)
        except FileNotFoundError as error:
            raise self._no_version(name, version) from error
        return content, signature, versions.check(version, content, signature)

    def _open(self, name: str, version: str) -> Artifact:
        folder = self._objects.below(self._versions(name).at(version))
        if self._objects.is_near:
            manifest = self._manifest(name, version)[2]
            return Artifact(folder.uri, manifest, read_near(folder, manifest, folder.uri))
        key = f"{self._address}|{name}|{version}|manifest"
        noted = self._noted_manifest(key, name, version)
        if noted is not None:
            manifest = noted
        else:
            content, signature, manifest = self._manifest(name, version)
            note = {"manifest": content.decode(), "signature": (signature or b"").decode()}
            self._kept.note(key, json.dumps(note).encode())
        return Artifact(folder.uri, manifest, self._kept.fetch(folder, manifest, folder.uri))

    def _noted_manifest(self, key: str, name: str, version: str) -> dict[str, Any] | None:
        """A version never changes, so its manifest is asked for once."""
        noted = self._kept.noted(key)
        if noted is None:
            return None
        try:
            note = read_document(noted, "A note in the cache", limit=4 << 20, values=1_000)
            signature = note["signature"].encode() or None
            return self._versions(name).check(version, note["manifest"].encode(), signature)
        except (ArtifactError, KeyError, TypeError, AttributeError):
            return None

    def _described_or_not(
        self, name: str, aliases: Mapping[str, AliasEvent], version: str
    ) -> Version | None:
        versions = self._versions(name)
        try:
            content, signature = versions.manifest(version)
            manifest = Versions(self._objects, name).check(version, content, None)
            try:
                versions.check_signed(version, content, signature)
            except ArtifactError as error:
                logger.warning("Listed, but it will not be loaded: %s", error)
                manifest = {**manifest, "signed_by": None}
        except FileNotFoundError:  # deleted in this moment
            return None
        except ArtifactError as error:
            logger.warning("Left out of the list: %s", error)
            return None
        return _described(manifest, aliases)

    def _last(self, log: AliasLog, take_over: bool) -> tuple[AliasEvent | None, int | None]:
        """The last event; or, where it is to be taken over, the number of a wrong one."""
        numbers = log.numbers()
        if not numbers:
            return None, None
        try:
            return log.read(numbers[-1]), None
        except ArtifactError as error:
            if not take_over:
                raise
            logger.warning("%s@%s is taken over: %s", log.model, log.alias, error)
            return None, numbers[-1]

    def _clear_parts(self, model: str, before: float) -> "builtins.list[str]":
        """Remove what a killed process left in the folders of a model, on a disk."""
        if not self._objects.is_local:
            return []
        aliases, versions = f"{model}/aliases", self._versions(model)
        folders = [f"{aliases}/{own}" for own in self._objects.names(aliases)]
        folders += [versions.at(own) for own in versions.names()]
        return [name for folder in folders for name in self._objects.clear_parts(folder, before)]

    def _kept_event(self, log: AliasLog, event: AliasEvent) -> AliasEvent:
        """An event whose version is still there; otherwise it is taken back."""
        assert event.version is not None
        if not self._versions(log.model).is_there(event.version):
            now = self._step_back(log, event).version
            raise ConflictError(
                f"{log.model}@{event.version} was deleted while it was promoted; "
                f"{log.model}@{log.alias} names {now or 'nothing'}. Promote another version."
            )
        return event

    def _step_back(self, log: AliasLog, event: AliasEvent) -> AliasEvent:
        """Take back a change whose version was deleted meanwhile."""
        first = event.number == 1 or event.action == "take over"
        below = None if first else log.read(event.number - 1)
        version, rest = (None, 0) if below is None else (below.version, below.below)
        return log.append(event, "rollback", version, rest, f"{event.version} was deleted")

    def _prove(self) -> None:
        """Make sure, before anything is written, that of two writers one wins here."""
        if self._proven:
            return
        if self.keys and signer_of(self.keys) is None:
            raise ConfigError(
                "None of the keys can sign, and what is not signed would be refused by all who "
                "check. Give the private key or the secret too, or no keys."
            )

        def mark() -> bytes:
            about = {"format": "prodcat-store", "layout": _LAYOUT, "token": uuid.uuid4().hex}
            return json.dumps(about, indent=2).encode() + b"\n"

        there = self._objects.create(MARK, mark())
        if there is None:  # the first writer ever, or a server that lets everybody win
            there = self._objects.create(MARK, mark())
        if there is None:
            raise StoreError(
                f"The server of {self.uri!r} ignores If-None-Match: of two who publish at the same "
                "time both would win and one version be lost. Use S3, or a server that keeps the "
                "condition (Ceph, MinIO)."
            )
        about = read_document(there, self._objects.at(MARK), limit=64 << 10, values=1_000)
        if not isinstance(about, dict) or about.get("layout") != _LAYOUT:
            raise StoreError(
                f"{self._objects.at(MARK)!r} is of a store of another layout; expected layout "
                f"{_LAYOUT}. Use the prodcat that made it, or name another folder."
            )
        self._proven = True

    def _known(self, name: str, version: str) -> str:
        """A version as it is given, with or without the model, whole or its hash."""
        short = version.removeprefix(f"{name}@")
        if VERSION.fullmatch(short):
            return short
        fitting = self._versions(name).ending(short) if len(short) == _HASH else []
        if len(fitting) > 1 and self.keys:  # published again, to be signed
            fitting = [own for own in fitting if self._is_signed(name, own)] or fitting
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise StoreError(
                f"{version!r} is the end of several versions of {name} with the same files: "
                f"{', '.join(fitting)}. Give the whole name of one."
            )
        raise StoreError(
            f"{version!r} is no version of {name}; expected one such as "
            f"{self._versions(name).newest() or '20261125T120000.000000Z-0123456789ab'}. "
            f"`prodcat models list` shows them."
        )

    def _is_signed(self, name: str, version: str) -> bool:
        try:
            self._manifest(name, version)
        except ArtifactError:
            return False
        return True

    def _no_alias(self, name: str, alias: str) -> StoreError:
        events = self._aliases(name, strict=False).items()
        named = [own for own, event in events if event.version is not None]
        if named:
            there = f"it has {', '.join(sorted(named))}"
        elif self._versions(name).newest():
            there = f"it has none; {name}@{LATEST} is its newest version"
        else:
            return self._no_version(name, None)
        return StoreError(
            f"{name} in {self.uri!r} has no alias {alias!r}: {there}. Promote a version to it."
        )

    def _no_version(self, name: str, version: str | None) -> StoreError:
        newest = self._versions(name).newest()
        if newest is None:
            models = ", ".join(self._models()[:8]) or "none"
            return StoreError(
                f"There is no model {name!r} in {self.uri!r} (models there: {models}). Check the "
                "name, or publish it."
            )
        return StoreError(
            f"There is no version {version!r} of {name} in {self.uri!r}; its newest is "
            f"{newest}. It may have been deleted."
        )


def _version_in(note: bytes | None) -> str | None:
    """The version that a note in the cache names, if it does."""
    text = (note or b"").decode(errors="replace")
    return text if VERSION.fullmatch(text) else None


def _parts_of(reference: str) -> tuple[str, str]:
    name, at, wanted = reference.partition("@")
    if not at or not wanted:
        raise StoreError(
            f"{reference!r} names no version; expected {name}@production, {name}@<version> or "
            f"{name}@{LATEST}."
        )
    _check_name("model", name)
    if not VERSION.fullmatch(wanted) and wanted != LATEST:
        _check_name("alias", wanted)
    return name, wanted


def _check_name(what: str, name: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a {what}; expected up to 63 letters, digits, dots, "
            "dashes and underscores, a letter or a digit first."
        )
    if (what == "alias" and (name == LATEST or VERSION.fullmatch(name))) or name == MARK:
        raise ConfigError(f"{name!r} means something else already; name the {what} differently.")


def _metrics(classifier: Classifier) -> dict[str, float]:
    if classifier.validation is None:
        return {}
    found = {name: getattr(classifier.validation, name) for name in _METRICS}
    return {name: value for name, value in found.items() if value is not None}


def _described(manifest: Mapping[str, Any], aliases: Mapping[str, AliasEvent]) -> Version:
    version, files = manifest["version"], manifest["files"]
    metrics, libraries = manifest.get("metrics"), manifest.get("libraries")

    def text(value: object) -> str | None:
        return None if value is None else printable(value)

    return Version(
        model=manifest["model"],
        version=version,
        aliases=tuple(sorted(own for own, event in aliases.items() if event.version == version)),
        created=text(manifest.get("created", "")) or "",
        parent=text(manifest.get("parent")),
        tree_hash=text(manifest.get("tree_hash", "")) or "",
        fingerprint=text(manifest.get("fingerprint")),
        metrics={
            text(name) or "": value
            for name, value in (metrics if isinstance(metrics, dict) else {}).items()
            if isinstance(value, (int, float)) and abs(value) < 1e15
        },
        libraries={
            text(name) or "": text(value) or ""
            for name, value in (libraries if isinstance(libraries, dict) else {}).items()
        },
        prodcat_version=text(manifest.get("prodcat_version", "")) or "",
        bytes=sum(own["bytes"] for own in files.values()),
        files={name: dict(own) for name, own in files.items()},
        note=text(manifest.get("note", "")) or "",
        signed_by=text(manifest.get("signed_by")),
    )
