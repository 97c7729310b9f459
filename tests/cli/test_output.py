"""What commands print: encoded for people, exact for programs, and no file through a link."""

import ast
import contextlib
import csv
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hostile_names import CONTROLS, FORMULAS, NAMES

from prodcat.cli.command import main

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = set("\x1b\x9b\x07\x08\u202e\u2066\x85\x7f\u2028")


@pytest.fixture(scope="module")
def home(tmp_path_factory, small):
    """A classifier, and titles that are commands to terminals and formulas to spreadsheets."""
    folder = tmp_path_factory.mktemp("hostile")
    small.save(str(folder / "model"))
    titles = [own for own in NAMES if "\ud800" not in own and "\x00" not in own]
    with (folder / "titles.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["title", "note\x1b[2J"], *([own, own] for own in titles)])
    return folder


def test_one_module_of_the_command_line_prints():
    """Beside the stream of the messages as JSON, which quotes all that a terminal obeys."""
    printing = []
    for path in sorted((ROOT / "prodcat" / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_print = isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "print", "sys.stdout.write", "sys.stderr.write", "os.write",
            )  # fmt: skip
            if is_print and path.name not in ("output.py", "json_logs.py"):
                printing.append(f"{path.name}:{node.lineno}")
    assert printing == []


def predict(home):
    return main(["predict", str(home / "titles.csv"), "--model", str(home / "model"),
                 "--device", "cpu"])  # fmt: skip


def test_a_pipe_gets_the_titles_as_they_are(home, capsysbinary):
    assert predict(home) == 0
    out = capsysbinary.readouterr().out.decode()
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    wanted = [own for own in NAMES if "\ud800" not in own and "\x00" not in own]
    assert [row["title"] for row in rows] == wanted
    assert {*FORMULAS, CONTROLS[0]} <= {row["title"] for row in rows}


def test_a_terminal_gets_no_commands_from_titles(home, monkeypatch):
    terminal, stream = pty.openpty()
    pieces = []

    def read():
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(terminal, 65_536):
                pieces.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with os.fdopen(stream, "w", encoding="utf-8") as screen, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", screen)
            assert predict(home) == 0
    finally:
        reader.join(20)
        os.close(terminal)
    shown = b"".join(pieces).decode()
    lines = shown.split("\r\n")
    assert not COMMANDS & set(shown) and "\t" not in shown
    assert r"red\x1b[2J\x1b]0;title\x07" in shown
    # One line for each title, whatever it contains.
    assert lines[0].split() == ["TITLE", "CONFIDENCE", "PATH"] and lines[-1] == ""
    assert all(re.search(r"\d\.\d%  \S", line) for line in lines[1:-1] if "%" in line)
    assert len(lines) > 30


def test_messages_are_encoded(home, capsys):
    name = "x\x1b]0;t\x07\nprodcat: all is well\u202e.csv"
    (home / name).write_text("title\nx\n")
    for command in (
        ["predict", str(home / name), "--model", f"{home}/none\x1b[2J\nprodcat: fine"],
        ["predict", str(home / name), "--model", str(home / "model"), "--top-k", "x\x1b[2J"],
        ["predict", str(home / name), "--model", str(home / "model"), str(home / name)],
        ["predict", str(home / name), "--model", str(home / "model"), "--title", "t\x9b\nprodcat:"],
        ["evaluate", str(home / name), "--model", str(home / "model")],
        ["audit", str(home / name), "--output", f"{name}.exe"],
    ):
        try:
            assert main([*command, "--device", "cpu"]) == 2
        except SystemExit as end:
            assert end.code == 2
        error = capsys.readouterr().err
        assert error and not COMMANDS & set(error), command
        assert "\nprodcat: all" not in error and "\nprodcat: fine" not in error, command


def test_logs_and_reports_on_files_are_encoded(home, tmp_path):
    script = (
        "import logging; from prodcat.cli.command import main; main(['audit', 'none.csv'])\n"
        "logging.getLogger('prodcat').warning('Read %s', 'a\\x1b[2J\\nprodcat: forged\\u202e')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stderr.endswith("Read a\\x1b[2J\n    prodcat: forged\\u202e\n")
    assert logging.getLogger("prodcat").name


def test_a_report_on_wrong_rows_has_no_commands(home, tmp_path, capsys):
    rows = [{"title": f"milk {n}", "path": own} for n, own in enumerate(CONTROLS)]
    rows += [{"title": "", "path": f"a > {own}"} for own in CONTROLS if "\ud800" not in own]
    (tmp_path / "odd.jsonl").write_text("".join(json.dumps(own) + "\n" for own in rows))
    main(["evaluate", str(tmp_path / "odd.jsonl"), "--model", str(home / "model"),
          "--on-error", "aside"])  # fmt: skip
    shown = capsys.readouterr()
    assert shown.err and not COMMANDS & set(shown.err + shown.out)
    assert "\nprodcat: all" not in shown.err + shown.out


def test_files_are_not_written_through_links(home, tmp_path, rows):
    (tmp_path / "test.jsonl").write_text(
        "".join(
            json.dumps({"title": own.title, "path": list(own.path)}) + "\n" for own in rows[:150]
        )
    )
    target = tmp_path / "precious.txt"
    target.write_text("precious")
    links = [tmp_path / f"link.{ending}" for ending in ("json", "svg", "html", "md")]
    for link in links:
        link.symlink_to(target)
    metrics, plot, *reports = map(str, links)
    command = ["evaluate", str(tmp_path / "test.jsonl"), "--model", str(home / "model")]
    command += [
        "--overwrite",
        "--json",
        metrics,
        "--plot",
        plot,
        "--report",
        reports[0],
        "--report",
        reports[1],
    ]
    assert main([*command, "--device", "cpu"]) == 0
    assert target.read_text() == "precious"
    assert all(link.is_file() and not link.is_symlink() for link in links)
    assert json.loads(links[0].read_text())["rows"] == 150


def test_devices_are_written_to(home, rows, tmp_path):
    (tmp_path / "test.jsonl").write_text(
        json.dumps({"title": rows[0].title, "path": list(rows[0].path)}) + "\n"
    )
    command = ["evaluate", str(tmp_path / "test.jsonl"), "--model", str(home / "model")]
    assert main([*command, "--device", "cpu", "--json", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()
