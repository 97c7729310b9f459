import numpy as np
import pytest
from answered import TREE

from prodcat.errors import CatalogError
from prodcat.evaluation.metrics import evaluate_nodes


def test_nothing_to_judge_is_refused():
    with pytest.raises(CatalogError, match="Got 0 targets and 1 answers"):
        evaluate_nodes(TREE, np.zeros(0, int), np.zeros(1, int))


@pytest.mark.parametrize(
    ("targets", "answers", "extra", "message"),
    [
        ([0, -1], [0, 0], {}, "Got targets from -1 to 0; expected nodes from 0 to 7"),
        ([0, 1], [0, -3], {}, "Got answers from -3 to 0; expected nodes from -2 to 7"),
        ([0, 1], [0, 99], {}, "Got answers from 0 to 99"),
        ([0, 1], [0, 1], {"confidence": np.ones(3)}, r"confidence of shape \(3,\)"),
        ([0, 1], [0, 1], {"confidence": np.array([1, np.nan])}, "confidence of shape"),
        (
            [0, 1],
            [0, 1],
            {"level_confidence": np.ones((2, 9))},
            r"expected numbers of shape \(2, 3\)",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(targets, answers, extra, message):
    assert len(TREE) == 8
    with pytest.raises(CatalogError, match=message):
        evaluate_nodes(TREE, np.array(targets), np.array(answers), **extra)
