"""Changes of aliases: promotions, rollbacks and removals.

Another process may delete a version while it is being promoted.  So after each change it is checked
that the version still exists; if it does not, the change is reverted.
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
        below = 0
        if last is not None and last.version == version:
            if not (take_over and log.may_be_overwritten(last)):
                return last
            below = last.below
        elif last is not None:
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
                f"There is nothing before {last.version or 'the removal'} in the history of "
                f"{name}@{alias} to roll back to. Promote another version."
            )
        target = log.read(last.below)
        versions = self.registry.versions(name)
        if target.version is not None and versions.is_there(target.version):
            self.registry.manifest(name, target.version)
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
        is_mended = take_over and last is not None and log.may_be_overwritten(last)
        if last is None or (last.version is None and not is_mended):
            raise self.registry.no_alias(name, alias)
        self.mark.prove()
        below = last.below if last.version is None else last.number
        return log.append(last, "remove", None, below, reason)

    def _verified(self, log: AliasLog, event: AliasEvent) -> AliasEvent:
        """Return an event if its version still exists; otherwise revert the event.

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
    """Read the last event of an alias.

    Returns:
        The last event (None if there is none) and None; or, if the last event cannot be trusted
        and ``take_over`` is true, None and the number after which to write.

    Raises:
        ArtifactError: The last event cannot be trusted, and ``take_over`` is false.
    """
    try:
        return log.last(), None
    except ArtifactError as error:
        if not take_over:
            raise
        logger.warning("Taking over %s@%s: %s", log.model, log.alias, error)
        # With keys, the lowest free number will do, as unsigned events are ignored.
        return None, 0 if log.trust.keys else log.numbers()[-1]


def _revert(log: AliasLog, event: AliasEvent) -> AliasEvent:
    """Revert a change whose version was deleted at the same time; return the new event."""
    first = event.number == 1 or event.action == "take over"
    before = None if first else log.last(before=event.number)
    version, below = (None, 0) if before is None else (before.version, before.below)
    return log.append(event, "rollback", version, below, f"{event.version} was deleted")
