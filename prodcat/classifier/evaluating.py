"""How good the answers for labelled titles are."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.cells import group_text
from prodcat.catalog.targets import targets_in
from prodcat.classifier.reader import Reader, Titles
from prodcat.decisions.answers import join_answers
from prodcat.decisions.decider import Decider
from prodcat.errors import CatalogError, ConfigError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.metrics import evaluate_nodes


def labelled_rows(catalog: Catalog) -> Catalog:
    """The rows that have a category.

    Raises:
        CatalogError: No row has a category.
    """
    labelled = catalog.take(catalog.labelled)
    if not len(labelled):
        raise CatalogError(f"{catalog!r} has no labelled row to judge by; expected some.")
    return labelled


def groups_of(
    decider: Decider, titles: Titles, groups: Sequence[str] | None, promised: bool
) -> list[str] | None:
    """The group of each title where the guarantee depends on a column, or None.

    Args:
        decider: The decider with the guarantee.
        titles: The titles, or a catalog that may have the column.
        groups: The group of each title, or None to take the groups from the catalog.
        promised: Whether a guarantee is asked for.

    Raises:
        CatalogError: The groups are missing, or not as many as the titles.
        ConfigError: Groups were given, and no guarantee by a column was asked for.
    """
    column = decider.group_column(promised)
    if column is None:
        if groups is not None:
            raise ConfigError(
                "groups= was given, but no guarantee by a column was asked for. Leave it "
                "out, or call with_guarantee(catalog, group=<column>) and give guarantee= "
                "or max_error=."
            )
        return None
    if isinstance(groups, str):
        raise CatalogError("Found one text; expected a list with the group of each title.")
    if groups is not None:
        if len(groups) != len(titles):
            raise CatalogError(
                f"Found {len(groups)} groups for {len(titles)} titles; expected one each."
            )
        return [group_text(group) for group in groups]
    if not isinstance(titles, Catalog):
        raise CatalogError(
            f"The guarantee is by {column!r}; expected the group of each title. Give "
            "groups=, or a catalog that was read with keep=[...]."
        )
    return titles.column(column)


def evaluate(
    reader: Reader, decider: Decider, catalog: Catalog, counts: NDArray[np.int64]
) -> Evaluation:
    """Compare the answers for the labelled rows of a catalog with their categories.

    Args:
        reader: The reader of the classifier.
        decider: The decider of the classifier, with its options.
        catalog: Titles with their categories.
        counts: int64 [nodes]: the number of training titles labelled with each node.

    Raises:
        CatalogError: No row is labelled, or a label is not in the tree.
        ConfigError: The groups do not go with the guarantee.
    """
    options = decider.options
    labelled = labelled_rows(catalog)
    every_group = groups_of(decider, catalog, options.groups, options.promises)
    groups = None
    if every_group is not None:
        groups = [every_group[row] for row in np.flatnonzero(catalog.labelled)]
    targets = targets_in(labelled, decider.taxonomy)
    chunks = reader.log_probs(reader.texts(labelled), options.precision, options.promises)
    parts, log_likelihoods = [], []
    done = 0
    for log_probs in chunks:
        rows = slice(done, done + len(log_probs))
        done = rows.stop
        chunk_targets = torch.from_numpy(targets[rows]).to(log_probs.device)
        log_likelihoods.append(decider.paths.target_log_probs(log_probs, chunk_targets))
        parts.append(decider(log_probs, None if groups is None else groups[rows]))

    answers = join_answers(parts)
    return evaluate_nodes(
        decider.taxonomy,
        targets,
        answers.nodes[:, 0].cpu().numpy(),
        answers.confidence[:, 0].cpu().numpy(),
        torch.cat(log_likelihoods).cpu().numpy(),
        level_confidence=answers.level_confidence[:, 0].cpu().numpy(),
        exact=answers.exact,
        counts=counts,
    )
