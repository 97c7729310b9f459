"""Carries a review queue and its decisions over to the next version of the tree.

An answer whose category was split becomes its parts, among which its confidence is divided: by a
classifier of the new tree, or equally, as nothing is known of it.  A title that a person labelled
with such a category is open again, with the parts as its first answers.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from prodcat.catalog.migrating import OldLabels, migrate_labels
from prodcat.catalog.reading import read_catalog
from prodcat.catalog.relabelling import NewLabel, Relabelling
from prodcat.catalog.undecided import LabelMigration
from prodcat.classifier.classifier import Classifier
from prodcat.errors import CatalogError
from prodcat.insight.queue import QueueItem
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

_MOST_ANSWERS = 9  # that a key of the page chooses
_CHUNK = 4_096
# Divides 1 among some nodes: gets the number of an item and the nodes.
Shares = Callable[[int, Sequence[int]], Sequence[float]]


@dataclass(frozen=True)
class MigratedReview:
    """A review queue in the new tree.

    Attributes:
        items: The items of the queue, as many as before and in the same order.
        decisions: The decisions that stand, as :meth:`Decisions.take` takes them, in the order in
            which they were made.
        labels: What became of the labels that a person chose; those that are undecided are open
            again in the queue.
    """

    items: list[QueueItem]
    decisions: list[dict[str, Any]]
    labels: LabelMigration


def migrate_review(
    items: Sequence[QueueItem],
    history: Sequence[Mapping[str, Any]],
    changes: TreeChanges,
    classifier: Classifier | None = None,
) -> MigratedReview:
    """Carry a review queue and its decisions over to the next version of the tree.

    Args:
        items: The queue.
        history: The decisions, from :attr:`Decisions.history`.
        changes: What has become of each category of the tree of the queue.
        classifier: A classifier of the new tree, which divides the confidence of a split category
            among its parts.

    Returns:
        The queue and the decisions in the new tree.

    Raises:
        CatalogError: An answer of the queue is not in the old tree of the changes.

    """
    relabelling = Relabelling(changes)
    place = {int(decision["item"]): at for at, decision in enumerate(history)}  # of the last one
    standing = [history[at] for at in sorted(place.values())]
    labelled = [each for each in standing if each["kind"] == "label"]
    nodes = np.array([relabelling.old.node(str(each["node"])) for each in labelled], np.int64)
    rows = np.array([items[each["item"]].row for each in labelled], np.int64)
    titles = [items[each["item"]].title for each in labelled]
    new, report = migrate_labels(OldLabels(rows, titles, nodes), relabelling)
    shares = _equal if classifier is None else _by_classifier(items, classifier)
    migrated = [_migrated_item(item, relabelling, shares) for item in items]
    decisions = [dict(each) for each in standing if each["kind"] != "label"]
    for event, before, after in zip(labelled, nodes.tolist(), new.tolist(), strict=True):
        label = relabelling.labels[before]
        if label.is_decided:
            decisions.append({**event, "node": relabelling.new.ids[after]})
        else:
            number = int(event["item"])
            migrated[number] = _open_again(migrated[number], label, relabelling.new, shares)
    decisions.sort(key=lambda each: place[int(each["item"])])
    kept = [{key: each[key] for key in each if key not in ("title", "path")} for each in decisions]
    return MigratedReview(migrated, kept, report)


def _equal(item: int, nodes: Sequence[int]) -> Sequence[float]:
    """The same share for each node."""
    return [1 / len(nodes)] * len(nodes)


def _by_classifier(items: Sequence[QueueItem], classifier: Classifier) -> Shares:
    """The shares by the probabilities of a classifier, which reads the titles once."""
    texts = [name for name in classifier.text_columns if any(name in i.columns for i in items)]
    columns = {name: [item.columns.get(name) for item in items] for name in texts}
    table = {"title": [item.title for item in items], **columns}
    titles = read_catalog(table, path=None, text=texts, on_error="accept")
    sums = [np.zeros((0, len(classifier.taxonomy)))]
    spans = classifier.taxonomy.spans
    for start in range(0, len(items), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(items)))
        probabilities = classifier.predict_proba(titles.take(rows)).astype(np.float64)
        added = np.pad(probabilities.cumsum(axis=1), ((0, 0), (1, 0)))
        sums.append(added[:, spans[:, 1]] - added[:, spans[:, 0]])
    return partial(_shares_of, np.concatenate(sums))


def _shares_of(sums: Any, item: int, nodes: Sequence[int]) -> Sequence[float]:
    values = np.maximum(sums[item, list(nodes)], 0)
    total = float(values.sum())
    return _equal(item, nodes) if total <= 0 else (values / total).tolist()


def _migrated_item(item: QueueItem, relabelling: Relabelling, shares: Shares) -> QueueItem:
    """An item with its answers and neighbours in the new tree."""
    confidence: Counter[int] = Counter()
    for answer in item.answers:
        label = relabelling.labels[_node_of(answer, item, relabelling.old)]
        if label.is_decided:
            confidence[label.node] += answer["confidence"]
            continue
        if label.choices:
            parts = shares(item.item, label.choices)
            for node, share in zip(label.choices, parts, strict=True):
                confidence[node] += answer["confidence"] * share
    return replace(
        item,
        answers=_answers(confidence, relabelling.new),
        neighbours=[
            {**near, "path": path}
            for near in item.neighbours
            if (path := _neighbour_path(near["path"], relabelling))
        ],
    )


def _node_of(answer: Mapping[str, Any], item: QueueItem, old: Taxonomy) -> int:
    """The node of an answer in the old tree, by its path."""
    node = old.get([str(name) for name in answer["path"]])
    if node is None:
        raise CatalogError(
            f"The queue has the answer {join_path(answer['path'])!r} for {item.title!r}, which is "
            "not in the old tree of the changes; expected answers of this tree. Give the changes "
            "of the tree of the classifier that made the queue."
        )
    return node


def _answers(confidence: Mapping[int, float], new: Taxonomy) -> list[dict[str, Any]]:
    """Answers for the page, the likeliest first."""
    ranked = sorted(confidence.items(), key=lambda each: -each[1])[:_MOST_ANSWERS]
    return [
        {
            "id": new.ids[node],
            "path": list(new.paths[node]),
            "confidence": round(min(share, 1.0), 6),
        }
        for node, share in ranked
    ]


def _neighbour_path(path: Sequence[str], relabelling: Relabelling) -> list[str]:
    """The path of a labelled title in the new tree; empty for none, and as it is if unknown."""
    node = relabelling.old.get([str(name) for name in path])
    if node is None:
        return list(path)
    after = relabelling.labels[node].node
    return list(relabelling.new.paths[after]) if after >= 0 else []


def _open_again(item: QueueItem, label: NewLabel, new: Taxonomy, shares: Shares) -> QueueItem:
    """An item whose label a person must choose again: the choices are its first answers."""
    if not label.choices:
        return item
    parts = shares(item.item, label.choices)
    first = _answers(dict(zip(label.choices, parts, strict=True)), new)
    ids = {answer["id"] for answer in first}
    others = [answer for answer in item.answers if answer["id"] not in ids]
    return replace(item, answers=[*first, *others][:_MOST_ANSWERS])
