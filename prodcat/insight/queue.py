"""What to label next: what is uncertain, worth something, and tells about many others.

Each title has a weight, its uncertainty (the entropy of all its paths) times its value.  The titles
that are chosen are those that are most like the weight of all: ``sum_i weight_i * max_{chosen j}
likeness(i, j)``, a facility location, is made as great as a budget allows.  Titles that are like
one that is chosen are worth less from then on, and a title that many uncertain ones are like is
worth much.  The greedy choice reaches at least 1 - 1/e of the best (Nemhauser, Wolsey and Fisher,
1978); it is made lazily (Minoux, 1978).
"""

import heapq
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.text import readable
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.files import folder_and_name, json_lines
from prodcat.insight.neighbours import Neighbours
from prodcat.storage.objects import Objects

_MOST = 20_000  # titles that are compared with each other
_NEAR = 24  # that each is compared with
_CHUNK = 4_096
_SHOWN = 5  # answers of each title, and labelled titles that are like it
_FEW = 3


@dataclass(frozen=True)
class QueueItem:
    """A title that a person is to look at.

    Attributes:
        item: Its number in the queue, from 0.
        row: Its number in the source.
        title: Of it.
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
        classifier: What answers; None where nothing is labelled yet, and all titles are uncertain.
        budget: Titles to choose, at most.
        value: A column that was kept, such as sales; numbers of at least 0.  All titles are worth
            the same if not given.
        per_node: At most so many that are answered with one category.
        known: Labelled titles: those that are most like it are shown with each title.
        precision: Of the classifier's encoder.

    Returns:
        The best first.

    Raises:
        ConfigError: The budget is below 1.
        CatalogError: There is nothing to choose from, or the value is missing or no number.
    """
    if classifier is None and per_node is not None:
        raise ConfigError("per_node is of answered categories; without a classifier leave it out.")
    if budget < 1 or (per_node is not None and per_node < 1):
        raise ConfigError(
            f"budget={budget} and per_node={per_node}; expected whole numbers of at least 1."
        )
    free = np.flatnonzero(~catalog.labelled)
    if not len(free):
        raise CatalogError(
            f"{catalog!r} has no title without a category; expected some to choose from."
        )
    some = catalog.take(free)
    worth = np.ones(len(some)) if value is None else _values(some, value)
    texts = some.inputs if classifier is None else classifier.texts_of(some)
    answers, uncertain = _answered(classifier, texts, precision)
    weight = uncertain * worth
    nodes = None if per_node is None or classifier is None else _first(answers, classifier)
    # Of titles that are equal one is chosen, the one that is worth most.
    order = np.lexsort((np.arange(len(texts)), -weight))
    distinct = order[np.unique(np.array(texts)[order], return_index=True)[1]]
    chosen, gains = choose(
        [texts[row] for row in distinct],
        weight[distinct],
        budget,
        None if nodes is None else nodes[distinct],
        per_node,
    )
    chosen = [int(distinct[row]) for row in chosen]
    near: list[list[dict[str, Any]]] = [[] for _ in chosen]
    if known is not None:
        near = _near(known.take(known.labelled), [some.titles[row] for row in chosen])
    return [
        QueueItem(
            item,
            int(some.rows[row]),
            readable(some.titles[row]),
            answers[row],
            neighbours,
            float(weight[row]),
            float(gain),
            _columns(some, row),
        )
        for item, (row, gain, neighbours) in enumerate(zip(chosen, gains, near, strict=True))
    ]


def _columns(catalog: Catalog, row: int) -> dict[str, Any]:
    """What a row had beside its title, so that it is still there when it is labelled."""
    found = {name: values[row] for name, values in catalog.columns.items()}
    found |= {name: values[row] for name, values in catalog.texts.items()}
    if catalog.languages is not None:
        found["language"] = catalog.languages[row]
    return found


def _answered(
    classifier: Classifier | None, texts: Sequence[str], precision: ReadingPrecision
) -> tuple[list[list[dict[str, Any]]], NDArray[np.float64]]:
    """The most likely paths of each title, and how uncertain it is: float64 [titles], in nats."""
    if classifier is None:
        return [[] for _ in texts], np.ones(len(texts))
    decide = classifier.decision(_SHOWN)
    inference = classifier.inference(classifier.pick_precision(precision))
    tree = classifier.taxonomy
    paths = [list(own) for own in tree.paths]
    found: list[list[dict[str, Any]]] = []
    uncertain = np.zeros(len(texts))
    for start in range(0, len(texts), _CHUNK):
        with torch.inference_mode():
            log_probs = inference.log_probs(inference.ready(texts[start : start + _CHUNK]))
            own = decide(log_probs, None).each(torch.Tensor.cpu)
            entropy = -(log_probs.exp() * log_probs.clamp(min=-50)).sum(dim=1)
        uncertain[start : start + len(entropy)] = entropy.clamp(min=0).cpu().numpy()
        found += [
            [
                {"id": tree.ids[node], "path": paths[node], "confidence": round(p, 6)}
                for node, p in zip(nodes, confidence, strict=True)
                if node >= 0
            ]
            for nodes, confidence in zip(own.nodes.tolist(), own.confidence.tolist(), strict=True)
        ]
    return found, uncertain


