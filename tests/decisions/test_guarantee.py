"""Guarantees: the thresholds that calibration titles allow, and answers of a fitted classifier."""

import dataclasses
import logging

import numpy as np
import pytest
import torch

import prodcat
from prodcat import ArtifactError, CatalogError, ConfigError
from prodcat.decisions.conformal import conformal_threshold
from prodcat.decisions.guarantee import POOLED, Guarantee, pooled_groups
from prodcat.decisions.objectives import ExpectedCost, HierarchicalF, TreeDistance
from prodcat.taxonomy.tree import Taxonomy

TREE = Taxonomy.from_paths([("A",), ("A", "X"), ("A", "Y"), ("B", "Z")])


def guarantee(scores, right=None, confidence=None, groups=None, **extra):
    scores = np.asarray(scores, float)
    groups = ["" for _ in scores] if groups is None else groups
    group_names = np.array(groups, dtype=object)
    places, names, pooled = pooled_groups(group_names, extra.pop("pool_below", 0))
    return Guarantee(
        tree_hash=TREE.hash,
        date="2026-01-31T00:00:00+00:00",
        objective=prodcat.decisions.objectives.MostLikelyPath(),
        scores=scores,
        confidence=np.ones(len(scores)) if confidence is None else np.asarray(confidence),
        right=scores == 0 if right is None else np.asarray(right),
        group_by="country" if len(names) > 1 else None,
        groups=places,
        names=names,
        pooled=pooled,
        **extra,
    )


@pytest.mark.parametrize(
    ("n", "alpha", "rank"),
    [(19, 0.05, 19), (20, 0.05, 20), (99, 0.1, 90), (100, 0.1, 91), (9, 0.1, 9)],
)
def test_the_threshold_is_the_order_statistic_with_the_correction(n, alpha, rank):
    """ceil((n + 1)(1 - alpha)), not the plain quantile; and right in spite of rounding."""
    scores = np.random.default_rng(0).permutation(np.arange(1, n + 1) / (n + 1))
    assert conformal_threshold(scores, 1 - alpha) == rank / (n + 1)
    assert guarantee(scores).node_thresholds(1 - alpha) == {"": rank / (n + 1)}


def test_a_group_too_small_for_the_promise_is_refused():
    measurement = guarantee(np.linspace(0, 1, 40), groups=["tr"] * 22 + ["de"] * 18)
    assert sorted(measurement.node_thresholds(0.94)) == ["de", "tr"]
    with pytest.raises(
        ConfigError,
        match=r"guarantee=0.95 needs at least 19 calibration titles in each group; found de: 18. "
        "Give more titles, pool small groups",
    ):
        measurement.node_thresholds(0.95)
    with pytest.raises(
        ConfigError, match=r"guarantee=0.95 needs at least 19 calibration titles; found 18"
    ):
        guarantee(np.zeros(18)).node_thresholds(0.95)
    assert guarantee(np.zeros(19)).node_thresholds(0.95) == {"": 0.0}


def test_each_group_has_a_threshold_and_small_groups_share_one():
    scores = np.concatenate(
        [np.full(30, 0.1), np.full(30, 0.7), np.full(10, 0.4), np.full(10, 0.6)]
    )
    names = ["tr"] * 30 + ["de"] * 30 + ["it"] * 10 + ["fr"] * 10
    measurement = guarantee(scores, groups=names, pool_below=20)
    thresholds = measurement.node_thresholds(0.9)
    assert thresholds == {"tr": 0.1, "de": 0.7, POOLED: 0.6}
    assert measurement.sizes == {POOLED: 20, "de": 30, "tr": 30}
    assert measurement.lookup(["de", "it", "fr"], thresholds).tolist() == [0.7, 0.6, 0.6]
    with pytest.raises(ConfigError, match="'es'"):  # never seen, so nothing speaks for it
        measurement.lookup(["es"], thresholds)
    assert guarantee(scores, groups=names, pool_below=30).sizes[POOLED] == 20  # 30 are enough
    alone = guarantee(scores[:60], groups=names[:60])
    with pytest.raises(ConfigError, match=r"1 groups by country had no calibration titles, .*'es'"):
        alone.lookup(["de", "es"], alone.node_thresholds(0.9))


