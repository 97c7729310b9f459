"""Keyword arguments of a fit."""

import pytest
from training_runs import a_task, outcome_spans

import prodcat
from prodcat.model.ngrams import NGrams
from prodcat.training.lexical_fit import solve
from prodcat.training.loop import train


def test_an_unknown_keyword_is_refused_before_anything_is_read():
    known = (
        r"\['catalog', 'validation', 'model', 'training', 'warm_start', 'checkpoints', 'device', "
        r"'progress', 'listener'\]"
    )
    with pytest.raises(TypeError, match=rf"fit\(\) got .* 'devise'; expected some of {known}"):
        prodcat.fit(None, devise="cpu")


def test_unknown_keywords_of_the_loop_and_of_the_machines_are_refused(some, encoder_folder):
    task = a_task(some, encoder_folder, 0.0, 64, "cpu")
    parts = (task.network, task.taxonomy, task.training, task.validation, task.config)
    with pytest.raises(
        TypeError, match=r"train\(\) got .* 'begin'; expected some of .*'beginning'"
    ):
        train(*parts, begin="solve")
    _, features = NGrams.fit(["a b", "b c"], (2, 3), 100)
    with pytest.raises(
        TypeError, match=r"solve\(\) got .* 'least'; expected some of .*'negligible'"
    ):
        solve(features, outcome_spans([0, 1]), outcome_spans(range(2)), least=0.1)
