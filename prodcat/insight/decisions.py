"""The decisions of a person who labels titles, in a file to which decisions are only appended.

Each decision is a line of JSON, which is written to the disk before the decision is confirmed to
the page.  If a decision cannot be written, nothing of it remains in the file.  A later decision
about a title replaces an earlier one, an undo takes back the last decision about a title, and a
decision that arrives twice (for example from a page that was reloaded) counts once.
"""

import contextlib
import json
import logging
import os
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prodcat.errors import CatalogError, ConfigError, StoreError
from prodcat.insight.queue import QueueItem
from prodcat.storage.faults import explain_disk
from prodcat.taxonomy.notebook import free_columns
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
# Decisions that give a title no label, with what they are called.
UNLABELLED = {
    "none": "with none of these categories",
    "missing": "whose category is missing",
    "skip": "skipped",
}
_KINDS = ("label", *UNLABELLED, "undo")
_LONGEST = {"comment": 2_000, "reviewer": 200}  # letters


class _File:
    """The file of decisions, opened and locked by one process of the user who owns the file.

    The lock belongs to the file and not to its name, so it also holds for a process that opens the
    file by a link.

    Args:
        place: The file; it is created if it does not exist.

    Raises:
        ConfigError: Another process is adding decisions to the file, the file cannot be opened, or
            it is not a regular file of the user who runs this process.
        StoreError: Another program replaced the file while it was being opened.
    """

    def __init__(self, place: Path) -> None:
        self._name = str(place)
        self._has_rest = False  # whether part of a refused decision may be in the file
        if place.is_symlink() and place.lstat().st_uid not in (0, os.geteuid()):
            raise self._refusal("is a link that another user made")
        place.parent.mkdir(parents=True, exist_ok=True)
        self.place = Path(os.path.realpath(place))
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._descriptor = os.open(self.place, flags, 0o600)
        except OSError as error:
            raise self._refusal(f"cannot be opened ({error.strerror})") from error
        try:
            self._take_hold()
        except BaseException:
            os.close(self._descriptor)
            raise

    def _refusal(self, reason: str) -> ConfigError:
        return ConfigError(
            f"{self._name!r} {reason}; expected a file to which decisions can be added. Choose "
            "another file with --decisions."
        )

    def _take_hold(self) -> None:
        import fcntl

        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise self._refusal("is not a regular file of the user who runs this process")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"Another prodcat review is writing decisions to {self._name!r}. Use its page, "
                "stop it, or choose another file with --decisions."
            ) from error
        except OSError as error:
            raise self._refusal(f"cannot be locked ({error.strerror})") from error
        with contextlib.suppress(OSError):  # some file systems have no modes
            os.fchmod(self._descriptor, 0o600)
        self._size = os.fstat(self._descriptor).st_size
        self._check_unchanged()

    def _check_unchanged(self) -> None:
        """Raise StoreError if another program replaced the file or changed its size."""
        mine = os.fstat(self._descriptor)
        with contextlib.suppress(FileNotFoundError):
            there = os.lstat(self.place)
            if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
                if self._has_rest:
                    self.cut(self._size)
                    return
                if mine.st_size == self._size:
                    return
        raise StoreError(
            f"{self._name!r} was changed by another program after this one had opened it. No "
            "decision was written; stop prodcat review and start it again."
        )

    def read(self) -> bytes:
        """The whole content of the file."""
        return os.pread(self._descriptor, self._size, 0)

    def append(self, line: bytes) -> None:
        """Append a line and flush it to the disk; if that fails, the file is left as it was.

        Raises:
            StoreError: The line cannot be written, or another program changed the file.
        """
        try:
            self._check_unchanged()
            rest = line
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError as error:
            self._has_rest = True
            with contextlib.suppress(OSError):
                self.cut(self._size)
            raise StoreError(
                f"The decision cannot be written to {self._name!r}, so it was not saved: "
                f"{explain_disk(error)}"
            ) from error
        self._size += len(line)

    def cut(self, size: int) -> None:
        """Remove everything after the first ``size`` bytes."""
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)
        self._size, self._has_rest = size, False

    def close(self) -> None:
        """Close the file and remove it if it is empty."""
        with contextlib.suppress(OSError, StoreError):
            self._check_unchanged()
            if not self._size:
                self.place.unlink()
        os.close(self._descriptor)


