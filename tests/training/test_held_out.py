"""Titles that are held out."""

import re
from dataclasses import replace

import numpy as np
from training_runs import fit

from prodcat.catalog.text import near_duplicate_key
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


def families(parts, size):
    some = parts.train.take(np.arange(size))
    return replace(some, columns={"family": tuple(row // 4 for row in range(size))})


def test_a_group_is_held_out_whole_and_stays_where_a_warm_start_had_it(parts, encoder_folder):
    """Every title of the warm start has three relatives among the new ones."""
    whole = families(parts, 400)
    first = whole.take(np.arange(0, 400, 4))
    settings = {"epochs": 0, "group": "family", "calibration": "temperature"}
    base = fit(first, encoder_folder, **settings)
    held = base.has_held(first.inputs)
    assert 5 < held.sum() < 15
    warm = fit(whole, encoder_folder, warm_start=base, **settings)
    held_now = warm.has_held(whole.inputs).reshape(100, 4)
    keys = [near_duplicate_key(title) for title in whole.titles]
    alone = np.array([keys.count(key) == 1 for key in keys]).reshape(100, 4).all(axis=1)
    assert alone.sum() > 20
    assert (held_now[alone] == held[alone, None]).all(), "relatives go where the first one went"
