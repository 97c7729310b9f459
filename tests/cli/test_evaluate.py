"""prodcat evaluate, on real files."""

import json

from command_line import LEVELS

from prodcat.cli.command import main


def test_evaluate_prints_a_table_and_writes_json(home, capsys):
    arguments = ["evaluate", str(home / "test.csv"), "--model", str(home / "model")]
    arguments += ["--path", *LEVELS, "--on-error", "aside", "--json", str(home / "metrics.json")]
    assert main(arguments) == 0
    assert "path accuracy" in capsys.readouterr().out
    assert json.loads((home / "metrics.json").read_text())["path_accuracy"] > 0.5
