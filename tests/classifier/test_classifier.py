"""Training, answers and keeping, on one tiny real model."""

import dataclasses
import json
import logging

import fsspec
import hostile
import numpy as np
import pytest
import torch

import prodcat
from prodcat import (
    ArtifactError,
    CatalogError,
    ConfigError,
    ModelConfig,
    TrainingConfig,
    fit,
    load,
    read_catalog,
)
from prodcat.storage.manifest import to_bytes
from prodcat.training.precision import pick_precision

TITLES = ["Velmora tam yağlı süt 1 L", "ELMA 1KG", "", "qqqq", "kırmızı mercimek"] * 3


def train(parts, folder, model=None, rows=120, **settings):
    settings = {"epochs": 1, "precision": "float32", "frozen_layers": 0.0, **settings}
    train_rows = parts.train.take(np.arange(min(rows, len(parts.train))))
    validation = parts.validation
    return fit(
        train_rows,
        validation=validation,
        model=model or ModelConfig(encoder=str(folder), lexical=False),
        training=TrainingConfig(**settings),
        device="cpu",
        progress=False,
    )


def test_the_model_learns(classifier, parts):
    evaluation = classifier.evaluate(parts.test)
    assert evaluation.path_accuracy > 0.6
    assert evaluation.inconsistent == 0
    assert classifier.validation.path_accuracy > 0.6
    assert "validation path accuracy" in repr(classifier)


def test_fine_tuning_learns_from_zero_without_ngrams(parts, encoder_folder):
    model = ModelConfig(encoder=str(encoder_folder), lexical=False, belief_width=8)
    fitted = train(
        parts, encoder_folder, model, rows=600, epochs=8, patience=8, closed_form=False,
        head_learning_rate=0.02, learning_rate=2e-3,
    )  # fmt: skip
    losses = [result.loss for result in fitted.history[1:]]
    assert losses[-1] < 0.7 * losses[0]
    assert fitted.history[-1].path_accuracy > 5 * fitted.history[0].path_accuracy


def test_the_closed_form_start_is_worth_more_than_nothing(parts, encoder_folder):
    start = train(parts, encoder_folder, rows=600, epochs=0)
    nothing = train(parts, encoder_folder, rows=600, epochs=0, closed_form=False)
    assert start.history[0].path_accuracy > 2 * nothing.history[0].path_accuracy
    assert len(start.history) == 1


@pytest.mark.parametrize("structure", ["stacked", "per_level", "flat"])
def test_every_structure_trains_saves_and_loads(parts, encoder_folder, structure):
    model = ModelConfig(encoder=str(encoder_folder), structure=structure, max_features=3_000)
    fitted = train(parts, encoder_folder, model, rows=400)
    fitted.save(f"memory://structures/{structure}")
    again = load(f"memory://structures/{structure}", device="cpu")
    assert np.array_equal(again.predict_proba(TITLES), fitted.predict_proba(TITLES))


def test_equal_seeds_give_equal_weights(parts, encoder_folder):
    first, second, other = (
        train(parts, encoder_folder, seed=seed).predict_proba(TITLES) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "settings",
    [
        {"frozen_layers": 0.5, "accumulate": 3},
        {"level_weight": 0.3},
        {"precision": "bfloat16", "frozen_layers": 0.5},
    ],
)
def test_options_of_the_loop_run(parts, encoder_folder, settings):
    fitted = train(parts, encoder_folder, **settings)
    assert np.isfinite(fitted.history[1].loss)
    assert fitted.history[1].padded_share < 0.3


def test_word_embeddings_of_unused_pieces_stay_as_they_are(parts, encoder_folder):
    from prodcat.model.pretrained import load_encoder

    before = load_encoder(str(encoder_folder))[0].word_embeddings.weight
    rates = {"learning_rate": 2e-3, "head_learning_rate": 0.02}  # so that a later epoch is kept
    fitted = train(parts, encoder_folder, rows=60, closed_form=False, epochs=4, **rates)
    assert fitted.history[-1].path_accuracy > 2 * fitted.history[0].path_accuracy
    after = fitted.network.encoder.word_embeddings.weight
    same = (before == after).all(dim=1)
    assert 0 < int((~same).sum()) < len(before) and bool(same.any())
    assert len(before) == len(after)


