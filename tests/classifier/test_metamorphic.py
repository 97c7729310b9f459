"""What must not change when the question is put another way; peers fail most of these."""

import numpy as np
import pytest

import prodcat
from prodcat import ModelConfig, Taxonomy, TrainingConfig
from prodcat.decisions.objectives import ExpectedCost, HierarchicalF

OBJECTIVES = ["path", "hierarchical_f1", "tree_distance", HierarchicalF(2.0, count_root=True)]


@pytest.fixture(scope="module")
def titles(parts):
    return list(parts.test.titles)[:60]


@pytest.fixture(scope="module")
def promised(classifier, parts):
    # Other titles than those answered: a title's own score may be the threshold itself.
    return classifier.with_guarantee(parts.validation, by_department=True, pool_below=20)


def paths(predictions):
    return [[answer.path for answer in answers] for answers in predictions]


def confidences(predictions):
    return np.array([answers[0].confidence for answers in predictions])


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
def test_batches_and_order_change_nothing(classifier, titles, objective):
    together = classifier.predict(titles, objective=objective)
    alone = [classifier.predict([title], objective=objective)[0] for title in titles]
    assert paths(alone) == paths(together)
    np.testing.assert_allclose(confidences(alone), confidences(together), atol=1e-5)
    order = np.random.default_rng(0).permutation(len(titles))
    shuffled = classifier.predict([titles[i] for i in order], objective=objective)
    assert paths(shuffled) == [paths(together)[i] for i in order]
    np.testing.assert_allclose(confidences(shuffled), confidences(together)[order], atol=1e-5)


@pytest.mark.parametrize("promise", [{"guarantee": 0.9}, {"max_error": 0.3}])
def test_batches_and_order_change_no_promise(promised, titles, promise):
    together = promised.predict(titles, **promise)
    alone = [promised.predict([title], **promise)[0] for title in titles]
    assert paths(alone) == paths(together)
    backwards = promised.predict(titles[::-1], **promise)
    assert paths(backwards) == paths(together)[::-1]


def test_other_rows_in_the_batch_do_not_matter(classifier, titles):
    """Where a peer masks by what the batch predicts, each row's answer hangs on the others."""
    first = classifier.predict_proba(titles[:10])
    among_others = classifier.predict_proba(titles[:10] + titles[30:])[:10]
    np.testing.assert_allclose(first, among_others, atol=1e-5)


def test_the_most_likely_path_is_the_argmax_of_the_probabilities(classifier, titles):
    probs = classifier.predict_proba(titles)
    best = [classifier.outcomes[place] for place in probs.argmax(axis=1)]
    answers = classifier.predict(titles)
    assert [answer.path for (answer,) in answers] == best
    np.testing.assert_allclose(confidences(answers), probs.max(axis=1), atol=1e-6)
    ranked = classifier.predict(titles, top_k=5)
    for row, five in zip(probs, ranked, strict=True):
        np.testing.assert_allclose([a.confidence for a in five], np.sort(row)[::-1][:5], atol=1e-6)


def test_zero_one_cost_is_the_most_likely_path(classifier, titles):
    size = len(classifier.outcomes)
    plain = classifier.predict(titles)
    assert paths(classifier.predict(titles, objective=ExpectedCost(1 - np.eye(size)))) == paths(
        plain
    )


def test_probabilities_sum_and_confidence_never_rises(classifier, titles):
    probs, nodes = classifier.predict_proba(titles), classifier.node_probabilities(titles)
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-5)
    tree = classifier.taxonomy
    for node in range(len(tree)):
        if tree.children(node):
            below = nodes[:, list(tree.children(node))].sum(axis=1)
            own = probs[:, tree.outcomes == node].sum(axis=1)
            np.testing.assert_allclose(below + own, nodes[:, node], atol=1e-6)
    for objective in OBJECTIVES:
        for (answer,) in classifier.predict(titles, objective=objective):
            levels = answer.level_confidences
            assert list(levels) == sorted(levels, reverse=True) and len(levels) == len(answer.path)


