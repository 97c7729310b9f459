"""Aliases of versions: a log to which each change appends one object.

    <model>/aliases/<alias>/00000001.json    the first change
    <model>/aliases/<alias>/00000002.json    the last one says what the alias names

The number decides who was first: an object is written only where there is none, so of all who
write number 7 one wins, and the others learn who did.  Nothing is ever overwritten.
"""

import getpass
import json
import logging
import re
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from prodcat.errors import ArtifactError, ConfigError, ConflictError
from prodcat.storage.document import printable, read_document
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
        number: From 1.
        model: The model's name.
        alias: The alias.
        action: What was done; ``"take over"`` is a promotion that follows what cannot be
            trusted, and to before which no rollback goes.
        version: What the alias names since then; None once it is removed.
        previous: What it named before.
        below: The number of the event to which a rollback returns; 0 for none.
        time: ISO 8601, UTC.
        by: Who did it, ``user@host``.
        reason: What for.
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
        """One line."""
        why = f" ({self.reason})" if self.reason else ""
        return printable(f"{self.time} {self.action} {self.version or '-'} by {self.by}{why}")


class AliasLog:
    """The changes of one alias of one model.

    Args:
        objects: The store.
        model: The model's name.
        alias: The alias.
        keys: The first that can sign signs; each event must fit one of them, if there are any.
    """

    def __init__(self, objects: Objects, model: str, alias: str, keys: Sequence[Key] = ()) -> None:
        self.objects, self.model, self.alias, self.keys = objects, model, alias, tuple(keys)
        self.folder = f"{model}/aliases/{alias}"

    def numbers(self) -> list[int]:
        """Numbers of all events, ascending."""
        matches = (_FILE.fullmatch(name) for name in self.objects.names(self.folder))
        return sorted(int(match[1]) for match in matches if match)

    def last(self) -> AliasEvent | None:
        """The last event, or None."""
        numbers = self.numbers()
        return self.read(numbers[-1]) if numbers else None

    def all(self) -> list[AliasEvent]:
        """All events, the first one first; those before a take-over as far as they are right."""
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
        """One event.

        Raises:
            ArtifactError: It is damaged, not there, or not signed as it should be.
        """
        name = self._name(number)
        source = f"The alias event {self.objects.at(name)!r}"
        try:
            content = self.objects.start(name, _LIMIT + 1)
        except FileNotFoundError as error:
            raise ArtifactError(f"{source} is not there any more.") from error
        return self._parse(content, number, source)

    def take_over(self, after: int, version: str | None, reason: str) -> AliasEvent:
        """Follow a last event that is damaged, or not signed as it should be.

        Args:
            after: That event's number.
            version: What the alias is to name; None for nothing.
            reason: What for.

        Raises:
            ConflictError: Someone else changed the alias since.
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
            last: The last event, as the caller knows it.
            action: What is done.
            version: What the alias is to name.
            below: See :class:`AliasEvent`.
            reason: What for.
            after: The number of the last event, where it cannot be read.

        Raises:
            ConflictError: Someone else changed the alias since.
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
        # What could not be read could never be followed by another event.
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
        """An event as its file holds it, signed where one of the keys can sign."""
        # Unlike any other caller's, so that it can be told whose event is there.
        body = {**vars(event), "token": uuid.uuid4().hex}
        signer = signer_of(self.keys)
        if signer is not None:
            body["signature"] = signer.sign(_canonical(body))
        return json.dumps(body, indent=2).encode() + b"\n"

    def _conflict(self, event: AliasEvent, winner: bytes) -> ConflictError:
        """The error of a caller whose event came second.

        Args:
            event: The event that was not written.
            winner: The content of the event that has its number.
        """
        source = f"The alias event {self.objects.at(self._name(event.number))!r}"
        try:
            first = self._parse(winner, event.number, source)
            who = f"{first.by} set it to {first.version or 'nothing'} at {first.time}"
        except ArtifactError:
            who = "someone else changed it"
        return ConflictError(
            f"{self.model}@{self.alias} was to become {event.version or 'nothing'}, but {who} at "
            "the same time. Look at what it names now, and try again if it is still wanted."
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
            right = (event.number, event.model, event.alias) == (number, self.model, self.alias)
            right &= all(isinstance(text, str) for text in (event.time, event.by, event.reason))
            right &= type(event.below) is int and 0 <= event.below < number
            right &= event.action in _ACTIONS
            right &= all(
                version is None or bool(VERSION.fullmatch(version))
                for version in (event.version, event.previous)
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise ArtifactError(f"{source} is damaged: {error}.") from error
        if not right:
            raise ArtifactError(f"{source} is damaged, or another alias's.")
        return replace(event, time=printable(event.time), by=printable(event.by))


def check_remark(what: str, text: object) -> None:
    """Refuse a reason or a note that could not be read again.

    Raises:
        ConfigError: It is no text, or too long.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        given = f"{len(text):,} letters" if isinstance(text, str) else f"a {type(text).__name__}"
        raise ConfigError(f"{what} is {given}; expected text of at most {_LONGEST:,} letters.")


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def stamp() -> str:
    """The time as text, ISO 8601."""
    return now().isoformat(timespec="seconds").replace("+00:00", "Z")


def _canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = "someone"
    return f"{user}@{socket.gethostname()}"
