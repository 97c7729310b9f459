"""Measure how good the answers for labelled titles are."""

import logging
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.catalog.cells import group_text
from prodcat.catalog.targets import targets_in
from prodcat.catalog.text import is_blank
from prodcat.classifier.reader import Reader
from prodcat.classifier.titles import empty_titles
from prodcat.decisions.answers import join_answers
from prodcat.decisions.decider import Decider
from prodcat.errors import CatalogError, ConfigError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.judged_rows import ROOT
from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.storage.containers import described, ordered_values

logger = logging.getLogger("prodcat")


def labelled_rows(catalog: Catalog) -> Catalog:
    """The rows that have a category.

    Raises:
        CatalogError: It is no catalog, or no row has a category.
    """
    check_catalog(catalog)
    labelled = catalog.take(catalog.labelled)
    if not len(labelled):
        raise CatalogError(
            f"None of the {len(catalog):,} titles has a category of the tree {catalog.tree!r}; "
            "expected titles with categories."
        )
    return labelled


def titled_rows(catalog: Catalog) -> Catalog:
    """The rows that have a category and a title, on which probabilities can be measured.

    Rows whose title is empty, which ``on_error="accept"`` keeps, are answered with no category
    whatever the probabilities are; they are left out, which is told in the log.

    Raises:
        CatalogError: It is no catalog, or no row has a category and a title.
    """
    labelled = labelled_rows(catalog)
    has_title = np.array([not is_blank(title) for title in labelled.titles], np.bool_)
    if has_title.all():
        return labelled
    if not has_title.any():
        raise CatalogError(
            f"All {len(labelled):,} labelled titles are empty; expected titles with categories."
        )
    logger.warning(
        "%d of %d labelled titles are empty. They are left out, as an empty title is answered with "
        "no category.",
        int((~has_title).sum()),
        len(labelled),
    )
    return labelled.take(has_title)


def groups_of(
    decider: Decider, titles: list[str] | Catalog, groups: Sequence[str] | None, promised: bool
) -> list[str] | None:
    """The group of each title, for a guarantee with groups by a column.

    Args:
        decider: The decider with the guarantee.
        titles: The titles, or a catalog, from whose column the groups can be taken.
        groups: The group of each title, or None to take them from the catalog.
        promised: Whether the answers are to have a guarantee.

    Returns:
        The group of each title; None if no guarantee with groups by a column is asked for.

    Raises:
        CatalogError: The groups are missing, or their number differs from that of the titles.
        ConfigError: Groups are given, but no guarantee with groups by a column is asked for.
    """
    column = decider.group_column(promised)
    if column is None:
        if groups is not None:
            raise ConfigError(
                "groups= was given, but no guarantee by a column was asked for. Leave groups= "
                "out, or call with_guarantee(catalog, group=<column>) and give guarantee= "
                "or max_error=."
            )
        return None
    if groups is not None:
        values = ordered_values(groups)
        if values is None:
            raise CatalogError(
                f"groups= is {described(groups)}; expected a list with the group of each title."
            )
        names = [group_text(group) for group in values]
        if len(names) != len(titles):
            raise CatalogError(
                f"Found {len(names)} groups for {len(titles)} titles; expected one each."
            )
        return names
    if not isinstance(titles, Catalog):
        raise CatalogError(
            f"The guarantee is by {column!r}; expected the group of each title. Give "
            "groups=, a table with this column, or a catalog that was read with keep=[...]."
        )
    return titles.column(column)


def evaluate(
    reader: Reader, decider: Decider, catalog: Catalog, counts: NDArray[np.int64]
) -> Evaluation:
    """Compare the answers for the labelled rows of a catalog with their categories.

    A row whose title is empty counts as one that is answered with no category.

    Args:
        reader: The reader of the classifier.
        decider: The decider of the classifier, with the options of the answers.
        catalog: Titles with their categories.
        counts: int64 [nodes]: number of training titles labelled with each node.

    Returns:
        The metrics of the answers.

    Raises:
        CatalogError: No row is labelled, a label is not in the tree, or the groups of the titles
            are missing.
        ConfigError: The precision is not available, or groups are given without a guarantee by
            groups.
    """
    options = decider.options
    labelled = labelled_rows(catalog)
    every_group = groups_of(decider, catalog, options.groups, options.promises)
    groups = None
    if every_group is not None:
        groups = [every_group[row] for row in np.flatnonzero(catalog.labelled)]
    targets = targets_in(labelled, decider.taxonomy)
    texts = reader.texts(labelled)
    chunks = reader.log_probs(texts, options.precision, options.promises, options.applied_cascade)
    empty = empty_titles(texts)
    evaluation = evaluate_log_probs(decider, chunks, targets, counts, groups, empty)
    return evaluation.with_columns(labelled.row_columns())


def evaluate_log_probs(
    decider: Decider,
    chunks: Iterable[Tensor],
    targets: NDArray[np.int64],
    counts: NDArray[np.int64],
    groups: Sequence[str] | None = None,
    empty: Sequence[int] = (),
) -> Evaluation:
    """Compare the answers for titles whose log-probabilities are known with their categories.

    Args:
        decider: The decider of the classifier, with the options of the answers.
        chunks: float [chunk, outcome] each: the calibrated log-probabilities, in order.
        targets: int64 [titles]: the node of each label.
        counts: int64 [nodes]: number of training titles labelled with each node.
        groups: The group of each title, if the guarantee is by groups.
        empty: The positions of titles that are empty: their answer is no category.

    Returns:
        The metrics of the answers.
    """
    parts, log_likelihoods = [], []
    done = 0
    for log_probs in chunks:
        rows = slice(done, done + len(log_probs))
        done = rows.stop
        chunk_targets = torch.from_numpy(targets[rows]).to(log_probs.device)
        log_likelihoods.append(decider.paths.target_log_probs(log_probs, chunk_targets))
        parts.append(decider(log_probs, None if groups is None else groups[rows]))

    answers = join_answers(parts)
    nodes, confidence, level_confidence = (
        values[:, 0].cpu().numpy().copy()
        for values in (answers.nodes, answers.confidence, answers.level_confidence)
    )
    rows_without = list(empty)
    nodes[rows_without], confidence[rows_without], level_confidence[rows_without] = ROOT, 0.0, 0.0
    return evaluate_nodes(
        decider.taxonomy,
        targets,
        nodes,
        confidence,
        torch.cat(log_likelihoods).cpu().numpy(),
        level_confidence=level_confidence,
        exact=answers.exact,
        counts=counts,
    )
