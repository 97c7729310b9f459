"""Limits that keep the package easy to read, measured on its syntax trees.

``python tests/support/structure.py [PACKAGE]`` prints what is over a limit and the pairs of packages of
which one imports the other.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "prodcat"
# From the ground up; a package imports only from those before its own line.
LAYERS = (
    ("errors", "text_encoding", "_version", "deprecated"),
    ("storage",),
    ("taxonomy",),
    ("catalog", "offers"),
    ("model", "evaluation"),
    ("decisions",),
    ("classifier",),
    ("training", "scoring", "matching"),
    ("testing",),
    ("insight",),
    ("serving",),
    ("pipeline",),
    ("demo",),
    ("cli",),
    ("aws",),
)
TOP = {"__init__.py", "__main__.py", "_version.py", "errors.py", "py.typed", "text_encoding.py"}
MODULE_LINES, CLASS_LINES, FUNCTION_LINES = 400, 300, 60
PUBLIC_METHODS, ARGUMENTS, PAIRS = 20, 8, 66
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def lines_of(name: str) -> int:
    """How many lines a module has."""
    path = ROOT.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return len(file.read_text(encoding="utf-8").splitlines())


def imports(tree: ast.Module, name: str) -> Iterator[tuple[int, str, str | None]]:
    """Line, module and imported name of every import from prodcat, typing ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "prodcat":
            for alias in node.names:
                yield node.lineno, node.module or "", alias.name
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, f"a relative import in {name}", None
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "prodcat":
                    yield node.lineno, alias.name, None


def package_of(module: str) -> str:
    """The package, or the module at the top, that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def private_uses(trees: dict[str, ast.Module]) -> list[str]:
    """Private names of one module that another uses: imported, or as attributes of others."""
    found = []
    definers: dict[str, set[str]] = {}
    for name, tree in trees.items():
        for definition in _private_definitions(tree):
            definers.setdefault(definition, set()).add(name)
    for name, tree in trees.items():
        for line, module, imported in imports(tree, name):
            dunder = (imported or "").startswith("__")
            if (imported or "").startswith("_") and not dunder:
                found.append(f"{name}:{line} imports {imported} from {module}")
            hidden = any(part.startswith("_") for part in module.split("."))
            if hidden and module not in (name, "prodcat._version"):
                found.append(f"{name}:{line} imports the private module {module}")
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute):
                continue
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            if private and node.attr in definers and name not in definers[node.attr]:
                found.append(f"{name}:{node.lineno} uses .{node.attr}, which is another module's")
    return found


def _private_definitions(tree: ast.Module) -> set[str]:
    """Private names that a module defines: functions, classes, fields and attributes."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and str(node.value).isidentifier():
            names.add(str(node.value))  # object.__setattr__(self, "_name", …), __slots__
    return {name for name in names if name.startswith("_")}


def sizes(trees: dict[str, ast.Module]) -> list[str]:
    """What is over a limit of size."""
    found = []
    for name, tree in trees.items():
        if lines_of(name) > MODULE_LINES:
            found.append(f"{name}: {lines_of(name)} lines, at most {MODULE_LINES}")
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found += _class_size(name, node)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found += _function_size(name, node)
    return found


def _length(node: ast.ClassDef | Function) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def _class_size(name: str, node: ast.ClassDef) -> list[str]:
    found = []
    if _length(node) > CLASS_LINES:
        found.append(f"{name}.{node.name}: {_length(node)} lines, at most {CLASS_LINES}")
    methods = [
        own.name
        for own in node.body
        if isinstance(own, (ast.FunctionDef, ast.AsyncFunctionDef))
        and not own.name.startswith("_")
        and not any("property" in ast.unparse(mark) for mark in own.decorator_list)
    ]
    if len(methods) > PUBLIC_METHODS:
        found.append(f"{name}.{node.name}: {len(methods)} public methods, at most {PUBLIC_METHODS}")
    return found


def _function_size(name: str, node: Function) -> list[str]:
    found = []
    if _length(node) > FUNCTION_LINES:
        found.append(f"{name}.{node.name}: {_length(node)} lines, at most {FUNCTION_LINES}")
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    count = len([own for own in every if own.arg not in ("self", "cls")])
    count += sum(own is not None for own in (node.args.vararg, node.args.kwarg))
    if count > ARGUMENTS:
        found.append(f"{name}.{node.name}: {count} arguments, at most {ARGUMENTS}")
    return found


def edges(trees: dict[str, ast.Module]) -> dict[str, set[str]]:
    """The modules that each module imports, at its top, in functions and for types."""
    found: dict[str, set[str]] = {name: set() for name in trees}
    for name, tree in trees.items():
        for _, module, imported in imports(tree, name):
            whole = f"{module}.{imported}"
            found[name].add(whole if whole in trees else module)
    return found


def circles(graph: dict[str, set[str]]) -> list[str]:
    """One way round for every module that imports itself through others."""
    found = []
    for start in graph:
        seen, ways = {start}, [(start,)]
        while ways:
            way = ways.pop()
            for target in sorted(graph.get(way[-1], ())):
                if target == start:
                    found.append(" > ".join((*way, start)))
                    ways = []
                    break
                if target not in seen:
                    seen.add(target)
                    ways.append((*way, target))
    return found


def pairs(graph: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Packages of which the first imports the second."""
    return {
        (package_of(name), package_of(target))
        for name, targets in graph.items()
        for target in targets
        if package_of(name) and package_of(name) != package_of(target)
    }


def package_pairs(graph: dict[str, set[str]]) -> set[tuple[str, str]]:
    """The pairs of which both are packages: modules at the top, such as the errors, do not count."""
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    return {pair for pair in pairs(graph) if packages.issuperset(pair)}


def upward(found: set[tuple[str, str]]) -> list[str]:
    """Imports of a package that is not below."""
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    level["__main__"] = len(LAYERS)
    return [
        f"{first} imports {second}"
        for first, second in sorted(found)
        if level.get(second, 99) >= level.get(first, -1)
    ]


def environment_readers(trees: dict[str, ast.Module]) -> list[str]:
    """Modules outside the adapters that read the environment."""
    return [
        f"{name}:{node.lineno} uses os.{node.attr}"
        for name, tree in trees.items()
        if package_of(name) not in ("aws", "cli")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv", "environb")
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]


def main(wanted: str = "") -> None:
    """Print everything that is over a limit, of one package or of all."""
    trees = modules()
    graph = edges(trees)
    between, every = package_pairs(graph), pairs(graph)
    rows = [
        *sizes(trees), *private_uses(trees), *environment_readers(trees),
        *(f"circle: {way}" for way in circles(graph)), *(f"upward: {row}" for row in upward(every)),
    ]  # fmt: skip
    for row in rows:
        if f"prodcat.{wanted}" in row or row.startswith("upward"):
            print(row)
    print(f"{len(between)} pairs of packages, at most {PAIRS}")


if __name__ == "__main__":
    main(*sys.argv[1:])
