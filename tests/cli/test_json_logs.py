"""Messages as lines of JSON, for containers."""

import io
import json
import logging
import subprocess
import sys

import pytest

from prodcat.cli.command import main
from prodcat.cli.json_logs import JsonFormatter, JsonStream

FAILING = ["evaluate", "{}/a.csv", "--model", "none", "--path", "path"]


def records(text):
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(list(line) == ["time", "level", "message"] for line in lines)
    return [(line["level"], line["message"]) for line in lines]


@pytest.mark.parametrize("way", ["option", "variable"])
def test_every_message_is_a_line_of_json(way, tmp_path, monkeypatch, capsys):
    (tmp_path / "a.csv").write_text("title;path\nmilk;A\n")
    more = ["--log-format", "json"] if way == "option" else []
    monkeypatch.setenv("PRODCAT_LOG_FORMAT", "" if more else "JSON")
    before = sys.stderr
    assert main([*(word.format(tmp_path) for word in FAILING), *more]) == 2
    assert sys.stderr is before
    first, *_, last = records(capsys.readouterr().err)
    assert first == ("INFO", f"reading {tmp_path}/a.csv")
    assert last[0] == "ERROR" and last[1].startswith("prodcat evaluate: Found no artifact")


def test_messages_stay_text_unless_asked_for(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.csv").write_text("title,path\nmilk,A\n")
    words = [word.format(tmp_path) for word in FAILING]
    monkeypatch.setenv("PRODCAT_LOG_FORMAT", "json")
    assert main([*words, "--log-format", "text"]) == 2
    assert capsys.readouterr().err.startswith("reading ")
    monkeypatch.setenv("PRODCAT_LOG_FORMAT", "xml")
    assert main(words) == 2
    assert "PRODCAT_LOG_FORMAT is 'xml'; expected text or json." in capsys.readouterr().err


def test_the_log_and_progress_are_lines_of_json_too(tmp_path):
    rows = "".join(f"milk {number},A > B\nbread {number},A > C\n" for number in range(20))
    (tmp_path / "a.csv").write_text("title;path\n" + rows.replace(",", ";"))
    command = [sys.executable, "-m", "prodcat", "train", "a.csv", "--encoder", "none"]
    command += ["--output", "model", "--log-format", "json", "--verbose"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    told = records(done.stderr)
    assert any("read with ';' between the fields" in message for _, message in told)
    assert ("INFO", "training with n-grams alone") in told
    assert "saved to model" in done.stdout and not done.stdout.startswith("{")


def test_lines_are_kept_until_they_are_complete():
    out = io.StringIO()
    stream = JsonStream(out)
    print("half", end="", file=stream)
    assert not out.getvalue()
    print(" a line\rnext\n\n", end="", file=stream)
    stream.write("the rest")
    stream.finish()
    assert [message for _, message in records(out.getvalue())] == [
        "half a line",
        "next",
        "the rest",
    ]


def test_a_traceback_is_part_of_its_message():
    try:
        raise ValueError("wrong")
    except ValueError:
        record = logging.LogRecord("x", logging.WARNING, "f", 1, "%s!", ("no",), sys.exc_info())
    [(level, message)] = records(JsonFormatter().format(record))
    assert level == "WARNING" and message.startswith("no!\nTraceback")
    assert "\n" not in JsonFormatter().format(record)