def _first(answers: list[list[dict[str, Any]]], classifier: Classifier) -> NDArray[np.int64]:
    return np.array([classifier.taxonomy.node(own[0]["id"]) for own in answers], np.int64)


def _values(catalog: Catalog, name: str) -> NDArray[np.float64]:
    if name not in catalog.columns:
        raise CatalogError(
            f"The catalog has no column {name!r}; found {sorted(catalog.columns)}. Read it with "
            f"keep=[{name!r}]."
        )
    found = np.empty(len(catalog))
    for place, own in enumerate(catalog.columns[name]):
        try:
            found[place] = float(own)
        except (TypeError, ValueError):
            found[place] = math.nan
        if not (math.isfinite(found[place]) and found[place] >= 0):
            raise CatalogError(
                f"{name} is {own!r} in row {int(catalog.rows[place])}; expected a number of at "
                "least 0, which is what a title is worth."
            )
    return found


def choose(
    texts: Sequence[str],
    weight: NDArray[np.float64],
    budget: int,
    nodes: NDArray[np.int64] | None = None,
    per_node: int | None = None,
) -> tuple[list[int], list[float]]:
    """Choose titles that are most like the weight of all.

    Args:
        texts: Of the titles.
        weight: float64 [titles]: of each.
        budget: How many to choose.
        nodes: int64 [titles]: the category of each, where these have a budget.
        per_node: It.

    Returns:
        Positions, and what each of them gained.
    """
    # Among equals by chance, not by the file's order.
    chance = np.random.default_rng(0).permutation(len(weight))
    heavy = np.lexsort((chance, -weight))[: max(_MOST, budget)]
    own = [texts[row] for row in heavy]
    places, likeness = Neighbours(own)(own, min(_NEAR, len(own)))
    reach = _reach(places, likeness, len(own))
    heavy_weight = weight[heavy]
    covered = np.zeros(len(own))

    def gain(row: int) -> float:
        rows, alike = reach[row]
        return float(heavy_weight[rows] @ np.maximum(alike - covered[rows], 0.0))

    waiting = [(-gain(row), row) for row in range(len(own))]
    heapq.heapify(waiting)
    taken: Counter[int] = Counter()
    chosen: list[int] = []
    gains: list[float] = []
    while waiting and len(chosen) < budget:
        _, row = heapq.heappop(waiting)
        node = -1 if nodes is None else int(nodes[heavy[row]])
        if per_node is not None and taken[node] >= per_node:
            continue
        now = gain(row)
        if waiting and -now > waiting[0][0]:
            heapq.heappush(waiting, (-now, row))
            continue
        rows, alike = reach[row]
        covered[rows] = np.maximum(covered[rows], alike)
        taken[node] += 1
        chosen.append(int(heavy[row]))
        gains.append(now)
    return chosen, gains


def _reach(
    places: NDArray[np.int64], likeness: NDArray[np.float32], size: int
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Of each title those that it is like, itself among them."""
    from scipy.sparse import coo_matrix

    row = np.repeat(np.arange(size), places.shape[1])
    matrix = coo_matrix((likeness.ravel(), (row, places.ravel())), (size, size)).tocsr()
    both = matrix.maximum(matrix.T).tocsr()
    both.setdiag(1.0)
    both = both.tocsr()
    return [
        (
            both.indices[both.indptr[own] : both.indptr[own + 1]].astype(np.int64),
            both.data[both.indptr[own] : both.indptr[own + 1]].astype(np.float64),
        )
        for own in range(size)
    ]


def _near(known: Catalog, titles: list[str]) -> list[list[dict[str, Any]]]:
    if not len(known) or not titles:
        return [[] for _ in titles]
    places, likeness = Neighbours(known.titles)(titles, _FEW)
    paths = known.paths
    return [
        [
            {"title": known.titles[place], "path": list(paths[place] or ()), "likeness": float(how)}
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
    found: list[QueueItem] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if number == len(lines) and not line:
            break
        try:
            own = QueueItem(**json.loads(line))
            _check_item(own, number - 1)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise CatalogError(
                f"Line {number} of {uri!r} is no item of a review queue ({error}); expected a file "
                "as prodcat review wrote it, with all its lines in their order."
            ) from error
        found.append(own)
    return found


def _check_item(own: QueueItem, place: int) -> None:
    if own.item != place:
        raise ValueError(f"it is item {own.item}, expected {place}")
    own.title.encode()  # no lone surrogates
    for answer in own.answers:
        str(answer["id"]), list(answer["path"]), float(answer["confidence"])
    for near in own.neighbours:
        str(near["title"]), list(near["path"]), float(near["likeness"])
    dict(own.columns.items())
