"""The answers of a classifier to many titles, summed up in cells of similar answers."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError
from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.empty_titles import titled_rows

logger = logging.getLogger("prodcat")

EDGES = (0.6, 0.8, 0.9, 0.97, 0.995)  # probabilities of a department that separate its cells
CELLS = len(EDGES) + 1  # number of cells of each department
TINY = 1e-6  # smaller sums of probabilities count as 0
_CHUNK = 4_096


@dataclass(frozen=True, eq=False)
class Evidence:
    """The answers to a set of titles, summed up by cell.

    A cell contains the titles with the same answered department whose department has about the same
    probability.

    Attributes:
        sizes: int64 [cells]: number of titles in each cell.
        sums: float64 [cells, nodes]: sums of the titles' probabilities.
        squares: float64 [cells, nodes]: sums of the squared probabilities, each divided by the
            probability of the node's department.
        answers: int64 [titles]: the answered node of each title.
        cells: int64 [titles]: the cell of each title.
        tops: float64 [departments, cells]: sums of the titles' probabilities of each department.
        each: float32 [titles, departments]: the probabilities of the departments for each title;
            empty if they were not kept.
        confidence: float32 [titles]: the probability of the answered node of each title.
    """

    sizes: Ints
    sums: Floats
    squares: Floats
    answers: Ints
    cells: Ints
    tops: Floats
    each: NDArray[np.float32]
    confidence: NDArray[np.float32]


def gather(
    classifier: Classifier,
    catalog: Catalog,
    *,
    precision: ReadingPrecision = "auto",
    keep_each: bool = False,
) -> Evidence:
    """Classify all titles of a catalog and sum up the answers.

    Args:
        classifier: The classifier.
        catalog: The titles.
        precision: The precision of its encoder; see :meth:`Classifier.predict`.
        keep_each: Whether to keep the probabilities of the departments for each title.

    Returns:
        The answers, summed up by cell.

    Raises:
        CatalogError: ``catalog`` is none.
    """
    check_catalog(catalog)
    from scipy.sparse import csr_matrix

    tree = classifier.taxonomy
    tops = np.array(tree.children(), np.int64)
    department = tree.chains[:, 0]
    cells = len(tops) * CELLS
    sizes = np.zeros(cells, np.int64)
    sums, squares = np.zeros((cells, len(tree))), np.zeros((cells, len(tree)))
    each: list[NDArray[np.float32]] = [np.zeros((0, len(tops)), np.float32)]
    answers, cell_of = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    confidence_of = [np.zeros(0, np.float32)]
    for best, nodes in node_probabilities(classifier, catalog, precision):
        at_tops = nodes[:, tops]
        confidence_of.append(nodes[np.arange(len(nodes)), best])
        confidence = np.searchsorted(EDGES, at_tops.max(axis=1), "right")
        cell = at_tops.argmax(axis=1) * CELLS + confidence
        rows = len(nodes)
        into = csr_matrix((np.ones(rows, np.float32), (cell, np.arange(rows))), (cells, rows))
        sizes += np.bincount(cell, minlength=cells)
        sums += into @ nodes
        nodes *= nodes / np.maximum(nodes[:, department], TINY)
        squares += into @ nodes
        answers.append(best)
        cell_of.append(cell.astype(np.int64))
        if keep_each:
            each.append(at_tops)
    return Evidence(
        sizes=sizes,
        sums=sums,
        squares=squares,
        answers=np.concatenate(answers),
        cells=np.concatenate(cell_of),
        tops=sums[:, tops].T,
        each=np.concatenate(each),
        confidence=np.concatenate(confidence_of),
    )


def node_probabilities(
    classifier: Classifier,
    titles: Catalog | Sequence[str],
    precision: ReadingPrecision = "auto",
) -> Iterator[tuple[Ints, NDArray[np.float32]]]:
    """Compute the answers to titles and the probabilities of all nodes.

    Args:
        classifier: The classifier.
        titles: A catalog, or the texts that ``classifier.texts_of`` returns for it.
        precision: The precision of its encoder; see :meth:`Classifier.predict`.

    Yields:
        For at most 4,096 titles at a time, in their order: int64 [titles], the answered nodes; and
        float32 [titles, nodes], the probabilities of all nodes.
    """
    texts = classifier.texts_of(titles) if isinstance(titles, Catalog) else titles
    paths = classifier.decider.paths
    inference = classifier.inference(precision)
    outcomes = classifier.taxonomy.outcomes
    for start in range(0, len(texts), _CHUNK):
        with torch.inference_mode():
            log_probs = inference.log_probs(inference.prepare(texts[start : start + _CHUNK]))
            nodes = paths.node_probs(log_probs.exp()).float().cpu().numpy()
            best = log_probs.argmax(dim=1).cpu().numpy()
        yield outcomes[best], nodes


def judged_rows(classifier: Classifier, labelled: Catalog) -> Catalog:
    """Select the labelled rows of a catalog, to measure a classifier's mistakes on them.

    Args:
        classifier: The classifier; a warning is logged if it was trained on some of the rows.
        labelled: Titles of which some or all have a label.

    Returns:
        The rows that have a label and a title.

    Raises:
        CatalogError: It is no catalog, or no row is labelled or has a title.
    """
    check_catalog(labelled, "labelled")
    judged = labelled.take(labelled.labelled)
    if not len(judged):
        raise CatalogError(
            f"{labelled!r} has no labelled row; expected titles with categories that the "
            "classifier was not trained on, to measure its mistakes on."
        )
    judged = titled_rows(judged, "the labelled rows")
    seen = int(classifier.has_seen(classifier.texts_of(judged)).sum())
    if seen:
        logger.warning(
            "%s of the %s labelled titles were used in the classifier's training, validation or "
            "calibration. It makes fewer mistakes on these, so its mistakes are underestimated. "
            "Pass labelled titles that the classifier has not seen.",
            f"{seen:,}",
            f"{len(judged):,}",
        )
    return judged
