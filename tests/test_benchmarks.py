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


def test_a_quick_run_writes_no_results(tmp_path, root_on_path, monkeypatch, capsys):
    from benchmarks import jobs

    def assemble(work):
        return {"rows": [], "bars": [{"name": "a", "value": 1, "bar": "1", "met": True}]}

    benchmark = jobs.Benchmark(
        tmp_path, [], lambda name, options: None, assemble, lambda rows: "| table |"
    )
    work = str(tmp_path / "work")
    asked = ["run", "--data", "x", "--work", work, "--report", "--quick"]
    monkeypatch.setattr(sys, "argv", asked)
    benchmark.main()
    assert "| table |" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.*"))
    options = jobs.Options(Path("x"), Path(work), quick=True)
    assert jobs.job_command("m", options, "one")[-1] == "--quick"


def test_a_run_of_some_jobs_keeps_what_others_measured(tmp_path, root_on_path):
    from benchmarks.reporting import cpu_lines, with_earlier

    def row(name, value):
        return {"name": name, "value": value, "bar": "1", "met": True}

    report = {"rows": [{"table": "new", "cpu": "Z"}, {"table": "both", "n": 2}],
              "bars": [row("a", "now")]}  # fmt: skip
    results = tmp_path / "results.json"
    assert with_earlier(report, results) == report
    old = {"rows": [{"table": "old", "n": 1}, {"table": "both", "n": 1}],
           "bars": [row("a", "then"), row("b", "then")],
           "date": "2026-01-02", "commit": "abc", "machine": "one core"}  # fmt: skip
    results.write_text(json.dumps(old))
    joined = with_earlier(report, results)
    assert [(line["table"], line.get("n")) for line in joined["rows"]] == [
        ("new", None), ("both", 2), ("old", 1),
    ]  # fmt: skip
    assert joined["bars"] == [row("a", "now"), row("b", "then")]
    results.write_text(json.dumps({**old, **joined, "commit": "def", "date": "2026-02-03"}))
    again = with_earlier({"rows": [], "bars": []}, results)
    said = "\n".join(cpu_lines(again["rows"]))
    assert "(2026-01-02, commit abc, one core): old." in said, "kept twice, it says when it was"
    assert "(2026-02-03, commit def, one core): new, both." in said
    assert "Measured on" not in said
    assert cpu_lines(joined["rows"])[1] == "Measured on: Z."


def test_jobs_are_asked_for_by_name_or_kind(root_on_path):
    from benchmarks.jobs import asked_jobs

    names = ["speed/0", "speed/20", "speedy", "kills"]
    assert asked_jobs(names, []) == names
    assert asked_jobs(names, ["speed"]) == ["speed/0", "speed/20"]
    assert asked_jobs(names, ["kills", "speed/20"]) == ["speed/20", "kills"]


def test_the_machine_is_named_with_what_its_processor_has(root_on_path, monkeypatch):
    from benchmarks.reporting import CPU_FLAGS, LIMIT, cpu, machine

    monkeypatch.delenv(LIMIT, raising=False)
    text = Path("/proc/cpuinfo").read_text()
    flags = text.split()
    for flag in CPU_FLAGS:
        assert (flag in machine(2)) == (flag in flags)
        assert (flag in cpu()) == (flag in flags)
    for line in text.splitlines():
        if line.startswith("model name"):
            assert cpu().startswith(line.partition(":")[2].strip())
    monkeypatch.setenv(LIMIT, "AVX512_CORE_BF16")
    assert "oneDNN limited to AVX512_CORE_BF16" in cpu()


@pytest.mark.parametrize("name", ["scoring", "serving", "training"])
def test_a_bar_whose_job_has_not_run_is_missed(name, tmp_path, root_on_path):
    table = importlib.import_module(f"benchmarks.{name}.table")
    report = table.assemble(tmp_path)
    assert report["rows"] == []
    assert len(report["bars"]) >= 4
    assert not any(row["met"] for row in report["bars"])
    assert any(row["value"] == "not measured" for row in report["bars"])
    assert "Measured on" not in table.table(report["rows"])


def test_a_client_sends_each_body_once(tmp_path, root_on_path):
    """Over several connections, each of which takes the next body."""
    import collections
    import http.server
    import threading

    from benchmarks.serving import client

    seen = collections.Counter()

    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen[body] += 1
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *words):
            pass

    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text("".join(f'{{"inputs": "title {number}"}}\n' for number in range(100)))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        once = client.measure(server.server_port, "/x", str(bodies), "once", 4, 30)
        counts = set(seen.values())
        bodies.write_text('{"inputs": "title 0"}\n')
        closed = client.measure(server.server_port, "/x", str(bodies), "closed", 2, 1)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert once["statuses"] == {"200": 100}
    assert (len(seen), counts) == (100, {1})
    assert closed["requests"] > 2, "a body comes again until the time is over"
    assert sum(seen.values()) == 100 + closed["requests"]


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