def test_early_stopping_keeps_the_best_state(parts, encoder_folder, caplog):
    with caplog.at_level(logging.INFO, "prodcat"):
        fitted = train(
            parts, encoder_folder, epochs=9, patience=1, learning_rate=1.0, head_learning_rate=5.0,
            calibration="temperature",
        )  # fmt: skip
    assert len(fitted.history) < 9 and "stopped" in caplog.text
    start, *rest = (result.path_accuracy for result in fitted.history)
    assert start > 2 * max(rest), "such rates unlearn everything"
    assert fitted.validation.path_accuracy == pytest.approx(start)


def test_a_listener_hears_every_epoch(parts, encoder_folder):
    heard = []
    fitted = fit(
        parts.train.take(np.arange(60)),
        validation=parts.validation,
        model=ModelConfig(encoder=str(encoder_folder)),
        training=TrainingConfig(epochs=2, patience=2, frozen_layers=0),
        progress=False,
        listener=heard.append,
    )
    assert tuple(heard) == fitted.history
    assert [result.epoch for result in heard] == [0, 1, 2]


def test_validation_is_held_out_where_none_is_given(catalog, encoder_folder):
    model = ModelConfig(encoder=str(encoder_folder), lexical=False, belief_width=8)
    training = TrainingConfig(epochs=0, precision="float32")
    fitted = fit(catalog, model=model, training=training, progress=False, device="cpu")
    assert 0.05 * len(catalog) < fitted.validation.rows <= 0.1 * len(catalog)


def test_ragged_trees_and_partial_labels_go_all_the_way(encoder_folder):
    rows = [{"title": f"elma {n}", "path": ["Food", "Fruit", "Apples"]} for n in range(12)] + [
        {"title": f"sabun {n}", "path": ["Home"]} for n in range(12)
    ]
    rows += [{"title": f"meyve {n}", "path": ["Food", "Fruit"]} for n in range(6)]
    rows += [{"title": f"armut {n}", "path": ["Food", "Fruit", "Pears"]} for n in range(12)]
    catalog = read_catalog(rows, inner="partial")
    for structure in ("stacked", "per_level", "flat"):
        model = ModelConfig(encoder=str(encoder_folder), structure=structure)
        training = TrainingConfig(epochs=1, precision="float32")
        fitted = fit(catalog, model=model, training=training, progress=False, device="cpu")
        [home], [food] = fitted.predict(["sabun 99", "elma 98"])
        assert home.path == ("Home",) and len(home.level_confidences) == 1
        assert food.path == ("Food", "Fruit", "Apples")
        assert fitted.evaluate(catalog).path_accuracy > 0.9


# -- answers ------------------------------------------------------------------


def test_answers_are_real_paths_with_confidence_at_each_level(classifier):
    for answers in classifier.predict(list(filter(None, TITLES)), top_k=3):
        assert len(answers) == 3
        for answer in answers:
            node = classifier.taxonomy.find(answer.path)
            assert node in classifier.taxonomy.outcomes
            assert classifier.taxonomy.ids[node] == answer.node_id
            steps = answer.level_confidences
            assert len(steps) == len(answer.path)
            assert all(b <= a + 1e-6 for a, b in zip(steps, steps[1:], strict=False))
            assert steps[-1] == pytest.approx(answer.confidence, abs=1e-5)
    assert " > " in str(answers[0])


def test_probabilities_are_coherent(classifier):
    tree = classifier.taxonomy
    probs, nodes = classifier.predict_proba(TITLES), classifier.node_probabilities(TITLES)
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)
    own = np.zeros_like(nodes)
    own[:, tree.outcomes] = probs
    for node in range(len(tree)):
        if tree.children(node):
            below = nodes[:, list(tree.children(node))].sum(1) + own[:, node]
            np.testing.assert_allclose(below, nodes[:, node], atol=1e-6)
    best = [answers[0].path for answers in classifier.predict(TITLES)]
    expected = [classifier.outcomes[column] for column in probs.argmax(1)]
    assert best == [path if title else () for title, path in zip(TITLES, expected, strict=True)]


def test_answers_do_not_depend_on_batch_or_order(classifier, parts):
    titles = list(parts.test.titles[:60]) + TITLES
    together = classifier.predict_proba(titles)
    order = np.random.default_rng(0).permutation(len(titles))
    shuffled = classifier.predict_proba([titles[row] for row in order])
    np.testing.assert_allclose(shuffled, together[order], atol=1e-5)
    alone = np.concatenate([classifier.predict_proba([title]) for title in titles])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_no_titles_give_no_answers(classifier):
    assert classifier.predict([]) == []
    assert classifier.predict_proba([]).shape == (0, len(classifier.outcomes))


