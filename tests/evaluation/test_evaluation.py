import json

import numpy as np
from answered import evaluate_paths

from prodcat.evaluation.evaluation import Evaluation


def test_an_evaluation_prints_and_goes_to_json_and_back():
    result = evaluate_paths(
        (("Baby", "Food"), ("Baby", "Care")),
        confidence=np.array([0.5]),
        target_log_probs=np.array([-1.0]),
    )
    assert "path accuracy" in str(result) and "log loss" in str(result) and "ECE" in str(result)
    assert "<table>" in result._repr_html_() and "Baby &gt; Care" in result._repr_html_()
    values = json.loads(result.to_json())
    assert Evaluation.from_dict(values) == result
