"""Aliases of versions: a log to which each change appends one object.

    <model>/aliases/<alias>/00000001.json    the first change
    <model>/aliases/<alias>/00000002.json    the last change; it says what the alias names now

An object is written only where there is none.  So if several processes write number 7 at the
same time, one succeeds, and the others learn which event came first.  Nothing is ever
overwritten.
"""

import getpass
import logging
import re
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from prodcat.errors import ArtifactError, ConfigError, ConflictError
from prodcat.storage.document import json_bytes, printable, read_document
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key, check_signature, signer_of

logger = logging.getLogger("prodcat")
Action = Literal["promote", "rollback", "remove", "take over"]
_ACTIONS = ("promote", "rollback", "remove", "take over")
VERSION = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{12}")
_FILE = re.compile(r"(\d{8})\.json")
_MOST = 99_999_999
_LIMIT = 64 << 10
_LONGEST = 500


@dataclass(frozen=True)
class AliasEvent:
    """One change of an alias.

    Attributes:
        number: The event's number, counted from 1.
        model: The model's name.
        alias: The alias.
        action: What was done; ``"take over"`` is a promotion after an event that cannot be
            trusted, and no rollback goes back beyond it.
        version: The version that the alias names since then; None if it was removed.
        previous: The version that the alias named before.
        below: The number of the event to which a rollback returns; 0 for none.
        time: When it was done, in ISO 8601 and UTC.
        by: Who did it, as ``user@host``.
        reason: Why it was done.
    """

    number: int
    model: str
    alias: str
    action: Action
    version: str | None
    previous: str | None
    below: int
    time: str
    by: str
    reason: str

    def __str__(self) -> str:
        """The event in one line for people."""
        why = f" ({self.reason})" if self.reason else ""
        return printable(f"{self.time} {self.action} {self.version or '-'} by {self.by}{why}")