def test_bfloat16_answers_are_close(classifier):
    np.testing.assert_allclose(
        classifier.predict_proba(TITLES, precision="bfloat16"),
        classifier.predict_proba(TITLES),
        atol=0.1,
    )


def test_names_in_the_language_of_the_reader(parts):
    tree = parts.train.tree.with_names("tr", {parts.train.tree.ids[0]: "Meyve"})
    train_rows = dataclasses.replace(parts.train, taxonomy=tree)
    fitted = fit(
        train_rows, validation=parts.validation, model=ModelConfig(encoder=None), progress=False
    )
    every = fitted.predict(["x"], top_k=1_000, language="tr")[0]
    assert any(answer.path[0] == "Meyve" for answer in every)


def test_further_texts_are_read_in_training_and_missed_later(rows):
    table = [
        {"title": f"No {number % 10}", "brand": row.title, "path": list(row.path)}
        for number, row in enumerate(rows)
    ]
    catalog = read_catalog(table, text=["brand"])
    fitted = fit(catalog, model=ModelConfig(encoder=None), progress=False)
    assert fitted.evaluate(catalog).path_accuracy > 0.5
    assert fitted.text_columns == ("brand",)
    assert fitted.evaluate(read_catalog(table)).path_accuracy < 0.5


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c: c.predict("one title"), CatalogError, "Put it into a list"),
        (lambda c: c.predict(["a", 7]), CatalogError, "Row 2 of titles is the number 7"),
        (lambda c: c.predict(["a"], top_k=0), ConfigError, "top_k=0 is out of range"),
        (
            lambda c: c.predict(["a"], precision="int4"),
            ConfigError,
            "expected one of .'auto', 'float32', 'bfloat16', 'int8'",
        ),
        (lambda c: c.evaluate(read_catalog(["a"])), CatalogError, "catalog has no categories"),
        (
            lambda c: c.evaluate(read_catalog([{"title": "a", "path": "Q > Z"}])),
            CatalogError,
            "1 rows carry 1 categories that are not in the classifier's tree, e.g. .'Q > Z'.",
        ),
    ],
)
def test_mistakes_of_users_say_what_to_do(classifier, call, error, message):
    with pytest.raises(error, match=message):
        call(classifier)


def test_labels_of_an_equal_part_of_the_tree_are_understood(classifier, parts):
    rows = [
        {"title": t, "path": p} for t, p in zip(parts.test.titles, parts.test.paths, strict=True)
    ]
    other = read_catalog([{**row, "path": list(row["path"])} for row in rows[:20]])
    assert other.tree.hash != classifier.taxonomy.hash
    expected = classifier.evaluate(parts.test.take(np.arange(20)))
    assert classifier.evaluate(other) == expected


# -- fit's own mistakes -------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "values", "message"),
    [
        (TrainingConfig, {"epochs": 1.5}, "expected a whole number"),
        (TrainingConfig, {"epochs": -1}, "epochs=-1 .*; expected a whole number from 0"),
        (TrainingConfig, {"dropout": 2}, "between 0 and 0.95"),
        (TrainingConfig, {"precision": "int8"}, "expected one of"),
        (TrainingConfig, {"learning_rate": 0}, "learning_rate=0"),
        (ModelConfig, {"structure": "deep"}, "structure='deep' is not known"),
        (ModelConfig, {"pooling": "max"}, "pooling='max'"),
        (ModelConfig, {"characters": (4, 2)}, "is not a range of lengths"),
        (ModelConfig, {"encoder": None, "lexical": False}, "leave the model without input"),
    ],
)
def test_settings_are_checked_when_they_are_made(config, values, message):
    with pytest.raises(ConfigError, match=message):
        config(**values)


def test_too_few_titles_are_refused():
    one = read_catalog([{"title": "a", "path": "A"}])
    with pytest.raises(CatalogError, match="Found 1 labelled titles; expected at least 3"):
        fit(one, model=ModelConfig(encoder=None))
    with pytest.raises(CatalogError, match="expected at least 2 and 1"):
        fit(one, model=ModelConfig(encoder=None), training=TrainingConfig(learn_validation=False))
    equal = read_catalog([{"title": "a", "path": "A"}] * 5)
    with pytest.raises(CatalogError, match="all near duplicates .* Add labelled titles"):
        fit(equal, model=ModelConfig(encoder=None))


