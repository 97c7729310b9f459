"""Empty titles of catalogs that were read with ``on_error="accept"``: they get no category."""

import logging

import numpy as np
import pytest

import prodcat
from prodcat.testing import tiny_classifier


@pytest.fixture(scope="module")
def tiny():
    return tiny_classifier()


def catalogs(tiny):
    """A catalog with empty titles, and the same one without them."""
    paths = [tiny.taxonomy.paths[node] for node in tiny.taxonomy.outcomes.tolist()]
    rows = [
        {"title": f"{path[-1]} no {k}" if k % 4 else blank, "path": list(path), "shop": k % 2}
        for path in paths
        for k, blank in enumerate(["", None, " ", "\u200b"] * 4)
    ]
    everything = prodcat.read_catalog(
        rows, taxonomy=tiny.taxonomy, on_error="accept", keep=["shop"]
    )
    return everything, everything.take(np.array([bool(title) for title in everything.titles]))


def test_empty_titles_are_evaluated_as_they_are_answered(tiny):
    everything, titled = catalogs(tiny)
    assert len(everything) == len(titled) / 3 * 4
    answers = [tiny.taxonomy.get(best.path) if best.path else -1
               for [best] in tiny.predict(everything)]  # fmt: skip
    whole, part = tiny.evaluate(everything), tiny.evaluate(titled)
    assert whole.judged.answers.tolist() == answers and answers.count(-1) == len(titled) / 3
    assert whole.rows == len(everything)
    assert whole.answers_end_at_root == pytest.approx(0.25) and part.answers_end_at_root == 0
    assert whole.path_accuracy == pytest.approx(part.path_accuracy * 0.75)
    # What is said of answers and their confidences is said of those that are there.
    assert whole.answered_accuracy == pytest.approx(part.answered_accuracy)
    assert whole.ece == pytest.approx(part.ece) and whole.brier == pytest.approx(part.brier)
    empty = np.array(answers) == -1
    assert not whole.judged.confidence[empty].any()
    assert not whole.judged.level_confidence[empty].any()


def test_empty_titles_take_no_part_in_a_calibration_or_a_guarantee(tiny, caplog):
    everything, titled = catalogs(tiny)
    with caplog.at_level(logging.WARNING, "prodcat"):
        calibrated = tiny.calibrate(everything)
        promising = calibrated.with_guarantee(everything, group="shop")
    assert caplog.text.count("labelled titles are empty. They are left out") == 2
    expected = tiny.calibrate(titled)
    assert np.array_equal(calibrated.predict_proba(["soap"]), expected.predict_proba(["soap"]))
    wanted = expected.with_guarantee(titled, group="shop").guarantee
    assert len(promising.guarantee) == len(wanted) == len(titled)
    assert np.array_equal(promising.guarantee.scores, wanted.scores)
    assert np.array_equal(promising.guarantee.confidence, wanted.confidence)


def test_a_catalog_of_empty_titles_alone_is_refused(tiny):
    everything, _ = catalogs(tiny)
    empty = everything.take(np.array([not title for title in everything.titles]))
    for measure in (tiny.calibrate, tiny.with_guarantee):
        with pytest.raises(prodcat.CatalogError, match=r"All \d+ labelled titles are empty"):
            measure(empty)
    evaluation = tiny.evaluate(empty)
    assert evaluation.answers_end_at_root == 1 and evaluation.answered_accuracy is None
