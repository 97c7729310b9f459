"""The decisions of a person who labels titles, in a file that only grows, so that none is lost.

Each decision is a line of JSON that is on the disk before it is confirmed to the page.  A later
decision about a title replaces an earlier one, an undo takes back the last decision about a title,
and a decision that arrives twice (for example from a page that was reloaded) counts once.
"""

import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.queue import QueueItem
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")


class Decisions:
    """The decisions about a queue, and the file that holds them.

    Args:
        place: The file; it is created with the first decision.
        items: The queue.
        taxonomy: The tree that categories are chosen from.
        write: Whether decisions will be added; only one process at a time can do so.

    Raises:
        CatalogError: The file belongs to another queue or tree, or a line of it is damaged.  Only
            the last line may be incomplete, because the process that wrote it was killed.
        ConfigError: Another process is adding decisions to the file.
    """

    def __init__(
        self, place: Path, items: Sequence[QueueItem], taxonomy: Taxonomy, write: bool = True
    ) -> None:
        from filelock import FileLock, Timeout

        self.place, self.items, self.taxonomy = place, items, taxonomy
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._history: list[dict[str, Any]] = []  # without decisions that were undone
        self._file: IO[bytes] | None = None
        self._process_lock: FileLock | None = None
        self._ids = set(taxonomy.ids)
        self._check_answers()
        if write:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._process_lock = FileLock(f"{place}.lock")
            try:
                self._process_lock.acquire(timeout=0)
            except Timeout as error:
                raise ConfigError(
                    f"Another prodcat review is writing decisions to {str(place)!r}. Use that one, "
                    "or stop it, or name another file with --decisions."
                ) from error
        try:
            if place.exists():
                self._replay(write)
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
                f"{node!r} for {title!r}. Give the model that the queue was made with, or make a "
                "new queue."
            )

    def _replay(self, write: bool) -> None:
        content = self.place.read_bytes()
        lines = content.split(b"\n")
        # Empty, unless a process was killed while it wrote or an editor dropped the line's end.
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
                    "file that prodcat review wrote. Correct the line or remove it."
                ) from error
        if last and write:
            with self.place.open("rb+") as file:
                if is_whole:
                    file.seek(0, os.SEEK_END)
                    file.write(b"\n")
                else:
                    logger.warning(
                        "The last line of %s is incomplete and is removed; that decision was never "
                        "confirmed: %r",
                        self.place,
                        last[:200],
                    )
                    file.truncate(len(content) - len(last))

    def _take_line(self, event: dict[str, Any]) -> None:
        item = event["item"]
        if self.items[item].title != event["title"]:
            raise CatalogError(
                f"{str(self.place)!r} holds decisions about another queue: item {item} is "
                f"{event['title']!r} there and {self.items[item].title!r} in this queue. Name "
                "another file with --decisions."
            )
        if event["kind"] == "label" and event["node"] not in self._ids:
            raise CatalogError(
                f"{str(self.place)!r} labels {event['title']!r} with the category "
                f"{event['node']!r}, which is not in the model's tree. Export the decisions with "
                "the model that the queue was made with, before you go on with another one."
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
        """Add a decision; it is on the disk when this returns.

        Args:
            event: ``{"id", "item", "kind"}``: an id that no other decision has, the number of the
                item, and ``"label"``, ``"skip"`` or ``"undo"``; for a label also ``"node"``, the
                id of the category.

        Raises:
            CatalogError: The id, the item or the kind is missing or wrong.
            TaxonomyError: The tree has no such category.
            ConfigError: The decisions were opened for reading only.
        """
        item, kind, decision = event.get("item"), event.get("kind"), event.get("id")
        if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < len(self.items):
            raise CatalogError(
                f"There is no item {item!r}; the queue has the items 0 to {len(self.items) - 1}."
            )
        if kind not in ("label", "skip", "undo"):
            raise CatalogError(f"{kind!r} is not a decision; expected label, skip or undo.")
        if not _is_id(decision):
            raise CatalogError(
                "A decision needs an id that no other decision has; expected a text of 1 to 100 "
                "printable characters under id."
            )
        complete: dict[str, Any] = {
            "id": decision, "item": item, "title": self.items[item].title, "kind": kind,
        }  # fmt: skip
        if kind == "label":
            node = event.get("node")
            if not isinstance(node, str):
                raise CatalogError("The label has no category; expected its id under node.")
            complete |= {"node": node, "path": list(self.taxonomy.paths[self.taxonomy.node(node)])}
        line = json.dumps(complete, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            if decision in self._seen:
                return
            if self._process_lock is None:
                raise ConfigError("These decisions were opened for reading only.")
            if self._file is None:
                self._file = self.place.open("ab")
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
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
        """The valid decision about each item that has one, by the number of the item."""
        last = {decision["item"]: decision for decision in self.history}
        return dict(sorted(last.items()))

    def labels(self) -> list[dict[str, Any]]:
        """The labelled titles as rows that :func:`read_catalog` can read.

        Returns:
            For each title its row in the source, title, path, path_ids and further columns.
        """
        tree = self.taxonomy
        labels = []
        for item, event in self.standing.items():
            if event["kind"] == "label":
                node = tree.node(event["node"])
                labels.append(
                    {
                        **self.items[item].columns,
                        "row": self.items[item].row,
                        "title": self.items[item].title,
                        "path": list(tree.paths[node]),
                        "path_ids": [tree.ids[ancestor] for ancestor in tree.ancestors(node)],
                    }
                )
        return labels

    def __enter__(self) -> "Decisions":
        """The decisions themselves."""
        return self

    def __exit__(self, *reason: object) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._process_lock is not None:
            self._process_lock.release()
            self._process_lock = None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable()
