"""Models that many teams share: versions, aliases and a cache, at any fsspec URI.

    <store>/store.json                                     what this is
    <store>/<model>/versions/<version>/                    an artifact, see prodcat.storage.artifact
    <store>/<model>/aliases/<alias>/<number>.json          changes of an alias

A version is immutable.  An alias is a name that moves: "production", "candidate".
"""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from prodcat._version import __version__
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.device import pick_device
from prodcat.classifier.opening import rebuild
from prodcat.errors import ConfigError
from prodcat.storage.aliases import AliasEvent, check_remark, stamp
from prodcat.storage.artifact import Artifact
from prodcat.storage.cache import Cache
from prodcat.storage.listing import Version, list_versions, show_version
from prodcat.storage.objects import Objects
from prodcat.storage.promotion import Promotions
from prodcat.storage.pruning import Pruning
from prodcat.storage.publishing import Publisher
from prodcat.storage.references import check_name, split_reference
from prodcat.storage.registry import Registry
from prodcat.storage.signature import Key
from prodcat.storage.store_mark import StoreMark
from prodcat.storage.version_reader import VersionReader

logger = logging.getLogger("prodcat")
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
        self._registry = Registry(uri, self._objects, self.keys)
        self._mark = StoreMark(self._registry)
        self._reader = VersionReader(self._registry, cache)
        self._promotions = Promotions(self._registry, self._mark)
        self._pruning = Pruning(self._registry, self._mark)

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
        check_name("model", name)
        check_remark("note", note)
        self._mark.prove()
        if alias is not None:  # what cannot be promoted is not uploaded first
            self._registry.log(name, alias).last()
        facts = {
            "created": stamp(),
            "parent": classifier.origin,
            "tree_hash": classifier.taxonomy.hash,
            "fingerprint": classifier.fingerprint,
            "metrics": _metrics(classifier),
            "note": note,
        }
        publisher = Publisher(self._registry.versions(name))
        version, is_new = publisher.publish(classifier.files(), __version__, facts)
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
        return self._promotions.promote(name, version, alias, reason, take_over)

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
        return self._promotions.rollback(name, alias, reason)

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
        return self._promotions.remove(name, alias, reason, take_over)

    def delete(self, name: str, version: str) -> None:
        """Delete a version that no alias names.

        Raises:
            ConflictError: An alias names it.
            StoreError: There is no such version.
        """
        self._pruning.delete(name, version)

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
        return self._pruning.prune(keep, name, unfinished_after)

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
        return rebuild(artifact, device).with_origin(version)

    def open(self, reference: str) -> tuple[str, Artifact]:
        """A version's verified files.

        Returns:
            ``model@version``, and its artifact.

        Raises:
            StoreError: As for :meth:`load`.
            ArtifactError: As for :meth:`load`.
        """
        return self._reader.open(reference)

    def resolve(self, reference: str) -> str:
        """The version that a reference means now.

        Where the store cannot be reached, what it meant when it was last asked here, with a
        warning.

        Raises:
            StoreError: There is no such model, version or alias.
        """
        return self._reader.resolve(reference)

    def show(self, reference: str) -> Version:
        """What is known of a version.

        Raises:
            StoreError: As for :meth:`load`.
            ArtifactError: As for :meth:`load`.
        """
        name, _ = split_reference(reference)
        return show_version(self._registry, name, self.resolve(reference))

    def list(self, name: str | None = None) -> tuple[Version, ...]:
        """All versions that are whole, by model, the newest first.

        Args:
            name: Of this model alone.

        Raises:
            StoreError: There is no such model, or the store cannot be reached.
        """
        return list_versions(self._registry, name)

    def history(self, name: str, alias: str) -> tuple[AliasEvent, ...]:
        """All changes of an alias, the first one first.

        Raises:
            StoreError: There is no such alias.
        """
        events = self._registry.log(name, alias).all()
        if not events:
            raise self._registry.no_alias(name, alias)
        return tuple(events)

    def aliases(self, name: str) -> dict[str, str]:
        """What each alias of a model names."""
        return {
            alias: event.version
            for alias, event in self._registry.last_events(name).items()
            if event.version is not None
        }


def _metrics(classifier: Classifier) -> dict[str, float]:
    if classifier.validation is None:
        return {}
    metrics = {name: getattr(classifier.validation, name) for name in _METRICS}
    return {name: value for name, value in metrics.items() if value is not None}
