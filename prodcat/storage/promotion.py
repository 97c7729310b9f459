"""Changes of aliases: promotions, rollbacks and removals.

Another process may delete a version while it is promoted.  So each change checks afterwards that
its version still exists, and is reverted if it does not.
"""

import logging

from prodcat.errors import ArtifactError, ConflictError, StoreError
from prodcat.storage.aliases import AliasEvent, AliasLog
from prodcat.storage.registry import Registry
from prodcat.storage.store_mark import StoreMark

logger = logging.getLogger("prodcat")


class Promotions:
    """Changes the versions that the aliases of a store name.

    Args:
        registry: The models of the store.
        mark: The store's mark, which is checked before anything is written.
    """

    def __init__(self, registry: Registry, mark: StoreMark) -> None:
        self.registry, self.mark = registry, mark

    def promote(
        self, name: str, version: str, alias: str, reason: str, take_over: bool
    ) -> AliasEvent:
        """Make an alias name a version; see :meth:`prodcat.Store.promote`."""
        log = self.registry.log(name, alias)
        version = self.registry.full_name(name, version)
        self.registry.manifest(name, version)
        self.mark.prove()
        last, broken = _last_event(log, take_over)
        if broken is not None:
            return self._verified(log, log.take_over(broken, version, reason))
        if last is not None and last.version == version:
            return last
        below = 0
        if last is not None:
            below = last.number if last.version is not None else last.below
        return self._verified(log, log.append(last, "promote", version, below, reason))

    def rollback(self, name: str, alias: str, reason: str) -> AliasEvent:
        """Make an alias name its previous version; see :meth:`prodcat.Store.rollback`."""
        log = self.registry.log(name, alias)
        last = log.last()
        if last is None:
            raise self.registry.no_alias(name, alias)
        self.mark.prove()
        if not last.below:
            raise StoreError(
                f"There is nothing before {last.version}, which {name}@{alias} names, to go back "
                "to. Promote another version."
            )
        target = log.read(last.below)
        versions = self.registry.versions(name)
        if target.version is not None and versions.is_there(target.version):
            event = log.append(last, "rollback", target.version, target.below, reason)
            if versions.is_there(target.version):
                return event
            _revert(log, event)
        raise StoreError(
            f"{target.version}, which {name}@{alias} named before, was deleted. Promote one of "
            f"{', '.join(versions.published()[-5:]) or 'none: there are no versions'}."
        )

    def remove(self, name: str, alias: str, reason: str, take_over: bool) -> AliasEvent:
        """Make an alias name no version; see :meth:`prodcat.Store.remove_alias`."""
        log = self.registry.log(name, alias)
        last, broken = _last_event(log, take_over)
        if broken is not None:
            self.mark.prove()
            return log.take_over(broken, None, reason)
        if last is None or last.version is None:
            raise self.registry.no_alias(name, alias)
        self.mark.prove()
        return log.append(last, "remove", None, last.number, reason)

    def _verified(self, log: AliasLog, event: AliasEvent) -> AliasEvent:
        """Check that an event's version still exists, and revert the event if it does not.

        Raises:
            ConflictError: The version was deleted.
        """
        assert event.version is not None
        if not self.registry.versions(log.model).is_there(event.version):
            current = _revert(log, event).version
            raise ConflictError(
                f"{log.model}@{event.version} was deleted while it was promoted; "
                f"{log.model}@{log.alias} names {current or 'nothing'}. Promote another version."
            )
        return event


def _last_event(log: AliasLog, take_over: bool) -> tuple[AliasEvent | None, int | None]:
    """The last event; or the number of a damaged one, if it is to be taken over."""
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


def _revert(log: AliasLog, event: AliasEvent) -> AliasEvent:
    """Revert a change whose version was deleted meanwhile."""
    first = event.number == 1 or event.action == "take over"
    before = None if first else log.read(event.number - 1)
    version, below = (None, 0) if before is None else (before.version, before.below)
    return log.append(event, "rollback", version, below, f"{event.version} was deleted")
