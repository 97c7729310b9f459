"""Every benchmark can be imported, all that it imports exists, and its tables are as published."""

import ast
import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import structure

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(FOLDER.rglob("*.py"))
}
# Run as files in environments of their own.
ALONE = {"benchmarks.scoring.infinity_engine", "benchmarks.layout.probe"}
TRAINER = "benchmarks.training.trainer"
BENCHMARKS = sorted(path.parent.name for path in FOLDER.glob("*/table.py"))


def imports_of(path):
    """All modules and names that a file imports from this repository, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            names = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [(alias.name, None) for alias in node.names]
        else:
            continue
        for module, name in names:
            if module.split(".")[0] in ("prodcat", "benchmarks", "tests"):
                yield node.lineno, module, name


@pytest.fixture
def root_on_path(monkeypatch):
    """Benchmarks are run from the repository's root with ``python -m``."""
    monkeypatch.syspath_prepend(ROOT)


@pytest.mark.parametrize("name", sorted(MODULES.keys() - ALONE - {TRAINER}))
def test_every_benchmark_module_can_be_imported(name, root_on_path):
    importlib.import_module(name)


@pytest.mark.slow
def test_the_trainer_of_hugging_face_can_be_imported():
    """In a process of its own, as it changes the environment when it is imported."""
    command = [sys.executable, "-m", TRAINER, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "--recipe" in done.stdout


@pytest.mark.parametrize("name", sorted(MODULES))
def test_what_a_benchmark_imports_exists_where_it_says(name, root_on_path):
    """Also inside functions; paths of earlier versions, which warn or may go, do not count."""
    for line, module, attribute in imports_of(MODULES[name]):
        spec = importlib.util.find_spec(module)
        assert spec is not None, f"{name}:{line}: {module}"
        assert spec.name == module, f"{name}:{line}: {module} is an earlier path"
        if attribute is not None:
            imported = importlib.import_module(module)
            is_module = (
                importlib.util.find_spec(f"{module}.{attribute}") if _is_package(spec) else None
            )
            assert is_module or hasattr(imported, attribute), f"{name}:{line}: {module}.{attribute}"


def _is_package(spec):
    return spec.submodule_search_locations is not None


@pytest.mark.parametrize("name", sorted(ALONE))
def test_what_runs_in_another_environment_imports_nothing_of_benchmarks_or_tests(name):
    packages = {module.split(".")[0] for _, module, _ in imports_of(MODULES[name])}
    assert packages <= {"prodcat"}


def test_nothing_changes_the_path_of_modules():
    for path in MODULES.values():
        assert "sys.path" not in path.read_text(encoding="utf-8"), path


def test_functions_and_modules_are_small(monkeypatch):
    monkeypatch.setattr(structure, "PACKAGE", FOLDER)
    assert structure.sizes(structure.modules()) == []


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_table_in_the_readme_is_made_of_the_results(name, root_on_path):
    table = importlib.import_module(f"benchmarks.{name}.table").table
    results = json.loads((FOLDER / name / "results.json").read_text())
    readme = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert table(results["rows"]) in readme
    command = f"python -m benchmarks.{name}.run"
    assert results["command"].startswith(command)
    assert command in readme


def test_a_job_whose_figures_are_there_is_not_run_again(
    tmp_path, root_on_path, monkeypatch, capsys
):
    from benchmarks import jobs

    def run_job(name, options):
        jobs.write_result(name, options.work, [{"job": name}])

    def assemble(work):
        rows = jobs.read_result("one", work)
        return {"rows": rows, "bars": [{"name": "a", "value": 1, "bar": "1", "met": True}]}

    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "README.md").write_text("# Empty\n")
    benchmark = jobs.Benchmark(
        folder, ["one"], run_job, assemble, lambda rows: f"| {rows[0]['job']} |", reads_data=False
    )
    work = tmp_path / "work"
    monkeypatch.setattr(sys, "argv", ["run", "--work", str(work), "--job", "one"])
    benchmark.main()
    assert jobs.read_result("one", work) == [{"job": "one"}]
    monkeypatch.setattr(sys, "argv", ["run", "--work", str(work), "--report"])
    benchmark.main()
    assert "met    a | 1 | 1" in capsys.readouterr().out
    assert "| one |" in (folder / "README.md").read_text()
    results = json.loads((folder / "results.json").read_text())
    assert results["command"] == "python -m benchmarks.empty.run"
    assert "1 threads a job" in results["machine"]


def test_the_machine_is_named_with_what_its_processor_has(root_on_path):
    from benchmarks.reporting import CPU_FLAGS, machine

    flags = Path("/proc/cpuinfo").read_text().split()
    for flag in CPU_FLAGS:
        assert (flag in machine(2)) == (flag in flags)


ATTACKS = """
import json, sys
from benchmarks.trust import outputs
outputs.KILLS, outputs.PAIRS, outputs.CHANGES = 1, 1, {"local": 2}
print(json.dumps([attack("local") for attack in (outputs.kill, outputs.rival, outputs.change_inputs)]))
"""


def test_a_few_attacks_on_outputs():
    """The campaign of benchmarks/trust in short: nothing is lost, mixed or wrongly complete."""
    done = subprocess.run(
        [sys.executable, "-c", ATTACKS], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert all(row["cases"] >= 2 for row in results) and not any(row["bad"] for row in results)
