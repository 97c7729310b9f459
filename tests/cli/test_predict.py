"""prodcat predict, on real files."""

import csv
import gzip
import json
import resource
import subprocess
import sys

import pyarrow.parquet as pq
from command_line import answers, predict

from prodcat.demo.quick_commerce import generate


def test_predict_keeps_every_row_and_column_in_order(home):
    assert predict(home, home / "test.csv", home / "out.csv", "--top-k", "2") == 0
    given, found = answers(home / "test.csv"), answers(home / "out.csv")
    assert [row["title"] for row in found] == [row["title"] for row in given]
    assert found[0]["brand"] == given[0]["brand"]
    best, second = float(found[0]["confidence"]), float(found[0]["confidence_2"])
    assert 1 >= best >= second >= 0
    steps = [float(step) for step in found[0]["level_confidences"].split()]
    assert steps == sorted(steps, reverse=True) and len(steps) == 4


def test_predict_writes_every_format_alike(home):
    for name in ("out.jsonl", "out.parquet", "out.csv.gz", "again.csv"):
        assert predict(home, home / "test.csv", home / name) == 0
    expected = [row["predicted_path"] for row in answers(home / "again.csv")]
    lines = (home / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["predicted_path"] for line in lines] == expected
    assert pq.read_table(home / "out.parquet")["predicted_path"].to_pylist() == expected
    with gzip.open(home / "out.csv.gz", "rt", encoding="utf-8", newline="") as file:
        assert [row["predicted_path"] for row in csv.DictReader(file)] == expected


def test_rows_without_a_readable_title_keep_their_place_and_say_so(home):
    (home / "dirty.csv").write_bytes(b"title\nMilch\n \nK\xe4se\n\xc3\x84\n")
    assert predict(home, home / "dirty.csv", home / "clean.csv") == 0
    found = answers(home / "clean.csv")
    assert [row["error"] for row in found] == ["", "empty title", "invalid UTF-8", ""]
    assert found[1]["predicted_path"] == "" and found[2]["predicted_path"]
    assert found[2]["title"] == "K\ufffdse"


def test_an_output_is_replaced_only_by_a_whole_one(home, capsys):
    precious = home / "precious.csv"
    precious.write_text("keep me")
    assert predict(home, home / "none.csv", precious, "--overwrite") == 2
    (home / "late.jsonl").write_text('{"title": "x"}\n' * 16_384 + '{"title": "x", "error": 1}\n')
    assert predict(home, home / "late.jsonl", precious, "--overwrite") == 2
    assert "has a column 'error' already" in capsys.readouterr().err
    assert precious.read_text() == "keep me"
    before = (home / "test.csv").read_bytes()
    assert predict(home, home / "test.csv", home / "test.csv") == 2
    assert "is an input file too" in capsys.readouterr().err
    assert (home / "test.csv").read_bytes() == before
    assert not list(home.glob("*.part"))


def test_values_stay_under_their_header_where_keys_come_and_go(home):
    lines = ['{"title": "Milch", "x": 1}'] * 8_192 + ['{"title": "Seife"}']
    (home / "gaps.jsonl").write_text("\n".join(lines))
    assert predict(home, home / "gaps.jsonl", home / "gaps.tsv") == 0
    with open(home / "gaps.tsv", encoding="utf-8", newline="") as file:
        last = list(csv.DictReader(file, delimiter="\t"))[-1]
    assert last["title"] == "Seife" and last["x"] == "" and " > " in last["predicted_path"]


def test_values_stay_under_their_header_from_file_to_file(home):
    (home / "many-1.jsonl").write_text('{"title": "Milch", "x": 1, "y": 2}\n')
    (home / "many-2.jsonl").write_text('{"y": 3, "title": "Seife"}\n')
    assert predict(home, home / "many-*.jsonl", home / "many.csv") == 0
    first, last = answers(home / "many.csv")
    assert (first["title"], first["x"], first["y"]) == ("Milch", "1", "2")
    assert (last["title"], last["x"], last["y"]) == ("Seife", "", "3")
    assert " > " in last["predicted_path"]


def test_a_type_that_changes_becomes_text_in_parquet(home):
    lines = ['{"title": "Milch", "x": 1}'] * 8_192 + ['{"title": "Seife", "x": "one"}']
    (home / "types.jsonl").write_text("\n".join(lines))
    assert predict(home, home / "types.jsonl", home / "types.parquet") == 0
    assert pq.read_table(home / "types.parquet")["x"].to_pylist() == ["1"] * 8_192 + ["one"]


def test_lone_surrogates_do_not_stop_a_run(home):
    (home / "odd.jsonl").write_text('{"title": "s\\ud83d x", "more": ["\\udc80"]}\n')
    assert predict(home, home / "odd.jsonl", home / "odd-out.jsonl") == 0
    assert "\ufffd" in (home / "odd-out.jsonl").read_text(encoding="utf-8")


def test_predict_goes_to_standard_output(home, capsys):
    assert predict(home, home / "test.csv", "-") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("title,brand,") and len(captured.out.splitlines()) == 81
    assert "80 titles answered" in captured.err


def peak_after(home, rows):
    """The peak memory in MiB of a process that answers this many titles."""
    source, output = home / f"{rows}.csv", home / f"{rows}-out.csv"
    titles = [row.title for row in generate(2_000, "de")]
    with source.open("w", encoding="utf-8") as file:
        file.write("title\n")
        for start in range(0, rows, len(titles)):
            file.writelines(f'"{title} {start}"\n' for title in titles)
    command = [sys.executable, "-m", "prodcat", "predict", str(source)]
    command += ["--model", str(home / "model"), "--output", str(output)]
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=True
    )
    assert output.read_bytes().count(b"\n") == rows + 1
    return int(run.stdout) / 1024


def test_memory_stays_bounded_over_two_hundred_thousand_titles(home):
    assert resource.RUSAGE_CHILDREN
    assert peak_after(home, 200_000) - peak_after(home, 70_000) < 100
