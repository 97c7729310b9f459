"""What is said and refused before a classifier is loaded or trained."""

import os
import subprocess
import sys

import pytest
from command_line import LEVELS

from prodcat.cli.command import main

_COMMANDS = {
    "predict": ["--model", "{home}/model"],
    "evaluate": ["--model", "{home}/model", "--path", *LEVELS],
    "guarantee": ["--model", "{home}/model", "--path", *LEVELS],
    "audit": ["--path", *LEVELS],
    "assortment": ["--model", "{home}/model", "--labelled", "{home}/test.csv", "--path", *LEVELS],
    "review": ["--model", "{home}/model", "--queue", "{home}/queue.jsonl", "--path", *LEVELS],
}
_OUTPUTS = {
    "predict": ("--output", "out.csv"),
    "evaluate": ("--report", "report.html"),
    "guarantee": ("--output", "promised"),
    "audit": ("--output", "audit.xlsx"),
    "assortment": ("--output", "page.html"),
    "review": ("--export", "labels.jsonl"),
}


def command_line(command, home, source, output, nothing="model"):
    words = [word.format(home=home) for word in _COMMANDS[command]]
    words = [word.replace("/model", f"/{nothing}") for word in words]
    return [command, str(source), *words, _OUTPUTS[command][0], str(output)]


@pytest.mark.parametrize("command", list(_COMMANDS))
def test_a_file_that_does_not_exist_is_told_first(command, home, tmp_path, capsys):
    output = tmp_path / _OUTPUTS[command][1]
    assert main(command_line(command, home, home / "none.csv", output, "no-model")) == 2
    assert "Found no file" in capsys.readouterr().err and not output.exists()


@pytest.mark.parametrize("command", [name for name in _COMMANDS if name != "audit"])
def test_what_is_read_is_said_at_once(command, home, tmp_path, capsys):
    output = tmp_path / _OUTPUTS[command][1]
    words = command_line(command, home, home / "test.csv", output, "no-model")
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"reading {home / 'test.csv'}") and "Found no artifact" in said
    assert main([*words, "--quiet"]) == 2
    assert "reading" not in capsys.readouterr().err


@pytest.mark.parametrize("command", list(_COMMANDS))
def test_an_output_that_cannot_be_written_is_told_first(command, home, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" / _OUTPUTS[command][1]
    assert main(command_line(command, home, home / "test.csv", output, "no-model")) == 2
    said = capsys.readouterr().err
    assert f"{str(tmp_path / 'file')!r} is a file; expected a folder there" in said
    assert "reading" not in said
    if command != "guarantee":  # whose output is a folder
        output = tmp_path / _OUTPUTS[command][1]
        output.mkdir()
        assert main(command_line(command, home, home / "test.csv", output, "no-model")) == 2
        assert "which is a folder; expected the name of a file" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="folders of Windows have other rights")
def test_a_folder_without_the_right_to_write_is_told(home, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    tmp_path.chmod(0o755)
    script = (
        "import os, sys; from prodcat.cli.output import check_writable\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "check_writable('--output', sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(locked / "a.csv")], capture_output=True, text=True
    )
    assert "you may not write into the folder" in done.stderr or "Permission" in done.stderr


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        ("Art.-Nr.,Bezeichnung", "probably in 'Bezeichnung': --title Bezeichnung"),
        ("sku,nombre del producto", "probably in 'nombre del producto': --title 'nombre del"),
    ],
)
def test_the_likely_column_with_titles_is_named(header, advice, home, tmp_path, capsys):
    file = tmp_path / "titles.csv"
    rows = [f"A{row},Milch {row} Liter frisch" for row in range(20)]
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    predict = ["predict", str(file), "--model", str(home / "no-model")]
    assert main([*predict, "--output", str(tmp_path / "out.csv")]) == 2
    said = capsys.readouterr().err
    assert "has no column 'title'" in said and advice in said
    evaluate = ["evaluate", str(file), "--model", str(home / "model"), "--path", "sku"]
    assert main(evaluate) == 2
    assert advice in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("Vollmilch 1 L;400123\nGouda;400124\n", "The first line looks like a row, not like a"),
        ("Vollmilch 1 L\nGouda am Stück\n", "If that is a title itself, put a line with 'title'"),
    ],
)
def test_a_table_without_a_header_is_not_read_without_its_first_row(
    content, advice, tmp_path, capsys
):
    file = tmp_path / "titles.csv"
    file.write_text(content, encoding="utf-8")
    assert main(["predict", str(file), "--model", "none"]) == 2
    assert advice in capsys.readouterr().err


def test_a_further_column_that_is_missing_is_told_before_the_model(tmp_path, capsys):
    (tmp_path / "country=tr").mkdir()
    file = tmp_path / "country=tr" / "titles.csv"
    file.write_text("title,brand\nmilk,a\n")
    words = ["predict", str(tmp_path), "--model", "none", "--text"]
    assert main([*words, "colour"]) == 2
    assert "has no column 'colour'" in capsys.readouterr().err
    assert main([*words, "country", "brand"]) == 2, "folders give columns, too"
    assert "no column" not in capsys.readouterr().err