def test_unlabelled_rows_are_left_out_and_said(catalog, caplog):
    from prodcat.catalog.catalog import Catalog

    rows = [
        {"title": t, "path": list(p)} for t, p in zip(catalog.titles, catalog.paths, strict=True)
    ]
    mixed: Catalog = read_catalog([*rows, {"title": "x", "path": None}], on_error="accept")
    fit(mixed, model=ModelConfig(encoder=None), progress=False)
    assert f"1 of {len(rows) + 1} titles have no category" in caplog.text


def test_different_text_columns_are_refused(catalog):
    rows = [
        {"title": t, "path": list(p), "brand": "b"}
        for t, p in zip(catalog.titles, catalog.paths, strict=True)
    ]
    with pytest.raises(CatalogError, match="expected the same"):
        fit(read_catalog(rows, text=["brand"]), validation=read_catalog(rows))


def test_cut_titles_are_said(parts, encoder_folder, caplog):
    train(parts, encoder_folder, ModelConfig(encoder=str(encoder_folder), max_tokens=4), rows=20)
    assert "longer than max_tokens=4 and were cut" in caplog.text


def test_precision_is_picked_for_the_device():
    assert pick_precision("float32", torch.device("cpu")) == "float32"
    assert pick_precision("auto", torch.device("cpu")) in ("float32", "bfloat16")


@pytest.mark.parametrize("encoder", [True, False])
def test_labels_that_all_stop_early_are_learned(encoder, encoder_folder):
    tree = prodcat.Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("B", "Z"), ("B", "W")])
    rows = [{"title": f"{name} {n}", "path": name} for n in range(20) for name in "AB"]
    catalog = read_catalog(rows, taxonomy=tree)
    training = TrainingConfig(epochs=12, node_names=False, precision="float32", frozen_layers=0,
                              learning_rate=2e-3, head_learning_rate=0.02)  # fmt: skip
    model = ModelConfig(encoder=str(encoder_folder) if encoder else None, lexical=not encoder)
    given = {"validation": catalog, "progress": False, "device": "cpu"}
    with pytest.warns(UserWarning, match="All labels in 2 categories, such as 'A', are partial"):
        fitted = fit(catalog, model=model, training=training, **given)
    assert fitted.validation.path_accuracy > 0.9
    assert [best.path[0] for [best] in fitted.predict(["A 77", "B 78"])] == ["A", "B"]
    if encoder:
        assert fitted.history[-1].log_loss < fitted.history[0].log_loss


def test_narrowing_the_vocabulary_keeps_positions_that_count_from_the_padding(encoder_folder):
    from transformers import RobertaConfig, RobertaModel

    from prodcat.model.batches import TokenTable
    from prodcat.model.encoder import Encoder
    from prodcat.training.used_vocabulary import UsedVocabulary

    config = RobertaConfig(
        vocab_size=60, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, pad_token_id=2,
    )  # fmt: skip
    encoder = Encoder(RobertaModel(config, add_pooling_layer=False)).eval()
    table = TokenTable(np.array([40, 50, 30, 31], np.int32), np.array([0, 3, 4]))
    rows = np.arange(2)
    expected = encoder(*table.pad(rows, 2))
    with UsedVocabulary(encoder, [table]) as [narrow]:
        found = encoder(*narrow.pad(rows, int(encoder.body.config.pad_token_id)))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(encoder(*table.pad(rows, 2)), expected)


