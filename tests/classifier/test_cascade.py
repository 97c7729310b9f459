"""The cascade: n-grams alone answer easy titles, and the encoder reads the others."""

import json
import math
from dataclasses import replace

import hostile
import numpy as np
import pytest
import torch
from training_runs import SETTINGS

import prodcat
from prodcat import AnswerOptions, ArtifactError, ConfigError, ModelConfig, TrainingConfig
from prodcat.decisions.cascade import MOST_BOUND, MOST_LOST, Cascade, choose_cascade
from prodcat.decisions.weights import Weights
from prodcat.scoring.scorer import RowScorer
from prodcat.serving.query import Query
from prodcat.serving.served import Served

EASY, HARD = ["milk", "bread", "brick", "doll"], "abcdefgh"


def table(rows, seed):
    """Half of the titles name their category; the others are letters that say nothing."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(rows):
        kind = int(rng.integers(4))
        word = EASY[kind] if rng.random() < 0.5 else "".join(rng.choice(list(HARD), 3))
        title = f"{word} {''.join(rng.choice(list('klmnop'), 5))}"
        made.append({"title": title, "path": [["Food", "Toys"][kind // 2], EASY[kind]]})
    return made


@pytest.fixture(scope="module")
def fitted(encoder_folder):
    return prodcat.fit(
        prodcat.read_catalog(table(600, 0)),
        validation=prodcat.read_catalog(table(900, 1)),
        model=ModelConfig(encoder=str(encoder_folder), belief_width=0),
        training=TrainingConfig(baseline=False, **{**SETTINGS, "epochs": 0}),
        progress=False,
        device="cpu",
    )


@pytest.fixture(scope="module")
def asked():
    return prodcat.read_catalog(table(300, 2))


def parts_of(classifier, texts, cascade="auto"):
    """The texts that the encoder reads, and those that it does not."""
    window = classifier.inference(cascade=cascade).prepare(texts)
    sizes = [sum(map(len, part.batches)) for part in window.parts]
    read = [part.table is not None for part in window.parts]
    return [sum(s for s, r in zip(sizes, read, strict=True) if r is kind) for kind in (True, False)]


def choices(rng, titles):
    confidence = rng.integers(1, 30, titles) / 30
    return confidence, rng.random(titles) < confidence**0.02, rng.random(titles) < 0.995


def test_the_lowest_threshold_that_loses_hardly_anything_is_chosen():
    from scipy.stats import beta

    rng = np.random.default_rng(0)
    acted = 0
    for _ in range(60):
        titles = int(rng.integers(1, 3_000))
        confidence, alone, together = choices(rng, titles)
        best = math.inf
        for threshold in np.unique(confidence):
            above = confidence >= threshold
            lost = int((above & together & ~alone).sum())
            loss = together.mean() - np.where(above, alone, together).mean()
            bound = 1.0 if lost == titles else beta.ppf(0.9, lost + 1, titles - lost)
            if loss <= MOST_LOST + 1e-12 and bound <= MOST_BOUND:
                best = min(best, threshold)
        cascade = choose_cascade(Weights.neutral(2), confidence, alone, together)
        assert cascade.threshold == best and cascade.acts == math.isfinite(best)
        if cascade.acts:
            acted += 1
            above = confidence >= cascade.threshold
            assert cascade.share == above.mean()
            loss = together.mean() - np.where(above, alone, together).mean()
            assert cascade.loss == pytest.approx(loss, abs=1e-12) and cascade.bound <= MOST_BOUND
    assert 5 < acted < 60


def test_few_titles_cannot_show_that_the_loss_is_small():
    few, many = (np.ones(count) for count in (300, 600))
    for confidence, acts in ((few, False), (many, True), (few[:0], False)):
        right = confidence > 0
        cascade = choose_cascade(Weights.neutral(2), confidence, right, right)
        assert cascade.acts is acts
        assert ("reads every title" in str(cascade)) is not acts


def test_easy_titles_are_not_read_by_the_encoder(fitted, asked):
    cascade = fitted.reader.cascade
    assert cascade.acts and 0.3 < cascade.share < 0.8 and cascade.titles == 900
    assert f"{cascade.share:.0%}" in str(cascade)
    read, unread = parts_of(fitted, asked.titles)
    assert read + unread == len(set(asked.titles)) and 0.3 < unread / (read + unread) < 0.8
    assert parts_of(fitted, asked.titles, "off")[1] == 0
    assert parts_of(fitted, asked.titles, 0.0)[1] == 0
    few = parts_of(fitted, asked.titles, 0.1)[1]
    assert 0 < few < unread


def test_each_title_is_answered_by_what_reads_it(fitted, asked):
    reader = fitted.reader
    alone = replace(reader, weights=reader.cascade.weights, network=without_encoder(reader.network))
    alone = replace(fitted, reader=replace(alone, tokenizer=None, cascade=None))
    by_both, by_ngrams = fitted.predict_proba(asked), alone.predict_proba(asked)
    sure = by_ngrams.max(axis=1) >= reader.cascade.threshold
    wanted = np.where(sure, by_ngrams.max(axis=1), by_both.max(axis=1))
    answered = [answers[0].confidence for answers in fitted.predict(asked)]
    np.testing.assert_allclose(answered, wanted, atol=1e-5)
    assert not np.allclose(by_both.max(axis=1), wanted, atol=1e-3)
    whole = [answers[0].confidence for answers in fitted.predict(asked, cascade="off")]
    np.testing.assert_allclose(whole, by_both.max(axis=1), atol=1e-5)


def without_encoder(network):
    import copy

    network = copy.copy(network)
    network._modules = {**network._modules, "encoder": None, "heads": None}
    return network


def test_answers_do_not_depend_on_the_other_titles(fitted, asked):
    titles = list(asked.titles[:60])
    together = fitted.predict(titles)
    backwards = fitted.predict(titles[::-1])[::-1]
    alone = [fitted.predict([title])[0] for title in titles]
    for one, other in ((together, backwards), (together, alone)):
        assert [a[0].path for a in one] == [b[0].path for b in other]
        confidences = [[answers[0].confidence for answers in side] for side in (one, other)]
        np.testing.assert_allclose(*confidences, atol=1e-5)


def test_easy_titles_of_a_large_window_are_answered_alike(fitted, asked, monkeypatch):
    """Their log-probabilities are computed again where keeping them takes too much memory."""

    def are_kept():
        parts = fitted.inference(cascade="auto").prepare(fitted.texts_of(asked)).parts
        return [part.log_probs is not None for part in parts if part.table is None]

    kept = fitted.predict(asked)
    assert are_kept() == [True]
    monkeypatch.setattr("prodcat.classifier.inference._MOST_KEPT", 0)
    assert are_kept() == [False] and fitted.predict(asked) == kept


def test_an_evaluation_measures_what_is_answered(fitted, asked):
    answers = [found[0] for found in fitted.predict(asked)]
    evaluation = fitted.evaluate(asked)
    paths = [asked.tree.path(int(node)) for node in asked.targets]
    right = [answer.path == path for answer, path in zip(answers, paths, strict=True)]
    assert evaluation.path_accuracy == pytest.approx(np.mean(right))
    assert evaluation.to_dict() != fitted.evaluate(asked, cascade="off").to_dict()
    assert fitted.validation is not None
    lost = fitted.evaluate(asked, cascade="off").path_accuracy - evaluation.path_accuracy
    assert lost < 0.02


def test_precisions_are_measured_on_every_title(fitted):
    validation = prodcat.read_catalog(table(900, 9))
    whole = fitted.evaluate(validation, cascade="off").path_accuracy
    again = fitted.with_precisions(validation).reader.accuracies
    assert again["float32"] == pytest.approx(whole)
    assert whole != fitted.evaluate(validation).path_accuracy


def test_the_next_best_paths_come_from_the_whole_classifier(fitted, asked):
    titles = asked.titles[:40]
    assert fitted.predict(titles, top_k=2) == fitted.predict(titles, top_k=2, cascade="off")
    assert AnswerOptions(top_k=2).applied_cascade == "off"


def test_guarantees_are_measured_with_the_cascade(fitted, asked):
    promised = fitted.with_guarantee(prodcat.read_catalog(table(500, 3)))
    confidence = [answers[0].confidence for answers in promised.predict(asked)]
    kept = promised.predict(asked, max_error=0.3)
    by_title = [answers[0].confidence for answers in kept if answers[0].path]
    assert by_title and set(by_title) <= set(confidence)
    with pytest.raises(ConfigError, match="measured with 'auto'"):
        promised.predict(asked, max_error=0.3, cascade="off")
    measured = promised.guarantee.confidence
    exact = [a[0].confidence for a in fitted.predict(prodcat.read_catalog(table(500, 3)))]
    np.testing.assert_allclose(np.sort(measured), np.sort(exact), atol=1e-6)


def test_a_cascade_is_saved_and_loaded(fitted, asked, tmp_path):
    fitted.save(tmp_path / "saved")
    loaded = prodcat.load(tmp_path / "saved")
    mine, theirs = fitted.reader.cascade, loaded.reader.cascade
    assert theirs.figures() == mine.figures() and str(theirs) == str(mine)
    assert loaded.predict(asked) == fitted.predict(asked)
    assert loaded.content_hash == fitted.content_hash
    assert str(mine) in (tmp_path / "saved" / "README.md").read_text()


@pytest.mark.parametrize(
    "change",
    [{"titles": "many"}, {"share": None}, {"threshold": "low"}, None, {"bound": [1]}],
)
def test_a_cascade_that_is_damaged_is_refused(fitted, tmp_path, change):
    fitted.save(tmp_path / "saved")

    def changed(config):
        config["cascade"] = None if change is None else {**config["cascade"], **change}

    edit_config(tmp_path / "saved", changed)
    with pytest.raises(ArtifactError, match="cascade"):
        prodcat.load(tmp_path / "saved")


def edit_config(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    hostile.vouch(folder)


def test_artifacts_of_earlier_versions_have_none(fitted, asked, tmp_path):
    before = replace(fitted, reader=replace(fitted.reader, cascade=None))
    before.save(tmp_path / "before")
    loaded = prodcat.load(tmp_path / "before")
    assert loaded.reader.cascade is None
    assert loaded.predict(asked) == fitted.predict(asked, cascade="off")
    with pytest.raises(ConfigError, match=r"calibrate\(catalog\)"):
        loaded.predict(asked, cascade=0.5)
    calibrated = loaded.calibrate(prodcat.read_catalog(table(700, 4)), "temperature")
    assert calibrated.reader.cascade.titles == 700 and calibrated.reader.cascade.acts
    assert calibrated.uncalibrated().reader.cascade is None


@pytest.mark.parametrize("wrong", ["on", 1.5, -0.1, True, None, math.nan, "nan"])
def test_other_values_are_refused(wrong):
    with pytest.raises(ConfigError, match="'auto', 'off', or the share"):
        AnswerOptions(cascade=wrong)


def test_a_share_may_be_given_as_text():
    assert AnswerOptions(cascade="0.25").cascade == 0.25


def test_a_share_has_an_unknown_cost(fitted):
    cascade = fitted.reader.cascade.with_share(0.9)
    assert "not measured" in str(cascade) and cascade.figures()["loss"] is None
    again = Cascade.of(cascade.tensors(), cascade.figures(), fitted.taxonomy.depth)
    assert math.isnan(again.loss) and again.threshold == cascade.threshold
    assert torch.equal(again.quantiles, cascade.quantiles)


def test_a_server_and_a_job_answer_with_the_cascade(fitted, asked):
    titles = list(asked.titles[:80])
    served = Served("model", "uri", fitted, 1 << 20, precision="float32")
    for settings, cascade in ((AnswerOptions(), "auto"), (AnswerOptions(top_k=2), "off")):
        query = Query({"title": titles}, settings=settings)
        records = served.answered(query)
        wanted = fitted.predict(titles, settings)
        assert [record["path"] for record in records] == [list(a[0].path) for a in wanted]
        assert served.inference(query).easy is None or cascade == "auto"
    assert served.inference(Query({"title": titles})).easy is not None
    for asked_for in ("auto", "off"):
        scorer = RowScorer(fitted, prodcat.ScoringConfig(cascade=asked_for))
        assert (scorer.inference.easy is not None) is (asked_for == "auto")
