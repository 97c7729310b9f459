"""Titles that show nothing are empty titles, in catalogs, answers and trainings."""

import logging
import sys
import unicodedata

import numpy as np
import pytest
from blank_titles import BLANK, VISIBLE

import prodcat
from prodcat.catalog.text import is_blank
from prodcat.testing import tiny_classifier

FILLERS = "\u115f\u1160\u3164\uffa0\u2800\U0001d159"  # by category letters and symbols


@pytest.fixture(scope="module")
def tiny():
    return tiny_classifier()


def test_a_blank_text_shows_nothing():
    assert all(map(is_blank, BLANK.values()))
    assert not any(map(is_blank, VISIBLE.values()))


def test_no_letter_of_unicode_is_blank():
    for letter in map(chr, range(sys.maxunicode + 1)):
        category = unicodedata.category(letter)
        if category[0] in "LNPS" and letter not in FILLERS:
            assert not is_blank(letter), hex(ord(letter))
        if category in ("Zs", "Zl", "Zp", "Cc"):
            assert is_blank(letter), hex(ord(letter))


@pytest.mark.parametrize("name", BLANK)
def test_a_title_that_shows_nothing_is_an_empty_title(name):
    rows = [{"title": "milk"}, {"title": BLANK[name]}]
    report = prodcat.read_catalog(rows, path=None, on_error="aside").report
    assert [(problem.row, problem.reason) for problem in report.problems] == [(1, "empty title")]
    assert prodcat.read_catalog(rows, path=None, on_error="accept").titles == ("milk", "")
    with pytest.raises(prodcat.CatalogError, match="empty title: 1"):
        prodcat.read_catalog(rows, path=None)


@pytest.mark.parametrize("name", VISIBLE)
def test_a_title_that_shows_something_is_a_title(name, tiny):
    assert prodcat.read_catalog([VISIBLE[name]]).titles == (VISIBLE[name],)
    assert tiny.predict([VISIBLE[name]])[0][0].confidence > 0


def test_empty_titles_have_no_category_and_the_log_tells(tiny, caplog):
    titles = ["bread", *BLANK.values(), None, float("nan"), "soap"]
    expected = [[best] for [best] in tiny.predict(["bread", "soap"])]
    with caplog.at_level(logging.WARNING, logger="prodcat"):
        first, *empty, last = tiny.predict(titles, top_k=1)
    assert [first, last] == expected
    for [best] in empty:
        assert best == prodcat.Prediction((), 0.0, (), "") and str(best) == "(no category) (0.00)"
    assert f"{len(BLANK) + 2} of {len(titles)} titles are empty, such as row 2;" in caplog.text
    catalog = prodcat.read_catalog(titles, on_error="accept")
    assert tiny.predict(catalog) == tiny.predict(titles)


def test_empty_titles_have_the_same_probabilities(tiny):
    probabilities = tiny.predict_proba([*BLANK.values(), None])
    assert np.array_equal(probabilities, np.repeat(probabilities[:1], len(BLANK) + 1, axis=0))


def test_empty_titles_are_not_learned(caplog):
    rows = [{"title": f"{word} {k}", "path": word} for k in range(30) for word in ("Milk", "Soap")]
    blank = [{"title": title, "path": "Soap"} for title in BLANK.values()]
    accepted = prodcat.read_catalog([*rows, *blank], on_error="accept")
    settings = {"model": prodcat.ModelConfig(encoder=None), "progress": False}
    with caplog.at_level(logging.WARNING, logger="prodcat"):
        fitted = prodcat.fit(accepted, **settings)
    assert f"{len(BLANK)} of {len(accepted)} titles with a category are empty" in caplog.text
    clean = prodcat.fit(prodcat.read_catalog(rows), **settings)
    assert fitted.fingerprint == clean.fingerprint
    assert fitted.counts.sum() == len(rows)
    held = prodcat.fit(prodcat.read_catalog(rows), validation=accepted, **settings)
    assert held.validation.rows == len(rows)


def test_a_further_text_that_shows_nothing_is_none():
    catalog = prodcat.read_catalog({"title": ["a"] * len(BLANK), "b": [*BLANK.values()]},
                                   path=None, text=["b"])  # fmt: skip
    assert set(catalog.texts["b"]) == {""}
