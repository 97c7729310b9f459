"""Names in prodcat say what a thing is: words that could mean anything are refused.

``python tests/test_words.py [PACKAGE]`` prints every refused name as ``file:line: name``.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Refused as any part of a name, in snake_case and in CamelCase.
PARTS = {
    "own", "found", "utils", "util", "helpers", "helper", "common", "misc", "stuff", "thing", "things",
    "judge", "carry", "ledger", "apart", "beside", "wanted", "said", "ready", "it", "few",
}  # fmt: skip
# Refused as a whole name.
WHOLE = {"some"}
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def is_refused(name: str) -> bool:
    """Whether a name is, or has as a part, a word that says nothing."""
    words = {word.lower() for word in WORD.findall(name)}
    return not PARTS.isdisjoint(words) or name.strip("_").lower() in WHOLE


def defined_name(node: ast.AST) -> str:
    """The name that a node of a syntax tree gives to something, or an empty string."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name
        case ast.arg():
            return node.arg
        case ast.Name(ctx=ast.Store()):
            return node.id
        case ast.Attribute(ctx=ast.Store()):
            return node.attr
        case ast.alias(asname=str(name)) | ast.MatchMapping(rest=str(name)):
            return name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return name
        case ast.MatchStar(name=str(name)):
            return name
    return ""


def inherited_names(module: str, node: ast.ClassDef) -> set[str]:
    """Names that a class has from bases outside prodcat, whose authors chose them."""
    defined = vars(importlib.import_module(module)).get(node.name)
    bases = [base for base in getattr(defined, "__mro__", ()) if base.__module__ != module]
    outside = [base for base in bases if base.__module__.split(".")[0] != "prodcat"]
    return {name for base in outside for name in vars(base)}


def refused_names(tree: ast.AST, module: str) -> Iterator[tuple[int, str]]:
    """Line and name of everything in a module that has a refused name."""
    for node in ast.iter_child_nodes(tree):
        members = list(refused_names(node, module))
        if members and isinstance(node, ast.ClassDef):
            inherited = inherited_names(module, node)
            members = [(line, name) for line, name in members if name not in inherited]
        if is_refused(name := defined_name(node)):
            yield node.lineno, name  # type: ignore[attr-defined]
        yield from members


def refused_in(package: str = "") -> list[str]:
    """Every refused name of a package, or of all of prodcat, as ``file:line: name``."""
    lines = []
    for path in sorted((ROOT / "prodcat" / package).rglob("*.py")):
        file = path.relative_to(ROOT)
        module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        lines += [f"{file}:1: {part}" for part in module.split(".") if is_refused(part)]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lines += [f"{file}:{line}: {name}" for line, name in refused_names(tree, module)]
    return lines


def test_no_name_has_a_word_that_says_nothing():
    lines = refused_in()
    assert not lines, (
        "Name these after what they are; a public name of an earlier version goes on in "
        "prodcat.deprecated.RENAMED:\n" + "\n".join(lines)
    )


@pytest.mark.parametrize(
    "code",
    [
        "def judge_rows(): ...",
        "async def carry(): ...",
        "class NotFound: ...",
        "def f(own, *, b): ...",
        "def f(*own_rows, **b): ...",
        "lambda it: 1",
        "wanted = 1",
        "_SOME = 1",
        "some: int = 1",
        "a, (few, b) = c",
        "for own in b: ...",
        "[own for own in b]",
        "with a as ready: ...",
        "if (found := a): ...",
        "import a as utils",
        "try: ...\nexcept ValueError as said: ...",
        "self.own_bytes = 1",
        "class A:\n    commonHelper = 1",
        "match a:\n    case [1, *own]: ...",
        "match a:\n    case {**own}: ...",
        "match a:\n    case int() as own: ...",
    ],
)
def test_a_name_that_says_nothing_is_told(code):
    assert len(list(refused_names(ast.parse(code), "prodcat.errors"))) == 1


def test_words_that_only_begin_alike_and_uses_of_names_of_others_are_right():
    code = "owner = foundation = items = some_titles = HTTPServer = event.wanted\nready(it)"
    assert list(refused_names(ast.parse(code), "prodcat.errors")) == []


def test_names_that_a_class_has_from_a_library_are_right(tmp_path, monkeypatch):
    code = (
        "import threading\n"
        "class Base(threading.Thread): ...\n"
        "class Waiting(Base):\n"
        "    def ready(self): ...\n"
        "    def own_one(self): ...\n"
    )
    (tmp_path / "waiting_words.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("threading.Thread.ready", None, raising=False)
    assert list(refused_names(ast.parse(code), "waiting_words")) == [(5, "own_one")]


if __name__ == "__main__":
    print(*refused_in(*sys.argv[1:]), sep="\n")
