"""What to label next."""

import dataclasses

import numpy as np
import pytest

import prodcat
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.queue import read_queue, review_queue, save_queue


def test_a_queue_is_uncertain_worth_something_and_diverse(free, small, parts):
    items = review_queue(free, small, 30, value="sales", per_node=4, known=parts.train)
    assert len(items) == 30 and [own.item for own in items] == list(range(30))
    assert all(own.columns["sales"] > 0 for own in items)
    answers = [own.answers[0]["id"] for own in items]
    assert max(answers.count(own) for own in answers) <= 4
    confidence = {own.row: own.answers[0]["confidence"] for own in items}
    all_of = [own[0].confidence for own in small.predict(free)]
    assert np.mean(list(confidence.values())) < np.mean(all_of)
    for own in items[:5]:
        assert own.title == free.titles[list(free.rows).index(own.row)]
        probabilities = small.predict_proba([own.title])[0]
        entropy = -(probabilities * np.log(np.maximum(probabilities, 1e-20))).sum()
        assert own.weight == pytest.approx(own.columns["sales"] * entropy, rel=1e-3)
        assert len(own.answers) == 5 and len(own.neighbours) == 3
        likeness = [near["likeness"] for near in own.neighbours]
        assert likeness == sorted(likeness, reverse=True) and likeness[-1] > 0
        assert likeness[0] <= 1.0001
        labelled = set(zip(parts.train.titles, parts.train.paths, strict=True))
        assert {(near["title"], tuple(near["path"])) for near in own.neighbours} <= labelled
    assert len({own.title for own in items}) == 30
    # Before anything is labelled.
    first = review_queue(free, None, 10, value="sales")
    assert all(own.answers == [] and own.weight == own.columns["sales"] for own in first)


def test_what_cannot_be_chosen_from_is_refused(free, small, parts):
    with pytest.raises(ConfigError, match="at least 1"):
        review_queue(free, small, 0)
    with pytest.raises(CatalogError, match="All titles of .* have a category"):
        review_queue(parts.test, small, 5)
    with pytest.raises(CatalogError, match="no column 'margin'"):
        review_queue(free, small, 5, value="margin")
    wrong = dataclasses.replace(free, columns={"sales": tuple("x" for _ in free.titles)})
    with pytest.raises(CatalogError, match="Column 'sales' is 'x' in row"):
        review_queue(wrong, small, 5, value="sales")


def test_a_queue_is_read_as_it_was_written(items, tmp_path):
    place = str(tmp_path / "queue.jsonl")
    save_queue(items, place)
    assert read_queue(place) == items
    with pytest.raises(ConfigError, match=r"does not end with \.jsonl"):
        save_queue(items, str(tmp_path / "queue.csv"))
    (tmp_path / "queue.jsonl").write_text('{"title": "a"}\n')
    with pytest.raises(CatalogError, match="Line 1 of"):
        read_queue(place)
    with pytest.raises(CatalogError, match="Found no queue at"):
        read_queue(str(tmp_path / "nothing.jsonl"))
    odd = [dataclasses.replace(items[0], title="a\u2028b\x85c")]
    save_queue(odd, place)
    assert read_queue(place) == odd
    # A line that is gone would put labels on other titles.
    save_queue(items, place)
    lines = (tmp_path / "queue.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "queue.jsonl").write_text("".join(lines[:2] + lines[3:]))
    with pytest.raises(CatalogError, match="Line 3 of .*its number is 3, expected 2"):
        read_queue(place)


def test_equal_titles_are_chosen_once(small):
    titles = ["süt 1 l"] * 5 + ["muz", "ekmek"]
    catalog = prodcat.read_catalog({"title": titles}, path=None)
    assert sorted(own.title for own in review_queue(catalog, None, 7)) == [
        "ekmek",
        "muz",
        "süt 1 l",
    ]
    with pytest.raises(ConfigError, match="no classifier to answer them"):
        review_queue(catalog, None, 7, per_node=1)
