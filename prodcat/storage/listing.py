"""Descriptions of the versions in a store, as lists show them."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from prodcat.errors import ArtifactError
from prodcat.storage.aliases import AliasEvent
from prodcat.storage.document import printable
from prodcat.storage.objects import Objects
from prodcat.storage.registry import AT_ONCE, Registry
from prodcat.storage.trust import MARK
from prodcat.storage.versions import Versions

logger = logging.getLogger("prodcat")
_LARGEST_METRIC = 1e15


@dataclass(frozen=True)
class Version:
    """One version of a model, as its manifest describes it.

    Attributes:
        model: The model's name.
        version: The version's name.
        aliases: The aliases that name the version, in alphabetical order.
        created: When the version was published, in ISO 8601 and UTC.
        parent: The version from which this one was trained, calibrated or trimmed, or None.
        tree_hash: Hash of the tree; see :attr:`prodcat.Taxonomy.hash`.
        fingerprint: Hash of the titles, the tree and the settings of the training, or None.
        metrics: The metrics on the validation titles, by name.
        libraries: The versions of Python and of the packages with which the version was saved,
            by name.
        prodcat_version: The version of prodcat that saved it.
        bytes: The total size of all files in bytes.
        files: Size (``"bytes"``) and hash (``"sha256"``) of each file, by name.
        note: The publisher's note.
        signed_by: The id of the key that signed the version, or None.  A store without keys
            does not check the signature.
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
        """The reference that :meth:`prodcat.Store.load` takes: ``model@version``."""
        return f"{self.model}@{self.version}"


def is_store(objects: Objects) -> bool:
    """Whether a folder is a store, which has the mark that the first writer leaves.

    Args:
        objects: The folder.

    Raises:
        StoreError: The folder cannot be reached.
    """
    try:
        objects.start(MARK, 1)
    except FileNotFoundError:
        return False
    return True


def show_version(registry: Registry, name: str, version: str) -> Version:
    """Describe one version.

    Args:
        registry: The models of the store.
        name: The model's name.
        version: The version's name.

    Raises:
        StoreError: There is no such version, or the store cannot be reached.
        ArtifactError: The version is damaged, or not signed by one of the keys.
    """
    manifest = registry.manifest(name, version)[2]
    return _described(manifest, registry.last_events(name, strict=False))


def list_versions(registry: Registry, name: str | None) -> tuple[Version, ...]:
    """Describe all complete versions, model by model, the newest version of each model first.

    Damaged versions are left out with a warning.  Versions that none of the keys signed are
    listed with ``signed_by=None`` and a warning.

    Args:
        registry: The models of the store.
        name: The name of the model to list; None for all models.

    Raises:
        StoreError: There is no such model, or the store cannot be reached.
    """
    listed: list[Version] = []
    for model in registry.models() if name is None else [name]:
        events = registry.last_events(model, strict=False)
        names = registry.versions(model).published()[::-1]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            described = pool.map(partial(_described_or_none, registry, model, events), names)
            listed += [version for version in described if version is not None]
    if name is not None and not listed:
        raise registry.no_version(name, None)
    return tuple(listed)


def _described_or_none(
    registry: Registry, name: str, events: Mapping[str, AliasEvent], version: str
) -> Version | None:
    """Describe a version; return None if it is damaged (with a warning) or was just deleted."""
    versions = registry.versions(name)
    try:
        content, signature = versions.manifest(version)
        manifest = Versions(registry.objects, name).check(version, content, None)
        try:
            versions.check_signed(version, content, signature)
        except ArtifactError as error:
            logger.warning("Listed, but cannot be loaded with these keys: %s", error)
            manifest = {**manifest, "signed_by": None}
    except FileNotFoundError:  # another process has just deleted it
        return None
    except ArtifactError as error:
        logger.warning("Left out of the list: %s", error)
        return None
    return _described(manifest, events)


def _described(manifest: Mapping[str, Any], events: Mapping[str, AliasEvent]) -> Version:
    """Describe a version by its manifest, which anybody may have written.

    Args:
        manifest: The version's manifest, of which only the entries that loading needs have been
            checked.
        events: The last event of each alias.
    """
    version, files = manifest["version"], manifest["files"]
    aliases = (alias for alias, event in events.items() if event.version == version)
    return Version(
        model=manifest["model"],
        version=version,
        aliases=tuple(sorted(aliases)),
        created=_text(manifest.get("created", "")),
        parent=_text_or_none(manifest.get("parent")),
        tree_hash=_text(manifest.get("tree_hash", "")),
        fingerprint=_text_or_none(manifest.get("fingerprint")),
        metrics={
            _text(name): value
            for name, value in _mapping(manifest.get("metrics")).items()
            if isinstance(value, (int, float)) and abs(value) < _LARGEST_METRIC
        },
        libraries={
            _text(name): _text(value) for name, value in _mapping(manifest.get("libraries")).items()
        },
        prodcat_version=_text(manifest.get("prodcat_version", "")),
        bytes=sum(entry["bytes"] for entry in files.values()),
        files={name: dict(entry) for name, entry in files.items()},
        note=_text(manifest.get("note", "")),
        signed_by=_text_or_none(manifest.get("signed_by")),
    )


def _mapping(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """A value as text that a terminal can show; empty for None."""
    return _text_or_none(value) or ""


def _text_or_none(value: object) -> str | None:
    return None if value is None else printable(value)
