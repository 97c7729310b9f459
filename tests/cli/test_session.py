"""The session of docs/command-line.md, command by command, with what it prints."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from prodcat.demo.quick_commerce import generate
from prodcat.demo.scratch import write_scratch_encoder

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
BLOCKS = re.findall(
    r"^```text\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


def steps():
    """Each command of the page, and the lines that it prints."""
    for block in BLOCKS:
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = step.partition("\n")
            yield command, printed.rstrip("\n")


STEPS = list(steps())


def write(path, rows, columns):
    lines = [",".join(columns), *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the files that the page names, and a program that is called prodcat."""
    home = tmp_path_factory.mktemp("session")
    first = [(row.title, " > ".join(row.path), row.brand, 1) for row in generate(900, "de")]
    known = {row[1] for row in first}
    new = [(row.title, " > ".join(row.path), row.brand, 2) for row in generate(900, "de", seed=1)]
    write(home / "catalog.csv", first, ["title", "path", "brand", "price"])
    titles = {row[0] for row in first}
    new = [row for row in new if row[1] in known and row[0] not in titles][:600]
    write(home / "labelled.csv", new, ["title", "path", "brand", "price"])
    split, *others = sorted(known)
    parts = [f"{split} > {letter}" for letter in "AB"]
    for name, some in (("old", [split]), ("new", parts)):
        write(home / f"{name}-tree.csv", [(path,) for path in (*some, *others)], ["path"])
    (home / "shop").mkdir()
    for part in (1, 2):
        rows = [(row.title, *row.path[:2]) for row in generate(150, "de", seed=part)]
        write(home / "shop" / f"{part}.csv", rows, ["name", "department", "category"])
    (home / "titles.txt").write_text("Milch 1 l\nBrot 500 g\n")
    [config] = [block for block in BLOCKS if block.startswith("catalog = ")]
    (home / "train.toml").write_text(config)
    (home / "typo.toml").write_text(config.replace("lexical-cost", "lexical-csot"))
    write_scratch_encoder(sorted(titles), home / "encoder", vocabulary=600, hidden=16, layers=1)
    (home / "prodcat").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m prodcat "$@"\n')
    (home / "prodcat").chmod(0o755)
    return home


def shows(said, printed):
    """Whether the lines of the page are what was printed; ``…`` stands for anything."""
    pieces = [re.escape(piece) for piece in printed.split("…")]
    return re.fullmatch("(?s:.*)".join(pieces), said.strip("\n")) is not None


def test_the_session_prints_what_the_page_says(home):
    assert len(STEPS) > 10
    for command, printed in STEPS:
        script = re.sub(r"^prodcat", "./prodcat", command)
        done = subprocess.run([shutil.which("bash"), "-c", f"{script} 2>&1"], cwd=home,
                              capture_output=True, text=True)  # fmt: skip
        said = re.sub(r"^.*\r", "", done.stdout, flags=re.MULTILINE)  # progress bars
        assert shows(said, printed), f"$ {command}\n{said}"
        words = shlex.split(command)
        wrong = f"prodcat {words[1]}: " in printed or "prodcat: " in printed
        assert (done.returncode == 2) == wrong, command


def test_what_the_page_does_not_show_is_told():
    assert shows("a\nb 12 c\nd", "a\nb … c\nd") and shows("a\nx\ny\nb", "a\n…\nb")
    assert not shows("a\nb", "a") and not shows("a 1", "a … b")
