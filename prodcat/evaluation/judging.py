"""Labels and answers, checked and paired row by row."""

from typing import Any

import numpy as np

from prodcat.errors import CatalogError
from prodcat.evaluation.judged_rows import NO_PATH, JudgedRows, Nodes
from prodcat.taxonomy.tree import Taxonomy


def pair_answers(
    taxonomy: Taxonomy,
    targets: Nodes,
    answers: Nodes,
    *,
    confidence: Any = None,
    level_confidence: Any = None,
    target_log_probs: Any = None,
    exact: bool = True,
    counts: Nodes | None = None,
) -> JudgedRows:
    """Check labels and answers, and pair them row by row.

    The arguments are those of :func:`prodcat.evaluation.metrics.evaluate_nodes`.

    Raises:
        CatalogError: There are no rows, the lengths differ, or a node is not in the tree.
    """
    if not len(targets) or len(targets) != len(answers):
        raise CatalogError(
            f"Found {len(targets)} targets and {len(answers)} answers; expected the same number, "
            "at least one."
        )
    targets, answers = np.asarray(targets), np.asarray(answers)
    _refuse_strange_nodes(taxonomy, targets, answers)
    rows = (len(targets),)
    _refuse_misshapen("confidence", confidence, rows)
    _refuse_misshapen("target_log_probs", target_log_probs, rows)
    _refuse_misshapen("level_confidence", level_confidence, (*rows, taxonomy.depth))
    # The last two rows are those of ROOT (-1) and NO_PATH (-2).
    chains = np.concatenate([taxonomy.chains, np.full((2, taxonomy.depth), -1, np.int64)])
    truth, answer = chains[targets], chains[answers].copy()
    # A partial label does not determine the levels below it.
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
    )


def _refuse_strange_nodes(taxonomy: Taxonomy, targets: Nodes, answers: Nodes) -> None:
    """Raise an error for nodes that are not in the tree."""
    for name, nodes, least in (("targets", targets, 0), ("answers", answers, NO_PATH)):
        if nodes.min() < least or nodes.max() >= len(taxonomy):
            raise CatalogError(
                f"Found {name} from {nodes.min()} to {nodes.max()}; expected nodes from {least} to "
                f"{len(taxonomy) - 1}, the last of this tree."
            )


def _refuse_misshapen(name: str, values: Any, shape: tuple[int, ...]) -> None:
    """Raise an error for values of another shape, or with NaN among them."""
    if values is not None and (np.shape(values) != shape or np.isnan(values).any()):
        raise CatalogError(
            f"Found {name} of shape {np.shape(values)}; expected numbers of shape {shape}."
        )


def _floats(values: Any) -> Any:
    return None if values is None else np.asarray(values, np.float64)
