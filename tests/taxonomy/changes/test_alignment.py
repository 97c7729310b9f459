"""Trees with simulated changes: most of these are found, and the confidence says which."""

import numpy as np
import pytest

from prodcat import Taxonomy
from prodcat.taxonomy.changes.alignment import softmax
from prodcat.taxonomy.changes.features import FEATURES
from prodcat.taxonomy.changes.weights import WEIGHTS
from prodcat.taxonomy.changes.words import stems_of, texts_of


@pytest.fixture
def simulated(monkeypatch):
    from pathlib import Path

    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))
    from benchmarks.trees import measure, simulate

    return measure, simulate


def large_tree(seed=0):
    rng = np.random.default_rng(seed)
    syllables = [f"{a}{b}" for a in "bdfgklmnprst" for b in "aeiou"]
    words = ["".join(rng.choice(syllables, 3)).capitalize() for _ in range(400)]
    paths = []
    for _ in range(8):
        top = str(rng.choice(words))
        for _ in range(6):
            middle = " ".join(rng.choice(words, 2))
            paths += [(top, middle, " ".join(rng.choice(words, 2))) for _ in range(10)]
    return Taxonomy.from_paths(paths)


def test_simulated_changes_are_found_better_than_by_a_rule(simulated):
    measure, simulate = simulated
    rows = []
    for seed in range(3):
        changed = measure._without_ids(simulate.change(large_tree(seed), seed))
        nodes = [node for node, kind in enumerate(changed.kinds) if kind != "same"]
        changes = changed.old.diff(changed.new)
        targets = [right or {-1} for right in changed.targets]
        rows.append(measure.judged(changes, changed.old, changed.new, targets, nodes))
    total = {key: sum(row[key] for row in rows) for key in rows[0] if key != "bins"}
    assert total["changed right"] > 0.75 * total["changed"] > 1.2 * total["rule right"]
    assert total["all right"] > 0.97 * total["all"]
    assert total["sure right"] >= 0.93 * total["sure"] > 0.25 * total["changed"]


def test_all_features_have_a_weight():
    assert len(set(FEATURES)) == len(FEATURES) == len(WEIGHTS)


def test_chances_of_each_group_add_up_to_one():
    chances = softmax(np.array([1.0, 1000.0, 2.0, 2.0, -5.0]), np.array([0, 2, 4]), [2, 2, 1])
    assert chances.tolist() == [0.0, 1.0, 0.5, 0.5, 1.0]


def test_endings_are_those_of_the_trees():
    words = ["hund", "hunde", "brot", "brote", "heft", "hefte", "stern", "tier"]
    stems = stems_of(words)
    assert stems["hunde"] == "hund" and stems["stern"] == "stern"


def test_own_words_are_not_those_of_the_parents():
    tree = Taxonomy.from_paths(["Cat > Cat beds", "Cat > Cat"])
    specific = texts_of(tree, tree).old.specific
    assert specific.sum(axis=1).ravel().tolist() == [[1.0, 1.0, 1.0]]