@pytest.mark.parametrize("share", [0, 1, 1.5, True, "0.9"])
def test_a_promise_is_a_share(share):
    with pytest.raises(ConfigError, match="is out of range; expected a share between 0 and 1"):
        guarantee(np.zeros(50)).node_thresholds(share)
    with pytest.raises(ConfigError, match="max_error=.* expected a share"):
        guarantee(np.zeros(50)).confidence_thresholds(share)
    with pytest.raises(ConfigError, match="certainty=.* expected a share"):
        guarantee(np.zeros(50)).confidence_thresholds(0.1, share)


def test_what_the_titles_do_not_show_is_not_promised():
    measurement = guarantee(np.zeros(200), right=np.arange(200) % 2 == 0)
    with pytest.raises(
        ConfigError, match=r"max_error=0.1 with certainty 0.95 cannot be promised: "
    ):
        measurement.confidence_thresholds(0.1)
    with pytest.raises(
        ConfigError, match="max_error=0.01 needs at least 299 calibration titles; found 200"
    ):
        measurement.confidence_thresholds(0.01)
    by_group = guarantee(
        np.zeros(400), right=np.arange(400) >= 200, groups=["de"] * 200 + ["tr"] * 200
    )
    with pytest.raises(ConfigError, match="cannot be promised for de: "):
        by_group.confidence_thresholds(0.1)


@pytest.fixture(scope="module")
def measured(classifier, parts):
    return classifier.with_guarantee(parts.test)


def test_the_promise_holds_on_the_titles_it_was_measured_on(classifier, measured, parts):
    plain = classifier.predict(parts.test)
    for share in (0.8, 0.9, 0.97):
        answers = measured.predict(parts.test, guarantee=share)
        covered = [
            truth[: len(answer.path)] == answer.path
            for truth, (answer,) in zip(parts.test.paths, answers, strict=True)
        ]
        assert np.mean(covered) >= share
        for (coarse,), (whole,) in zip(answers, plain, strict=True):
            assert whole.path[: len(coarse.path)] == coarse.path
            assert coarse.confidence == (coarse.level_confidences or (1.0,))[-1]
        evaluation = measured.evaluate(parts.test, guarantee=share)
        assert evaluation.coverage == pytest.approx(np.mean(covered))
        ends = [level.answers_end for level in evaluation.levels]
        assert sum(ends) + evaluation.answers_end_at_root == pytest.approx(1)
    finer = [len(a.path) for (a,) in measured.predict(parts.test, guarantee=0.8)]
    coarser = [len(a.path) for (a,) in measured.predict(parts.test, guarantee=0.97)]
    assert sum(finer) > sum(coarser)


def test_an_error_that_may_not_be_exceeded(measured, parts):
    answers = [answer for (answer,) in measured.predict(parts.test, max_error=0.2)]
    answered = [a for a in answers if a.path]
    wrong = [a.path != truth for a, truth in zip(answers, parts.test.paths, strict=True) if a.path]
    assert len(answered) > 0 and np.mean(wrong) <= 0.2
    for answer in answers:
        if not answer.path:
            assert (answer.confidence, answer.node_id, str(answer)) == (
                1.0,
                "",
                "(no category) (1.00)",
            )
    evaluation = measured.evaluate(parts.test, max_error=0.2)
    assert evaluation.answered_accuracy == pytest.approx(1 - np.mean(wrong))
    assert evaluation.answers_end_at_root == pytest.approx(1 - len(answered) / len(answers))


