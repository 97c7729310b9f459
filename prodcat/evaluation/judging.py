"""Checks labels and answers, and pairs them row by row."""

from typing import Any

import numpy as np

from prodcat.errors import CatalogError
from prodcat.evaluation.judged_rows import NO_PATH, JudgedRows
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.tree import Taxonomy


def pair_answers(
    taxonomy: Taxonomy,
    targets: Ints,
    answers: Ints,
    *,
    confidence: Any = None,
    level_confidence: Any = None,
    target_log_probs: Any = None,
    exact: bool = True,
    counts: Ints | None = None,
) -> JudgedRows:
    """Check labels and answers, and pair them row by row.

    The arguments are those of :func:`prodcat.evaluation.metrics.evaluate_nodes`.

    Raises:
        CatalogError: There are no rows, shapes do not match, numbers are NaN, or a node is not in
            the tree.
    """
    if not len(targets) or len(targets) != len(answers):
        raise CatalogError(
            f"Got {len(targets)} targets and {len(answers)} answers; expected the same number, "
            "at least one."
        )
    targets, answers = np.asarray(targets), np.asarray(answers)
    _refuse_strange_nodes(taxonomy, targets, answers)
    rows = (len(targets),)
    _refuse_misshapen("confidence", confidence, rows)
    _refuse_misshapen("target_log_probs", target_log_probs, rows)
    _refuse_misshapen("level_confidence", level_confidence, (*rows, taxonomy.depth))
    # The last two rows are the paths of NO_PATH (-2) and ROOT (-1), which have no nodes.
    chains = np.concatenate([taxonomy.chains, np.full((2, taxonomy.depth), -1, np.int64)])
    truth, answer = chains[targets], chains[answers].copy()
    # A partial label does not determine the levels below it, so answers are cut off there.
    partial = ~taxonomy.terminal[targets]
    beyond = partial[:, None] & (truth < 0)
    answer[beyond] = -1

    return JudgedRows(
        targets=np.asarray(targets),
        answers=np.asarray(answers),
        truth=truth,
        answer=answer,
        known=~beyond,
        partial=partial,
        confidence=_floats(confidence),
        level_confidence=_floats(level_confidence),
        log_probs=_floats(target_log_probs),
        exact=exact,
        support=None if counts is None else np.asarray(counts)[targets],
        tree_hash=taxonomy.hash,
        taxonomy=taxonomy,
    )


def _refuse_strange_nodes(taxonomy: Taxonomy, targets: Ints, answers: Ints) -> None:
    """Check that all nodes are in the tree.

    Raises:
        CatalogError: A target is no node, or an answer is neither a node nor -1 or -2.
    """
    for name, nodes, least in (("targets", targets, 0), ("answers", answers, NO_PATH)):
        if nodes.min() < least or nodes.max() >= len(taxonomy):
            raise CatalogError(
                f"Got {name} from {nodes.min()} to {nodes.max()}; expected nodes from {least} to "
                f"{len(taxonomy) - 1}, the last node of this tree."
            )


def _refuse_misshapen(name: str, values: Any, shape: tuple[int, ...]) -> None:
    """Check the shape of values, unless they are None.

    Raises:
        CatalogError: The shape is another one, or a value is NaN.
    """
    if values is not None and (np.shape(values) != shape or np.isnan(values).any()):
        raise CatalogError(
            f"Got {name} of shape {np.shape(values)}; expected numbers of shape {shape}, none of "
            "them NaN."
        )


def _floats(values: Any) -> Any:
    return None if values is None else np.asarray(values, np.float64)