def test_fit_leaves_the_users_random_numbers_alone(parts, encoder_folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(parts, encoder_folder, rows=30)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("model", "training", "message"),
    [
        ({"structure": "per_level"}, {"level_weight": 0.1}, "level_weight=0.1 does not apply"),
        ({"max_tokens": 129}, {}, "more than the 128 positions"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    parts, encoder_folder, model, training, message
):
    with pytest.raises(ConfigError, match=message):
        fit(
            parts.train,
            model=ModelConfig(encoder=str(encoder_folder), **model),
            training=TrainingConfig(**training),
        )


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="device='foo' cannot be used here"):
        fit(read_catalog([{"title": "a", "path": "A"}] * 3), device="foo")


# -- the artifact -------------------------------------------------------------


@pytest.fixture
def saved(classifier, tmp_path):
    classifier.save(str(tmp_path / "model"))
    return tmp_path / "model"


def test_save_load_predict_is_equal_to_the_bit(classifier, saved, parts):
    again = load(str(saved), device="cpu")
    titles = [*parts.test.titles, *TITLES]
    assert np.array_equal(again.predict_proba(titles), classifier.predict_proba(titles))
    assert again.history == classifier.history
    assert again.taxonomy == classifier.taxonomy
    assert again.validation == classifier.validation
    assert again.model == classifier.model and again.training == classifier.training


def test_an_artifact_holds_plain_files_alone(saved):
    names = {path.name for path in saved.iterdir()}
    assert names == {
        "README.md", "config.json", "evaluation.json", "history.json", "manifest.json",
        "model.safetensors", "taxonomy.json", "tokenizer.json",
    }  # fmt: skip
    for path in saved.glob("*.json"):
        json.loads(path.read_text())


def test_saving_again_replaces_the_artifact(classifier, saved):
    classifier.save(str(saved))
    assert np.array_equal(load(str(saved)).predict_proba(["x"]), classifier.predict_proba(["x"]))


def test_artifacts_live_on_any_filesystem(classifier):
    classifier.save("memory://shop/tr/model")
    assert fsspec.filesystem("memory").exists("/shop/tr/model/manifest.json")
    assert load("memory://shop/tr/model").taxonomy == classifier.taxonomy


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "taxonomy.json"])
def test_a_truncated_altered_or_missing_file_is_named(saved, name):
    path = saved / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ArtifactError, match=f"{name} .* has .* bytes; its manifest says"):
        load(str(saved))
    path.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    with pytest.raises(ArtifactError, match=f"{name} .* was altered: SHA-256"):
        load(str(saved))
    path.unlink()
    with pytest.raises(ArtifactError, match=f"has no {name}, which its manifest lists"):
        load(str(saved))


def edit_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_bytes(to_bytes(manifest))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: m.update(format_version=99),
            "version 99; this prodcat reads 'prodcat' versions",
        ),
        (lambda m: m.update(format="other"), "format 'other'"),
        (lambda m: m.pop("files"), "manifest.json .* is damaged"),
        (lambda m: m["files"].update({"../x": {}}), "is damaged"),
        (lambda m: m["files"].pop("taxonomy.json"), "does not list taxonomy.json"),
        (lambda m: m.update(files=[]), "is damaged"),
    ],
)
def test_another_format_or_a_damaged_manifest_is_named(saved, change, message):
    edit_manifest(saved, change)
    with pytest.raises(ArtifactError, match=message):
        load(str(saved))


def test_a_folder_without_a_manifest_is_no_artifact(saved, tmp_path):
    (saved / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match="has no manifest.json .found README.md"):
        load(str(saved))
    with pytest.raises(ArtifactError, match="found nothing"):
        load(str(tmp_path / "none"))


def rewrite(folder, name, change):
    """Alter a file and make the manifest vouch for it, as a careless hand would."""
    import hashlib

    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    content = path.read_bytes()
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit_manifest(folder, lambda manifest: manifest["files"].update({name: entry}))


def test_an_artifact_with_settings_that_are_no_more_loads_and_keeps_its_hash(saved, classifier):
    earlier = (
        b'"label_smoothing": 0.1, "logit_adjustment": 0.5, "layer_decay": 0.9, '
        b'"head_epochs": 1, "compile": "auto", "epochs"'
    )
    rewrite(saved, "config.json", lambda text: text.replace(b'"epochs"', earlier, 1))
    stored = json.loads((saved / "config.json").read_bytes())
    again = load(str(saved), device="cpu")
    assert again.training == classifier.training
    np.testing.assert_array_equal(again.predict_proba(TITLES), classifier.predict_proba(TITLES))
    written = json.loads(again.files()["config.json"])
    assert written == stored and list(written["training"]) == list(stored["training"])
    assert again.content_hash != classifier.content_hash
    cut = json.loads(again.calibrate(some_titles(again)).files()["config.json"])
    assert (
        cut["training"]["label_smoothing"] == 0.1 and cut["training"]["calibration"] == "adaptive"
    )


def some_titles(classifier):
    return read_catalog([{"title": "sut", "path": list(classifier.outcomes[0])}] * 30)