def test_whole_paths_are_promised_and_judged_on_a_ragged_tree():
    """A terminal inner node covers what lies below it, but is not the whole path of it."""
    words = {"tea": ("Tea",), "green tea": ("Tea", "Green"), "milk": ("Milk",)}
    rng = np.random.default_rng(0)

    def drawn(rows):
        table = []
        for row in range(rows):
            name = list(words)[rng.integers(3)]
            # Half of the green teas are only called tea.
            title = "tea" if name == "green tea" and rng.random() < 0.5 else name
            table.append({"title": f"{title} {row}", "path": list(words[name])})
        return table

    train = prodcat.read_catalog(drawn(300))
    validation, calibration, test = (
        prodcat.read_catalog(drawn(400), taxonomy=train.tree) for _ in range(3)
    )
    fitted = prodcat.fit(
        train, validation=validation, model=prodcat.ModelConfig(encoder=None), progress=False
    )
    guaranteed = fitted.with_guarantee(calibration)
    answers = guaranteed.predict(test, max_error=0.3)
    pairs = [(a.path, t) for (a,), t in zip(answers, test.paths, strict=True) if a.path]
    share = np.mean([answer == truth for answer, truth in pairs])
    covered = np.mean([truth[: len(answer)] == answer for answer, truth in pairs])
    result = guaranteed.evaluate(test, max_error=0.3)
    assert result.answered_accuracy == pytest.approx(share) and share < covered - 0.05
    # What was wrong among the calibration titles is known exactly.
    truth = calibration.paths
    plain = fitted.predict(calibration)
    assert guaranteed.guarantee.right.tolist() == [
        answer.path == path for (answer,), path in zip(plain, truth, strict=True)
    ]


def test_coarse_objectives_promise_the_truth_or_an_ancestor(classifier, parts):
    guaranteed = classifier.with_guarantee(parts.test, objective="tree_distance")
    plain = [a.path for (a,) in classifier.predict(parts.test, objective="tree_distance")]
    assert guaranteed.guarantee.right.tolist() == [
        truth[: len(path)] == path for path, truth in zip(plain, parts.test.paths, strict=True)
    ]
    rooted = [not path for path in plain]
    assert (guaranteed.guarantee.confidence < 0).tolist() == rooted
    answers = [a.path for (a,) in guaranteed.predict(parts.test, max_error=0.3)]
    assert all(path in ((), whole) for path, whole in zip(answers, plain, strict=True))


@pytest.mark.parametrize("objective", ["hierarchical_f1", "tree_distance", HierarchicalF(0.5)])
def test_any_objective_can_be_climbed_from(classifier, parts, objective):
    guaranteed = classifier.with_guarantee(parts.test, objective=objective)
    plain = classifier.predict(parts.test, objective=objective)
    climbed = guaranteed.predict(parts.test, guarantee=0.9)
    assert guaranteed.evaluate(parts.test, guarantee=0.9).coverage >= 0.9
    for (coarse,), (whole,) in zip(climbed, plain, strict=True):
        assert whole.path[: len(coarse.path)] == coarse.path
    with pytest.raises(ConfigError, match="was measured with .* not with MostLikelyPath"):
        guaranteed.predict(parts.test, guarantee=0.9, objective="path")


