"""What decides a training."""

import numpy as np
from training_runs import fit, run

import prodcat
from prodcat.catalog.fingerprint import fingerprint, row_hashes


def test_where_nothing_changed_nothing_is_trained(last, some, parts, encoder_folder, caplog):
    shuffled = some.take(np.random.default_rng(0).permutation(len(some)))
    with caplog.at_level("INFO", "prodcat"):
        again = fit(shuffled, encoder_folder, validation=parts.validation, warm_start=last)
    assert again is last and "nothing is trained" in caplog.text
    other = fit(some, encoder_folder, validation=parts.validation, warm_start=last, seed=1)
    assert other is not last, "other settings are a change"


def test_more_of_an_equal_title_is_a_change(last, some, parts, encoder_folder):
    more = some.take(np.concatenate([np.arange(200), [0, 0, 0]]))
    warm = fit(more, encoder_folder, validation=parts.validation, warm_start=last)
    assert warm is not last


def test_fingerprints_tell_what_changed():
    hashes = row_hashes(["a", "b", "c"], ["x", "x", "y"])
    assert len(set(hashes.tolist())) == 3
    assert row_hashes(["a"], ["y"])[0] != hashes[0] and row_hashes(["a"], ["x"])[0] == hashes[0]
    turned = hashes[::-1].copy()
    assert fingerprint([hashes], {"s": 1}, ordered=False) == fingerprint(
        [turned], {"s": 1}, ordered=False
    )
    assert fingerprint([hashes], {}, ordered=True) != fingerprint([turned], {}, ordered=True)
    assert fingerprint([hashes], {"s": 1}, ordered=False) != fingerprint(
        [hashes], {"s": 2}, ordered=False
    )


def test_a_scheduled_job_without_news_ends_and_says_so(command, tmp_path):
    first = command(tmp_path / "model")
    run(first)
    before = (tmp_path / "model" / "manifest.json").read_bytes()
    warm = ("--warm-start", str(tmp_path / "model"))
    done = run([*first, *warm])
    assert "nothing was trained" in done.stdout
    assert (tmp_path / "model" / "manifest.json").read_bytes() == before
    done = run(command(tmp_path / "copy", *warm))
    assert "nothing was trained" in done.stdout and "saved to" in done.stdout
    assert prodcat.load(str(tmp_path / "copy"), device="cpu").fingerprint
