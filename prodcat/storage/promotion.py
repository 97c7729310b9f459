"""Changes of what an alias names: promotions, rollbacks and removals.

A version may be deleted while it is promoted.  So every change looks afterwards whether its
version is still there, and is taken back where it is not.
"""

import logging

from prodcat.errors import ArtifactError, ConflictError, StoreError
from prodcat.storage.aliases import AliasEvent, AliasLog
from prodcat.storage.registry import Registry
from prodcat.storage.store_mark import StoreMark

logger = logging.getLogger("prodcat")


class Promotions:
    """Lets aliases of a store name other versions, or none.

    Args:
        registry: What the store holds.
        mark: The store's mark, proven before anything is written.
    """

    def __init__(self, registry: Registry, mark: StoreMark) -> None:
        self.registry, self.mark = registry, mark

    def promote(
        self, name: str, version: str, alias: str, reason: str, take_over: bool
    ) -> AliasEvent:
        """Let an alias name a version; see :meth:`prodcat.Store.promote`."""
        log = self.registry.log(name, alias)
        version = self.registry.full_name(name, version)
        self.registry.manifest(name, version)
        self.mark.prove()
        last, broken = _last_event(log, take_over)
        if broken is not None:
            return self._kept(log, log.take_over(broken, version, reason))
        if last is not None and last.version == version:
            return last
        below = 0
        if last is not None:
            below = last.number if last.version is not None else last.below
        return self._kept(log, log.append(last, "promote", version, below, reason))

    def rollback(self, name: str, alias: str, reason: str) -> AliasEvent:
        """Let an alias name what it named before; see :meth:`prodcat.Store.rollback`."""
        log = self.registry.log(name, alias)
        last = log.last()
        if last is None:
            raise self.registry.no_alias(name, alias)
        self.mark.prove()
        if not last.below:
            raise StoreError(
                f"There is nothing before {last.version}, which {name}@{alias} names, to go back "
                "to. Promote the version that is wanted."
            )
        target = log.read(last.below)
        versions = self.registry.versions(name)
        if target.version is not None and versions.is_there(target.version):
            event = log.append(last, "rollback", target.version, target.below, reason)
            if versions.is_there(target.version):
                return event
            _take_back(log, event)
        raise StoreError(
            f"{target.version}, which {name}@{alias} named before, was deleted. Promote one of "
            f"{', '.join(versions.published()[-5:]) or 'none: there are no versions'}."
        )

    def remove(self, name: str, alias: str, reason: str, take_over: bool) -> AliasEvent:
        """Let an alias name nothing; see :meth:`prodcat.Store.remove_alias`."""
        log = self.registry.log(name, alias)
        last, broken = _last_event(log, take_over)
        if broken is not None:
            self.mark.prove()
            return log.take_over(broken, None, reason)
        if last is None or last.version is None:
            raise self.registry.no_alias(name, alias)
        self.mark.prove()
        return log.append(last, "remove", None, last.number, reason)

    def _kept(self, log: AliasLog, event: AliasEvent) -> AliasEvent:
        """An event whose version is still there; otherwise it is taken back.

        Raises:
            ConflictError: The version was deleted.
        """
        assert event.version is not None
        if not self.registry.versions(log.model).is_there(event.version):
            current = _take_back(log, event).version
            raise ConflictError(
                f"{log.model}@{event.version} was deleted while it was promoted; "
                f"{log.model}@{log.alias} names {current or 'nothing'}. Promote another version."
            )
        return event


def _last_event(log: AliasLog, take_over: bool) -> tuple[AliasEvent | None, int | None]:
    """The last event; or, where it is to be taken over, the number of a damaged one."""
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


def _take_back(log: AliasLog, event: AliasEvent) -> AliasEvent:
    """Take back a change whose version was deleted meanwhile."""
    first = event.number == 1 or event.action == "take over"
    before = None if first else log.read(event.number - 1)
    version, below = (None, 0) if before is None else (before.version, before.below)
    return log.append(event, "rollback", version, below, f"{event.version} was deleted")