def test_each_department_and_each_group_of_a_column_has_its_guarantee(classifier, parts):
    by_department = classifier.with_guarantee(parts.test, by_department=True, pool_below=9)
    measurement = by_department.guarantee
    assert sum(measurement.sizes.values()) == len(parts.test) and len(measurement.names) > 2
    answers = by_department.predict(parts.test, guarantee=0.9)
    plain = classifier.predict(parts.test)
    thresholds = measurement.node_thresholds(0.9)
    for (answer,), (whole,) in zip(answers, plain, strict=True):
        department = classifier.taxonomy.ids[classifier.taxonomy.find(whole.path[:1])]
        limit = thresholds.get(department, thresholds.get(POOLED))
        kept = sum(level > limit for level in whole.level_confidences)
        assert answer.path == whole.path[:kept]

    countries = [("tr", "de")[row % 2] for row in range(len(parts.test))]
    columns = {**parts.test.columns, "country": tuple(countries)}
    catalog = dataclasses.replace(parts.test, columns=columns)
    by_country = classifier.with_guarantee(catalog, group="country")
    assert sorted(by_country.guarantee.sizes) == ["de", "tr"]
    from_catalog = by_country.predict(catalog, guarantee=0.9)
    assert from_catalog == by_country.predict(list(catalog.titles), guarantee=0.9, groups=countries)
    assert by_country.evaluate(catalog, guarantee=0.9).coverage >= 0.9
    for call, error, message in [
        (
            lambda: by_country.predict(["a"], guarantee=0.9),
            CatalogError,
            "expected the group of each",
        ),
        (
            lambda: by_country.predict(["a"], guarantee=0.9, groups=["tr", "de"]),
            CatalogError,
            "Found 2 groups for 1 titles",
        ),
        (
            lambda: by_country.predict(["a"], guarantee=0.9, groups=["it"]),
            ConfigError,
            r"1 groups by country had no calibration titles, e.g. \['it'\]",
        ),
        (
            lambda: by_country.predict(parts.test, guarantee=0.9),
            CatalogError,
            "no column 'country'",
        ),
        (lambda: classifier.predict(["a"], groups=["tr"]), ConfigError, "no guarantee by a column"),
        (
            lambda: classifier.with_guarantee(catalog, group="land"),
            CatalogError,
            "no column 'land'",
        ),
        (
            lambda: classifier.with_guarantee(catalog, group="country", by_department=True),
            ConfigError,
            "two ways to tell groups",
        ),
        (
            lambda: classifier.with_guarantee(catalog, objective=ExpectedCost(np.zeros((2, 2)))),
            ConfigError,
            "cannot be kept for a cost matrix",
        ),
        (
            lambda: classifier.with_guarantee(catalog, pool_below=-1),
            ConfigError,
            "pool_below=-1 is out of range",
        ),
    ]:
        with pytest.raises(error, match=message):
            call()


def test_the_root_belongs_to_no_department(parts, encoder_folder):
    """Least tree distance may answer the root, which is never wrong."""
    flat = prodcat.fit(
        parts.train,
        model=prodcat.ModelConfig(encoder=None),
        training=prodcat.TrainingConfig(lexical_cost=1e-5),
        progress=False,
    )
    blunt = flat.uncalibrated().with_guarantee(
        parts.test, by_department=True, pool_below=20, objective="tree_distance"
    )
    answers = flat.uncalibrated().predict(parts.test, objective="tree_distance")
    rooted = sum(not a.path for (a,) in answers)
    assert rooted > 0
    assert len(blunt.guarantee) == len(parts.test) - rooted
    stopped = blunt.predict(parts.test, guarantee=0.8)
    for (plain,), (coarse,) in zip(answers, stopped, strict=True):
        assert plain.path[: len(coarse.path)] == coarse.path


def test_a_guarantee_is_saved_with_size_date_and_tree(measured, parts, tmp_path):
    import json

    measured.save(str(tmp_path / "model"))
    again = prodcat.load(str(tmp_path / "model"))
    titles = list(parts.test.titles)
    assert again.predict(titles, guarantee=0.9) == measured.predict(titles, guarantee=0.9)
    assert again.predict(titles, max_error=0.2) == measured.predict(titles, max_error=0.2)
    stored = json.loads((tmp_path / "model" / "guarantee.json").read_text())
    assert stored["rows"] == len(parts.test) == len(again.guarantee)
    assert stored["tree_hash"] == measured.taxonomy.hash
    assert stored["date"] == measured.guarantee.date and stored["date"].endswith("+00:00")
    assert str(len(parts.test)) in repr(again.guarantee)


