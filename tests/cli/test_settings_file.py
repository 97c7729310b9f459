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
    "c.json": '{"path": ["a", "b"], "encoder": "none", "lexical-cost": 0.5, "lexical": true, '
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
        ("epochs = 'many'", "c.toml: epochs: found 'many'; expected a whole number."),
        ("suggest-columns = 1", "c.toml: suggest-columns is 1; expected true or false."),
        ("[training]\nepochs = 2", "c.toml: found the section [training]; sections are not read"),
        ("[train]\nepochs = 2", "put the options at the top level"),
        ("lexical_cost = 'high'", "c.toml: lexical_cost: found 'high'; expected a number."),
        ("lexical-cost = 1\nlexical_cost = 2", "lexical-cost and lexical_cost are the same"),
        ("inner = 'x'", "c.toml: inner: found 'x'; expected one of terminal, partial"),
        ("encoder = false", "c.toml: encoder: found false; expected a text or a number"),
        ("path = []", "c.toml: path: found an empty list; expected at least one value"),
        ("epochs = {a = 1}", "c.toml: epochs is {'a': 1}; expected a text, a number or a list"),
        ("epochs = ", "--config 'c.toml' cannot be read: "),
    ],
)
def test_what_is_no_option_is_refused(folder, capsys, content, message):
    Path("c.toml").write_text(content)
    assert message in refused(capsys, "t.csv", "--config", "c.toml")


def test_files_that_cannot_be_read_are_refused(folder, capsys):
    Path("train.toml").write_text("epochs = 2\n")
    error = refused(capsys, "t.csv", "--config", "trains.toml")
    assert "--config: there is no file 'trains.toml'; did you mean 'train.toml'?" in error
    assert "Errno" not in error
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


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.json", '{"epochs": 2,}', "'c.json' cannot be read: "),
        ("c.json", "epochs: 2", "'c.json' cannot be read: "),
        ("c.json", '{"epochs": 2, "epochs": 3}', "'epochs' is given twice; expected each option"),
        ("c.json", '{"epochs": NaN}', "NaN is no number of JSON"),
        ("c.yaml", "epochs: 2\nepochs: 3\n", "'epochs' is given twice; expected each option once"),
        ("c.json", '{"encoder": null}', "c.json: encoder: found null; expected a value."),
        ("c.yaml", "encoder:\n", "c.yaml: encoder: found null; expected a value."),
        ("c.yaml", "text: ~\n", "c.yaml: text: found null"),
        ("c.yaml", "catalog: null\n", "c.yaml: catalog: found null"),
        ("c.yaml", "suggest-columns: null\n", "c.yaml: suggest-columns: found null"),
        ("c.yaml", "language: no\n", "c.yaml: language: found false; expected a text"),
        ("c.yaml", "train:\n  epochs: 2\n", "c.yaml: found the section [train]; sections are not"),
    ],
)
def test_a_file_is_read_by_the_rules_of_its_format(folder, capsys, name, content, message):
    Path(name).write_text(content)
    assert message in refused(capsys, "t.csv", "--config", name)


def test_a_key_of_the_file_is_checked_even_if_the_command_line_wins(folder, capsys):
    Path("c.toml").write_text("epochs = 'many'\n")
    error = refused(capsys, "t.csv", "--config", "c.toml", "--epochs", "2")
    assert "c.toml: epochs: found 'many'" in error


def test_a_value_out_of_range_names_the_file(folder, capsys):
    Path("c.toml").write_text("lexical_cost = -1\n")
    assert main(["train", "t.csv", "--config", "c.toml", "--output", "m"]) == 2
    error = capsys.readouterr().err
    assert "--lexical-cost -1.0" in error
    assert "(--lexical-cost is from c.toml: lexical_cost)" in error and "reading" not in error


def test_numbers_are_saved_as_numbers(folder):
    from prodcat.cli.settings_file import save_config

    options = parsed(
        "t.csv", "--lexical-cost", "0.5", "--learning-rate", "2e-5", "--epochs", "3",
        "--lexical", "no", "--title", "2024", "--path", "1", "b",
    )  # fmt: skip
    save_config("used.toml", options.parser, options.given)
    saved = tomllib.loads(Path("used.toml").read_text())
    assert saved == {
        "catalog": ["t.csv"], "lexical-cost": 0.5, "learning-rate": 2e-5, "epochs": 3,
        "lexical": False, "title": "2024", "path": ["1", "b"],
    }  # fmt: skip
    again = parsed("--config", "used.toml")
    names = vars(options).keys() - {"parser", "given", "config"}
    assert {name: getattr(again, name) for name in names} == {
        name: getattr(options, name) for name in names
    }