def test_settings_or_weights_of_another_form_are_named(saved, classifier):
    rewrite(saved, "config.json", lambda text: text.replace(b'"epochs"', b'"epoks"'))
    with pytest.raises(ArtifactError, match="are not as prodcat writes them: .*epoks"):
        load(str(saved))
    classifier.save(str(saved))
    rewrite(
        saved, "config.json", lambda text: text.replace(b'"belief_width": 8', b'"belief_width": 9')
    )
    with pytest.raises(ArtifactError, match="do not fit its config"):
        load(str(saved))


def test_weights_that_cannot_be_read_are_named(saved):
    rewrite(saved, "model.safetensors", lambda content: content[:-7])
    with pytest.raises(
        ArtifactError, match="header of model.safetensors .* is damaged: .* not within"
    ):
        load(str(saved))
    with pytest.raises(ArtifactError, match="Cannot look for 'foo://x'"):
        load("foo://x")


def test_a_place_that_cannot_be_written_is_named(classifier, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArtifactError, match="Cannot write the artifact"):
        classifier.save(str(tmp_path / "file" / "model"))


def test_a_move_to_another_device_makes_another_classifier(classifier):
    wanted = classifier.predict_proba(TITLES)
    moved = classifier.to("meta")  # a device of shapes alone, which every machine has
    tensors = [*moved.network.parameters(), *moved.network.buffers()]
    assert all(tensor.is_meta for tensor in tensors) and moved.network.device.type == "meta"
    assert moved.decider.paths is moved.network.paths, "answers are decided on the new device"
    assert classifier.network.device.type == "cpu", "the first one stays where it is"
    np.testing.assert_array_equal(classifier.predict_proba(TITLES), wanted)


def test_a_move_to_the_same_device_shares_the_weights_and_nothing_that_changes(classifier):
    again = classifier.to("cpu")
    np.testing.assert_array_equal(again.predict_proba(TITLES), classifier.predict_proba(TITLES))
    pairs = zip(again.network.parameters(), classifier.network.parameters(), strict=True)
    assert all(mine.data_ptr() == theirs.data_ptr() for mine, theirs in pairs)
    again.network.train()
    assert not classifier.network.training


def test_a_shared_encoder_changes_no_other_classifier(classifier, catalog):
    other = classifier.calibrate(catalog, method="temperature")
    apart = other.to("cpu")  # an encoder of its own, equal to the first one's
    wanted = apart.predict_proba(TITLES)
    mine = apart.network.encoder
    assert mine is not classifier.network.encoder
    shared = apart.sharing_encoder(classifier)
    assert shared.network.encoder is classifier.network.encoder
    assert apart.network.encoder is mine, "the classifier that was asked stays as it is"
    np.testing.assert_array_equal(shared.predict_proba(TITLES), wanted)
    with torch.no_grad():
        for tensor in mine.parameters():
            tensor.data = tensor + 1
    assert apart.sharing_encoder(classifier) is None, "the weights differ"


