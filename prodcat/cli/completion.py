"""``prodcat completion``: print a script that lets a shell complete commands and options."""

import argparse
from collections.abc import Iterable, Iterator
from typing import Any

from prodcat.cli.output import print_data
from prodcat.cli.parser import Parser, add_command

_SHELLS = ("bash", "zsh", "fish")
_BASH = """\
# Completion of prodcat for {shell}; written by: prodcat completion {shell}
_prodcat() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" verb="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${{COMP_WORDS[i]}}" in
            -*) break ;;
        esac
        case "$verb" in
            ""|{parents}) verb="${{verb:+$verb }}${{COMP_WORDS[i]}}" ;;
            *) break ;;
        esac
    done
    local words="" values="" files="yes"
    case "$verb" in
{verbs}
    esac
    case "$verb $previous" in
{choices}
    esac
    if [[ -n "$values" ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$word"))
    elif [[ "$word" == -* || "$files" == "no" ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -o bashdefault -F _prodcat prodcat
"""
_ZSH = "#compdef prodcat\nautoload -U +X bashcompinit && bashcompinit\n"


def add_completion(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "completion",
        "print a script that lets a shell complete commands and options",
        description="Print a script that lets a shell complete commands and options. bash: put "
        'eval "$(prodcat completion bash)" into ~/.bashrc; zsh: the same with zsh into ~/.zshrc; '
        "fish: write it to ~/.config/fish/completions/prodcat.fish.",
        examples={
            "for bash": "completion bash",
            "for zsh": "completion zsh",
            "for fish": "completion fish",
        },
    )
    parser.add_argument(
        "shell", metavar="SHELL", choices=_SHELLS, help="the shell: bash, zsh or fish"
    )
    parser.set_defaults(run=run, commands=commands)


def run(options: argparse.Namespace) -> None:
    """Print the script."""
    parsers = dict(_parsers(options.commands.choices, ""))
    print_data(_fish(parsers) if options.shell == "fish" else _bash(parsers, options.shell))


def _parsers(verbs: dict[str, Parser], before: str) -> Iterator[tuple[str, Parser]]:
    """Each parser by its words, such as ``models publish``."""
    for name, parser in verbs.items():
        yield before + name, parser
        yield from _parsers(parser.verbs, f"{before}{name} ")


def _options(parser: Parser) -> list[str]:
    return [name for name in parser.options if name.startswith("--")]


def _bash(parsers: dict[str, Parser], shell: str) -> str:
    """The script for bash; zsh runs it too, with its emulation of bash."""
    top = [name for name in parsers if " " not in name]
    verbs = [_case('""', "words", [*top, "--help", "--version"], " files=no")]
    choices = []
    for name, parser in parsers.items():
        files = " files=no" if parser.verbs else ""
        verbs.append(_case(f'"{name}"', "words", [*parser.verbs, *_options(parser)], files))
        for option, action in parser.options.items():
            if action.choices:
                choices.append(_case(f'"{name} {option}"', "values", map(str, action.choices)))
    script = _BASH.format(
        shell=shell,
        verbs="\n".join(verbs),
        choices="\n".join(choices),
        parents="|".join(name for name in top if parsers[name].verbs),
    )
    return (_ZSH if shell == "zsh" else "") + script


def _case(pattern: str, variable: str, words: Iterable[str], more: str = "") -> str:
    return f'        {pattern}) {variable}="{" ".join(words)}"{more} ;;'


def _fish(parsers: dict[str, Parser]) -> str:
    """The script for fish, with the first sentence of each option's help."""
    top = [name for name in parsers if " " not in name]
    lines = ["# Completion of prodcat for fish; written by: prodcat completion fish"]
    lines.append("complete -c prodcat -n __fish_use_subcommand -f")
    for name in top:
        lines.append(
            f"complete -c prodcat -n __fish_use_subcommand -a {name} "
            f"-d {_quoted(parsers[name].description)}"
        )
    for name, parser in parsers.items():
        words = name.split()
        seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in words)
        for verb, below in parser.verbs.items():
            lines.append(
                f"complete -c prodcat -n '{seen}' -f -a {verb} -d {_quoted(below.description)}"
            )
        for option, action in parser.options.items():
            if option.startswith("--"):
                needs = "" if action.nargs == 0 else " -r"
                values = f" -f -a {_quoted(' '.join(action.choices))}" if action.choices else ""
                lines.append(
                    f"complete -c prodcat -n '{seen}' -l {option[2:]}{needs}{values} "
                    f"-d {_quoted(action.help)}"
                )
    return "\n".join(lines) + "\n"


def _quoted(text: str | None) -> str:
    """The first sentence of a help text, in the quotes of fish."""
    first = (text or "").replace("%%", "%").partition(";")[0].partition(". ")[0].rstrip(".")
    return "'" + first.replace("\\", "\\\\").replace("'", "\\'") + "'"
