"""Titles that are held out."""

import re
from dataclasses import replace

import numpy as np
from training_runs import fit

from prodcat.training.held_out import label_hashes


def test_titles_that_were_learned_are_not_validated_on(parts, encoder_folder, caplog):
    """Without a validation catalog: what was held out before, and a share of what is new."""
    some = parts.train.take(np.arange(300))
    base = fit(some, encoder_folder, epochs=0)
    learned = {row for row in base.provenance.rows.tolist()}
    again = fit(some, encoder_folder, epochs=0, warm_start=base)
    assert again is base, "the same titles are held out"
    more = parts.train.take(np.arange(380))
    warm = fit(more, encoder_folder, epochs=0, warm_start=base)
    assert learned <= set(warm.provenance.rows.tolist()), "all that was learned stays in training"
    new_rows = len(warm.provenance.rows) - len(learned)
    assert 60 < new_rows < 80, "a share of the 80 new ones is held out"
    assert warm.validation.rows == base.validation.rows + 80 - new_rows
    assert "were learned by the classifier" not in caplog.text
    fit(more, encoder_folder, epochs=0, warm_start=base, validation=some.take(np.arange(50)))
    assert re.search(r"\d+ of 50 validation titles were learned by the classifier", caplog.text)


def test_relabelled_titles_are_learned_not_validated_on(parts, encoder_folder):
    some = parts.train.take(np.arange(200))
    base = fit(some, encoder_folder, epochs=0)
    targets = some.targets.copy()
    learned = np.flatnonzero(base.knows(label_hashes(some)))[:30]
    targets[learned] = np.roll(targets[learned], 1)
    changed = replace(some, targets=targets)
    warm = fit(changed, encoder_folder, epochs=0, warm_start=base)
    assert warm.validation.rows == base.validation.rows
    assert warm.knows(label_hashes(changed)[learned]).all()
