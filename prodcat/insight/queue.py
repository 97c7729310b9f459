"""What to label next: what is uncertain, worth something, and tells about many others.

Each title has a weight, its uncertainty (the entropy of all its paths) times its value.  The titles
that are chosen are those that are most like the weight of all; see :mod:`prodcat.insight.choice`.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.text import readable
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.choice import choose
from prodcat.insight.files import folder_and_name, json_lines
from prodcat.insight.neighbours import Neighbours
from prodcat.storage.objects import Objects

__all__ = ["QueueItem", "choose", "read_queue", "review_queue", "save_queue"]

_CHUNK = 4_096
_ANSWERS = 5  # that are shown with each title
_NEIGHBOURS = 3  # labelled titles that are shown with each title


@dataclass(frozen=True)
class QueueItem:
    """A title that a person is to look at.

    Attributes:
        item: Its number in the queue, from 0.
        row: Its number in the source.
        title: The title.
        answers: The most likely paths: ``{"id", "path", "confidence"}``.
        neighbours: Labelled titles that are like it: ``{"title", "path", "likeness"}``.
        weight: Uncertainty times value.
        gain: What was gained by choosing it.
        columns: Columns that were kept, as they were read.
    """

    item: int
    row: int
    title: str
    answers: list[dict[str, Any]]
    neighbours: list[dict[str, Any]]
    weight: float
    gain: float
    columns: dict[str, Any] = field(default_factory=dict)


def review_queue(
    catalog: Catalog,
    classifier: Classifier | None,
    budget: int,
    *,
    value: str | None = None,
    per_node: int | None = None,
    known: Catalog | None = None,
    precision: ReadingPrecision = "auto",
) -> list[QueueItem]:
    """Choose what a person should look at next.

    Args:
        catalog: Titles; those with a category are left out.
        classifier: Answers the titles; None where nothing is labelled yet, and all titles are
            uncertain.
        budget: Titles to choose, at most.
        value: A column that was kept, such as sales; numbers of at least 0.  All titles are worth
            the same if not given.
        per_node: At most so many that are answered with one category.
        known: Labelled titles: those that are most like it are shown with each title.
        precision: The precision of the classifier's encoder.

    Returns:
        The best first.

    Raises:
        ConfigError: The budget is below 1.
        CatalogError: There is nothing to choose from, or the value is missing or no number.
    """
    _check_budgets(classifier, budget, per_node)
    titles = _without_category(catalog)
    worth = np.ones(len(titles)) if value is None else _values(titles, value)
    texts = titles.inputs if classifier is None else classifier.texts_of(titles)
    answers, uncertainty = _answered(classifier, texts, precision)
    weight = uncertainty * worth
    nodes = None
    if per_node is not None and classifier is not None:
        nodes = _first_nodes(answers, classifier)
    chosen, gains = _choose_distinct(texts, weight, budget, nodes, per_node)
    neighbours = _neighbours(known, [titles.titles[row] for row in chosen])
    return [
        QueueItem(
            item=item,
            row=int(titles.rows[row]),
            title=readable(titles.titles[row]),
            answers=answers[row],
            neighbours=neighbours[item],
            weight=float(weight[row]),
            gain=float(gains[item]),
            columns=_columns(titles, row),
        )
        for item, row in enumerate(chosen)
    ]


def _check_budgets(classifier: Classifier | None, budget: int, per_node: int | None) -> None:
    if classifier is None and per_node is not None:
        raise ConfigError("per_node is of answered categories; without a classifier leave it out.")
    if budget < 1 or (per_node is not None and per_node < 1):
        raise ConfigError(
            f"budget={budget} and per_node={per_node}; expected whole numbers of at least 1."
        )


def _without_category(catalog: Catalog) -> Catalog:
    free = np.flatnonzero(~catalog.labelled)
    if not len(free):
        raise CatalogError(
            f"{catalog!r} has no title without a category; expected some to choose from."
        )
    return catalog.take(free)


def _choose_distinct(
    texts: Sequence[str],
    weight: Floats,
    budget: int,
    nodes: Ints | None,
    per_node: int | None,
) -> tuple[list[int], list[float]]:
    """Choose among titles, of those that are equal only the one that is worth most."""
    order = np.lexsort((np.arange(len(texts)), -weight))
    distinct = order[np.unique(np.array(texts)[order], return_index=True)[1]]
    places, gains = choose(
        [texts[row] for row in distinct],
        weight[distinct],
        budget,
        None if nodes is None else nodes[distinct],
        per_node,
    )
    return [int(distinct[place]) for place in places], gains


def _columns(catalog: Catalog, row: int) -> dict[str, Any]:
    """What a row had beside its title, so that it is still there when it is labelled."""
    columns = {name: values[row] for name, values in catalog.columns.items()}
    columns |= {name: values[row] for name, values in catalog.texts.items()}
    if catalog.languages is not None:
        columns["language"] = catalog.languages[row]
    return columns


def _answered(
    classifier: Classifier | None, texts: Sequence[str], precision: ReadingPrecision
) -> tuple[list[list[dict[str, Any]]], Floats]:
    """The most likely paths of each title, and how uncertain it is: float64 [titles], in nats."""
    if classifier is None:
        return [[] for _ in texts], np.ones(len(texts))
    decide = classifier.decision(_ANSWERS)
    inference = classifier.inference(classifier.pick_precision(precision))
    tree = classifier.taxonomy
    paths = [list(path) for path in tree.paths]
    answers: list[list[dict[str, Any]]] = []
    uncertainty = np.zeros(len(texts))
    for start in range(0, len(texts), _CHUNK):
        with torch.inference_mode():
            log_probs = inference.log_probs(inference.ready(texts[start : start + _CHUNK]))
            best = decide(log_probs, None).each(torch.Tensor.cpu)
            entropy = -(log_probs.exp() * log_probs.clamp(min=-50)).sum(dim=1)
        uncertainty[start : start + len(entropy)] = entropy.clamp(min=0).cpu().numpy()
        answers += [
            [
                {"id": tree.ids[node], "path": paths[node], "confidence": round(p, 6)}
                for node, p in zip(nodes, confidence, strict=True)
                if node >= 0
            ]
            for nodes, confidence in zip(best.nodes.tolist(), best.confidence.tolist(), strict=True)
        ]
    return answers, uncertainty


def _first_nodes(answers: list[list[dict[str, Any]]], classifier: Classifier) -> Ints:
    tree = classifier.taxonomy
    return np.array([tree.node(paths[0]["id"]) for paths in answers], np.int64)


def _values(catalog: Catalog, name: str) -> Floats:
    """float64 [titles]: what each title is worth, by a column."""
    if name not in catalog.columns:
        raise CatalogError(
            f"The catalog has no column {name!r}; found {sorted(catalog.columns)}. Read it with "
            f"keep=[{name!r}]."
        )
    values = np.empty(len(catalog))
    for place, cell in enumerate(catalog.columns[name]):
        try:
            values[place] = float(cell)
        except (TypeError, ValueError):
            values[place] = math.nan
        if not (math.isfinite(values[place]) and values[place] >= 0):
            raise CatalogError(
                f"{name} is {cell!r} in row {int(catalog.rows[place])}; expected a number of at "
                "least 0, which is what a title is worth."
            )
    return values


def _neighbours(known: Catalog | None, titles: list[str]) -> list[list[dict[str, Any]]]:
    """For each title the labelled ones that are most like it."""
    labelled = None if known is None else known.take(known.labelled)
    if labelled is None or not len(labelled) or not titles:
        return [[] for _ in titles]
    places, likeness = Neighbours(labelled.titles)(titles, _NEIGHBOURS)
    paths = labelled.paths
    return [
        [
            {
                "title": labelled.titles[place],
                "path": list(paths[place] or ()),
                "likeness": float(how),
            }
            for place, how in zip(near, alike, strict=True)
            if how > 0
        ]
        for near, alike in zip(places.tolist(), likeness.tolist(), strict=True)
    ]


def save_queue(items: Sequence[QueueItem], uri: str) -> None:
    """Write a queue as lines of JSON.

    Args:
        items: The queue.
        uri: At any fsspec URI; ends with ``.jsonl``.

    Raises:
        ConfigError: It ends otherwise.
        StoreError: It cannot be written.
    """
    folder, name = folder_and_name(uri)
    if not name.endswith(".jsonl"):
        raise ConfigError(f"{uri!r} does not end with .jsonl; a queue is lines of JSON.")
    Objects(folder).write(name, json_lines(map(asdict, items)))


def read_queue(uri: str) -> list[QueueItem]:
    """Read what :func:`save_queue` wrote.

    Args:
        uri: At any fsspec URI.

    Raises:
        CatalogError: It is no queue.
        StoreError: It cannot be read.
    """
    folder, name = folder_and_name(uri)
    try:
        text = Objects(folder).read(name).decode("utf-8", "replace")
    except FileNotFoundError as error:
        raise CatalogError(
            f"Found no queue at {uri!r}. Give titles to make one, or name another file."
        ) from error
    items: list[QueueItem] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if number == len(lines) and not line:
            break
        try:
            item = QueueItem(**json.loads(line))
            _check_item(item, number - 1)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise CatalogError(
                f"Line {number} of {uri!r} is no item of a review queue ({error}); expected a file "
                "as prodcat review wrote it, with all its lines in their order."
            ) from error
        items.append(item)
    return items


def _check_item(item: QueueItem, place: int) -> None:
    if item.item != place:
        raise ValueError(f"it is item {item.item}, expected {place}")
    item.title.encode()  # no lone surrogates
    for answer in item.answers:
        str(answer["id"]), list(answer["path"]), float(answer["confidence"])
    for near in item.neighbours:
        str(near["title"]), list(near["path"]), float(near["likeness"])
    dict(item.columns.items())