def test_a_device_without_values_says_so(classifier):
    moved = classifier.to("meta")
    for call in (moved.predict, moved.predict_proba, moved.node_probabilities):
        with pytest.raises(ConfigError, match="on the device 'meta', where its weights have no va"):
            call(["milk"])
    with pytest.raises(ConfigError, match="Use the classifier that was moved there"):
        moved.to("cpu")
    for device in ("nonesuch", "cuda:99", 3.5):
        with pytest.raises(ConfigError, match=rf"device={device!r} cannot be used here"):
            classifier.to(device)
    assert classifier.predict(["milk"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_training_and_answers_on_a_gpu(parts, encoder_folder):
    fitted = fit(
        parts.train,
        validation=parts.validation,
        model=ModelConfig(encoder=str(encoder_folder)),
        training=TrainingConfig(epochs=1),
        device="cuda",
        progress=False,
    )
    on_gpu = fitted.predict_proba(TITLES)
    np.testing.assert_allclose(on_gpu, fitted.to("cpu").predict_proba(TITLES), atol=1e-3)
    assert prodcat.__version__


def with_column(values, labels, name):
    """Rows whose titles say nothing about their labels."""
    return [
        {"title": f"Item {'abcdefghijklm'[row % 13]}", "path": label, name: value}
        for row, (value, label) in enumerate(zip(values, labels, strict=True))
    ]


@pytest.fixture(scope="module")
def brand_rows():
    brands = np.random.default_rng(0).choice(["Oatly", "Lego"], 90)
    labels = ["Food > Drinks" if brand == "Oatly" else "Toys > Bricks" for brand in brands]
    return with_column(brands.tolist(), labels, "brand")


def fit_rows(rows, **settings):
    training = TrainingConfig(baseline=False)
    catalog = read_catalog(rows, **settings)
    return fit(catalog, model=ModelConfig(encoder=None), training=training, progress=False)


@pytest.fixture(scope="module")
def by_brand(brand_rows):
    return fit_rows(brand_rows, text=["brand"])


@pytest.fixture(scope="module")
def by_price():
    """Medium prices have another label than both lower and higher ones."""
    prices = 10 ** np.random.default_rng(0).uniform(0, 4, 240)
    labels = ["Toys > Bricks" if 10 < price < 1_000 else "Food > Drinks" for price in prices]
    rows = with_column([f"{price:.2f}" for price in prices], labels, "price")
    return fit_rows(rows, text=["price"])


def test_a_label_that_depends_on_a_further_column_is_learned_with_it_alone(brand_rows, by_brand):
    assert [field.kind for field in by_brand.ngrams.fields] == ["text"]
    assert by_brand.validation.path_accuracy == 1
    assert fit_rows(brand_rows).validation.path_accuracy < 0.8
    # As a word of the title, the brand is another n-gram than in its column.
    assert by_brand.predict_proba(["Item Oatly", "Item Lego"]).max() < 0.6


def test_a_number_is_learned_by_its_range_and_saved_with_its_edges(by_price, tmp_path):
    asked = [{"title": "Item a", "price": price} for price in ("2.2", "51", "€ 333", "5,000", "")]
    catalog = read_catalog(asked, path=None, text=["price"])
    best = [answer.path[0] for [answer] in by_price.predict(catalog)]
    assert best[:4] == ["Food", "Toys", "Toys", "Food"]
    by_price.save(str(tmp_path / "model"))
    [stored] = json.loads((tmp_path / "model/config.json").read_text())["fields"]
    assert stored["kind"] == "number" and stored["edges"] == sorted(stored["edges"])
    again = load(str(tmp_path / "model"), device="cpu")
    assert again.ngrams.fields == by_price.ngrams.fields
    assert np.array_equal(again.predict_proba(catalog), by_price.predict_proba(catalog))


def test_a_missing_column_is_read_as_empty_and_said_once(by_brand, tmp_path, caplog):
    by_brand.save(str(tmp_path / "model"))
    again = load(str(tmp_path / "model"), device="cpu")
    empty = read_catalog([{"title": "Item a", "brand": None}], path=None, text=["brand"])
    without = read_catalog([{"title": "Item a"}], path=None)
    expected = again.predict_proba(empty)
    assert not caplog.messages
    for titles in (["Item a"], without, ["Item a"]):
        assert np.array_equal(again.predict_proba(titles), expected)
    [message] = caplog.messages
    assert "text columns ['brand']; ['brand'] is missing" in message


def test_borders_within_titles_do_not_reach_a_field(by_brand):
    plain = by_brand.predict_proba(["Item a Lego"])
    assert np.array_equal(by_brand.predict_proba(["Item a\x1fLego"]), plain)
    rows = [{"title": "Item a\x1fLego", "brand": ""}]
    catalog = read_catalog(rows, path=None, text=["brand"], on_error="accept")
    assert np.array_equal(by_brand.predict_proba(catalog), plain)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.update(fields=[]),
        lambda config: config.update(fields=config["fields"] * 2),
        lambda config: config.update(text_columns=[]),
        lambda config: config.pop("fields"),
        lambda config: config.update(ngrams=2),
        lambda config: config["fields"][0].update(kind="date"),
        lambda config: config["fields"][0].update(edges=[float("nan")] * 15),
        lambda config: config["fields"][0]["edges"].reverse(),
        lambda config: config["fields"][0]["edges"].pop(),
        lambda config: config["fields"][0]["edges"].insert(0, 10**400),
    ],
)
def test_fields_that_contradict_the_artifact_are_refused(by_price, change, tmp_path):
    folder = tmp_path / "model"
    by_price.save(str(folder))
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    hostile.vouch(folder)
    with pytest.raises(ArtifactError):
        load(str(folder), device="cpu")
