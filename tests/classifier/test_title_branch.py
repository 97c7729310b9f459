"""Rows without any further text: answered as if the classifier had no text columns."""

from dataclasses import replace

import hostile
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from training_runs import SETTINGS

import prodcat
from prodcat import ArtifactError, ModelConfig, TrainingConfig, read_catalog
from prodcat.catalog.fields import are_titles_alone
from prodcat.decisions.weights import Weights
from prodcat.scoring.spark import map_in_pandas

WORDS, BRANDS = ["milk", "bread", "brick", "doll"], ["Oatly", "Wasa", "Lego", "Barbie"]


def table(rows, seed, without=0.0):
    """The brand tells the category, and the title tells it of three rows in four."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(rows):
        kind = int(rng.integers(4))
        word = WORDS[kind if rng.random() < 0.7 else int(rng.integers(4))]
        brand = "" if rng.random() < without else BRANDS[kind]
        title = f"{word} {''.join(rng.choice(list('abcdefghij'), 4))}"
        path = [["Food", "Toys"][kind // 2], WORDS[kind]]
        made.append({"title": title, "brand": brand, "path": path})
    return made


def catalog_of(rows, brand=True, **settings):
    names = ("title", "path", *(["brand"] if brand else []))
    rows = [{name: row[name] for name in names} for row in rows]
    return read_catalog(rows, text=["brand"] if brand else [], **settings)


def fit(rows, brand=True, **named):
    named.setdefault("model", ModelConfig(encoder=None))
    training = TrainingConfig(baseline=False, **named.pop("training", {}))
    catalog = catalog_of(rows, brand)
    return prodcat.fit(catalog, training=training, progress=False, device="cpu", **named)


def earlier(classifier):
    """The classifier as versions without a branch of titles alone had it."""
    return replace(classifier, reader=replace(classifier.reader, title_branch=None))


@pytest.fixture(scope="module")
def learned():
    return table(400, 0)


@pytest.fixture(scope="module")
def fitted(learned):
    return fit(learned)


@pytest.fixture(scope="module")
def asked():
    return catalog_of(table(1_000, 1), brand=False)


def test_rows_without_columns_are_answered_as_without_columns(learned, fitted, asked):
    titles_alone = fit(learned, brand=False)
    assert np.array_equal(fitted.predict_proba(asked), titles_alone.predict_proba(asked))
    assert fitted.evaluate(asked).ece < 0.05 < earlier(fitted).evaluate(asked).ece
    assert fitted.evaluate(catalog_of(table(200, 2))).path_accuracy > 0.95


@pytest.mark.parametrize("validated", [False, True])
def test_columns_that_some_training_rows_lack(validated):
    rows, named = table(500, 0, without=0.5), {}
    if validated:
        named["validation"] = catalog_of(table(400, 3, without=0.5))
    fitted = fit(rows, **named)
    if validated:
        named["validation"] = catalog_of(table(400, 3), brand=False)
    titles = catalog_of(table(500, 1), brand=False)
    expected = fit(rows, brand=False, **named).predict_proba(titles)
    assert np.array_equal(fitted.predict_proba(titles), expected)
    new = catalog_of(table(1_000, 2, without=0.5))
    evaluation, known = fitted.evaluate(new), fitted.validation
    assert abs(evaluation.path_accuracy - known.path_accuracy) < 0.06
    filled = new.take(~are_titles_alone(new.inputs))
    assert fitted.evaluate(filled).ece < 0.06 and evaluation.ece < 0.06


def test_each_row_of_a_mixed_table_is_answered_as_alone(fitted):
    rows = table(40, 4, without=0.5)
    mixed = fitted.predict_proba(catalog_of([*rows, *rows]))
    alone = [fitted.predict_proba(catalog_of([row]))[0] for row in rows]
    assert np.array_equal(mixed, [*alone, *alone])
    assert not np.array_equal(mixed[:40], earlier(fitted).predict_proba(catalog_of(rows)))
    best = [answer.path for [answer] in fitted.predict(catalog_of(rows))]
    assert best == [fitted.outcomes[column] for column in np.argmax(alone, axis=1)]


def test_a_catalog_without_a_further_text_has_one_branch(learned):
    empty = [{**row, "brand": ""} for row in learned]
    assert fit(empty).reader.title_branch is None
    assert fit(learned, brand=False).reader.title_branch is None


def test_it_is_saved_and_counted(fitted, asked, tmp_path):
    folder = tmp_path / "model"
    fitted.save(str(folder))
    loaded = prodcat.load(str(folder), device="cpu")
    assert np.array_equal(loaded.predict_proba(asked), fitted.predict_proba(asked))
    assert loaded.files() == fitted.files() and loaded.content_hash == fitted.content_hash
    assert loaded.memory == fitted.memory > earlier(fitted).memory
    assert np.array_equal(loaded.to("cpu").predict_proba(asked), fitted.predict_proba(asked))
    assert "answered by n-grams of titles alone" in (folder / "README.md").read_text()


def test_an_artifact_without_it_answers_as_before(fitted, asked, tmp_path):
    before = earlier(fitted)
    before.save(str(tmp_path / "model"))
    loaded = prodcat.load(str(tmp_path / "model"), device="cpu")
    assert loaded.reader.title_branch is None
    assert np.array_equal(loaded.predict_proba(asked), before.predict_proba(asked))
    assert not np.array_equal(loaded.predict_proba(asked), fitted.predict_proba(asked))


@pytest.mark.parametrize(
    ("of", "change"),
    [
        ("plain", lambda plain, tensors: {**plain, **tensors}),
        ("columns", lambda _, tensors: {**tensors, "titles.levels": torch.ones(5)}),
        ("columns", lambda _, tensors: {**tensors, "titles.bias": torch.ones(3)}),
        ("columns", lambda _, tensors: {**tensors, "titles.idf": tensors["titles.idf"][1:]}),
    ],
)
def test_one_that_contradicts_the_artifact_is_refused(learned, fitted, tmp_path, of, change):
    plain = fit(learned, brand=False)
    (fitted if of == "columns" else plain).save(str(tmp_path / "model"))
    fitted.save(str(tmp_path / "columns"))
    tensors = load_file(tmp_path / "columns/model.safetensors")
    titles = {name: own for name, own in tensors.items() if name.startswith("titles.")}
    path = tmp_path / "model/model.safetensors"
    save_file(change(load_file(path), titles if of == "plain" else tensors), path)
    hostile.vouch(tmp_path / "model")
    with pytest.raises(ArtifactError, match="n-gram"):
        prodcat.load(str(tmp_path / "model"), device="cpu")


def test_a_warm_start_keeps_the_machines_of_untouched_categories(learned, fitted):
    new = [row for row in table(60, 5) if row["path"][1] == "milk"][:3]
    again = fit([*learned, *new], warm_start=fitted)
    before, after = (own.reader.title_branch.lexical.bias for own in (fitted, again))
    outcomes = [path[-1] for path in fitted.outcomes]
    stays = [outcomes.index(word) for word in ("brick", "doll")]
    assert torch.equal(before[stays], after[stays]) and not torch.equal(before, after)
    afresh = fit([*learned, *new]).reader.title_branch.lexical.bias
    assert not torch.equal(afresh[stays], after[stays])


def test_a_new_calibration_is_fitted_to_titles_alone_too(fitted, asked):
    wrong = Weights(torch.full((2,), 10.0), torch.ones(2), torch.zeros(3))
    branch = replace(fitted.reader.title_branch, weights=wrong)
    sharp = replace(fitted, reader=replace(fitted.reader, title_branch=branch))
    assert sharp.evaluate(asked).ece > 0.1 > sharp.uncalibrated().evaluate(asked).ece
    again = sharp.calibrate(catalog_of(table(400, 6)), "steps")
    assert again.evaluate(asked).ece < 0.05
    assert again.evaluate(catalog_of(table(200, 2))).ece < 0.05
    without = fitted.calibrate(catalog_of(table(400, 6), brand=False))
    assert torch.equal(without.weights.evidence, fitted.weights.evidence)
    assert without.evaluate(asked).ece < 0.05


def test_titles_frames_and_bodies_without_columns_are_answered_alike(fitted, asked, tmp_path):
    pandas = pytest.importorskip("pandas")
    fitted.save(str(tmp_path / "model"))
    titles = list(asked.titles[:50])
    before = earlier(fitted).predict_proba(titles)
    assert not np.array_equal(fitted.predict_proba(titles), before)
    wanted = [" > ".join(answer.path) for [answer] in fitted.predict(titles)]
    assert wanted == [
        " > ".join(answer.path) for [answer] in fitted.predict(asked.take(np.arange(50)))
    ]
    [answered] = map_in_pandas(str(tmp_path / "model"), device="cpu")(
        iter([pandas.DataFrame({"title": titles})])
    )
    assert answered["predicted_path"].tolist() == wanted


def test_its_absence_is_said_in_the_words_of_what_happens(fitted, caplog):
    reader = replace(fitted.reader)
    for _ in range(2):
        reader.texts(["milk"])
    assert caplog.messages == [
        "This classifier was trained with the text columns ['brand']; ['brand'] is missing here, "
        "so titles are answered as by a classifier that was trained without them. A guarantee "
        "that was measured on rows with columns does not hold for them. Give tables these "
        "columns, and read a catalog with them as text=."
    ]


def test_with_an_encoder(encoder_folder):
    rows = table(200, 0, without=0.3)
    model = ModelConfig(encoder=str(encoder_folder), belief_width=8)
    fitted = fit(rows, model=model, training={**SETTINGS, "epochs": 1})
    branch = fitted.reader.title_branch
    assert branch is not None and not torch.equal(branch.weights.evidence, fitted.weights.evidence)
    mixed = table(30, 4, without=0.5)
    together = fitted.predict_proba(catalog_of(mixed))
    alone = [fitted.predict_proba(catalog_of([row]))[0] for row in mixed]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    asked = catalog_of(table(300, 1), brand=False)
    assert fitted.evaluate(asked).path_accuracy > 0.7
    shared = fitted.sharing_encoder(fitted.to("cpu"))
    np.testing.assert_allclose(shared.predict_proba(asked), fitted.predict_proba(asked), atol=1e-6)
    smaller, _ = fitted.trimmed(asked)
    assert smaller.reader.title_branch is branch


def test_a_few_rows_with_columns_do_not_calibrate_all_of_them(fitted, caplog):
    few = catalog_of(table(200, 5, without=0.9))
    assert 0 < (~are_titles_alone(few.inputs)).sum() < 30
    calibrated = fitted.calibrate(few, "steps")
    assert "too few to calibrate" in caplog.text
    assert torch.equal(calibrated.weights.steps, fitted.weights.steps)
    mine, theirs = calibrated.reader.title_branch.weights, fitted.reader.title_branch.weights
    assert not torch.equal(mine.steps, theirs.steps)
    assert calibrated.provenance.reference.min() > 0.2
    caplog.clear()
    many = fitted.calibrate(catalog_of(table(300, 5, without=0.5)), "steps")
    assert not torch.equal(many.weights.steps, fitted.weights.steps) and not caplog.text


def test_few_validated_rows_with_columns_are_told(learned, caplog):
    fit(learned, validation=catalog_of(table(200, 3, without=0.95)))
    assert "have further texts, too few to calibrate" in caplog.text


def test_titles_that_were_learned_are_known_without_their_columns(learned, fitted, caplog):
    fitted.with_guarantee(catalog_of(learned[:150], brand=False))
    assert "150 of 150 calibration titles were used before" in caplog.text
    new = table(100, 8)
    calibrated = fitted.calibrate(catalog_of(new), "temperature")
    titles = [row["title"] for row in new]
    assert not fitted.has_seen(titles).all() and calibrated.has_seen(titles).all()


def test_each_set_of_missing_columns_is_told_once(caplog):
    rows = [{**row, "price": str(place)} for place, row in enumerate(table(120, 0))]
    catalog = read_catalog(rows, text=["brand", "price"])
    two = prodcat.fit(
        catalog,
        model=ModelConfig(encoder=None),
        training=TrainingConfig(baseline=False),
        progress=False,
    )
    caplog.clear()
    for _ in range(2):
        two.predict(["milk"])
    assert caplog.text.count("was trained with the text columns") == 1
    assert "guarantee that was measured on rows with columns does not hold" in caplog.text
    two.predict(read_catalog([{"title": "milk", "price": "3"}], path=None, text=["price"]))
    assert caplog.text.count("was trained with the text columns") == 2
    assert "which costs accuracy" in caplog.text