def test_another_tree_refuses_the_guarantee(measured, parts):
    names = [f"{name}!" for name in measured.taxonomy.names]
    other = dataclasses.replace(measured.taxonomy, names=tuple(names))
    decider = dataclasses.replace(measured.decider, taxonomy=other)
    moved = dataclasses.replace(measured, decider=decider)
    with pytest.raises(
        ArtifactError, match="was measured on the tree .* this classifier has the tree"
    ):
        moved.predict(["a"], guarantee=0.9)


def test_settings_that_do_not_go_together(classifier, measured):
    for call, message in [
        (lambda: classifier.predict(["a"], guarantee=0.9), "guarantee= needs calibration titles"),
        (lambda: classifier.predict(["a"], max_error=0.1), "max_error= needs calibration titles"),
        (lambda: measured.predict(["a"], guarantee=0.9, max_error=0.1), "exclude each other"),
        (
            lambda: measured.predict(["a"], 2, guarantee=0.9),
            "top_k=2 is not allowed with guarantee=",
        ),
        (
            lambda: measured.predict(["a"], 2, objective="tree_distance"),
            "top_k=2 needs objective='path'",
        ),
        (lambda: measured.predict(["a"], objective="depth"), "objective='depth' is not supported"),
    ]:
        with pytest.raises(ConfigError, match=message):
            call()


def test_titles_that_training_saw_are_told(classifier, parts, caplog):
    with caplog.at_level(logging.WARNING, "prodcat"):
        classifier.with_guarantee(parts.test)
        assert not caplog.records
        classifier.with_guarantee(parts.train)
    seen = len(parts.train)
    assert f"{seen} of {seen} calibration titles were used before in training" in caplog.text


