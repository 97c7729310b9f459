"""The decisions of a person who reviews a queue, in a file to which they are only appended.

Each decision is a line of JSON, which is written to the disk before the decision is confirmed to
the page.  If a decision cannot be written, nothing of it remains in the file.  A later decision
about an item replaces an earlier one, an undo takes back the last decision about an item, and a
decision that arrives twice (for example from a page that was reloaded) counts once.
"""

import json
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.decisions.choices import LABEL, UNDO, Choices, ReviewItem, choices_of
from prodcat.insight.decisions.file import DecisionFile
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
_LONGEST = {"comment": 2_000, "reviewer": 200}  # letters


class Decisions:
    """The decisions about the items of a queue, saved in a file.

    Args:
        place: The file.  It is created if it does not exist and ``write`` is true; it is removed
            when it is closed without a decision in it.
        items: The queue.
        choices: What can be chosen for an item: a tree, whose categories are chosen for titles, or
            other :class:`~prodcat.insight.decisions.choices.Choices`, such as relations of pairs.
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
        self,
        place: Path,
        items: Sequence[ReviewItem],
        choices: Taxonomy | Choices,
        write: bool = True,
    ) -> None:
        self.place, self.items, self.choices = place, items, choices_of(choices)
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._history: list[dict[str, Any]] = []  # without decisions that were undone
        self.choices.check_items(items)
        self._file = DecisionFile(place) if write else None
        try:
            if self._file is not None:
                self._replay(self._file.read())
            elif place.exists():
                self._replay(place.read_bytes())
        except BaseException:
            self.__exit__()
            raise

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
        there = self.items[item].title if 0 <= item < len(self.items) else None
        if there != event["title"]:
            raise CatalogError(
                f"{str(self.place)!r} contains decisions about another queue: item {item} is "
                f"{event['title']!r} there and {there!r} in this queue. "
                f"{self.choices.another_queue}"
            )
        if event["kind"] == LABEL:
            self.choices.check_saved(event, str(self.place))
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        if event["id"] in self._seen:
            return
        self._seen.add(event["id"])
        if event["kind"] != UNDO:
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
                the item, and ``"kind"`` is ``"label"``, ``"skip"``, ``"undo"`` or, for a title,
                ``"none"`` (none of these categories) or ``"missing"`` (the tree lacks its
                category).  The label of a title also has ``"node"``, the id of the category, and
                that of a pair ``"relation"``.  Each may have a ``"comment"`` and the name of the
                ``"reviewer"``.

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
        *kinds, last = self.choices.kinds
        if kind not in (*kinds, last):
            raise CatalogError(
                f"{kind!r} is not a decision; expected {', '.join(kinds)} or {last}."
            )
        if not _is_id(decision):
            raise CatalogError(
                f"The id of the decision is {decision!r}; expected a unique string of 1 to 100 "
                "printable characters."
            )
        complete: dict[str, Any] = {
            "id": decision, "item": item, "title": self.items[item].title, "kind": kind,
        }  # fmt: skip
        if kind == LABEL:
            complete |= self.choices.chosen(event)
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
        """The items that have a label, as rows of a table.

        Returns:
            For each labelled title a mapping that :func:`read_catalog` can read, with the keys
            row_number (in the source, from 1), comment, reviewer, title, path and path_ids, and
            with its further columns.  For each pair with a relation, its row of the table of pairs
            with the relation as answer, and with comment and reviewer.
        """
        return [
            self.choices.label(self.items[item], event)
            for item, event in self.standing.items()
            if event["kind"] == LABEL
        ]

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
