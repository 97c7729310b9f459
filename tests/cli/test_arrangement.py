"""Files and options may come in any order, and a file is never read as a column."""

import argparse

import pytest

from prodcat.cli.arrangement import FILE, Arrangement, MistakeError, is_option


@pytest.fixture
def arrangement(tmp_path, monkeypatch):
    """The arguments of a command like train, in a folder with files and folders."""
    monkeypatch.chdir(tmp_path)
    for name in ("train.csv", "other.csv", "held.csv"):
        (tmp_path / name).write_text("title,path\n")
    for name in ("catalog", "brand"):
        (tmp_path / name).mkdir()
    parser = argparse.ArgumentParser()
    parser.add_argument("catalog", nargs="+", metavar=FILE)
    parser.add_argument("--title", help="column with the title")
    parser.add_argument("--path", nargs="+", help="columns with the path")
    parser.add_argument("--text", nargs="*", help="further columns")
    parser.add_argument("--validation", nargs="+", metavar=FILE, help="titles to validate on")
    parser.add_argument("--report", action="append", help="a file")
    parser.add_argument("--quiet", "-q", action="store_true", help="say less")
    places = [action for action in parser._actions if not action.option_strings]

    def parsed(*arguments):
        given = Arrangement(parser._option_string_actions, places).of(arguments)
        return parser.parse_args(given.arguments())

    return parsed


@pytest.mark.parametrize(
    "arguments",
    [
        ["train.csv", "--path", "a", "b", "c"],
        ["--path", "a", "b", "c", "train.csv"],
        ["--path", "a", "b", "c", "--", "train.csv"],
        ["--path", "a", "--path", "b", "c", "train.csv"],
        ["--path=a", "train.csv", "--path", "b", "c"],
        ["--pat", "a", "b", "c", "train.csv"],
    ],
)
def test_the_file_after_columns_is_a_file(arrangement, arguments):
    options = arrangement(*arguments)
    assert (options.path, options.catalog) == (["a", "b", "c"], ["train.csv"])


@pytest.mark.parametrize(
    ("arguments", "path", "catalog"),
    [
        (["--path", "a", "missing.csv"], ["a"], ["missing.csv"]),
        (["--path", "a", "s3://shop/titles"], ["a"], ["s3://shop/titles"]),
        (["--path", "a", "*.csv"], ["a"], ["*.csv"]),
        (["--path", "a", "-"], ["a"], ["-"]),
        (["--path", "a", "catalog"], ["a"], ["catalog"]),
        (["--path", "a", "train.csv", "other.csv"], ["a"], ["train.csv", "other.csv"]),
        (["train.csv", "--path", "a", "brand"], ["a", "brand"], ["train.csv"]),
        (["--path", "a", "price [EUR]", "train.csv"], ["a", "price [EUR]"], ["train.csv"]),
        (["other.csv", "--path", "a", "train.csv"], ["a"], ["train.csv", "other.csv"]),
    ],
)
def test_what_is_a_file_is_told_by_what_exists(arrangement, arguments, path, catalog):
    options = arrangement(*arguments)
    assert (options.path, options.catalog) == (path, catalog)


def test_options_without_a_column_end_before_the_file_too(arrangement):
    options = arrangement("--text", "train.csv")
    assert (options.text, options.catalog) == ([], ["train.csv"])


def test_files_of_an_option_are_not_read_as_those_of_the_command(arrangement):
    options = arrangement("train.csv", "--validation", "held.csv", "other.csv")
    assert (options.catalog, options.validation) == (["train.csv"], ["held.csv", "other.csv"])
    options = arrangement("--validation", "held.csv", "train.csv")
    assert (options.catalog, options.validation) == (["train.csv"], ["held.csv"])


def test_options_with_and_without_values(arrangement):
    options = arrangement("train.csv", "-q", "--report", "a", "--report=b", "--title", "-")
    assert options.quiet and options.report == ["a", "b"] and options.title == "-"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train.csv", "--taxt", "a"], r"no option --taxt; did you mean --text\?"),
        (["train.csv", "--zzz"], "there is no option --zzz$"),
        (["train.csv", "-z"], "there is no option -z$"),
        (["train.csv", "--t", "a"], "'--t' may mean --title or --text"),
        (["train.csv", "--title"], "found nothing after --title; expected its value: column with"),
        (["train.csv", "--title", "--path", "a"], "found '--path' after --title"),
        (["train.csv", "--quiet=yes"], "found a value after --quiet, which takes none"),
        (["--path", "train.csv"], "found the file 'train.csv' after --path; expected first"),
        (["--path", "a", "train.csv", "b"], "found 'b' after the file 'train.csv'; if it belongs"),
        (["--path", "a", "catalog", "brand"], "'catalog' and what follows may be values of --path"),
        (["--path", "a", "b"], "found no FILE: 'b' was read as a value of --path"),
        (
            ["--validation", "held.csv", "other.csv", "train.csv"],
            "'other.csv' and what follows may be values of --validation or files",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(arrangement, arguments, message):
    with pytest.raises(MistakeError, match=message):
        arrangement(*arguments)


def test_negative_numbers_are_values():
    assert [is_option(word) for word in ("-1", "-.5", "-", "--", "-q", "a")] == [
        False, False, False, True, True, False,
    ]  # fmt: skip
