"""The loop: checkpoints, interruptions, warm starts, processes side by side, nothing in its way."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import prodcat
from prodcat.catalog.fingerprint import fingerprint, row_hashes
from prodcat.demo.run import write_catalog
from prodcat.demo.scratch import write_scratch_encoder
from prodcat.errors import CatalogError, CheckpointError, ConfigError, TrainingInterrupted
from prodcat.model.network import Network
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.checkpoint import Checkpoint, Checkpoints
from prodcat.training.fitting import _hashes
from prodcat.training.loop import Rows, _Loop, _optimizer, _Schedule, _StepLoss
from prodcat.training.ranks import Ranks
from prodcat.training.warm_start import carry_heads, match_nodes, rows_to_learn

LEVELS = ["department", "category", "subcategory", "type"]
SETTINGS = {"epochs": 2, "precision": "float32", "token_budget": 128}


def fit(catalog, folder, *, model=None, **rest):
    names = set(vars(prodcat.TrainingConfig())) - {"validation"}
    own = {**SETTINGS, **{name: rest.pop(name) for name in list(rest) if name in names}}
    return prodcat.fit(
        catalog,
        model=model or (None if "warm_start" in rest else small_model(folder)),
        training=prodcat.TrainingConfig(**own),
        device="cpu",
        progress=False,
        **rest,
    )


def small_model(folder, **rest):
    return prodcat.ModelConfig(encoder=str(folder), belief_width=8, **{"lexical": False, **rest})


def weights(classifier):
    return {name: own.clone() for name, own in classifier.network.state_dict().items()}


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name, own in first.items():
        assert torch.equal(own, second[name]), name


@pytest.fixture(scope="module")
def some(parts):
    return parts.train.take(np.arange(200))


# -- options of the loop --------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"layer_decay": 0.5},
        {"head_epochs": 1},
        {"head_epochs": 2, "frozen_layers": 0.0},
        {"encoder_dropout": 0.2, "frozen_layers": 0.0},
        {"accumulate": 3, "checkpoint_steps": 0},
    ],
)
def test_options_of_the_loop_run(some, parts, encoder_folder, settings):
    fitted = fit(some, encoder_folder, validation=parts.validation, **settings)
    assert all(np.isfinite(result.loss) for result in fitted.history[1:])


def test_while_the_heads_learn_alone_the_encoder_stays(some, encoder_folder):
    for head_epochs in (0, 1):
        loop, run_epoch = an_epoch(some, encoder_folder, 0.0, 64, "cpu", head_epochs)
        loop.pooled = loop.read.all(loop.training.tokens)
        before = {name: own.clone() for name, own in loop.network.state_dict().items()}
        run_epoch()
        changed = {n for n, own in loop.network.state_dict().items() if not own.equal(before[n])}
        assert any(name.startswith("heads.") for name in changed)
        assert any(name.startswith("encoder.") for name in changed) == (head_epochs == 0)


def test_lower_layers_learn_slower(encoder_folder, some):
    from prodcat.model.encoder import load_encoder

    encoder, _ = load_encoder(str(encoder_folder))
    network = Network(some.tree, encoder, "stacked", 8)
    config = prodcat.TrainingConfig(layer_decay=0.5, learning_rate=1.0, head_learning_rate=7.0)
    rates = {
        id(parameter): group["peak"]
        for group in _optimizer(network, config).param_groups
        for parameter in group["params"]
    }
    layers = encoder.body.encoder.layer
    assert [rates[id(layer.output.dense.weight)] for layer in layers] == [0.5, 1.0]
    assert rates[id(encoder.word_embeddings.weight)] == 0.25
    assert all(rates[id(own)] == 7.0 for own in network.heads.parameters())


def test_equal_titles_are_learned_once_with_their_weight(parts, encoder_folder):
    """Each title twice is the same training as each title once, n-grams and heads."""
    once = parts.train.take(np.arange(150))
    twice = parts.train.take(np.tile(np.arange(150), 2))
    model = small_model(encoder_folder, lexical=True, max_features=2_000)
    settings = {"validation": parts.validation, "node_names": False, "lexical_cost": 1.0}
    settings["closed_form"] = False  # it rightly trusts more titles more
    first = fit(once, encoder_folder, model=model, **settings)
    second = fit(twice, encoder_folder, model=model, **{**settings, "lexical_cost": 0.5})
    assert second.counts.sum() == 2 * first.counts.sum()
    a, b = weights(first), weights(second)
    for name in a:
        if name.startswith(("encoder.", "heads.")):
            torch.testing.assert_close(a[name], b[name], atol=2e-4, rtol=1e-3)
    assert torch.equal(a["lexical.columns"], b["lexical.columns"])


class Counted(TorchDispatchMode):
    """Counts what makes the host wait for a device."""

    WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.__name__.split(".")[0]
        indices = args[1] if name == "index" else ()
        masks = any(i is not None and i.dtype == torch.bool for i in indices)
        if name in self.WAITS or masks:
            self.found.append(name)
        return func(*args, **(kwargs or {}))


def an_epoch(catalog, encoder_folder, frozen, budget, device, head_epochs=0):
    """A loop, and a call that runs one epoch of it."""
    import threading

    from prodcat.model.encoder import load_encoder
    from prodcat.model.tokenization import tokenize

    encoder, tokenizer = load_encoder(str(encoder_folder))
    config = prodcat.TrainingConfig(
        frozen_layers=frozen, token_budget=budget, head_epochs=head_epochs
    )
    network = Network(catalog.tree, encoder, "stacked", 8, None, 0.1).to(device)
    rows = Rows(tokenize(tokenizer, catalog.inputs, 32), None, catalog.targets)
    loop = _Loop(network, catalog.tree, rows, rows, config, "float32", Ranks(), None)
    loop.read.keep(rows.tokens)
    optimizer = _optimizer(network, config)
    step = _StepLoss(network, loop.read, rows.tokens, loop.targets, config)

    class Bar:
        def update(self):
            pass

    schedule, stop = _Schedule(optimizer, 99, 0.1), threading.Event()
    return loop, lambda: loop._epoch(step, optimizer, schedule, {}, None, stop, Bar(), 0, 0)


@pytest.mark.parametrize("frozen", [0.0, 0.5])
@pytest.mark.parametrize("budget", [64, 300])
def test_a_step_never_waits_for_the_device(some, encoder_folder, frozen, budget):
    loop, run_epoch = an_epoch(some, encoder_folder, frozen, budget, "cpu")
    with Counted() as counted:
        run_epoch()
    # One look at the loss, at the end of the epoch.
    assert loop.steps_an_epoch > 3 and counted.found == ["_local_scalar_dense"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_no_step_waits_for_a_gpu(some, encoder_folder):
    """As the driver sees it: one wait an epoch, for its loss."""
    import warnings

    loop, run_epoch = an_epoch(some, encoder_folder, 0.5, 64, "cuda")
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            run_epoch()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    waits = [own for own in found if "synchronizing CUDA operation" in str(own.message)]
    assert loop.steps_an_epoch > 3 and len(waits) == 1


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")
def test_compiled_layers_learn_the_same(some, parts, tmp_path):
    """Above kept layers too, where the first upper layer is given its input by a hook."""
    folder = write_scratch_encoder(some.inputs, tmp_path, vocabulary=600, hidden=32, layers=4)
    settings = {"validation": parts.validation, "epochs": 1, "frozen_layers": 0.5}
    plain = fit(some, folder, compile="no", **settings)
    compiled = fit(some, folder, compile="yes", **settings)
    for name in ("loss", "log_loss", "path_accuracy"):
        expected = getattr(plain.history[1], name)
        assert getattr(compiled.history[1], name) == pytest.approx(expected, rel=1e-3)
    layers = compiled.network.encoder.body.encoder.layer
    assert all(layer._compiled_call_impl is None for layer in layers)


# -- checkpoints ------------------------------------------------------------------


def state(step):
    return Checkpoint(step, {"x": torch.full((3,), float(step))}, {"steps": step})


@pytest.mark.parametrize("place", ["folder", "memory"])
def test_the_newest_whole_checkpoint_is_found(place, tmp_path):
    uri = str(tmp_path / "kept") if place == "folder" else f"memory://checkpoints/{tmp_path.name}"
    kept = Checkpoints(uri, "a" * 64)
    assert kept.latest() is None
    for step in (1, 2, 3):
        kept.save(state(step))
    assert len(kept.objects.names("")) == 2, "the last two are kept"
    found = Checkpoints(uri, "a" * 64).latest()
    assert found.step == 3 and found.tensors["x"].tolist() == [3.0] * 3
    assert Checkpoints(uri, "b" * 64).latest() is None, "another run's are not taken"
    kept.clear()
    assert kept.latest() is None


def test_an_object_store_has_no_folders(tmp_path, monkeypatch):
    """Where makedirs makes nothing, and a prefix without objects cannot be listed."""
    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.setattr(MemoryFileSystem, "makedirs", lambda *rest, **more: None)
    kept = Checkpoints(f"memory://no-folders/{tmp_path.name}", "a" * 64)
    assert kept.latest() is None
    kept.save(state(1))
    assert kept.latest().step == 1


@pytest.mark.parametrize("damage", [lambda b: b[:-2], lambda b: b[:-1] + b"\7", lambda b: b""])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(damage, tmp_path, caplog):
    kept = Checkpoints(str(tmp_path), "a" * 64)
    kept.save(state(1))
    kept.save(state(2))
    newest = f"{kept.objects.uri}/step-00000002.safetensors"
    with open(newest, "rb") as file:
        content = file.read()
    with open(newest, "wb") as file:
        file.write(damage(content))
    assert kept.latest().step == 1
    assert "is damaged" in caplog.text


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match="Cannot keep checkpoints at"):
        Checkpoints(str(tmp_path / "file"), "a" * 64)
    with pytest.raises(CheckpointError, match="Cannot keep checkpoints at 'nonesuch://x'"):
        Checkpoints("nonesuch://x", "a" * 64)


@pytest.mark.parametrize(
    "settings",
    [
        {"encoder_dropout": 0.1},
        {"frozen_layers": 0.0, "encoder_dropout": 0.1},
        {"head_epochs": 1},
        {"head_epochs": 2},
        {"accumulate": 2},
        {"patience": 1, "learning_rate": 0.5, "head_learning_rate": 2.0},
    ],
)
def test_sigterm_saves_and_the_same_call_goes_on(
    some, parts, encoder_folder, tmp_path, caplog, settings
):
    settings = {"validation": parts.validation, "epochs": 3, **settings}
    whole = fit(some, encoder_folder, **settings)

    def stop(result):
        if result.epoch == 0 if settings.get("patience") == 1 else result.epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    place = str(tmp_path / "kept")
    handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        if settings.get("patience") == 1:  # it ends after the first epoch
            settings["checkpoint_steps"] = 1
            with pytest.raises(ZeroDivisionError):
                fit(some, encoder_folder, checkpoints=place, listener=fail_after_one, **settings)
        else:
            message = f"the state is in '{place}'. Run the same again"
            with pytest.raises(TrainingInterrupted, match=message):
                fit(some, encoder_folder, checkpoints=place, listener=stop, **settings)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN, "the handler is put back"
    finally:
        signal.signal(signal.SIGTERM, handler)
    with caplog.at_level("INFO", "prodcat"):
        folder = prodcat.CheckpointFolder(place)
        resumed = fit(some, encoder_folder, checkpoints=folder, **settings)
    assert "Going on from step" in caplog.text
    assert_equal(weights(whole), weights(resumed))
    assert [r.loss for r in whole.history] == [r.loss for r in resumed.history]
    resumed.save(str(tmp_path / "model"))
    assert list((tmp_path / "kept").rglob("*.safetensors")), "saving removes no checkpoints"
    folder.clear()
    assert not list((tmp_path / "kept").rglob("*.safetensors")), "cleared: no state is left"


def fail_after_one(result):
    if result.epoch == 1:
        raise ZeroDivisionError


def test_an_interrupted_warm_start_goes_on(last, parts, encoder_folder, tmp_path):
    more = parts.train.take(np.arange(260))
    settings = {"validation": parts.validation, "warm_start": last, "warm_epochs": 2}
    whole = fit(more, encoder_folder, **settings)
    settings |= {"checkpoints": str(tmp_path), "checkpoint_steps": 1}
    with pytest.raises(ZeroDivisionError):
        fit(more, encoder_folder, listener=fail_after_one, **settings)
    assert_equal(weights(whole), weights(fit(more, encoder_folder, **settings)))


def test_other_titles_start_anew_and_say_so(some, parts, encoder_folder, tmp_path, caplog):
    place = str(tmp_path)
    fit(some, encoder_folder, validation=parts.validation, checkpoints=place, epochs=1)
    other = parts.train.take(np.arange(1, 201))
    with caplog.at_level("INFO", "prodcat"):
        fit(other, encoder_folder, validation=parts.validation, checkpoints=place, epochs=1)
    assert "checkpoints of 1 other runs" in caplog.text and "Going on" not in caplog.text


# -- the command, killed ----------------------------------------------------------


@pytest.fixture(scope="module")
def command(rows, encoder_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    path = write_catalog(rows[:400], folder / "catalog.csv")

    def make(output, *more):
        return [
            sys.executable, "-m", "prodcat", "train", str(path), "--path", *LEVELS,
            "--encoder", str(encoder_folder), "--belief-width", "8", "--lexical", "no",
            "--precision", "float32", "--token-budget", "128", "--epochs", "3", "--device", "cpu",
            "--output", str(output), "--quiet", *more,
        ]  # fmt: skip

    return make


ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def run(command, expected=0):
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == expected, done.stderr[-3000:]
    return done


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_training_ends_with_the_same_weights(command, tmp_path, number):
    run(command(tmp_path / "whole"))
    kept = tmp_path / "kept"
    again = command(tmp_path / "resumed", "--checkpoints", str(kept), "--checkpoint-steps", "7")
    process = subprocess.Popen(again, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(kept.rglob("*.safetensors"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(60) == (75 if number == signal.SIGTERM else -9)
    assert not (tmp_path / "resumed").exists()
    assert "Going on from step" in run(again).stderr
    first, second = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "resumed")
    )
    assert first == second


def test_two_processes_train_as_one(command, tmp_path):
    """The same batches make the same steps: the losses agree to rounding."""
    more = ("--accumulate", "2", "--dropout", "0", "--epochs", "2")
    run(command(tmp_path / "one", *more, "--history", str(tmp_path / "one.jsonl")))
    history = ("--history", str(tmp_path / "two.jsonl"))
    program = command(tmp_path / "two", *more[2:], *history)[1:]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    done = run([*torchrun, "2", *program])
    assert done.stdout.count("saved to") == 1, "one process writes"
    one, two = (
        [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    )
    assert [r["epoch"] for r in one] == [r["epoch"] for r in two] == [0, 1, 2]
    for a, b in zip(one, two, strict=True):
        assert a["path_accuracy"] == pytest.approx(b["path_accuracy"], abs=0.03)
        assert a["log_loss"] == pytest.approx(b["log_loss"], rel=2e-3)
        if a["loss"] is not None:
            assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)


def test_processes_solve_the_same_machines(monkeypatch):
    from scipy.sparse import random

    from prodcat import svm

    rng = np.random.default_rng(0)
    matrix = random(300, 500, 0.05, format="csr", random_state=0)
    targets = rng.integers(0, 12, 300)
    weights = rng.uniform(0.5, 2, 300).astype(np.float32)
    alone = svm.solve_all(matrix, targets, weights, range(12), 1.0, 2)
    monkeypatch.setattr(svm, "_PAYS", 0)
    together = svm.solve_all(matrix, targets, weights, range(12), 1.0, 2)
    for (bias, weight), (other_bias, other_weight) in zip(alone, together, strict=True):
        assert bias == other_bias and np.array_equal(weight, other_weight)


def test_ranks_share_everything_once():
    shares = [Ranks(rank, 3).share(10) for rank in range(3)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(10))
    alone = Ranks()
    assert alone.writes and alone.agree("x") == "x" and alone.collect(3) == [3]
    assert not alone.any(False, torch.device("cpu")) and alone.any(True, torch.device("cpu"))


# -- warm starts ------------------------------------------------------------------


@pytest.fixture(scope="module")
def last(some, parts, encoder_folder):
    model = small_model(encoder_folder, lexical=True, max_features=2_000)
    return fit(some, encoder_folder, model=model, validation=parts.validation)


def test_where_nothing_changed_nothing_is_trained(last, some, parts, encoder_folder, caplog):
    shuffled = some.take(np.random.default_rng(0).permutation(len(some)))
    with caplog.at_level("INFO", "prodcat"):
        again = fit(shuffled, encoder_folder, validation=parts.validation, warm_start=last)
    assert again is last and "nothing is trained" in caplog.text
    other = fit(some, encoder_folder, validation=parts.validation, warm_start=last, seed=1)
    assert other is not last, "other settings are a change"


def test_few_new_titles_are_learned_beside_as_many_known(last, parts, encoder_folder, caplog):
    more = parts.train.take(np.arange(210))
    before = weights(last)
    with caplog.at_level("INFO", "prodcat"):
        warm = fit(more, encoder_folder, validation=parts.validation, warm_start=last)
    assert re.search(r"0 new, 0 gone; 2\d titles to learn", caplog.text)
    assert_equal(before, weights(last))
    assert warm.knows(warm._rows).all() and len(warm._rows) == len(last._rows) + 10
    assert warm.history[0].path_accuracy == pytest.approx(last.history[-1].path_accuracy, abs=0.1)


def test_a_warm_start_begins_where_the_last_version_ended(last, some, parts, encoder_folder):
    more = parts.train.take(np.arange(204))
    warm = fit(more, encoder_folder, validation=parts.validation, warm_start=last, epochs=0)
    for name, own in weights(last).items():
        if name.startswith(("encoder.", "heads.")):
            assert torch.equal(own, weights(warm)[name]), name


def test_a_saved_warm_start_is_the_same(last, parts, encoder_folder, tmp_path):
    last.save(str(tmp_path / "last"))
    more = parts.train.take(np.arange(215))
    settings = {"validation": parts.validation}
    first = fit(more, encoder_folder, warm_start=last, **settings)
    second = fit(more, encoder_folder, warm_start=str(tmp_path / "last"), **settings)
    assert_equal(weights(first), weights(second))


def test_mostly_new_titles_are_learned_all(last, parts, encoder_folder, caplog):
    other = parts.train.take(np.arange(200, 400))
    with caplog.at_level("INFO", "prodcat"):
        fit(other, encoder_folder, validation=parts.validation, warm_start=last, node_names=False)
    assert "200 titles to learn" in caplog.text or "199 titles to learn" in caplog.text


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"structure": "flat"}, "structure='flat' does not go with .* which has 'stacked'"),
        ({"belief_width": 4}, "belief_width=4 does not go with"),
        ({"encoder": "other"}, "encoder='other' does not go with"),
    ],
)
def test_a_warm_start_of_another_kind_is_refused(last, some, encoder_folder, model, message):
    with pytest.raises(ConfigError, match=message):
        fit(some, encoder_folder, model=replace(last.model, **model), warm_start=last)


def test_titles_that_were_learned_are_not_validated_on(parts, encoder_folder, caplog):
    """Without a validation catalog: what was held out before, and a share of what is new."""
    some = parts.train.take(np.arange(300))
    base = fit(some, encoder_folder, epochs=0)
    learned = {row for row in base._rows.tolist()}
    again = fit(some, encoder_folder, epochs=0, warm_start=base)
    assert again is base, "the same titles are held out"
    more = parts.train.take(np.arange(380))
    warm = fit(more, encoder_folder, epochs=0, warm_start=base)
    assert learned <= set(warm._rows.tolist()), "all that was learned stays in training"
    new_rows = len(warm._rows) - len(learned)
    assert 60 < new_rows < 80, "a share of the 80 new ones is held out"
    assert warm.validation.rows == base.validation.rows + 80 - new_rows
    assert "were learned by the classifier" not in caplog.text
    fit(more, encoder_folder, epochs=0, warm_start=base, validation=some.take(np.arange(50)))
    assert re.search(r"\d+ of 50 validation titles were learned by the classifier", caplog.text)


def test_titles_that_only_went_leave_nothing_to_learn(last, some, parts, encoder_folder):
    fewer = some.take(np.arange(190))
    warm = fit(fewer, encoder_folder, validation=parts.validation, warm_start=last)
    assert warm is not last and len(warm.history) == 1
    assert len(warm._rows) == len(last._rows) - 10
    for name, own in weights(last).items():
        if name.startswith(("encoder.", "heads.")):
            assert torch.equal(own, weights(warm)[name]), name


def test_relabelled_titles_are_learned_not_validated_on(parts, encoder_folder):
    some = parts.train.take(np.arange(200))
    base = fit(some, encoder_folder, epochs=0)
    targets = some.targets.copy()
    learned = np.flatnonzero(base.knows(_hashes(some)))[:30]
    targets[learned] = np.roll(targets[learned], 1)
    changed = replace(some, targets=targets)
    warm = fit(changed, encoder_folder, epochs=0, warm_start=base)
    assert warm.validation.rows == base.validation.rows
    assert warm.knows(_hashes(changed)[learned]).all()


def test_more_of_an_equal_title_is_a_change(last, some, parts, encoder_folder):
    more = some.take(np.concatenate([np.arange(200), [0, 0, 0]]))
    warm = fit(more, encoder_folder, validation=parts.validation, warm_start=last)
    assert warm is not last


def test_machines_of_untouched_categories_stay(last, parts, encoder_folder):
    more = parts.train.take(np.arange(205))
    warm = fit(more, encoder_folder, validation=parts.validation, warm_start=last, epochs=0)
    tree, before, after = last.taxonomy, last.network.lexical, warm.network.lexical
    touched = set(parts.train.targets[200:205].tolist())
    old, new = before.bias, after.bias
    stays = [node not in touched for node in tree.outcomes.tolist()]
    assert torch.equal(old[stays], new[stays])
    assert not torch.equal(old, new)
    title = [parts.train.titles[0]]
    margins = [own.network.lexical(own.ngrams(title))[0] for own in (last, warm)]
    # Only what the new titles' own n-grams add to the title's length can differ.
    torch.testing.assert_close(margins[0][stays], margins[1][stays], atol=0.05, rtol=0.05)


def test_a_map_moves_to_another_vocabulary_and_other_outcomes():
    from prodcat.model.lexical import NGrams
    from prodcat.training.lexical_fit import solve

    texts = ["red apple", "green apple", "red milk", "fresh milk", "bread"]
    ngrams, features = NGrams.fit(texts, (2, 3), 1_000)
    branch = solve(features, len(ngrams.hashes), np.array([0, 0, 1, 1, 2]), 3)
    wider, _ = NGrams.fit([*texts, "butter"], (2, 3), 1_000, like=ngrams)
    moved = branch.moved(ngrams, wider, np.array([2, -1, 0]))
    before, after = branch(ngrams(texts)), moved(wider(texts))
    torch.testing.assert_close(after[:, 0], before[:, 2])
    torch.testing.assert_close(after[:, 2], before[:, 0])
    assert (after[:, 1] < -1).all(), "a new outcome is below all others until it is solved"


def test_other_text_columns_than_the_warm_start_read_are_refused(last, encoder_folder):
    table = [{"title": "elma", "brand": "x", "path": ["a", "b"]}, {"title": "süt", "path": ["a"]}]
    catalog = prodcat.read_catalog(table, text=["brand"])
    with pytest.raises(
        CatalogError, match=r"has text columns \['brand'\]; the classifier to start"
    ):
        fit(catalog, encoder_folder, warm_start=last)


def two_trees():
    old = Taxonomy.from_paths([("A", "a1"), ("A", "a2"), ("B", "b1"), ("B", "b2")])
    table = [dict(row) for row in old.to_table()]
    by_name = {row["name"]: row for row in table}
    by_name["b2"]["parent"] = by_name["A"]["id"]  # moved
    table = [row for row in table if row["name"] != "a2"]  # gone
    table.append({**by_name["a1"], "id": "new", "name": "a3"})
    return old, Taxonomy.from_table(table)


@pytest.mark.parametrize("structure", ["stacked", "flat", "per_level"])
def test_matched_nodes_keep_their_rows(encoder_folder, structure):
    from prodcat.model.encoder import load_encoder

    old_tree, new_tree = two_trees()
    encoder, _ = load_encoder(str(encoder_folder))
    old, new = (Network(tree, encoder, structure, 0) for tree in (old_tree, new_tree))
    torch.manual_seed(0)
    with torch.no_grad():
        for own in old.heads.parameters():
            own.normal_()
    found = carry_heads(old, old_tree, new, new_tree)
    assert (found.matched, found.moved, found.new, found.gone) == (5, 1, 1, 1)
    assert str(found) == "5 of 6 nodes known (1 of them moved), 1 new, 1 gone"
    x = torch.randn(4, encoder.hidden)
    if structure == "per_level":  # each node keeps its own row, wherever it hangs
        places = match_nodes(old_tree, new_tree)
        with torch.no_grad():
            before, after = old.heads(x), new.heads(x)
        for node in np.flatnonzero(places >= 0).tolist():
            torch.testing.assert_close(before[:, places[node]], after[:, node])
        return
    with torch.no_grad():
        before, after = old.paths.scores(old.heads(x)), new.paths.scores(new.heads(x))
    names = [[tree.names[n] for n in tree.outcomes] for tree in (old_tree, new_tree)]
    for name in ("a1", "b1", "b2"):  # also where it moved
        torch.testing.assert_close(
            before[:, names[0].index(name)], after[:, names[1].index(name)], atol=1e-5, rtol=1e-5
        )


def test_beliefs_go_over_with_their_nodes(last, some):
    tree = some.tree
    again = Network(tree, last.network.encoder, "stacked", 8)
    carry_heads(last.network, tree, again, tree)
    own = {n: t for n, t in last.network.heads.state_dict().items()}
    assert_equal(own, again.heads.state_dict())
    assert (match_nodes(tree, tree) == np.arange(len(tree))).all()


def test_rows_to_learn_are_the_new_ones_and_some_known():
    new = np.zeros(100, bool)
    new[[3, 50]] = True
    rows = rows_to_learn(new, 2.5, 0)
    assert {3, 50} <= set(rows.tolist()) and len(rows) == 7 == len(set(rows.tolist()))
    assert rows_to_learn(np.ones(4, bool), 1.0, 0).tolist() == [0, 1, 2, 3]


def test_fingerprints_tell_what_changed():
    hashes = row_hashes(["a", "b", "c"], ["x", "x", "y"])
    assert len(set(hashes.tolist())) == 3
    assert row_hashes(["a"], ["y"])[0] != hashes[0] and row_hashes(["a"], ["x"])[0] == hashes[0]
    turned = hashes[::-1].copy()
    assert fingerprint([hashes], {"s": 1}, ordered=False) == fingerprint(
        [turned], {"s": 1}, ordered=False
    )
    assert fingerprint([hashes], {}, ordered=True) != fingerprint([turned], {}, ordered=True)
    assert fingerprint([hashes], {"s": 1}, ordered=False) != fingerprint(
        [hashes], {"s": 2}, ordered=False
    )


def test_a_scheduled_job_without_news_ends_and_says_so(command, tmp_path):
    first = command(tmp_path / "model")
    run(first)
    before = (tmp_path / "model" / "manifest.json").read_bytes()
    warm = ("--warm-start", str(tmp_path / "model"))
    done = run([*first, *warm])
    assert "nothing was trained" in done.stdout
    assert (tmp_path / "model" / "manifest.json").read_bytes() == before
    done = run(command(tmp_path / "copy", *warm))
    assert "nothing was trained" in done.stdout and "saved to" in done.stdout
    assert prodcat.load(str(tmp_path / "copy"), device="cpu").fingerprint