def test_one_name_under_two_parents_stays_two_categories():
    """Baby > Food against Pet > Food: told apart by path, and no overlap in the metrics."""
    rows = [("baby porridge", "Baby", "Food"), ("baby cup", "Baby", "Care")]
    rows += [("dog biscuit", "Pet", "Food"), ("dog brush", "Pet", "Care")]
    table = [{"title": f"{t} {i}", "path": f"{a} > {b}"} for i in range(12) for t, a, b in rows]
    catalog = prodcat.read_catalog(table)
    fitted = prodcat.fit(
        catalog, validation=catalog, model=ModelConfig(encoder=None), progress=False
    )
    answers = fitted.predict(["baby porridge", "dog biscuit"])
    assert paths(answers) == [[("Baby", "Food")], [("Pet", "Food")]]
    assert answers[0][0].node_id != answers[1][0].node_id
    swapped = prodcat.read_catalog(
        [{"title": "baby porridge", "path": "Pet > Food"}], taxonomy=catalog.tree
    )
    evaluation = fitted.evaluate(swapped)
    assert evaluation.hierarchical_f1 == evaluation.macro_hierarchical_f1 == 0
    assert evaluation.tree_distance == 4


def test_short_paths_have_a_probability_and_are_answered():
    """A product may end at an inner node; peers give such paths the probability 0."""
    table = [
        {"title": f"{title} {number}", "path": path}
        for number in range(12)
        for title, path in [
            ("gift card", "Home"),
            ("led bulb", "Home > Light > Led"),
            ("oil lamp", "Home > Light"),
            ("tea", "Food > Drinks > Tea"),
        ]
    ]
    catalog = prodcat.read_catalog(table)
    fitted = prodcat.fit(
        catalog,
        validation=catalog,
        model=ModelConfig(encoder=None),
        training=TrainingConfig(node_names=False),
        progress=False,
    )
    for title, path in [("gift card", ("Home",)), ("oil lamp", ("Home", "Light"))]:
        (answer,) = fitted.predict([title])[0]
        assert answer.path == path and answer.confidence > 0.5
    probs = fitted.predict_proba(["led bulb"])[0]
    assert probs.min() > 0 and len(probs) == 4
    assert fitted.evaluate(catalog).path_accuracy == 1


def test_partial_labels_go_through_every_step(parts, encoder_folder):
    """Training, calibration, guarantee and metrics with labels that stop early."""
    rng = np.random.default_rng(0)

    def shortened(catalog):
        return [
            {"title": title, "path": list(path[: len(path) - int(rng.random() < 0.3)])}
            for title, path in zip(catalog.titles, catalog.paths, strict=True)
        ]

    tree = Taxonomy.from_table(parts.train.tree.to_table())
    train, validation, test = (
        prodcat.read_catalog(shortened(part), taxonomy=tree)
        for part in (parts.train, parts.validation, parts.test)
    )
    partial = ~tree.terminal[test.targets]
    assert 0.1 < partial.mean() < 0.5
    with pytest.warns(UserWarning, match="are partial and end there"):
        fitted = prodcat.fit(
            train,
            validation=validation,
            model=ModelConfig(encoder=str(encoder_folder), belief_width=8),
            training=TrainingConfig(epochs=1, precision="float32"),
            device="cpu",
            progress=False,
        )
    with pytest.warns(UserWarning, match="calibration labels are partial"):
        fitted = fitted.calibrate(validation, "levels").with_guarantee(test)
    evaluation = fitted.evaluate(test, guarantee=0.8)
    assert evaluation.coverage >= 0.8
    plain = fitted.evaluate(test)
    for row, (answer,) in enumerate(fitted.predict(list(test.titles))):
        truth = tree.paths[test.targets[row]]
        depth = len(truth) if partial[row] else None
        assert plain.correct[row] == (answer.path[:depth] == truth)
    for objective in OBJECTIVES:
        assert fitted.evaluate(test, objective=objective).inconsistent == 0
