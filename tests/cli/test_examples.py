"""Every example of every help page runs, on small generated files."""

import csv
import dataclasses
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import servers

import prodcat
from prodcat.cli.command import _parser, main
from prodcat.demo.quick_commerce import generate
from prodcat.demo.scratch import write_scratch_encoder

WRITING = re.compile(
    r"--(output|export|queue|mistakes|report|history) |^models export|^pipeline demo"
)
CONFIG = 'encoder = "none"\npath = ["path"]\nlexical-cost = 0.5\n'


def every_example(parser, words=()):
    for text, command in parser.examples.items():
        yield " ".join(words), text, command
    for verb, below in parser.verbs.items():
        if words + (verb,) != ("models", "load"):  # an earlier name of models export
            yield from every_example(below, (*words, verb))


EXAMPLES = list(every_example(_parser()))
SERVERS = [command for _, _, command in EXAMPLES if " --serve" in command or command[:5] == "serve"]


def write_table(path, rows, columns):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def labelled(count, seed):
    rows = generate(count, "de", seed=seed)
    return [[row.title, " > ".join(row.path), row.brand, 1 + n % 9] for n, row in enumerate(rows)]


def check_changes(old, new, table):
    """Mark all changes as sure, as a person does."""
    trees = [prodcat.read_taxonomy(name) for name in (old, new)]
    changes = prodcat.TreeChanges.read(table, *trees)
    rows = tuple(dataclasses.replace(row, sure=True) for row in changes.rows)
    dataclasses.replace(changes, rows=rows).save(table)


def choose_first(table):
    """Choose the first category for each title, as a person does."""
    with Path(table).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    chosen = [{**row, "new_path": row["choices"].split(" | ")[0]} for row in rows]
    write_table(Path(table), [list(row.values()) for row in chosen], list(rows[0]))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the files that the examples name."""
    home = tmp_path_factory.mktemp("examples")
    columns = ["title", "path", "brand", "price"]
    rows = labelled(900, 0)
    known = {row[1] for row in rows}
    write_table(home / "catalog.csv", rows, columns)
    new = [row for row in labelled(900, 1) if row[1] in known][:600]
    write_table(home / "labelled.csv", new, columns)
    for name, seed in [
        ("titles", 2),
        ("before", 3),
        ("after", 4),
        ("ours", 5),
        ("theirs", 6),
        ("theirs-may", 7),
    ]:
        titles = [[row[0], row[3]] for row in labelled(60, seed)]
        write_table(home / f"{name}.csv", titles, ["title", "price"])
    first, *others = sorted(known)
    parts = [f"{first} > {letter}" for letter in "AB"]
    for name, leaf, some in [("old", "Kerzen", [first]), ("new", "Kerzen & Lampen", parts)]:
        paths = [[path] for path in (*some, *others, f"Haushalt > {leaf}")]
        write_table(home / f"{name}-tree.csv", paths, ["path"])
    for folder in ("shop", "day"):
        (home / folder).mkdir()
    for day in (1, 2):
        write_table(home / "day" / f"{day}.csv", [[row[0]] for row in labelled(40, day)], ["title"])
    for part in (1, 2):
        rows = [
            [row.title, row.title, *row.path[:2]] for row in generate(150, "de", seed=10 + part)
        ]
        write_table(home / "shop" / f"{part}.csv", rows,
                    ["title", "name", "department", "category"])  # fmt: skip
    (home / "train.toml").write_text(CONFIG)
    write_scratch_encoder([row[0] for row in new], home / "encoder", vocabulary=600, hidden=16,
                          layers=1)  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        train = ["train", "catalog.csv", "--encoder", "none", "--quiet"]
        assert main([*train, "--output", "model"]) == 0
        assert main([*train, "--lexical-cost", "0.5", "--output", "second"]) == 0
        promise = ["guarantee", "labelled.csv", "--model", "model", "--output", "promised", "-q"]
        assert main(promise) == 0
        for saved, alias in (("model", "production"), ("second", "production")):
            assert (
                main(["models", "publish", "tr", saved, "--store", "store", "--alias", alias]) == 0
            )
        assert (
            main(["models", "publish", "tr", "model", "--store", "store", "--alias", "staging"])
            == 0
        )
        assert main(["pipeline", "demo", "countries", "--titles", "150"]) == 0
        on_disk = (home / "countries" / "countries.toml").read_text()
        (home / "countries.toml").write_text(
            re.sub('"(?=store|work|data/)', '"s3://shop/', on_disk)
        )
        match = ["match", "ours.csv", "shop/1.csv", "--their-title", "name", "--quiet"]
        assert main([*match, "--output", "matches.csv"]) == 0
        match = ["match", "ours.csv", "theirs.csv", "--price", "price", "--quiet"]
        assert main([*match, "--output", "matches.parquet"]) == 0
        compare = ["tree", "diff", "old-tree.csv", "new-tree.csv", "--output", "checked.xlsx"]
        assert main([*compare, "--quiet"]) == 0
        check_changes("old-tree.csv", "new-tree.csv", "checked.xlsx")
        migrate = ["tree", "migrate", "old-tree.csv", "new-tree.csv", "checked.xlsx", "--catalog"]
        migrate += ["catalog.csv", "--output", "first.csv", "--undecided", "chosen.csv"]
        assert main(migrate) == 0
        choose_first("chosen.csv")
        choose = ["review", "titles.csv", "--model", "model", "--queue", "queue.jsonl"]
        assert main([*choose, "--budget", "9"]) == 0
        Path("queue.decisions.jsonl").unlink(missing_ok=True)
    return home


@pytest.mark.parametrize(
    ("page", "text", "command"),
    [example for example in EXAMPLES if example[2] not in SERVERS],
    ids=lambda value: str(value)[:50],
)
def test_the_example_runs(page, text, command, home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Milch 1 l\nBrot, 500 g\n")))
    words = []
    for word in shlex.split(command):
        words += sorted(str(path) for path in Path().glob(word)) if "*" in word else [word]
    if command == "models delete tr latest --store store":
        assert main(["models", "publish", "tr", "model", "--store", "store"]) == 0
    if WRITING.search(command):  # into the folder of all examples, in which they use each other's
        words.append("--overwrite")
    if words[-1] == "--help":
        with pytest.raises(SystemExit, match="0"):
            main(words)
    else:
        assert main(words) == 0, capsys.readouterr().err
    said = capsys.readouterr()
    assert said.out or said.err
    outputs = re.findall(r"--output (\S+)", command)
    assert all((home / output).exists() for output in outputs)


@pytest.mark.parametrize("command", SERVERS)
def test_the_example_that_serves_answers(command, home):
    port = servers.free_port()
    words = [*shlex.split(command), "--port", str(port)]
    (home / "models").mkdir(exist_ok=True)
    log = (home / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "prodcat", *words], cwd=home, stderr=log, stdout=log,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        answered = None
        while answered is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    answered = answer.status
            except urllib.error.HTTPError as refusal:
                answered = refusal.code
            except OSError:
                assert process.poll() is None, (home / "server.log").read_text()
                time.sleep(0.2)
        assert answered == (404 if "review" in words else 200)  # a review needs its token
    finally:
        process.send_signal(signal.SIGINT if "review" in words else signal.SIGTERM)
        process.wait(60)
        log.close()


def test_there_are_examples_and_servers_among_them():
    assert len(EXAMPLES) > 40 and len(SERVERS) == 4