class AliasLog:
    """The changes of one alias of one model.

    Args:
        objects: The store.
        model: The model's name.
        alias: The alias.
        keys: The first key that can sign signs new events; if there are keys, each event that
            is read must have been signed with one of them.
    """

    def __init__(self, objects: Objects, model: str, alias: str, keys: Sequence[Key] = ()) -> None:
        self.objects, self.model, self.alias, self.keys = objects, model, alias, tuple(keys)
        self.folder = f"{model}/aliases/{alias}"

    def numbers(self) -> list[int]:
        """The numbers of all events, in ascending order."""
        matches = (_FILE.fullmatch(name) for name in self.objects.names(self.folder))
        return sorted(int(match[1]) for match in matches if match)

    def last(self) -> AliasEvent | None:
        """The last event, or None before the first one."""
        numbers = self.numbers()
        return self.read(numbers[-1]) if numbers else None

    def all(self) -> list[AliasEvent]:
        """All events, oldest first; damaged ones before a take-over are left out."""
        events: list[AliasEvent] = []
        for number in reversed(self.numbers()):
            try:
                events.append(self.read(number))
            except ArtifactError as error:
                if not any(event.action == "take over" for event in events):
                    raise
                logger.warning("Left out of the history: %s", error)
        return events[::-1]

    def read(self, number: int) -> AliasEvent:
        """Read one event.

        Raises:
            ArtifactError: The event is damaged, missing, or not signed by one of the keys.
        """
        name = self._name(number)
        source = f"The alias event {self.objects.at(name)!r}"
        try:
            content = self.objects.start(name, _LIMIT + 1)
        except FileNotFoundError as error:
            raise ArtifactError(f"{source} is not there any more.") from error
        return self._parse(content, number, source)

    def take_over(self, after: int, version: str | None, reason: str) -> AliasEvent:
        """Write an event after one that is damaged, or not signed by one of the keys.

        Args:
            after: That event's number.
            version: The version that the alias is to name; None for no version.
            reason: Why this is done.

        Raises:
            ConflictError: Another process has changed the alias since then.
        """
        return self.append(None, "take over", version, 0, reason, after=after)

    def append(
        self,
        last: AliasEvent | None,
        action: Action,
        version: str | None,
        below: int,
        reason: str,
        *,
        after: int | None = None,
    ) -> AliasEvent:
        """Write the next event.

        Args:
            last: The last event that the caller has read.
            action: What is done.
            version: The version that the alias is to name.
            below: See :class:`AliasEvent`.
            reason: Why this is done.
            after: The number of the last event, if that event cannot be read.

        Raises:
            ConflictError: Another process has changed the alias since then.
        """
        check_remark("reason", reason)
        number = self._next_number(last, after)
        event = AliasEvent(
            number=number,
            model=self.model,
            alias=self.alias,
            action=action,
            version=version,
            previous=last.version if last else None,
            below=below,
            time=stamp(),
            by=_who(),
            reason=reason,
        )
        content = self._signed(event)
        # After an event that cannot be read, nobody could append another one.
        self._parse(content, number, "The event")
        winner = self.objects.create(self._name(number), content)
        if winner is not None:
            raise self._conflict(event, winner)
        return event

    def _next_number(self, last: AliasEvent | None, after: int | None) -> int:
        number = (after if after is not None else last.number if last else 0) + 1
        if number > _MOST:
            raise ArtifactError(
                f"{self.objects.at(self._name(_MOST))!r} leaves no number for another change. No "
                "alias changes so often: delete that object."
            )
        return number

    def _signed(self, event: AliasEvent) -> bytes:
        """The bytes of an event's file, signed if one of the keys can sign."""
        # A token makes the content unique, so that a writer recognises its event.
        body = {**vars(event), "token": uuid.uuid4().hex}
        signer = signer_of(self.keys)
        if signer is not None:
            body["signature"] = signer.sign(_canonical(body))
        return json_bytes(body, indent=2, ascii=True)

    def _conflict(self, event: AliasEvent, winner: bytes) -> ConflictError:
        """The error for a caller whose event came second.

        Args:
            event: The event that was not written.
            winner: The bytes of the event that was written under the same number.
        """
        source = f"The alias event {self.objects.at(self._name(event.number))!r}"
        try:
            first = self._parse(winner, event.number, source)
            who = f"{first.by} set it to {first.version or 'nothing'} at {first.time}"
        except ArtifactError:
            who = "someone else changed it"
        return ConflictError(
            f"{self.model}@{self.alias} was to become {event.version or 'nothing'}, but {who} at "
            "the same time. Look at what it names now, and try again if that is not what you want."
        )

    def _name(self, number: int) -> str:
        return f"{self.folder}/{number:08d}.json"

    def _parse(self, content: bytes, number: int, source: str) -> AliasEvent:
        body = read_document(content, source, limit=_LIMIT, values=1_000)
        try:
            signature = body.pop("signature", None)
            check_signature(self.keys, _canonical(body), signature, source)
            body.pop("token")
            event = AliasEvent(**body)
            valid = (event.number, event.model, event.alias) == (number, self.model, self.alias)
            valid &= all(isinstance(text, str) for text in (event.time, event.by, event.reason))
            valid &= type(event.below) is int and 0 <= event.below < number
            valid &= event.action in _ACTIONS
            valid &= all(
                version is None or bool(VERSION.fullmatch(version))
                for version in (event.version, event.previous)
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise ArtifactError(f"{source} is damaged: {error}.") from error
        if not valid:
            raise ArtifactError(f"{source} is damaged, or another alias's.")
        return replace(event, time=printable(event.time), by=printable(event.by))


def check_remark(what: str, text: object) -> None:
    """Refuse a reason or a note that would make its file unreadable.

    Args:
        what: What the text is, for the message.
        text: The reason or the note.

    Raises:
        ConfigError: It is not a string, or is too long.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        given = f"{len(text):,} letters" if isinstance(text, str) else f"a {type(text).__name__}"
        raise ConfigError(f"{what} is {given}; expected text of at most {_LONGEST:,} letters.")


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def stamp() -> str:
    """The present time in UTC as text, in ISO 8601."""
    return now().isoformat(timespec="seconds").replace("+00:00", "Z")


def _canonical(body: dict[str, Any]) -> bytes:
    """The bytes of an event that are signed, the same for equal events."""
    return json_bytes(body, ascii=True, end="", sort_keys=True, separators=(",", ":"))


def _who() -> str:
    """The user and the machine, as ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = "someone"
    return f"{user}@{socket.gethostname()}"
