"""What can be decided about the items of a review queue, such as the category of a title."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from prodcat.errors import CatalogError
from prodcat.insight.queue import QueueItem
from prodcat.taxonomy.notebook import free_columns
from prodcat.taxonomy.tree import Taxonomy

LABEL, SKIP, UNDO = "label", "skip", "undo"  # kinds of decisions about items of every sort


class ReviewItem(Protocol):
    """An item of a queue, about which a person decides."""

    @property
    def item(self) -> int:
        """Number of the item in the queue, from 0."""

    @property
    def title(self) -> str:
        """What is decided about, as a text that identifies the item."""


class Choices(ABC):
    """What can be chosen for the items of a queue, and how the choice is saved.

    Attributes:
        noun: What the items are called, such as ``titles``.
        unlabelled: The kinds of decisions that choose nothing, with what they are called.
        script: The name of the page's script that shows the items.
        another_queue: What to do if decisions are about another queue.
    """

    noun: str
    unlabelled: Mapping[str, str]
    script: str
    another_queue = "Choose another file with --decisions."

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of decisions."""
        return (LABEL, *self.unlabelled, UNDO)

    @abstractmethod
    def check_items(self, items: Sequence[Any]) -> None:
        """Refuse a queue that offers what cannot be chosen.

        Raises:
            CatalogError: It does.
        """

    @abstractmethod
    def check_saved(self, event: Mapping[str, Any], place: str) -> None:
        """Refuse a label that was saved earlier and cannot be chosen now.

        Args:
            event: The decision.
            place: The name of the file that has it, for the message.

        Raises:
            CatalogError: It cannot be chosen.
            KeyError: The label lacks a value.
        """

    @abstractmethod
    def chosen(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The values with which a new label is saved, beside those of every decision.

        Args:
            event: The decision, as the page sent it.

        Raises:
            CatalogError: A value is missing or wrong.
            TaxonomyError: The tree has no such category.
        """

    @abstractmethod
    def label(self, item: Any, event: Mapping[str, Any]) -> dict[str, Any]:
        """The row of a table for an item that has a label.

        Args:
            item: The item.
            event: The decision that gave it the label.
        """

    @abstractmethod
    def page_values(self, items: Sequence[Any]) -> dict[str, Any]:
        """What the page shows, as values for JSON: ``items``, and what can be chosen."""


class NodeChoices(Choices):
    """The categories that can be chosen for titles.

    Args:
        taxonomy: The tree that categories are chosen from.
    """

    noun = "titles"
    unlabelled = {  # noqa: RUF012, which nobody changes
        "none": "with none of these categories",
        "missing": "whose category is missing",
        SKIP: "skipped",
    }
    script = "review_titles.js"

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._ids = frozenset(taxonomy.ids)

    def check_items(self, items: Sequence[QueueItem]) -> None:
        """Refuse answers that are not in the tree."""
        unknown = [
            (item.title, answer["id"])
            for item in items
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

    def check_saved(self, event: Mapping[str, Any], place: str) -> None:
        """Refuse a category that is not in the tree."""
        if event["node"] not in self._ids:
            raise CatalogError(
                f"{place!r} labels {event['title']!r} with the category {event['node']!r}, which "
                "is not in the model's tree. Export the decisions with the model that the queue "
                "was created with before you use another model."
            )

    def chosen(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The id of the category, and its path."""
        node = event.get("node")
        if not isinstance(node, str):
            raise CatalogError(
                f"The node of the label is {node!r}; expected the id of a category as a string."
            )
        return {"node": node, "path": list(self.taxonomy.paths[self.taxonomy.node(node)])}

    def label(self, item: QueueItem, event: Mapping[str, Any]) -> dict[str, Any]:
        """A row that :func:`~prodcat.catalog.reading.read_catalog` can read."""
        node = self.taxonomy.node(event["node"])
        computed = {
            "row_number": item.row + 1,
            "comment": event.get("comment", ""),
            "reviewer": event.get("reviewer", ""),
        }
        return {
            **free_columns(item.columns, computed),
            "title": item.title,
            "path": list(self.taxonomy.paths[node]),
            "path_ids": [self.taxonomy.ids[ancestor] for ancestor in self.taxonomy.ancestors(node)],
        }

    def page_values(self, items: Sequence[QueueItem]) -> dict[str, Any]:
        """The titles with the answers that are offered, and the tree."""
        tree = self.taxonomy
        return {
            "items": [
                {
                    "item": item.item, "title": item.title, "answers": item.answers,
                    "neighbours": item.neighbours,
                    "columns": {name: str(value) for name, value in item.columns.items()},
                }
                for item in items
            ],
            "tree": {
                "ids": list(tree.ids), "paths": [list(path) for path in tree.paths],
                "ends": tree.terminal.astype(int).tolist(),
            },
        }  # fmt: skip


def choices_of(given: Taxonomy | Choices) -> Choices:
    """The choices that a caller gives: a tree, for the categories of titles, or others.

    Args:
        given: The tree, or the choices.
    """
    return NodeChoices(given) if isinstance(given, Taxonomy) else given
