"""Removal of versions that nobody needs, and of leftovers of interrupted processes."""

import logging
import time
from functools import partial

from prodcat.errors import ConfigError, ConflictError, check_whole
from prodcat.storage.aliases import AliasLog
from prodcat.storage.registry import Registry
from prodcat.storage.store_mark import StoreMark
from prodcat.storage.versions import Versions

logger = logging.getLogger("prodcat")


class Pruning:
    """Removes versions of a store.

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
            events = self.registry.last_events(name, signed=False)
            aliases = [alias for alias, event in events.items() if event.version == version]
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
            removed += self._delete_old(versions, keep)
            removed += versions.clear_abandoned(
                unfinished_after, partial(self.registry.named, model)
            )
            removed += self._clear_parts(versions, before)
        removed += self.registry.objects.clear_parts("", before)
        return tuple(removed)

    def _delete_old(self, versions: Versions, keep: int) -> list[str]:
        """Delete all but the newest versions and those that are still needed.

        Returns:
            ``model@version`` of each version that was deleted.
        """
        model = versions.model
        needed = self._needed(model)
        published = versions.published()
        deleted = []
        for version in published[: max(len(published) - keep, 0)]:
            if version in needed:
                continue
            try:
                self.delete(model, version)
            except ConflictError as error:  # another process has just promoted it
                logger.info("%s", error)
                continue
            deleted.append(f"{model}@{version}")
        return deleted

    def _needed(self, model: str) -> set[str | None]:
        """The versions that aliases name, and those to which a rollback would return."""
        events = self.registry.last_events(model, signed=False)
        needed = {event.version for event in events.values()}
        for alias, event in events.items():
            if event.below:
                # Without keys: an event protects its version whether it is signed or not.
                log = AliasLog(self.registry.objects, model, alias)
                needed.add(log.read(event.below).version)
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
            f"unfinished_after={unfinished_after!r} is out of range; expected seconds from 0."
        )
