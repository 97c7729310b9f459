"""Labels that end above the outcomes teach every level that they name."""

import numpy as np
import pytest

import prodcat
from prodcat.demo.quick_commerce import generate

NGRAMS = prodcat.ModelConfig(encoder=None)


def learn(catalog):
    training = prodcat.TrainingConfig(baseline=False)
    return prodcat.fit(catalog, model=NGRAMS, training=training, progress=False)


@pytest.fixture(scope="module")
def mixed(rows):
    """Titles of which three for each leaf have their whole label, and the others its first name."""
    seen, whole, records = {}, [], []
    for row in rows:
        seen[row.path] = seen.get(row.path, 0) + 1
        whole.append(seen[row.path] <= 3)
        path = list(row.path) if whole[-1] else [row.path[0]]
        records.append({"title": row.title, "path": path})
    tree = prodcat.Taxonomy.from_paths(row.path for row in rows)
    fresh = [row for row in generate(800, "tr", seed=1)
             if row.path in seen]  # fmt: skip
    to_judge = [{"title": row.title, "path": list(row.path)} for row in fresh]
    return (
        prodcat.read_catalog(records, taxonomy=tree, inner="partial"),
        np.array(whole),
        prodcat.read_catalog(to_judge, taxonomy=tree),
    )


def test_partial_labels_teach_the_levels_that_they_name(mixed):
    catalog, whole, fresh = mixed
    alone = learn(catalog.take(whole)).evaluate(fresh)
    both = learn(catalog)
    assert both.counts.sum() == len(catalog)
    evaluation = both.evaluate(fresh)
    assert evaluation.levels[0].accuracy > alone.levels[0].accuracy + 0.03
    assert evaluation.path_accuracy > alone.path_accuracy


def test_partial_labels_alone_are_worth_as_much_as_a_model_of_their_level(mixed):
    catalog, _, fresh = mixed
    top = prodcat.Taxonomy.from_paths({path[:1] for path in catalog.tree.paths})
    records = [{"title": title, "path": list(path[:1])}
               for title, path in zip(catalog.titles, catalog.paths, strict=True)]  # fmt: skip
    answers = learn(prodcat.read_catalog(records, taxonomy=top)).predict(fresh.titles)
    expected = np.mean([
        best.path[0] == path[0] for [best], path in zip(answers, fresh.paths, strict=True)
    ])  # fmt: skip
    found = learn(catalog).evaluate(fresh).levels[0].accuracy
    assert found > expected - 0.02 > 0.7
