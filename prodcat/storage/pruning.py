"""Deletes old versions that are no longer needed, and the leftovers of interrupted processes."""

import logging
import time
from functools import partial

from prodcat.errors import ArtifactError, ConfigError, ConflictError, check_whole
from prodcat.storage.registry import Registry
from prodcat.storage.store_mark import StoreMark
from prodcat.storage.versions import Versions

logger = logging.getLogger("prodcat")


class Pruning:
    """Deletes versions of a store.

    Args:
        registry: The models of the store.
        mark: The store's mark, which is checked before anything is removed.
    """

    def __init__(self, registry: Registry, mark: StoreMark) -> None:
        self.registry, self.mark = registry, mark

    def delete(self, name: str, version: str) -> None:
        """Delete a version that no alias names; see :meth:`prodcat.Store.delete`."""
        version = self.registry.full_name(name, version)

        def used_by() -> str | None:
            # An alias protects its version whether it is signed or not.
            logs = self.registry.logs_in_force(name)
            aliases = [log.alias for log, event in logs if event.version == version]
            return f"{name}@{aliases[0]}" if aliases else None

        versions = self.registry.versions(name)
        if not versions.is_there(version):
            raise self.registry.no_version(name, version)
        self.mark.prove()
        versions.remove(version, used_by)

    def prune(self, keep: int, name: str | None, unfinished_after: float) -> tuple[str, ...]:
        """Delete old versions and leftovers; see :meth:`prodcat.Store.prune`."""
        _check_limits(keep, unfinished_after)
        before = time.time() - unfinished_after
        models = self.registry.models() if name is None else [name]
        if name is not None and not self.registry.objects.names(name):
            raise self.registry.no_version(name, None)
        if models:
            self.mark.prove()
        removed: list[str] = []
        for model in models:
            versions = self.registry.versions(model)
            try:
                self._delete_old(versions, keep, removed)
                named = partial(self.registry.named, model)
                removed += versions.clear_abandoned(unfinished_after, named)
            except ArtifactError as error:
                # Without the damaged event it is not known which versions are needed.
                if name is not None:
                    raise
                logger.warning("%s was not pruned: %s", model, error)
            removed += self._clear_parts(versions, before)
        removed += self.registry.objects.clear_parts("", before)
        return tuple(removed)

    def _delete_old(self, versions: Versions, keep: int, removed: list[str]) -> None:
        """Delete all but the newest versions and those that are still needed.

        Args:
            versions: The versions of a model.
            keep: A version is deleted only if there are at least so many newer versions.  If
                there are keys, unsigned versions do not count as newer than a signed one.
            removed: A list to which ``model@version`` of each deleted version is appended.
        """
        model = versions.model
        needed = self._needed(model)
        newer_signed = 0
        old = []
        for newer, version in enumerate(reversed(versions.published())):
            is_signed = versions.fault(version) is None
            if (newer_signed if is_signed else newer) >= keep and version not in needed:
                old.append(version)
            newer_signed += is_signed
        for version in reversed(old):
            try:
                self.delete(model, version)
            except ConflictError as error:  # another process has just promoted it
                logger.info("%s", error)
                continue
            removed.append(f"{model}@{version}")

    def _needed(self, model: str) -> set[str | None]:
        """The versions that aliases name, and those to which a rollback would return.

        Raises:
            ArtifactError: These versions are not known, as a change of an alias is damaged; or
                there are keys, and an unsigned change directly follows the last signed one, so a
                signed change may have been overwritten.
        """
        needed = set()
        is_known: dict[str, bool] = {}
        has_keys = bool(self.registry.trust.keys)
        for log, event in self.registry.logs_in_force(model):
            is_known.setdefault(log.alias, not has_keys)
            if log.trust.keys:
                is_known[log.alias] = not log.may_be_overwritten(event)
            needed.add(event.version)
            if event.below:
                needed.add(log.read(event.below).version)
        for alias, known in is_known.items():
            if not known:
                raise ArtifactError(
                    f"the last change of {model}@{alias} is not signed by one of the keys. Promote "
                    "a version to the alias, or remove it, with the key (and --take-over)."
                )
        return needed

    def _clear_parts(self, versions: Versions, before: float) -> list[str]:
        """Remove unfinished files of killed processes from a model's folders on a local disk."""
        objects = self.registry.objects
        if not objects.is_local:
            return []
        aliases = f"{versions.model}/aliases"
        folders = [f"{aliases}/{alias}" for alias in objects.names(aliases)]
        folders += [versions.at(version) for version in versions.names()]
        return [name for folder in folders for name in objects.clear_parts(folder, before)]


def _check_limits(keep: int, unfinished_after: float) -> None:
    check_whole("keep", keep, 0)
    if not unfinished_after >= 0:
        raise ConfigError(
            f"unfinished_after={unfinished_after!r} is out of range; expected a number of seconds, "
            "0 or more."
        )