def test_partial_labels_and_missing_groups_are_told(classifier, parts):
    shortened = [
        {"title": title, "path": list(path[:-1]), "country": ["tr", None][row % 2]}
        for row, (title, path) in enumerate(zip(parts.test.titles, parts.test.paths, strict=True))
    ]
    catalog = prodcat.read_catalog(shortened, taxonomy=parts.train.tree, keep=["country"])
    rows = len(catalog)
    with pytest.warns(UserWarning, match=f"{rows} of {rows} calibration labels are partial"):
        guaranteed = classifier.with_guarantee(catalog, group="country")
    assert guaranteed.guarantee.sizes == {"": rows // 2, "tr": rows - rows // 2}
    with pytest.raises(ConfigError, match=r"needs at least 99 .*; found \(no value\): "):
        guaranteed.predict(catalog, guarantee=0.99)


def test_groups_stay_with_their_rows_if_other_rows_have_no_label(classifier, parts):
    countries = [["tr", "de"][row % 2] for row in range(len(parts.test))]
    columns = {**parts.test.columns, "country": tuple(countries)}
    whole = dataclasses.replace(parts.test, columns=columns)
    guaranteed = classifier.with_guarantee(whole, group="country")
    targets = whole.targets.copy()
    targets[::3] = -1
    partly_labelled = dataclasses.replace(whole, targets=targets)
    kept = whole.take(targets >= 0)
    assert guaranteed.evaluate(partly_labelled, guarantee=0.9) == guaranteed.evaluate(
        kept, guarantee=0.9
    )
    again = classifier.with_guarantee(partly_labelled, group="country").guarantee
    assert again.sizes == classifier.with_guarantee(kept, group="country").guarantee.sizes


def test_one_value_of_a_group_reads_the_same_from_any_table(classifier, parts):
    def named(values):
        columns = {**parts.test.columns, "shop": tuple(values)}
        return dataclasses.replace(parts.test, columns=columns)

    rows = len(parts.test)
    numbers = named([1.0, float("nan")] * (rows // 2) + [1.0] * (rows % 2))
    guaranteed = classifier.with_guarantee(numbers, group="shop")
    assert sorted(guaranteed.guarantee.sizes) == ["", "1"]
    texts = named(["1", ""] * (rows // 2) + ["1"] * (rows % 2))
    assert guaranteed.predict(texts, guarantee=0.9) == guaranteed.predict(numbers, guarantee=0.9)
    listed = guaranteed.predict(["a", "b"], guarantee=0.9, groups=[1, None])
    assert len(listed) == 2
    with pytest.raises(
        CatalogError,
        match="groups= is one text, 'ab'; expected a list with the group of each title",
    ):
        guaranteed.predict(["a", "b"], guarantee=0.9, groups="ab")


def test_titles_of_unknown_categories_are_told(classifier, parts, caplog):
    table = [
        {"title": title, "path": list(path)}
        for title, path in zip(parts.test.titles, parts.test.paths, strict=True)
    ]
    table.append({"title": "something new", "path": ["Never", "Seen"]})
    with caplog.at_level(logging.WARNING, "prodcat"):
        classifier.with_guarantee(
            prodcat.read_catalog(table, taxonomy=parts.train.tree, on_error="aside")
        )
    assert "1 titles of the source have categories that the tree lacks" in caplog.text


def test_a_new_calibration_drops_the_guarantee(measured, parts, caplog):
    again = measured.calibrate(parts.test)
    assert again.guarantee is None and measured.guarantee is not None
    assert not torch.equal(again.weights.levels, measured.weights.levels)
    assert again.validation is None and measured.validation is not None
    assert again.calibrate(parts.test, "levels").training.calibration == "levels"
    assert not np.array_equal(again.provenance.reference, measured.provenance.reference)
    with caplog.at_level(logging.WARNING, "prodcat"):
        again.with_guarantee(parts.test)
    assert f"{len(parts.test)} of {len(parts.test)} calibration titles were used" in caplog.text
    with pytest.raises(ConfigError, match="method='platt' is not known"):
        measured.calibrate(parts.test, "platt")
    neutral = measured.uncalibrated()
    assert neutral.weights.evidence.tolist() == [1, 1] and neutral.guarantee is None
    assert neutral.evaluate(parts.test).log_loss > again.evaluate(parts.test).log_loss


def test_objectives_of_a_guarantee_survive_json():
    for objective in (HierarchicalF(2.0, count_root=True), TreeDistance(only_outcomes=True)):
        measurement = dataclasses.replace(guarantee(np.zeros(20)), objective=objective)
        again = Guarantee.from_parts(measurement.to_dict(), measurement.arrays())
        assert again.objective == objective and again.sizes == measurement.sizes


def test_a_guarantee_tells_in_python_what_it_buys():
    confidence = np.linspace(0, 1, 400)
    measurement = guarantee(np.zeros(400), right=confidence > 0.3, confidence=confidence)
    promises = measurement.promises()
    assert [promise.max_error for promise in promises] == [0.02, 0.05, 0.1]
    for promise in promises:
        threshold = measurement.confidence_thresholds(promise.max_error)[""]
        assert promise.answered == np.mean(confidence >= threshold) and not promise.reason
    assert 0.5 < promises[0].answered <= promises[1].answered <= promises[2].answered < 0.8
    [strict] = measurement.promises([0.001])
    assert strict.answered is None and "needs at least" in strict.reason
    frame = measurement.to_frame()
    assert list(frame.columns) == ["max_error", "answered", "reason"]
    assert frame["answered"].tolist() == [promise.answered for promise in promises]
    page = measurement._repr_html_()
    assert "<b>Guarantee</b> 400 titles" in page and "what it buys" in page
    assert f">{promises[1].answered:.1%}<" in page
    with pytest.raises(ConfigError, match="max_error=5 is out of range"):
        measurement.promises([5])


def test_the_reason_for_no_promise_is_told_where_people_look():
    few = guarantee(np.zeros(20))
    assert [promise.answered for promise in few.promises()] == [None, None, None]
    assert "needs at least" in few._repr_html_() and "needs at least" in few.promises()[0].reason
    wrong = guarantee(np.ones(400), right=np.zeros(400, bool))
    assert "too many answers are wrong" in wrong._repr_html_()
