"""How many of a competitor's products we have, with the matcher's mistakes."""

import csv

import numpy as np
import pytest

from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.overlap import MatchMistakes, count_overlap


def matched(products, seed=0, *, bias=0.0):
    """Probabilities, whether the product is the same one, and a category of each of five."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.3, 0.5, products)
    odds = probability / (1 - probability) * np.exp(bias)
    same = rng.random(products) < odds / (1 + odds)
    return probability, same, [f"c{number}" for number in rng.integers(0, 8, products)]


def test_right_probabilities_are_counted_as_they_say():
    probability, same, category = matched(2_000)
    overlap = count_overlap(probability, category)
    count, low, high = overlap.overall
    assert low <= same.sum() <= high and low < count < high
    assert overlap.reviewed == 0 and "No match was reviewed" in str(overlap)


def test_reviews_correct_a_matcher_that_says_too_much():
    probability, same, category = matched(3_000, bias=-1.5)
    reviews = [bool(answer) if place < 400 else None for place, answer in enumerate(same)]
    trusted = count_overlap(probability, category)
    corrected = count_overlap(probability, category, same=reviews)
    truth = same.sum()
    assert abs(corrected.overall[0] - truth) < 0.3 * abs(trusted.overall[0] - truth)
    assert corrected.overall[1] <= truth <= corrected.overall[2]
    assert corrected.reviewed == 400 and "400 reviewed products" in str(corrected)


def test_reviewed_products_are_certain():
    overlap = count_overlap([0.5] * 4, ["a", "a", "b", "b"], same=[True, False, True, True])
    assert [(row["category"], row["shared"], row["shared_low"], row["shared_high"])
            for row in overlap.rows()] == [("", 3, 3, 3), ("a", 1, 1, 1), ("b", 2, 2, 2)]  # fmt: skip


def test_intervals_widen_where_categories_are_matched_differently():
    rng = np.random.default_rng(0)
    category = rng.integers(0, 12, 1_200)
    probability = rng.uniform(0.2, 0.8, 1_200)
    alike = rng.random(1_200) < probability
    differing = rng.random(1_200) < np.where(category % 2, 0.9, 0.1)
    even, uneven = (MatchMistakes.measured(probability, each, category).dispersion
                    for each in (alike, differing))  # fmt: skip
    assert uneven > 3 * even


def test_intervals_hold_the_truth_as_often_as_they_say():
    held, most = 0, 30
    for seed in range(most):
        probability, same, category = matched(600, seed, bias=0.7)
        number = np.array([int(name[1:]) for name in category])
        mistakes = MatchMistakes.measured(probability[:300], same[:300], number[:300])
        overlap = count_overlap(probability[300:], category[300:], mistakes=mistakes)
        held += overlap.overall[1] <= same[300:].sum() <= overlap.overall[2]
    assert held >= 0.86 * most


def test_the_table_is_saved_and_shown(tmp_path):
    overlap = count_overlap([0.9, 0.1, 0.8], ["=tea", None, "=tea"])
    overlap.save(tmp_path / "overlap.csv")
    with (tmp_path / "overlap.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["category"] for row in rows] == ["", "'=tea", ""]
    assert list(overlap.to_frame()["products"]) == [3, 2, 1]
    assert "=tea" in overlap._repr_html_() and "of their 3 products" in repr(overlap)
    with pytest.raises(ConfigError, match="does not end with"):
        overlap.save(tmp_path / "overlap.txt")


@pytest.mark.parametrize(
    ("probability", "category", "same", "message"),
    [
        ([], [], None, "at least one product"),
        ([0.5], ["a", "b"], None, "1 probabilities, 2 categories"),
        ([0.5, 1.5], ["a", "b"], None, "row 2 is 1.5"),
        ([float("nan")], ["a"], None, "row 1 is nan"),
        ([0.5], ["a"], [True, False], "2 reviews"),
    ],
)
def test_what_cannot_be_counted_is_refused(probability, category, same, message):
    with pytest.raises(CatalogError, match=message):
        count_overlap(probability, category, same=same)
