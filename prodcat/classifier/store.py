"""Models that many teams share: versions, aliases and a cache, at any fsspec URI.

    <store>/store.json                                     marks the folder as a store
    <store>/<model>/versions/<version>/                    an artifact, see prodcat.storage.artifact
    <store>/<model>/aliases/<alias>/<number>.json          a change of an alias

A version never changes.  An alias, such as "production", can be moved from version to version.
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
from prodcat.storage.listing import Version, is_store, list_versions, show_version
from prodcat.storage.objects import Objects
from prodcat.storage.places import Place
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
        uri: A folder: ``s3://bucket/models``, a local path or ``memory://…``.  If the URI
            comes from somebody else, such as a request, pass the place that
            :meth:`prodcat.storage.places.AllowedPlaces.place` makes of it; then the store can
            only load versions, and the limits of the place hold for all of them together.
        keys: The first key that can sign signs what is published.  With keys, only versions
            and aliases that one of them signed are used.
        cache: The folder in which downloads are kept, or a :class:`prodcat.storage.cache.Cache`;
            ``~/.cache/prodcat`` if not given.  Local stores need none.
        storage_options: Options of the filesystem, such as ``endpoint_url``, ``key``, ``secret``.
        patience: Seconds for which an operation is tried again while the network or the
            server fails.

    Example:
        >>> store = Store("memory://new-models")
        >>> store.list()
        ()
    """

    def __init__(
        self,
        uri: str | os.PathLike[str] | Place,
        *,
        keys: Sequence[Key] | Key | None = None,
        cache: "Cache | str | Path | None" = None,
        storage_options: Mapping[str, Any] | None = None,
        patience: float = 60.0,
    ) -> None:
        place = Place.of(uri)
        self.uri = place.uri
        self.keys = (keys,) if isinstance(keys, Key) else tuple(keys or ())
        if keys is not None and not self.keys:
            raise ConfigError(
                "keys= is empty, so nothing would be checked; expected keys, or None to check "
                "no signatures."
            )
        self._objects = Objects(place, storage_options, patience)
        self._registry = Registry(self.uri, self._objects, self.keys)
        self._mark = StoreMark(self._registry)
        self._reader = VersionReader(self._registry, cache)
        self._promotions = Promotions(self._registry, self._mark)
        self._pruning = Pruning(self._registry, self._mark)

    def __repr__(self) -> str:
        """The store with its URI."""
        return f"Store({self.uri!r})"

    # -- writing ------------------------------------------------------------------

    def publish(
        self, classifier: Classifier, name: str, *, alias: str | None = None, note: str = ""
    ) -> str:
        """Add a version; readers see it once all its files are written and were read back.

        Args:
            classifier: The classifier to publish.
            name: The name of the model, such as the country.
            alias: An alias to which the version is promoted, if any.
            note: A remark that is kept with the version.

        Returns:
            The version; if the same files were published before, the earlier version.

        Raises:
            ConfigError: The name is not a valid name of a model.
            StoreError: The store cannot be written to.
            ConflictError: Another process changed the alias at the same time, or pruned the
                unfinished upload.
        """
        check_name("model", name)
        check_remark("note", note)
        self._mark.prove()
        if alias is not None:  # fails before the upload if the alias cannot be read
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
                "%s@%s holds the same files already; it keeps its earlier note, not %r.",
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
            name: The name of the model.
            version: The version.
            alias: The alias, such as ``"production"``.
            reason: The reason to record in the history of the alias.
            take_over: Whether to change the alias even if its last change is damaged or not
                signed by one of the keys, as when a store begins to use keys.  A rollback never
                returns to a change before this one.

        Returns:
            The last change of the alias: this one, or an older one if the alias named the
            version already.

        Raises:
            ConflictError: Another process changed the alias at the same time, or deleted the
                version.
            StoreError: There is no such version.
            ArtifactError: The last change of the alias is damaged or not signed.
        """
        return self._promotions.promote(name, version, alias, reason, take_over)

    def rollback(self, name: str, alias: str, *, reason: str = "") -> AliasEvent:
        """Let an alias name the version that it named before; each call goes one change back.

        Args:
            name: The name of the model.
            alias: The alias.
            reason: The reason to record in the history of the alias.

        Raises:
            StoreError: The alias named no version before, or that version was deleted.
            ConflictError: Another process changed the alias at the same time.
        """
        return self._promotions.rollback(name, alias, reason)

    def remove_alias(
        self, name: str, alias: str, *, reason: str = "", take_over: bool = False
    ) -> AliasEvent:
        """Let an alias name no version any more.

        Args:
            name: The name of the model.
            alias: The alias.
            reason: The reason to record in the history of the alias.
            take_over: Whether to remove it even if its last change is damaged; see
                :meth:`promote`.

        Raises:
            StoreError: There is no such alias.
            ConflictError: Another process changed the alias at the same time.
            ArtifactError: The last change of the alias is damaged or not signed.
        """
        return self._promotions.remove(name, alias, reason, take_over)

    def delete(self, name: str, version: str) -> None:
        """Delete a version that no alias names.

        Raises:
            ConflictError: An alias names the version.
            StoreError: There is no such version.
        """
        self._pruning.delete(name, version)

    def prune(
        self, keep: int, name: str | None = None, *, unfinished_after: float = 3600.0
    ) -> tuple[str, ...]:
        """Delete old versions, and uploads that were never finished.

        The newest versions are kept, as are those that an alias names and those to which a rollback
        would return.  If the last change of an alias is damaged (or, with keys, not signed by one
        of them), it is not known which versions are needed: without ``name``, that model is skipped
        with a warning.

        Args:
            keep: The number of newest versions to keep of each model.
            name: The model to prune; all models if None.
            unfinished_after: Seconds after which an unfinished upload counts as abandoned.

        Returns:
            What was removed: versions as ``model@version``, and paths of unfinished uploads.

        Raises:
            ConfigError: ``keep`` or ``unfinished_after`` is out of range, or none of the keys can
                sign.
            ArtifactError: A change of an alias of the model ``name`` is damaged or not signed.
            StoreError: There is no model ``name``, or the store cannot be written to.
        """
        return self._pruning.prune(keep, name, unfinished_after)

    # -- reading ------------------------------------------------------------------

    def load(self, reference: str, *, device: str | torch.device | None = None) -> Classifier:
        """Load and verify a version; its files come from the cache if they are there.

        Args:
            reference: ``"tr@production"``, ``"tr@<version>"``, or ``"tr@latest"`` for the
                newest version, promoted or not.
            device: The device to put the classifier on; None for a GPU if there is one.

        Raises:
            StoreError: There is no such model, version or alias, or the store cannot be
                reached.
            ArtifactError: The version is damaged, or not signed by one of the keys.
        """
        device = pick_device(device)
        version, artifact = self.open(reference)
        return rebuild(artifact, device).with_origin(version)

    def open(self, reference: str) -> tuple[str, Artifact]:
        """Read and verify the files of a version.

        Returns:
            The version as ``model@version``, and its artifact.

        Raises:
            StoreError: As for :meth:`load`.
            ArtifactError: As for :meth:`load`.
        """
        return self._reader.open(reference)

    def resolve(self, reference: str) -> str:
        """The version that a reference means now.

        If the store cannot be reached, this is the version that the cache last saw, and a
        warning is logged.

        Raises:
            StoreError: There is no such model, version or alias.
        """
        return self._reader.resolve(reference)

    def show(self, reference: str) -> Version:
        """All facts about a version.

        Raises:
            StoreError: As for :meth:`load`.
            ArtifactError: As for :meth:`load`.
        """
        name, _ = split_reference(reference)
        return show_version(self._registry, name, self.resolve(reference))

    def list(self, name: str | None = None) -> tuple[Version, ...]:
        """All complete versions, ordered by model, the newest first.

        Args:
            name: The model whose versions are listed; all models if None.

        Raises:
            StoreError: There is no such model, or the store cannot be reached.
        """
        return list_versions(self._registry, name)

    def exists(self) -> bool:
        """Whether there is a store: something was published here before.

        Raises:
            StoreError: The store cannot be reached.
        """
        return is_store(self._registry.objects)

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
        """The version that each alias of a model names."""
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
