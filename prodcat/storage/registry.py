"""The models of a store: their versions, their aliases, and the errors for missing ones."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prodcat.errors import ArtifactError, StoreError
from prodcat.storage.aliases import VERSION, AliasEvent, AliasLog
from prodcat.storage.objects import Objects
from prodcat.storage.references import LATEST, MARK, check_name, is_name
from prodcat.storage.signature import Key
from prodcat.storage.versions import Versions

logger = logging.getLogger("prodcat")
AT_ONCE = 8  # requests
_HASH = 12  # digits of the hash in a version's name


class Registry:
    """The models of a store.

    Args:
        uri: The store's address as the user gave it, for messages.
        objects: The objects of the store.
        keys: If there are keys, only versions and aliases that one of them signed are used.
    """

    def __init__(self, uri: str, objects: Objects, keys: Sequence[Key] = ()) -> None:
        self.uri, self.objects, self.keys = uri, objects, tuple(keys)

    # -- models, versions and aliases ---------------------------------------------

    def models(self) -> list[str]:
        """The names of all models."""
        return [name for name in self.objects.names("") if is_name(name) and name != MARK]

    def versions(self, name: str, objects: Objects | None = None) -> Versions:
        """The versions of a model.

        Args:
            name: The model's name.
            objects: The objects of the same store with another patience; None for the usual one.

        Raises:
            ConfigError: The name cannot be that of a model.
        """
        check_name("model", name)
        return Versions(objects or self.objects, name, self.keys)

    def log(self, name: str, alias: str, objects: Objects | None = None) -> AliasLog:
        """The changes of an alias.

        Args:
            name: The model's name.
            alias: The alias.
            objects: The objects of the same store with another patience; None for the usual one.

        Raises:
            ConfigError: The names cannot be those of a model and an alias.
        """
        check_name("model", name)
        check_name("alias", alias)
        return AliasLog(objects or self.objects, name, alias, self.keys)

    def last_events(
        self, name: str, *, strict: bool = True, signed: bool = True
    ) -> dict[str, AliasEvent]:
        """The last event of each alias, removed aliases included.

        Args:
            name: The model's name.
            strict: Whether a damaged event is an error; otherwise its alias is left out.
            signed: Whether events must be signed, if there are keys.

        Raises:
            ArtifactError: An event is damaged, or not signed by one of the keys.
        """
        keys = self.keys if signed else ()

        def last(alias: str) -> AliasEvent | None:
            try:
                return AliasLog(self.objects, name, alias, keys).last()
            except ArtifactError as error:
                if strict:
                    raise
                logger.warning("Left out of the list: %s@%s: %s", name, alias, error)
                return None

        aliases = [alias for alias in self.objects.names(f"{name}/aliases") if is_name(alias)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            events = pool.map(last, aliases)
            return {
                alias: event
                for alias, event in zip(aliases, events, strict=True)
                if event is not None
            }

    def named(self, name: str) -> set[str]:
        """The versions of a model that aliases name, signed or not."""
        events = self.last_events(name, signed=False).values()
        return {event.version for event in events if event.version is not None}

    # -- one version --------------------------------------------------------------

    def meant(self, name: str, alias: str, objects: Objects | None = None) -> str:
        """The version that an alias names, or the newest one.

        Args:
            name: The model's name.
            alias: An alias, or ``"latest"``.
            objects: The objects of the same store with another patience; None for the usual one.

        Raises:
            StoreError: There is no such model or alias.
        """
        if alias == LATEST:
            newest = self.versions(name, objects).newest()
            if newest is None:
                raise self.no_version(name, None)
            return newest
        event = self.log(name, alias, objects).last()
        if event is None or event.version is None:
            raise self.no_alias(name, alias)
        return event.version

    def manifest(self, name: str, version: str) -> tuple[bytes, bytes | None, dict[str, Any]]:
        """Read and check a version's manifest.

        Returns:
            The bytes of the manifest's file and of the signature's file, and the checked
            manifest.

        Raises:
            StoreError: There is no such version.
            ArtifactError: The manifest is damaged, or not signed by one of the keys.
        """
        versions = self.versions(name)
        try:
            content, signature = versions.manifest(version)
        except FileNotFoundError as error:
            raise self.no_version(name, version) from error
        return content, signature, versions.check(version, content, signature)

    def full_name(self, name: str, version: str) -> str:
        """The full name of a version that the user named in any unambiguous form.

        Args:
            name: The model's name.
            version: ``"model@version"``, the version's name, or the hash at its end.

        Raises:
            StoreError: There is no such version, or more than one.
        """
        short = version.removeprefix(f"{name}@")
        if VERSION.fullmatch(short):
            return short
        fitting = self.versions(name).ending(short) if len(short) == _HASH else []
        if len(fitting) > 1 and self.keys:  # published a second time, with a signature
            signed = [candidate for candidate in fitting if self._is_signed(name, candidate)]
            fitting = signed or fitting
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise StoreError(
                f"{version!r} is the end of several versions of {name} with the same files: "
                f"{', '.join(fitting)}. Give the whole name of one."
            )
        raise StoreError(
            f"{version!r} is no version of {name}; expected one such as "
            f"{self.versions(name).newest() or '20261125T120000.000000Z-0123456789ab'}. "
            f"`prodcat models list` shows them."
        )

    def _is_signed(self, name: str, version: str) -> bool:
        try:
            self.manifest(name, version)
        except ArtifactError:
            return False
        return True

    # -- errors -------------------------------------------------------------------

    def no_alias(self, name: str, alias: str) -> StoreError:
        """The error for an alias that names no version; it lists the aliases that do."""
        events = self.last_events(name, strict=False).items()
        named = [other for other, event in events if event.version is not None]
        if named:
            there = f"it has {', '.join(sorted(named))}"
        elif self.versions(name).newest():
            there = f"it has none; {name}@{LATEST} is its newest version"
        else:
            return self.no_version(name, None)
        return StoreError(
            f"{name} in {self.uri!r} has no alias {alias!r}: {there}. Promote a version to it."
        )

    def no_version(self, name: str, version: str | None) -> StoreError:
        """The error for a missing version or model; it names those that exist."""
        newest = self.versions(name).newest()
        if newest is None:
            models = ", ".join(self.models()[:8]) or "none"
            return StoreError(
                f"There is no model {name!r} in {self.uri!r} (models there: {models}). Check the "
                "name, or publish it."
            )
        return StoreError(
            f"There is no version {version!r} of {name} in {self.uri!r}; its newest is "
            f"{newest}. It may have been deleted."
        )
