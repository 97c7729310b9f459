"""Runs of countries' jobs, and what they leave."""

import json

from prodcat.cli.command import main


def run(capsys, home, *arguments, code=0):
    config = ["--config", str(home / "countries.toml")]
    assert main(["pipeline", "run", *arguments, *config]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def edit(home, old, new):
    path = home / "countries.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def report_of(home, country):
    [path] = sorted((home / "work" / country / "gate").glob("*.json"))[-1:]
    return json.loads(path.read_text())
