"""Scripts that let a shell complete commands and options."""

import shutil
import subprocess

import pytest

from prodcat.cli.command import _parser, main

VERBS = list(_parser().verbs)


@pytest.fixture
def script(capsys):
    def written(shell):
        assert main(["completion", shell]) == 0
        return capsys.readouterr().out

    return written


@pytest.fixture
def completed(script, tmp_path):
    """What bash offers after some words, of which the last one is completed."""
    path = tmp_path / "completion.bash"
    path.write_text(script("bash"))
    (tmp_path / "titles.csv").touch()

    def offered(*words):
        quoted = " ".join(f"'{word}'" for word in words)
        command = (
            f"source '{path}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _prodcat; "
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        bash = shutil.which("bash")
        done = subprocess.run([bash, "--norc", "-c", command], capture_output=True, text=True,
                              cwd=tmp_path, check=True)  # fmt: skip
        assert done.stderr == ""
        return done.stdout.split()

    return offered


def test_bash_completes_commands_and_their_verbs(completed):
    assert set(VERBS) <= set(completed("prodcat", ""))
    assert completed("prodcat", "pre") == ["predict"]
    assert completed("prodcat", "models", "pro") == ["promote"]
    assert completed("prodcat", "pipeline", "") == ["run", "render", "demo", "--help"]


def test_bash_completes_options_values_and_files(completed):
    assert completed("prodcat", "train", "x.csv", "--path-") == ["--path-ids"]
    assert completed("prodcat", "models", "publish", "--al") == ["--alias"]
    assert completed("prodcat", "predict", "--objective", "tree") == ["tree_distance"]
    assert completed("prodcat", "predict", "tit") == ["titles.csv"]


def test_every_option_of_every_command_is_in_each_script(script):
    texts = {shell: script(shell) for shell in ("bash", "zsh", "fish")}
    assert texts["zsh"].startswith("#compdef prodcat\n") and "bashcompinit" in texts["zsh"]
    for verb, parser in _parser().verbs.items():
        for below in [parser, *parser.verbs.values()]:
            for option in below.options:
                if option.startswith("--"):
                    assert f"{option} " in texts["bash"] or f'{option}"' in texts["bash"], verb
                    assert f"-l {option[2:]}" in texts["fish"]


def test_quotes_in_help_do_not_end_the_words_of_fish(script):
    for line in script("fish").splitlines():
        assert line.replace("\\'", "").count("'") % 2 == 0, line


def test_an_unknown_shell_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "bsh"])
    assert "did you mean 'bash'?" in capsys.readouterr().err
