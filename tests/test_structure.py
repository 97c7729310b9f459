"""The package keeps the limits of tests/support/structure.py, and each limit can be broken."""

import ast
import subprocess
import sys
import tomllib

import pytest
import structure


@pytest.fixture(scope="module")
def trees():
    return structure.modules()


@pytest.fixture(scope="module")
def graph(trees):
    return structure.edges(trees)


def test_the_top_of_the_package_is_packages_and_little_else():
    files = {path.name for path in structure.PACKAGE.iterdir() if path.is_file()}
    assert files == structure.TOP
    folders = {
        path.name
        for path in structure.PACKAGE.iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    modules = {"errors", "text_encoding", "_version"}
    assert folders == {name for layer in structure.LAYERS for name in layer} - modules


def test_modules_classes_and_functions_are_small(trees):
    assert structure.sizes(trees) == []


def test_private_names_stay_in_their_modules(trees):
    assert structure.private_uses(trees) == []


def test_only_adapters_and_the_command_line_read_the_environment(trees):
    assert structure.environment_readers(trees) == []


def test_nothing_inside_imports_the_package_itself(trees):
    whole = [
        f"{name}:{line}"
        for name, tree in trees.items()
        for line, module, _ in structure.imports(tree, name)
        if module == "prodcat" or module.startswith("a relative import")
    ]
    assert whole == []


def test_no_modules_import_in_circles(graph):
    assert structure.circles(graph) == []


def test_packages_import_only_from_below(graph):
    assert structure.upward(structure.pairs(graph)) == []
    between = structure.package_pairs(graph)
    assert len(between) <= structure.PAIRS, sorted(between)


def test_the_linter_has_the_same_layers():
    with (structure.ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    [layers] = [own["layers"] for own in contracts if own["type"] == "layers"]
    listed = [tuple(own.strip().removeprefix("prodcat.") for own in layer.split("|"))
              for layer in reversed(layers)]  # fmt: skip
    assert len(listed) <= 16
    assert [set(layer) for layer in listed] == [set(layer) for layer in structure.LAYERS]


# -- the limits can be broken -----------------------------------------------------


def broken(code):
    return {"prodcat.model.x": ast.parse(code)}


def test_a_long_function_and_many_arguments_are_told(monkeypatch):
    monkeypatch.setattr(structure, "lines_of", lambda name: 401)
    body = "".join(f"    x{n} = {n}\n" for n in range(60))
    told = structure.sizes(broken(f"def f(a, b, c, d, e, f, g, h, *i):\n{body}"))
    assert [line.split(": ")[1].split(",")[0] for line in told] == [
        "401 lines", "61 lines", "9 arguments",
    ]  # fmt: skip


def test_a_large_class_is_told(monkeypatch):
    monkeypatch.setattr(structure, "lines_of", lambda name: 1)
    methods = "".join(f"    def m{n}(self): ...\n" for n in range(21))
    [told] = structure.sizes(broken(f"class A:\n{methods}    @property\n    def p(self): ...\n"))
    assert "21 public methods" in told
    [told] = structure.sizes(broken("class A:\n" + "    x = 1\n" * 300))
    assert "301 lines" in told


def test_private_names_of_others_are_told():
    trees = {
        "prodcat.model.a": ast.parse("def _hidden(): ...\nclass A:\n    _field = 1\n"),
        "prodcat.model.b": ast.parse("from prodcat.model.a import A, _hidden\nprint(A()._field)\n"),
    }
    assert [line.split(" ", 1)[1] for line in structure.private_uses(trees)] == [
        "imports _hidden from prodcat.model.a",
        "uses ._field, which is another module's",
    ]


def test_circles_and_upward_imports_are_told():
    trees = {
        "prodcat.model.a": ast.parse("def f():\n    from prodcat.training.b import g\n"),
        "prodcat.training.b": ast.parse("from prodcat.model.a import f\n"),
    }
    graph = structure.edges(trees)
    assert structure.circles(graph)[0] == "prodcat.model.a > prodcat.training.b > prodcat.model.a"
    assert structure.upward(structure.pairs(graph)) == ["model imports training"]


def test_readers_of_the_environment_are_told():
    assert structure.environment_readers(broken("import os\nos.getenv('X')\n")) == [
        "prodcat.model.x:2 uses os.getenv"
    ]


# -- calls, as they really go -----------------------------------------------------

TRACE = """
import json, sys
import prodcat
import prodcat.cli.command  # so that a call to it could be seen
calls = set()

def package(frame):
    name = frame.f_globals.get("__name__", "")
    parts = name.split(".")
    return parts[1] if parts[0] == "prodcat" and len(parts) > 1 else None

def caller_of(frame):
    # A decorator of prodcat.errors is no caller.
    back = frame.f_back
    while back is not None and package(back) == "errors":
        back = back.f_back
    return None if back is None else package(back)

def seen(frame, event, argument):
    if event == "call":
        callee, caller = package(frame), caller_of(frame)
        if callee and caller and callee != caller:
            calls.add((caller, callee))

rows = [{"title": f"{name} {number}", "path": [name[0], name]}
        for name in ("apple", "bread", "milk") for number in range(12)]
sys.setprofile(seen)
catalog = prodcat.read_catalog(rows)
classifier = prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=ENCODER), progress=False,
                         training=prodcat.TrainingConfig(epochs=1), device="cpu")
classifier.predict(["apple 1"], top_k=2)
classifier.predict(["apple 1"], objective="hierarchical_f1")
classifier.evaluate(catalog)
classifier.with_guarantee(catalog).predict(["milk"], guarantee=0.6)
sys.setprofile(None)
print(json.dumps(sorted(calls)))
"""


@pytest.mark.parametrize("encoder", [False, True])
def test_no_call_on_the_way_of_a_title_goes_to_a_higher_package(encoder, encoder_folder):
    folder = repr(str(encoder_folder)) if encoder else "None"
    done = subprocess.run(
        [sys.executable, "-c", f"ENCODER = {folder}\n{TRACE}"],
        capture_output=True, text=True, check=True, cwd=structure.ROOT,
    )  # fmt: skip
    calls = {tuple(pair) for pair in ast.literal_eval(done.stdout.splitlines()[-1])}
    assert ("training", "classifier") in calls and ("classifier", "decisions") in calls
    assert structure.upward(calls) == []
