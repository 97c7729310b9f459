"""A person's decisions: a file that only grows, so that nothing is lost.

Every decision is a line that is on the disk before anybody is told that it was taken.  A later
decision of the same title replaces an earlier one, an undo takes the last one back, and the same
decision sent twice, as by a page that was reloaded, counts once.
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
    """The file, and the decisions in it.

    Args:
        place: The file; made with the first decision.
        items: The queue that is decided on.
        taxonomy: The tree that categories are chosen from.
        write: Whether decisions will be taken: then nobody else may at the same time.

    Raises:
        CatalogError: The file is of another queue or tree, or damaged elsewhere than in its last
            line, which a process that was killed may have left behind half.
        ConfigError: Another process takes decisions into it.
    """

    def __init__(
        self, place: Path, items: Sequence[QueueItem], taxonomy: Taxonomy, write: bool = True
    ) -> None:
        from filelock import FileLock, Timeout

        self.place, self.items, self.taxonomy = place, items, taxonomy
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._history: list[dict[str, Any]] = []  # without what was undone
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
                    f"Another prodcat review takes decisions into {str(place)!r} already. Use that "
                    "one, or stop it, or name another file with --decisions."
                ) from error
        try:
            if place.exists():
                self._replay(write)
        except BaseException:
            self.__exit__()
            raise

    def _check_answers(self) -> None:
        strange = [
            (item.title, answer["id"])
            for item in self.items
            for answer in item.answers
            if answer["id"] not in self._ids
        ]
        if strange:
            title, node = strange[0]
            raise CatalogError(
                f"The queue has {len(strange):,} answers that are not in the model's tree, such as "
                f"{node!r} for {title!r}. Give the model that it was made with, or make a new "
                "queue."
            )

    def _replay(self, write: bool) -> None:
        content = self.place.read_bytes()
        lines = content.split(b"\n")
        half = lines.pop()  # nothing, unless a process was killed while it wrote, or by an editor
        whole = half
        try:
            json.loads(half)
        except ValueError:
            whole = b""
        for number, line in enumerate([*lines, *([whole] if whole else [])], 1):
            try:
                self._take_line(json.loads(line))
            except (KeyError, IndexError, TypeError, ValueError) as error:
                if isinstance(error, CatalogError):
                    raise
                raise CatalogError(
                    f"Line {number} of {str(self.place)!r} is no decision ({error}); expected a "
                    "file that prodcat review wrote. Mend or remove the line."
                ) from error
        if half and write:
            with self.place.open("rb+") as file:
                if whole:
                    file.seek(0, os.SEEK_END)
                    file.write(b"\n")
                else:
                    logger.warning(
                        "The last line of %s was not written to its end, so that nobody was told "
                        "it was taken; it is removed: %r",
                        self.place,
                        half[:200],
                    )
                    file.truncate(len(content) - len(half))

    def _take_line(self, event: dict[str, Any]) -> None:
        item = event["item"]
        if self.items[item].title != event["title"]:
            raise CatalogError(
                f"{str(self.place)!r} holds decisions on another queue: its item {item} is "
                f"{event['title']!r}, here it is {self.items[item].title!r}. Name another file "
                "with --decisions."
            )
        if event["kind"] == "label" and event["node"] not in self._ids:
            raise CatalogError(
                f"{str(self.place)!r} has the category {event['node']!r} ({event['title']!r}), "
                "which the model's tree does not have. Give the model that the queue was made "
                "with, to export what was decided, before you go on with another one."
            )
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        if event["id"] in self._seen:
            return
        self._seen.add(event["id"])
        if event["kind"] != "undo":
            self._history.append(event)
            return
        for place in range(len(self._history) - 1, -1, -1):
            if self._history[place]["item"] == event["item"]:
                del self._history[place]
                return

    def take(self, event: dict[str, Any]) -> None:
        """Take a decision, which is on the disk when this returns.

        Args:
            event: ``{"id", "item", "kind"}``: an id that no other decision has, the item's number,
                and ``"label"``, ``"skip"`` or ``"undo"``; for a label also ``"node"``, the id of
                the category.

        Raises:
            CatalogError: There is no such item, kind or category.
        """
        item, kind, decision = event.get("item"), event.get("kind"), event.get("id")
        if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < len(self.items):
            raise CatalogError(
                f"There is no item {item!r}; expected 0 to {len(self.items) - 1}, as the queue has."
            )
        if kind not in ("label", "skip", "undo"):
            raise CatalogError(f"{kind!r} is no decision; expected label, skip or undo.")
        if not _is_id(decision):
            raise CatalogError("A decision has an id of its own; expected a text under id.")
        kept: dict[str, Any] = {
            "id": decision, "item": item, "title": self.items[item].title, "kind": kind,
        }  # fmt: skip
        if kind == "label":
            node = event.get("node")
            if not isinstance(node, str):
                raise CatalogError("A label has a category; expected its id under node.")
            kept |= {"node": node, "path": list(self.taxonomy.paths[self.taxonomy.node(node)])}
        line = json.dumps(kept, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            if decision in self._seen:
                return
            if self._process_lock is None:
                raise ConfigError("These decisions were opened to be read.")
            if self._file is None:
                self._file = self.place.open("ab")
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._apply(kept)

    @property
    def history(self) -> list[dict[str, Any]]:
        """Decisions in the order in which they were taken, without those that were undone."""
        with self._lock:
            return list(self._history)

    @property
    def seen(self) -> list[str]:
        """The ids of all decisions that were taken."""
        with self._lock:
            return sorted(self._seen)

    @property
    def standing(self) -> dict[int, dict[str, Any]]:
        """The decision that stands of each item that has one, by item."""
        last = {decision["item"]: decision for decision in self.history}
        return dict(sorted(last.items()))

    def labels(self) -> list[dict[str, Any]]:
        """The labelled titles, as :func:`read_catalog` reads them.

        Returns:
            For each its title, path, path_ids, and the columns that were kept.
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