class Decisions:
    """The decisions about the titles of a queue, saved in a file.

    Args:
        place: The file.  It is created if it does not exist and ``write`` is true; it is removed
            when it is closed without a decision in it.
        items: The queue.
        taxonomy: The tree that categories are chosen from.
        write: Whether decisions will be added.  Only one process at a time can do so, and it makes
            the file readable for its own user only.

    Raises:
        CatalogError: The file belongs to another queue or tree, or a line of it is damaged.  (An
            incomplete last line, which a killed process left, is removed with a warning.)
        ConfigError: Another process is adding decisions to the file, the file cannot be opened, or
            it belongs to another user.
        StoreError: Another program changed the file while it was being opened.
    """

    def __init__(
        self, place: Path, items: Sequence[QueueItem], taxonomy: Taxonomy, write: bool = True
    ) -> None:
        self.place, self.items, self.taxonomy = place, items, taxonomy
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._history: list[dict[str, Any]] = []  # without decisions that were undone
        self._ids = set(taxonomy.ids)
        self._check_answers()
        self._file = _File(place) if write else None
        try:
            if self._file is not None:
                self._replay(self._file.read())
            elif place.exists():
                self._replay(place.read_bytes())
        except BaseException:
            self.__exit__()
            raise

    def _check_answers(self) -> None:
        unknown = [
            (item.title, answer["id"])
            for item in self.items
            for answer in item.answers
            if answer["id"] not in self._ids
        ]
        if unknown:
            title, node = unknown[0]
            raise CatalogError(
                f"The queue has {len(unknown):,} answers that are not in the model's tree, such as "
                f"{node!r} for {title!r}. Use the model that the queue was created with, or create "
                "a new queue."
            )

    def _replay(self, content: bytes) -> None:
        lines = content.split(b"\n")
        # Empty, unless a process was killed while writing or an editor removed the last line feed.
        last = lines.pop()
        try:
            json.loads(last)
            is_whole = True
        except ValueError:
            is_whole = False
        for number, line in enumerate([*lines, last] if is_whole else lines, 1):
            try:
                self._take_line(json.loads(line))
            except (KeyError, IndexError, TypeError, ValueError) as error:
                if isinstance(error, CatalogError):
                    raise
                raise CatalogError(
                    f"Line {number} of {str(self.place)!r} is not a decision ({error}); expected a "
                    "file that prodcat review wrote. Correct the line, or remove it."
                ) from error
        if last and self._file is not None:
            if is_whole:
                self._file.append(b"\n")
            else:
                logger.warning(
                    "The last line of %s is incomplete and is removed; that decision was not "
                    "confirmed to the page: %r",
                    self.place,
                    last[:200],
                )
                self._file.cut(len(content) - len(last))

    def _take_line(self, event: dict[str, Any]) -> None:
        item = event["item"]
        if self.items[item].title != event["title"]:
            raise CatalogError(
                f"{str(self.place)!r} contains decisions about another queue: item {item} is "
                f"{event['title']!r} there and {self.items[item].title!r} in this queue. Choose "
                "another file with --decisions."
            )
        if event["kind"] == "label" and event["node"] not in self._ids:
            raise CatalogError(
                f"{str(self.place)!r} labels {event['title']!r} with the category "
                f"{event['node']!r}, which is not in the model's tree. Export the decisions with "
                "the model that the queue was created with before you use another model."
            )
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        if event["id"] in self._seen:
            return
        self._seen.add(event["id"])
        if event["kind"] != "undo":
            self._history.append(event)
            return
        for position in range(len(self._history) - 1, -1, -1):
            if self._history[position]["item"] == event["item"]:
                del self._history[position]
                return

    def take(self, event: dict[str, Any]) -> None:
        """Add a decision and write it to the disk; one with an id seen before is ignored.

        Args:
            event: The decision as a mapping: ``"id"`` is a unique string, ``"item"`` the number of
                the item, and ``"kind"`` is ``"label"``, ``"none"`` (none of these categories),
                ``"missing"`` (the tree lacks its category), ``"skip"`` or ``"undo"``.  A label also
                has ``"node"``, the id of the category.  Each may have a ``"comment"`` and the name
                of the ``"reviewer"``.

        Raises:
            CatalogError: A value is missing or wrong.
            TaxonomyError: The tree has no such category.
            ConfigError: The decisions were opened for reading only.
            StoreError: The decision cannot be written; nothing of it remains in the file.
        """
        item, kind, decision = event.get("item"), event.get("kind"), event.get("id")
        if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < len(self.items):
            raise CatalogError(
                f"There is no item {item!r}; the queue has the items 0 to {len(self.items) - 1}."
            )
        if kind not in _KINDS:
            raise CatalogError(
                f"{kind!r} is not a decision; expected {', '.join(_KINDS[:-1])} or {_KINDS[-1]}."
            )
        if not _is_id(decision):
            raise CatalogError(
                f"The id of the decision is {decision!r}; expected a unique string of 1 to 100 "
                "printable characters."
            )
        complete: dict[str, Any] = {
            "id": decision, "item": item, "title": self.items[item].title, "kind": kind,
        }  # fmt: skip
        if kind == "label":
            node = event.get("node")
            if not isinstance(node, str):
                raise CatalogError(
                    f"The node of the label is {node!r}; expected the id of a category as a string."
                )
            complete |= {"node": node, "path": list(self.taxonomy.paths[self.taxonomy.node(node)])}
        complete |= _remarks(event)
        line = json.dumps(complete, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            if decision in self._seen:
                return
            if self._file is None:
                raise ConfigError(
                    "These decisions were opened for reading only; open them with write=True."
                )
            self._file.append(line)
            self._apply(complete)

    @property
    def history(self) -> list[dict[str, Any]]:
        """All decisions in the order in which they were made, without those that were undone."""
        with self._lock:
            return list(self._history)

    @property
    def seen(self) -> list[str]:
        """The ids of all decisions, including those that were undone."""
        with self._lock:
            return sorted(self._seen)

    @property
    def standing(self) -> dict[int, dict[str, Any]]:
        """The last decision about each item that was not undone, by the number of the item."""
        last = {decision["item"]: decision for decision in self.history}
        return dict(sorted(last.items()))

    def labels(self) -> list[dict[str, Any]]:
        """The labelled titles as rows that :func:`read_catalog` can read.

        Returns:
            For each labelled title a mapping with the keys row_number (in the source, from 1),
            comment, reviewer, title, path and path_ids, and with its further columns.
        """
        tree = self.taxonomy
        labels = []
        for item, event in self.standing.items():
            if event["kind"] == "label":
                node = tree.node(event["node"])
                computed = {
                    "row_number": self.items[item].row + 1,
                    "comment": event.get("comment", ""),
                    "reviewer": event.get("reviewer", ""),
                }
                labels.append(
                    {
                        **free_columns(self.items[item].columns, computed),
                        "title": self.items[item].title,
                        "path": list(tree.paths[node]),
                        "path_ids": [tree.ids[ancestor] for ancestor in tree.ancestors(node)],
                    }
                )
        return labels

    def __enter__(self) -> "Decisions":
        """Return the object itself."""
        return self

    def __exit__(self, *reason: object) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable()


def _remarks(event: dict[str, Any]) -> dict[str, str]:
    """The comment and the name of the reviewer, where a decision has them.

    Raises:
        CatalogError: One is no text, or too long.
    """
    remarks = {name: event[name] for name in _LONGEST if event.get(name) not in (None, "")}
    for name, text in remarks.items():
        if not isinstance(text, str) or len(text) > _LONGEST[name]:
            raise CatalogError(
                f"The {name} of the decision is not a text of at most {_LONGEST[name]:,} letters."
            )
    return remarks
