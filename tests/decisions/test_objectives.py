"""Objectives: their checks and their names."""

import numpy as np
import pytest

from prodcat.decisions.objectives import (
    ExpectedCost,
    HierarchicalF,
    pick_objective,
)
from prodcat.errors import ConfigError


def test_a_wrong_objective_says_what_was_expected():
    with pytest.raises(
        ConfigError, match=r"objective='f2' is not supported; expected one of \['path'"
    ):
        pick_objective("f2")
    with pytest.raises(ConfigError, match="beta=0 is out of range"):
        HierarchicalF(beta=0)
    with pytest.raises(ConfigError, match="beta='1' is out of range"):
        HierarchicalF(beta="1")
    with pytest.raises(ConfigError, match="does not consist of numbers"):
        ExpectedCost([["a", "b"], ["c", "d"]])
    with pytest.raises(ConfigError, match=r"shape \(2, 3\); expected finite numbers in a square"):
        ExpectedCost(np.zeros((2, 3)))
    with pytest.raises(ConfigError, match="entries that are not finite"):
        ExpectedCost(np.full((2, 2), np.inf))
