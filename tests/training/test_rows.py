"""Labelled rows."""

import numpy as np
import torch
from training_runs import fit, small_model, weights


def test_equal_titles_are_learned_once_with_their_weight(parts, encoder_folder):
    """Each title twice is the same training as each title once, n-grams and heads."""
    once = parts.train.take(np.arange(150))
    twice = parts.train.take(np.tile(np.arange(150), 2))
    model = small_model(encoder_folder, lexical=True, max_features=2_000)
    settings = {"validation": parts.validation, "node_names": False, "lexical_cost": 1.0}
    settings["learn_validation"] = False  # once beside titles that count twice is another training
    settings["closed_form"] = False  # it rightly trusts more titles more
    first = fit(once, encoder_folder, model=model, **settings)
    second = fit(twice, encoder_folder, model=model, **{**settings, "lexical_cost": 0.5})
    assert second.counts.sum() == 2 * first.counts.sum()
    a, b = weights(first), weights(second)
    for name in a:
        if name.startswith(("encoder.", "heads.")):
            torch.testing.assert_close(a[name], b[name], atol=2e-4, rtol=1e-3)
    assert torch.equal(a["lexical.columns"], b["lexical.columns"])
