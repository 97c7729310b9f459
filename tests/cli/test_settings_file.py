"""Options of train in a file."""

import json
import tomllib
from pathlib import Path

import pytest

from prodcat.cli.command import _parser, main

TABLE = "title,a,b\n" + "red milk,A,B\nrye bread,A,C\n" * 5


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(TABLE)
    return tmp_path


def parsed(*arguments):
    return _parser().parse_args(["train", *arguments])


def refused(capsys, *arguments):
    with pytest.raises(SystemExit, match="2"):
        parsed(*arguments)
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 2
    return error


CONFIGS = {
    "c.toml": 'path = ["a", "b"]\nencoder = "none"\nlexical_cost = 0.5\nlexical = true\n'
    'characters = [2, 3]\ncatalog = ["t.csv"]\nsuggest-columns = false\n',
    "c.yaml": "path: [a, b]\nencoder: none\nlexical-cost: 0.5\nlexical: yes\ncharacters: [2, 3]\n"
    "catalog: t.csv\n",
    "c.json": '{"path": ["a", "b"], "encoder": null, "lexical-cost": 0.5, "lexical": true, '
    '"characters": "2,3", "catalog": "t.csv"}',
}


@pytest.mark.parametrize("name", CONFIGS)
def test_options_are_read_from_a_file(folder, name):
    Path(name).write_text(CONFIGS[name])
    options = parsed("--config", name, "--output", "m")
    assert options.path == ["a", "b"] and options.catalog == ["t.csv"]
    assert options.setting_ModelConfig_encoder is None
    assert options.setting_ModelConfig_lexical is True
    assert options.setting_ModelConfig_characters == (2, 3)
    assert options.setting_TrainingConfig_lexical_cost == 0.5
    assert not options.suggest_columns


def test_the_command_line_wins(folder):
    Path("c.toml").write_text('path = ["a", "b"]\nlexical-cost = 0.5\ncatalog = "t.csv"\n')
    options = parsed("u.csv", "--config", "c.toml", "--path", "a", "--lexical-cost", "2")
    assert options.path == ["a"] and options.catalog == ["u.csv"]
    assert options.setting_TrainingConfig_lexical_cost == 2.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epoch = 2", "c.toml: there is no option 'epoch'; did you mean 'epochs'?"),
        ("zzz = 2", "c.toml: there is no option 'zzz'; expected some of accumulate, "),
        ("config = 'x'", "c.toml: there is no option 'config'"),
        ("epochs = 'many'", "--epochs: found 'many'; expected a whole number."),
        ("suggest-columns = 1", "c.toml: suggest-columns is 1; expected true or false."),
        ("[training]\nepochs = 2", "c.toml: there is no option 'training'"),
        ("epochs = {a = 1}", "c.toml: epochs is {'a': 1}; expected a text, a number or a list"),
        ("epochs = ", "--config 'c.toml' cannot be read: "),
    ],
)
def test_what_is_no_option_is_refused(folder, capsys, content, message):
    Path("c.toml").write_text(content)
    assert message in refused(capsys, "t.csv", "--config", "c.toml")


def test_files_that_cannot_be_read_are_refused(folder, capsys):
    assert "cannot be read" in refused(capsys, "t.csv", "--config", "none.toml")
    assert "expected a name ending with .toml" in refused(capsys, "t.csv", "--config", "t.csv")
    Path("list.yaml").write_text("- epochs\n")
    assert "holds no options" in refused(capsys, "t.csv", "--config", "list.yaml")
    assert "found nothing after --config" in refused(capsys, "t.csv", "--config")


def test_a_training_that_is_saved_can_be_repeated(folder, capsys):
    arguments = ["train", "--path", "a", "b", "t.csv", "--encoder", "none", "--seed", "3"]
    arguments += ["--characters", "2,3", "--quiet"]
    assert main([*arguments, "--output", "m", "--save-config", "used.toml"]) == 0
    saved = tomllib.loads(Path("used.toml").read_text())
    assert saved == {"catalog": ["t.csv"], "path": ["a", "b"], "encoder": "none", "seed": 3,
                     "characters": "2,3", "output": "m"}  # fmt: skip
    before = json.loads(Path("m/config.json").read_text())
    assert main(["train", "--config", "used.toml", "--output", "n", "--quiet"]) == 0
    assert json.loads(Path("n/config.json").read_text())["training"] == before["training"]
