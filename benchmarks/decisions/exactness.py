"""Every objective on random ragged trees against all nodes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.reporting import Row
from tests.support import brute_force
from tests.support.strategies import taxonomies

if TYPE_CHECKING:
    from prodcat import Taxonomy

TREES = 1_000


def measure_exactness() -> Row:
    """The largest gap between the best of all nodes and the answer, for every objective."""
    rows = []
    for objective in brute_force.OBJECTIVES:
        gaps = gaps_of(objective)
        rows.append(
            {"kind": "exactness", "objective": str(objective), "trees": TREES,
             "rows": len(gaps), "largest_gap": max(gaps)}
        )  # fmt: skip
    return {"rows": rows}


def gaps_of(objective: Any) -> list[float]:
    """The gaps of all rows of a thousand trees.

    Args:
        objective: An objective, or ``"cost"`` for a random cost matrix for each tree.
    """
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    gaps: list[float] = []

    @seed(0)
    @given(tree=taxonomies(), number=st.integers(0, 9_999))
    @settings(
        max_examples=TREES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def measure(tree: "Taxonomy", number: int) -> None:
        gaps.extend(gaps_of_tree(tree, objective, number))

    measure()
    return gaps


def gaps_of_tree(tree: "Taxonomy", objective: Any, number: int) -> list[float]:
    """How far the answer's value, and the stated one, are from the best of all nodes.

    Args:
        tree: The tree.
        objective: As for :func:`gaps_of`.
        number: Of the random probabilities and costs.
    """
    from prodcat.decisions.decoding import decoder
    from prodcat.decisions.objectives import ExpectedCost, TreeDistance
    from prodcat.model.path_model import PathModel

    if objective == "cost":
        size = len(tree.outcomes)
        objective = ExpectedCost(np.random.default_rng(number).normal(size=(size, size)))
    probabilities = brute_force.random_probs(tree, number)
    answers = decoder(PathModel(tree), objective)(probabilities.log())
    sign = -1 if isinstance(objective, TreeDistance | ExpectedCost) else 1
    gaps = []
    for row, p in enumerate(probabilities.tolist()):
        nodes = brute_force.candidates(tree, objective)
        best = max(brute_force.worth(tree, objective, node, p) for node in nodes)
        worth = brute_force.worth(tree, objective, int(answers.nodes[row, 0]), p)
        value = sign * float(answers.value[row, 0])
        gaps.append(max(best - worth, abs(best - value)))
    return gaps
