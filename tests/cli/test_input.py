"""Names of columns that were written wrongly, and what is said of them."""

import pytest

from prodcat.cli.command import main

_HEADER = "title,WGR 1,WGR 2,Marke der Ware,brand\n"


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (["--path", "WGR", "1", "WGR", "2"], "in quotes: --path 'WGR 1' 'WGR 2'"),
        (["--path", "WGR 1,WGR 2"], "no ',', between the names: --path 'WGR 1' 'WGR 2'"),
        (["--path", "WGR 1;", "WGR 2"], "no ';', between the names: --path 'WGR 1' 'WGR 2'"),
        (["--text", "Marke", "der", "Ware", "brand"], "in quotes: --text 'Marke der Ware' brand"),
        (["--text", "brand,Marke der Ware"], "between the names: --text brand 'Marke der Ware'"),
    ],
)
@pytest.mark.parametrize("command", ["train", "audit"])
def test_names_of_columns_are_put_right(command, given, advice, tmp_path, capsys):
    file = tmp_path / "titles.csv"
    file.write_text(_HEADER + "Milch,Food,Milk,Gut,Gut\nBrot,Food,Bread,Besser,Gut\n")
    paths = [] if "--path" in given else ["--path", "WGR 1", "WGR 2"]
    output = ["--output", str(tmp_path / "out.csv" if command == "audit" else tmp_path / "model")]
    assert main([command, str(file), *paths, *given, *output]) == 2
    assert advice in capsys.readouterr().err


def test_other_mistakes_get_no_such_advice(tmp_path, capsys):
    file = tmp_path / "titles.csv"
    file.write_text(_HEADER + "Milch,Food,Milk,Gut,Gut\n")
    assert main(["train", str(file), "--path", "WGR", "3", "--output", str(tmp_path / "m")]) == 2
    said = capsys.readouterr().err
    assert "no column 'WGR'" in said and "quotes" not in said and "between the names" not in said
