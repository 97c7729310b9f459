"""The queue of titles to label next: uncertain and valuable ones that represent many others.

The weight of a title is its uncertainty (the entropy of the probabilities of its paths) times its
value.  The titles that together represent the most weight are chosen; see
:mod:`prodcat.insight.choice`.
"""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.text import readable
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.choice import choose
from prodcat.insight.empty_titles import titled_rows
from prodcat.insight.files import WrittenFile, folder_and_name, json_lines, write_form
from prodcat.insight.neighbours import labelled_neighbours
from prodcat.insight.numbers import numbers_of
from prodcat.storage.containers import path_text
from prodcat.storage.objects import Objects

__all__ = ["QueueItem", "choose", "read_queue", "review_queue", "save_queue"]

_CHUNK = 4_096
_ANSWERS = 5  # that are shown with each title


@dataclass(frozen=True)
class QueueItem:
    """A title that a person should label.

    Attributes:
        item: Number of the item in the queue, from 0.
        row: Number of the title's row in the source, from 0.
        title: The title.
        answers: The most likely categories, as mappings ``{"id", "path", "confidence"}``.
        neighbours: The most similar labelled titles, as ``{"title", "path", "likeness"}``.
        weight: The title's uncertainty, in nats, times its value.
        gain: The weight that this title represents and the titles chosen before it do not.
        columns: The values of the row's further columns, by name.
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
    """Choose the titles that a person should label next.

    Args:
        catalog: The titles to choose from; those that have a category are left out.
        classifier: The classifier whose uncertainty is used, or None if there is no classifier yet.
            Without one, all titles are equally uncertain.
        budget: The largest number of titles to choose.
        value: Name of a column of the catalog with each title's value, such as its sales, as a
            number of at least 0.  By default all titles have the same value.
        per_node: The largest number of chosen titles with the same answer; not limited by default.
        known: A catalog with labelled titles; the most similar of them are shown with each title.
        precision: The precision of the classifier's encoder; see :meth:`Classifier.predict`.

    Returns:
        The chosen titles in the order in which they were chosen, the one with the largest gain
        first.

    Raises:
        ConfigError: ``budget`` or ``per_node`` is below 1, or ``per_node`` is given without a
            classifier.
        CatalogError: ``catalog`` is none, all titles have a category, the catalog lacks the column
            ``value``, or one of its values is missing or not a number of at least 0.
    """
    _check(catalog, known, classifier, budget, per_node)
    titles = _without_category(catalog)
    worth = np.ones(len(titles)) if value is None else _values(titles, value)
    texts = titles.inputs if classifier is None else classifier.texts_of(titles)
    answers, uncertainty = _answered(classifier, texts, precision)
    weight = uncertainty * worth
    nodes = None
    if per_node is not None and classifier is not None:
        first = (classifier.taxonomy.node(paths[0]["id"]) for paths in answers)
        nodes = np.fromiter(first, np.int64, len(answers))
    chosen, gains = _choose_distinct(texts, weight, budget, nodes, per_node)
    neighbours = labelled_neighbours(known, [titles.titles[row] for row in chosen])
    return [
        QueueItem(
            item=item,
            row=int(titles.rows[row]),
            title=readable(titles.titles[row]),
            answers=answers[row],
            neighbours=[{**asdict(near), "path": list(near.path)} for near in neighbours[item]],
            weight=float(weight[row]),
            gain=float(gains[item]),
            columns=_columns(titles, row),
        )
        for item, row in enumerate(chosen)
    ]


def _check(
    catalog: Catalog,
    known: Catalog | None,
    classifier: Classifier | None,
    budget: int,
    per_node: int | None,
) -> None:
    check_catalog(catalog)
    if known is not None:
        check_catalog(known, "known")
    if classifier is None and per_node is not None:
        raise ConfigError(
            "per_node limits the number of titles with the same answer, and there is no classifier "
            "to answer them; leave per_node out, or give a classifier."
        )
    if budget < 1 or (per_node is not None and per_node < 1):
        raise ConfigError(
            f"Found budget={budget} and per_node={per_node}; expected whole numbers of at least 1."
        )


def _without_category(catalog: Catalog) -> Catalog:
    unlabelled = np.flatnonzero(~catalog.labelled)
    if not len(unlabelled):
        raise CatalogError(
            f"All titles of {catalog!r} have a category; expected at least one without a category."
        )
    return titled_rows(catalog.take(unlabelled), "the rows without a category")


def _choose_distinct(
    texts: Sequence[str],
    weight: Floats,
    budget: int,
    nodes: Ints | None,
    per_node: int | None,
) -> tuple[list[int], list[float]]:
    """Choose among titles with different texts; of equal texts, the one with the most weight."""
    order = np.lexsort((np.arange(len(texts)), -weight))
    distinct = order[np.unique(np.array(texts)[order], return_index=True)[1]]
    positions, gains = choose(
        [texts[row] for row in distinct],
        weight[distinct],
        budget,
        None if nodes is None else nodes[distinct],
        per_node,
    )
    return [int(distinct[position]) for position in positions], gains


def _columns(catalog: Catalog, row: int) -> dict[str, Any]:
    """The values of a row besides its title, by name, which are exported with its label."""
    columns = {name: values[row] for name, values in catalog.columns.items()}
    columns |= {name: values[row] for name, values in catalog.texts.items()}
    if catalog.languages is not None:
        columns["language"] = catalog.languages[row]
    return columns


def _answered(
    classifier: Classifier | None, texts: Sequence[str], precision: ReadingPrecision
) -> tuple[list[list[dict[str, Any]]], Floats]:
    """The most likely categories of each title, and float64 [titles]: the uncertainty in nats."""
    if classifier is None:
        return [[] for _ in texts], np.ones(len(texts))
    decide = classifier.decision(_ANSWERS)
    inference = classifier.inference(precision)
    tree = classifier.taxonomy
    paths = [list(path) for path in tree.paths]
    answers: list[list[dict[str, Any]]] = []
    uncertainty = np.zeros(len(texts))
    for start in range(0, len(texts), _CHUNK):
        with torch.inference_mode():
            log_probs = inference.log_probs(inference.prepare(texts[start : start + _CHUNK]))
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


def _values(catalog: Catalog, name: str) -> Floats:
    """float64 [titles]: the value of each title, from a column."""
    if name not in catalog.columns:
        raise CatalogError(
            f"The catalog has no column {name!r}; it has {sorted(catalog.columns)}. Read it with "
            f"read_catalog(..., keep=[{name!r}])."
        )
    values = numbers_of(catalog.columns[name], name)
    wrong = np.flatnonzero(~(values >= 0))
    if len(wrong):
        row = int(wrong[0])
        raise CatalogError(
            f"Column {name!r} is {catalog.columns[name][row]!r} in row "
            f"{int(catalog.rows[row]) + 1:,}; expected the value of the title as a number of at "
            "least 0."
        )
    return values


def save_queue(items: Sequence[QueueItem], uri: str | os.PathLike[str]) -> WrittenFile:
    """Write a queue as lines of JSON.

    Args:
        items: The queue.
        uri: The file, at any fsspec URI; its name ends with ``.jsonl``.

    Returns:
        The file, which a notebook shows as a link.

    Raises:
        ConfigError: The name has another extension.
        StoreError: The file cannot be written.
    """
    return write_form(uri, {"jsonl": lambda: json_lines(map(asdict, items))})


def read_queue(uri: str | os.PathLike[str]) -> list[QueueItem]:
    """Read a queue that :func:`save_queue` wrote.

    Args:
        uri: The file, at any fsspec URI.

    Returns:
        The queue.

    Raises:
        CatalogError: There is no such file, or it is not a queue.
        StoreError: The file cannot be read.
    """
    uri = path_text(uri, "uri", "the path or URI of a file", CatalogError)
    folder, name = folder_and_name(uri)
    try:
        text = Objects(folder).read(name).decode("utf-8", "replace")
    except FileNotFoundError as error:
        raise CatalogError(
            f"Found no queue at {uri!r}. Pass a file of titles to create it, or another queue."
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
                f"Line {number} of {uri!r} is not an item of a review queue ({error}); expected "
                "all lines of the file in the order in which prodcat review wrote them."
            ) from error
        items.append(item)
    return items


def _check_item(item: QueueItem, expected: int) -> None:
    if item.item != expected:
        raise ValueError(f"its number is {item.item!r}, expected {expected}")
    item.title.encode()  # fails for lone surrogates
    for answer in item.answers:
        str(answer["id"]), list(answer["path"]), _finite(answer["confidence"])
    for near in item.neighbours:
        str(near["title"]), list(near["path"]), _finite(near["likeness"])
    dict(item.columns.items())


def _finite(value: Any) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return float(value)
