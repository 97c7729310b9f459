"""Help pages in groups with examples, and mistakes that are told in two lines."""

import pytest

from prodcat.cli.arrangement import is_option
from prodcat.cli.command import _parser, main


def parsers(parser, words=()):
    """Every parser of the command line that has no verbs, by its words."""
    if not parser.verbs:
        yield words, parser
    for verb, below in parser.verbs.items():
        yield from parsers(below, (*words, verb))


PARSERS = dict(parsers(_parser()))
del PARSERS["models", "load"]  # an earlier name of models export
NAMES = pytest.mark.parametrize("words", PARSERS, ids=" ".join)


@NAMES
def test_every_argument_has_a_sentence_and_a_telling_name(words):
    for action in PARSERS[words].actions:
        text = (action.help or "").partition("(default")[0].partition("; default")[0]
        assert len(text.split()) >= 3, (words, action.dest)
        if action.nargs != 0:
            assert action.metavar is not None or action.choices, (words, action.dest)


@NAMES
def test_every_help_page_has_basic_options_first_and_examples_last(words, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([*words, "--help"])
    page = capsys.readouterr().out
    assert page.startswith(f"usage: prodcat {' '.join(words)}")
    assert page.count("\n  prodcat ") >= len(PARSERS[words].examples) >= 1
    assert page.rindex("\nexamples:\n") > page.rindex("\noptions:\n")
    if PARSERS[words].basic is not None and "--device" in page:
        basic, _, advanced = page.partition("\nadvanced ")
        assert all(f"\n  {name}" in basic for name in PARSERS[words].basic if name[:2] == "--")
        assert "--device" not in basic and "--device" in advanced
    assert max(map(len, page.splitlines())) <= 100


def test_the_usage_is_one_line(capsys):
    for words in PARSERS:
        with pytest.raises(SystemExit, match="0"):
            main([*words, "--help"])
        usage = capsys.readouterr().out.partition("\n\n")[0]
        assert "\n" not in usage and usage.endswith("[options]")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "prodcat: there is no command 'trian'; did you mean 'train'?"),
        (["models", "publsh"], "prodcat models: there is no command 'publsh'; did you mean"),
        (["models"], "prodcat models: found nothing after it; expected one of publish,"),
        (["--model", "m", "predict"], "prodcat: found '--model' before the command; expected a"),
        (["train", "a.csv", "--taxonmy", "t"], "there is no option --taxonmy; did you mean --taxon"),
        (["train", "a.csv", "--max_token", "9"], "--max_token; did you mean --max-tokens?"),
        (["predict"], "prodcat predict: FILE is missing: titles: files, folders, globs or URIs"),
        (["predict", "a.csv"], "prodcat predict: --model is missing: a saved classifier"),
        (["predict", "a.csv", "--model", "m", "--top-k", "z"], "--top-k: found 'z'; expected a whole"),
        (["predict", "a.csv", "--model", "m", "--max-error", "z"], "found 'z'; expected a share betw"),
        (
            ["predict", "a.csv", "--model", "m", "--objective", "pth"],
            "--objective: found 'pth'; expected one of path, hierarchical_f1, tree_distance; "
            "did you mean 'path'?",
        ),
        (["predict", "a.csv", "--model"], "found nothing after --model; expected its value: a saved"),
        (["drift", "a", "b", "c", "--model", "m"], "found 'c'; expected only BEFORE and AFTER"),
        (["serve", "model"], "prodcat serve: found 'model'; expected only options."),
        (["train", "a.csv", "--lexical", "perhaps"], "--lexical: 'perhaps' is not allowed; expected"),
        (["train", "a.csv", "-q", "-v"], "-v/--verbose and -q/--quiet exclude each other; give one"),
        (
            ["guarantee", "a", "--model", "m", "--output", "o", "--group", "g", "--by-department"],
            "--by-department and --group exclude each other; give one.",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_two_lines(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    said = capsys.readouterr()
    verb = f" {arguments[0]}" if arguments[0] in _parser().verbs else ""
    assert message in said.err and said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 2 and lines[1] == f"See: prodcat{verb} --help"


def test_help_is_given_although_the_other_arguments_are_wrong(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["train", "--help", "--config", "nonesuch.toml"])
    assert capsys.readouterr().out.startswith("usage: prodcat train FILE [FILE ...] [options]")


def test_every_example_is_a_command_of_its_page():
    for words, parser in PARSERS.items():
        for text, command in parser.examples.items():
            assert text[0].islower() and not text.endswith(".")
            assert command.split()[0] in _parser().verbs
            assert not is_option(command)
        commands = [command.split() for command in parser.examples.values()]
        assert list(words) in [command[: len(words)] for command in commands]


@pytest.mark.parametrize("option", ["--quiet", "--verbose"])
def test_every_command_can_be_quiet_or_verbose(option):
    assert all(option in parser.options for parser in PARSERS.values())
