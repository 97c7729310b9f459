"""The models of a store with their versions and aliases, and the errors if one is missing."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from prodcat.errors import ArtifactError, ProdcatError, StoreError
from prodcat.storage.aliases import VERSION, AliasEvent, AliasLog
from prodcat.storage.bounded_search import MOST_NAMES
from prodcat.storage.newest_version import newest_version
from prodcat.storage.objects import Objects
from prodcat.storage.references import LATEST, check_name, is_name
from prodcat.storage.signature import Key
from prodcat.storage.trust import MARK, Trust
from prodcat.storage.versions import Versions

logger = logging.getLogger("prodcat")
_T = TypeVar("_T")
AT_ONCE = 8  # requests
_HASH = 12  # digits of the hash in a version's name
_MOST_SHOWN = 50  # aliases or models that are looked at for an error message
_MOST_LISTED = 8  # models in an error message


class Registry:
    """The models of a store.

    Args:
        uri: The store's address as the user gave it, for messages.
        objects: The objects of the store.
        keys: The trusted keys.  If there are any, only versions, changes of aliases and marks of
            deletions that one of them signed are used; without keys no signature is checked.
    """

    def __init__(self, uri: str, objects: Objects, keys: Sequence[Key] = ()) -> None:
        self.uri, self.objects, self.trust = uri, objects, Trust(keys)

    # -- models, versions and aliases ---------------------------------------------

    def models(self) -> list[str]:
        """The names of all models."""
        return [name for name in self.objects.names("") if is_name(name) and name != MARK]

    def versions(self, name: str, objects: Objects | None = None) -> Versions:
        """The versions of a model.

        Args:
            name: The model's name.
            objects: The same store's objects with another patience; None for the usual ones.

        Raises:
            ConfigError: The model's name is not allowed.
        """
        check_name("model", name)
        return Versions(objects or self.objects, name, self.trust)

    def log(self, name: str, alias: str, objects: Objects | None = None) -> AliasLog:
        """The history of an alias.

        Args:
            name: The model's name.
            alias: The alias.
            objects: The same store's objects with another patience; None for the usual ones.

        Raises:
            ConfigError: The model's name or the alias is not allowed.
        """
        check_name("model", name)
        check_name("alias", alias)
        return AliasLog(objects or self.objects, name, alias, self.trust)

    def last_events(self, name: str, *, strict: bool = True) -> dict[str, AliasEvent]:
        """Read the last event of each alias, removed aliases included.

        Args:
            name: The model's name.
            strict: Whether a damaged event is an error.  Otherwise, and always if there are keys,
                an alias without an event that can be trusted is left out with a warning.

        Returns:
            The last event by alias.

        Raises:
            ArtifactError: An event is damaged, ``strict`` is true, and there are no keys.
            StoreError: The store cannot be reached.
        """

        def last(alias: str) -> AliasEvent | None:
            try:
                return self.log(name, alias).last()
            except ArtifactError as error:
                if strict and not self.trust.keys:
                    raise
                logger.warning("Left out of the list: %s@%s: %s", name, alias, error)
                return None

        return {alias: event for alias, event in self._of_aliases(name, last) if event is not None}

    def logs_in_force(self, name: str) -> list[tuple[AliasLog, AliasEvent]]:
        """Read the history and the last event of each alias, without keys and with them.

        If some events are not signed, readers without keys see other events than readers with keys.

        Returns:
            For each alias, the history and its last event for readers without keys and, if there
            are keys, those for readers with keys.

        Raises:
            ArtifactError: For an alias, neither kind of reader sees an event, as it is damaged.
        """

        def seen(alias: str) -> list[tuple[AliasLog, AliasEvent]]:
            logs = [AliasLog(self.objects, name, alias)]
            logs += [self.log(name, alias)] if self.trust.keys else []
            events, errors = [], []
            for log in logs:
                try:
                    event = log.last()
                except ArtifactError as error:
                    errors.append(error)
                    continue
                events += [] if event is None else [(log, event)]
            if errors and not events:
                raise errors[0]
            return events

        return [pair for _, pairs in self._of_aliases(name, seen) for pair in pairs]

    def _of_aliases(self, name: str, read: Callable[[str], _T]) -> list[tuple[str, _T]]:
        """Call a function with each alias of a model, several at once.

        Returns:
            Each alias with the function's result.
        """
        aliases = self._aliases(name)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(zip(aliases, pool.map(read, aliases), strict=True))

    def _aliases(self, name: str) -> list[str]:
        """The names of all aliases of a model, including those that were removed."""
        names = self.objects.names(f"{name}/aliases", MOST_NAMES)
        return [alias for alias in names if is_name(alias)]

    def named(self, name: str) -> set[str]:
        """The versions that aliases of a model name, whether these are signed or not.

        Raises:
            ArtifactError: See :meth:`logs_in_force`.
        """
        events = [event for _, event in self.logs_in_force(name)]
        return {event.version for event in events if event.version is not None}

    # -- one version --------------------------------------------------------------

    def meant(self, name: str, alias: str, objects: Objects | None = None) -> str:
        """The version that an alias names, or the newest version.

        Args:
            name: The model's name.
            alias: An alias, or ``"latest"`` for the newest version.
            objects: The same store's objects with another patience; None for the usual ones.

        Raises:
            StoreError: There is no such model or alias, or the store cannot be reached.
            ArtifactError: The last event of the alias is damaged; or there are keys, and none of
                them signed an event of the alias, or for ``"latest"`` a version.
            ConfigError: The model's name or the alias is not allowed.
        """
        if alias == LATEST:
            newest = newest_version(self.versions(name, objects), strict=True)
            if newest is None:
                raise self.no_version(name, None)
            return newest
        event = self.last_event(self.log(name, alias, objects))
        assert event.version is not None
        return event.version

    def last_event(self, log: AliasLog) -> AliasEvent:
        """The last event of an alias that names a version.

        Raises:
            StoreError: There is no such alias, or it was removed.
            ArtifactError: The event is damaged, or there are keys and none of them signed an event.
        """
        event = log.last()
        if event is None or event.version is None:
            raise self.no_alias(log.model, log.alias)
        return event

    def manifest(self, name: str, version: str) -> tuple[bytes, bytes | None, dict[str, Any]]:
        """Read and check a version's manifest.

        Returns:
            The bytes of the manifest's file and of the signature's file, and the checked
            manifest.

        Raises:
            StoreError: There is no such version.
            ArtifactError: The manifest is damaged, or not signed by one of the keys for this
                store.
        """
        versions = self.versions(name)
        try:
            content, signature = versions.manifest(version)
        except FileNotFoundError as error:
            raise self.no_version(name, version) from error
        return content, signature, versions.check(version, content, signature)

    def full_name(self, name: str, version: str) -> str:
        """The full name of a version that the user may have abbreviated.

        Args:
            name: The model's name.
            version: ``"model@version"``, the version's name, or the 12 digits at its end.

        Raises:
            StoreError: There is no such version, or more than one.
        """
        short = version.removeprefix(f"{name}@")
        if VERSION.fullmatch(short):
            return short
        fitting = self.versions(name).ending(short) if len(short) == _HASH else []
        if len(fitting) > 1 and self.trust.keys:  # published a second time, with a signature
            versions = self.versions(name)
            signed = [candidate for candidate in fitting if versions.fault(candidate) is None]
            fitting = signed or fitting
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise StoreError(
                f"Several versions of {name} with the same files end with {version!r}: "
                f"{', '.join(fitting)}. Give the full name of one."
            )
        raise StoreError(
            f"{version!r} is not a version of {name}; expected a name such as "
            f"{self._newest(name) or '20261125T120000.000000Z-0123456789ab'}. "
            "`prodcat models list` shows all versions."
        )

    # -- errors -------------------------------------------------------------------

    def _newest(self, name: str) -> str | None:
        """The newest version, signed or not."""
        check_name("model", name)
        return newest_version(Versions(self.objects, name))

    def _real_models(self) -> list[str]:
        """The first few models that have versions; other folders, files and links are left out."""
        models: list[str] = []
        for model in self.models()[:_MOST_SHOWN]:
            with suppress(ProdcatError):
                if len(models) < _MOST_LISTED and self._newest(model) is not None:
                    models.append(model)
        return models

    def no_alias(self, name: str, alias: str) -> StoreError:
        """The error for an alias that names no version; it lists the aliases that do."""
        named, count = [], len(self._aliases(name))
        if count <= _MOST_SHOWN:
            events = self.last_events(name, strict=False).items()
            named = [other for other, event in events if event.version is not None]
        if count > _MOST_SHOWN:
            there = f"there are {count:,} others, which `prodcat models list` shows"
        elif named:
            there = f"it has {', '.join(sorted(named))}"
        elif self._newest(name):
            there = f"it has none; {name}@{LATEST} is its newest version"
        else:
            return self.no_version(name, None)
        return StoreError(
            f"{name} in {self.uri!r} has no alias {alias!r}: {there}. Promote a version to it."
        )

    def no_version(self, name: str, version: str | None) -> StoreError:
        """The error for a missing version or model; it names those that exist."""
        newest = self._newest(name)
        if newest is None:
            models = self._real_models()
            if not models and MARK not in self.objects.names(""):
                return StoreError(
                    f"There is no store at {self.uri!r}; expected the folder or the URI of a "
                    f"store, such as STORE/{name}@{version or 'production'}. Check the address."
                )
            return StoreError(
                f"There is no model {name!r} in {self.uri!r} (models there: "
                f"{', '.join(models) or 'none'}). Check the "
                "name, or publish it."
            )
        return StoreError(
            f"There is no version {version!r} of {name} in {self.uri!r}; its newest is "
            f"{newest}. It may have been deleted."
        )
