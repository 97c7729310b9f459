"""The history of each alias of a model: a log in which each change (event) is one object.

    <model>/aliases/<alias>/00000001.json    the first change
    <model>/aliases/<alias>/00000002.json    the last change; it says what the alias names now

An object is only written if none exists under its name, so nothing is ever overwritten.  If
several processes write number 7 at the same time, one succeeds, and the others get the event that
was written.
"""

import getpass
import logging
import re
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from prodcat.errors import ArtifactError, ConfigError, ConflictError
from prodcat.storage.bounded_search import MOST_IGNORED, MOST_NAMES, in_turn
from prodcat.storage.document import printable
from prodcat.storage.objects import Objects
from prodcat.storage.trust import Trust

logger = logging.getLogger("prodcat")
Action = Literal["promote", "rollback", "remove", "take over"]
_ACTIONS = ("promote", "rollback", "remove", "take over")
_REMEDY = "Promote a version to the alias again, with take_over=True or --take-over."
VERSION = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{12}")
_FILE = re.compile(r"([0-9]{8})\.json")
_MOST = 99_999_999
_LIMIT = 16 << 10
_LONGEST = 500


@dataclass(frozen=True)
class AliasEvent:
    """One change of an alias.

    Attributes:
        number: The event's number, counted from 1.
        model: The model's name.
        alias: The alias.
        action: What was done.  ``"take over"`` promotes a version, or removes the alias, after an
            event that cannot be trusted; no rollback goes back beyond it.
        version: The version that the alias names after this event; None if it was removed.
        previous: The version that the alias named before; None if it named none, or if that is
            not known.
        below: The number (from 1) of the earlier event to which a rollback of this event returns;
            0 if there is none.
        time: When the change was made, in ISO 8601 and UTC.
        by: Who made the change, as ``user@host``.
        reason: Why the change was made; may be empty.
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
        """The time, the action, the version, the author and the reason in one line."""
        why = f" ({self.reason})" if self.reason else ""
        return printable(f"{self.time} {self.action} {self.version or '-'} by {self.by}{why}")


class AliasLog:
    """The changes of one alias of one model.

    Args:
        objects: The objects of the store.
        model: The model's name.
        alias: The alias.
        trust: The trusted keys; the first one that can sign signs new events.  If there are keys,
            events that none of them signed are ignored.
    """

    def __init__(
        self, objects: Objects, model: str, alias: str, trust: Trust | None = None
    ) -> None:
        self.objects, self.model, self.alias = objects, model, alias
        self.trust = trust or Trust()
        self.folder = f"{model}/aliases/{alias}"
        self._contents: dict[int, bytes] = {}
        self._ignored: set[int] = set()

    def numbers(self) -> list[int]:
        """The numbers of all events, in ascending order.

        Raises:
            StoreError: The folder has too many entries.
        """
        names = self.objects.names(self.folder, MOST_NAMES)
        matches = (_FILE.fullmatch(name) for name in names)
        return sorted(int(match[1]) for match in matches if match)

    def last(self, before: int | None = None) -> AliasEvent | None:
        """Read the last event; with keys, the last one that one of them signed.

        Args:
            before: If given, only events with a smaller number are considered.

        Returns:
            The event, or None if there are no events.

        Raises:
            ArtifactError: The last event is damaged; or there are keys, and none of the last 2,000
                events was signed by one of them.
        """
        return next(self._events_before(before), None)

    def all(self) -> list[AliasEvent]:
        """Read all events, oldest first.

        Events before a take-over that are damaged are left out; with keys, so are all events that
        none of them signed.

        Raises:
            ArtifactError: An event is damaged, and no later event took over; or there are keys,
                and none of the events, or of 2,000 in a row, was signed by one of them.
        """
        return list(self._events_before(None))[::-1]

    def _events_before(self, before: int | None) -> Iterator[AliasEvent]:
        """Yield the events that can be trusted, newest first; see :meth:`all`."""
        first_error, ignored = None, 0  # since the last event that can be trusted
        can_skip, is_first = bool(self.trust.keys), True
        numbers = [number for number in self.numbers() if before is None or number < before]
        for number, event in in_turn(self._read_or_error, numbers[::-1]):
            if isinstance(event, ArtifactError):
                if not can_skip:
                    raise event
                first_error, ignored = first_error or event, ignored + 1
                self._ignored.add(number)
                if ignored == MOST_IGNORED:
                    raise self._too_many_ignored(number) from first_error
                continue
            if ignored:
                message = "Ignored changes of %s@%s that cannot be trusted (%d): %s"
                logger.warning(message, self.model, self.alias, ignored, first_error)
                first_error, ignored = None, 0
            can_skip |= event.action == "take over"
            is_first = False
            yield event
        if first_error and is_first:
            raise first_error
        if first_error:
            message = "Left out of the history of %s@%s (%d): %s"
            logger.warning(message, self.model, self.alias, ignored, first_error)

    def _read_or_error(self, number: int) -> AliasEvent | ArtifactError:
        try:
            return self.read(number)
        except ArtifactError as error:
            return error

    def _too_many_ignored(self, number: int) -> ArtifactError:
        return ArtifactError(
            f"None of {MOST_IGNORED:,} changes of {self.model}@{self.alias} in a row, from "
            f"{self.objects.at(self._name(number))!r} on, can be trusted, so the changes before "
            "them were not read. Delete the files in this folder that none of the keys signed, and "
            "find out who can write there."
        )

    def read(self, number: int) -> AliasEvent:
        """Read one event.

        Args:
            number: The event's number, counted from 1.

        Raises:
            ArtifactError: The event is missing, damaged, or was not signed by one of the keys for
                this store.
            StoreError: The store cannot be reached.
        """
        name = self._name(number)
        source = f"The alias event {self.objects.at(name)!r}"
        try:
            content = self.objects.start(name, _LIMIT + 1)
        except FileNotFoundError as error:
            raise ArtifactError(f"{source} no longer exists.") from error
        event = self.parse(content, number, source)
        self._contents[number] = content
        return event

    def content(self, event: AliasEvent) -> bytes:
        """The bytes, signature included, of an event that this log has read before."""
        return self._contents[event.number]

    def may_be_overwritten(self, event: AliasEvent) -> bool:
        """Whether an event that this log ignored has the number after the given one.

        A later change may have been overwritten there.  An ignored event beyond a free number is
        no overwritten change, as changes take the lowest free number.
        """
        return event.number + 1 in self._ignored

    def take_over(self, after: int, version: str | None, reason: str) -> AliasEvent:
        """Write an event after a last event that is damaged, or not signed by one of the keys.

        Args:
            after: The number of the damaged or unsigned event.
            version: The version that the alias is to name; None to remove the alias.
            reason: Why the alias is taken over.

        Returns:
            The event that was written.

        Raises:
            ConfigError: The reason is not a string, or is too long.
            ConflictError: Another process has changed the alias since the event was read.
            ArtifactError: There is no number left for another event.
            StoreError: The event cannot be written.
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
        """Write the next event of the alias.

        Args:
            last: The last event, as :meth:`last` returned it to the caller.
            action: What the event does.
            version: The version that the alias is to name; None to remove the alias.
            below: The number (from 1) of the earlier event to which a rollback of this event
                returns; 0 if there is none.
            reason: Why the alias is changed.
            after: The number of the last event if that event cannot be read; ``last`` is then
                None.

        Returns:
            The event that was written; its number is the next free one.

        Raises:
            ConfigError: The reason is not a string, or is too long.
            ConflictError: Another process has changed the alias since ``last`` was read.
            ArtifactError: There is no number left for another event.
            StoreError: The event cannot be written.
        """
        check_remark("reason", reason)
        number = self._next_number(after if after is not None else last.number if last else 0)
        while True:
            event = AliasEvent(
                number, self.model, self.alias, action, version,
                last.version if last else None, below, stamp(), _who(), reason,
            )  # fmt: skip
            content = self._content_of(event)
            # If this event could not be read back, nobody could change the alias after it.
            self.parse(content, number, "The event")
            winner = self.objects.create(self._name(number), content)
            if winner is None:
                return event
            if not self._can_ignore(winner, number):
                raise self._conflict(event, winner)
            number = self._next_number(number)

    def _next_number(self, number: int) -> int:
        """The smallest number after the given one that no ignored event has."""
        number += 1
        while number in self._ignored:
            number += 1
        if number > _MOST:
            raise ArtifactError(
                f"{self.objects.at(self._name(_MOST))!r} has the highest possible number, so there "
                "can be no later change of the alias. No alias changes so often: delete that "
                "object."
            )
        return number

    def _can_ignore(self, content: bytes, number: int) -> bool:
        """Whether there are keys, and the event with these bytes is not signed by any of them."""
        if not self.trust.keys:
            return False
        try:
            self.parse(content, number, "The event")
        except ArtifactError:
            return True
        return False

    def _content_of(self, event: AliasEvent) -> bytes:
        """The bytes of an event's file, signed if one of the keys can sign."""
        # A random token makes the content unique, so that a writer recognises its event.  The
        # store is named within the token because earlier versions of prodcat accept any token.
        token: Any = uuid.uuid4().hex
        if self.trust.signer is not None:
            token = {"id": token, "store": self.trust.store}
        return self.trust.sealed(vars(event) | {"token": token})

    def _conflict(self, event: AliasEvent, winner: bytes) -> ConflictError:
        """The error for a caller whose event another process forestalled.

        Args:
            event: The event that was not written.
            winner: The bytes of the event that was written under the same number.
        """
        source = f"The alias event {self.objects.at(self._name(event.number))!r}"
        try:
            first = self.parse(winner, event.number, source)
            who = f"{first.by} set it to {first.version or 'nothing'} at {first.time}"
        except ArtifactError:
            who = "someone else changed it"
        return ConflictError(
            f"{self.model}@{self.alias} was to become {event.version or 'nothing'}, but {who} at "
            "the same time. Look at what it names now, and try again if that is not what you want."
        )

    def _name(self, number: int) -> str:
        return f"{self.folder}/{number:08d}.json"

    def parse(self, content: bytes, number: int | None, source: str) -> AliasEvent:
        """Parse an event's file.

        Args:
            content: The bytes of the file.
            number: The number that the event must have; None to accept any number.
            source: A description of the file for messages.

        Raises:
            ArtifactError: The event is damaged, belongs to another alias or store, or is not
                signed by one of the keys.
        """
        if len(content) > _LIMIT:
            raise ArtifactError(f"{source} has more than {_LIMIT:,} bytes. {_REMEDY}")
        body = self.trust.unsealed(content, source)
        try:
            token = body.pop("token")
            store = token.get("store") if isinstance(token, dict) else None
            self.trust.check_store(store, self.objects, source)
            event = AliasEvent(**body)
            valid = (event.model, event.alias) == (self.model, self.alias)
            valid &= type(event.number) is int and event.number == (number or event.number)
            valid &= all(isinstance(text, str) for text in (event.time, event.by, event.reason))
            valid &= type(event.below) is int and 0 <= event.below < event.number
            valid &= event.action in _ACTIONS
            valid &= all(
                version is None or bool(VERSION.fullmatch(version))
                for version in (event.version, event.previous)
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise ArtifactError(f"{source} is damaged ({error}). {_REMEDY}") from error
        if not valid:
            raise ArtifactError(f"{source} is damaged, or belongs to another alias. {_REMEDY}")
        return replace(event, time=printable(event.time), by=printable(event.by))


def check_remark(what: str, text: object) -> None:
    """Refuse a reason or a note that is too long to be read back.

    Args:
        what: The name of the argument for the message: ``"reason"`` or ``"note"``.
        text: The reason or the note; at most 500 letters.

    Raises:
        ConfigError: It is not a string, or is too long.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        given = f"{len(text):,} letters" if isinstance(text, str) else f"a {type(text).__name__}"
        raise ConfigError(f"{what} is {given}; expected text of at most {_LONGEST:,} letters.")


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def stamp() -> str:
    """The current time in UTC as text in ISO 8601, such as ``"2026-11-25T13:27:20Z"``."""
    return now().isoformat(timespec="seconds").replace("+00:00", "Z")


def _who() -> str:
    """The current user and this machine, as ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = "someone"
    return f"{user}@{socket.gethostname()}"
