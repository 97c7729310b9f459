"""The command line, on real files."""

import csv
import gzip
import json
import resource
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from prodcat.cli.command import main
from prodcat.demo.quick_commerce import generate
from prodcat.demo.run import write_catalog

LEVELS = ["department", "category", "subcategory", "type"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a catalog and a classifier that the command line trained."""
    folder = tmp_path_factory.mktemp("cli")
    write_catalog(generate(600, "de"), folder / "train.csv")
    write_catalog(generate(80, "de", seed=1), folder / "test.csv")
    arguments = ["train", str(folder / "train.csv"), "--output", str(folder / "model")]
    arguments += ["--path", *LEVELS, "--encoder", "none", "--lexical-cost", "0.5", "--quiet"]
    arguments += ["--history", str(folder / "history.jsonl"), "--characters", "2,3"]
    assert main(arguments) == 0
    return folder


def answers(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_train_saves_a_classifier_and_its_history(home):
    config = json.loads((home / "model" / "config.json").read_text())
    assert config["training"]["lexical_cost"] == 0.5
    assert config["model"]["characters"] == [2, 3]
    [line] = (home / "history.jsonl").read_text().splitlines()
    assert json.loads(line)["epoch"] == 0


def test_evaluate_prints_a_table_and_writes_json(home, capsys):
    arguments = ["evaluate", str(home / "test.csv"), "--model", str(home / "model")]
    arguments += ["--path", *LEVELS, "--on-error", "aside", "--json", str(home / "metrics.json")]
    assert main(arguments) == 0
    assert "path accuracy" in capsys.readouterr().out
    assert json.loads((home / "metrics.json").read_text())["path_accuracy"] > 0.5


def predict(home, source, output, *more):
    return main(
        ["predict", str(source), "--model", str(home / "model"), "--output", str(output), *more]
    )


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
    (home / "dirty.csv").write_bytes(b"title\nMilch\n \nK\xe4se\n")
    assert predict(home, home / "dirty.csv", home / "clean.csv") == 0
    found = answers(home / "clean.csv")
    assert [row["error"] for row in found] == ["", "empty title", "invalid UTF-8"]
    assert found[1]["predicted_path"] == "" and found[2]["predicted_path"]
    assert found[2]["title"] == "K\ufffdse"


def test_an_output_is_replaced_only_by_a_whole_one(home, capsys):
    precious = home / "precious.csv"
    precious.write_text("keep me")
    assert predict(home, home / "none.csv", precious) == 2
    (home / "late.jsonl").write_text('{"title": "x"}\n' * 16_384 + '{"title": "x", "new": 1}\n')
    assert predict(home, home / "late.jsonl", precious) == 2
    assert "'new' appears after the first rows" in capsys.readouterr().err
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


def test_a_type_that_changes_is_named_for_parquet(home, capsys):
    lines = ['{"title": "Milch", "x": 1}'] * 8_192 + ['{"title": "Seife", "x": "one"}']
    (home / "types.jsonl").write_text("\n".join(lines))
    assert predict(home, home / "types.jsonl", home / "types.parquet") == 2
    assert "changes its type" in capsys.readouterr().err


def test_lone_surrogates_do_not_stop_a_run(home):
    (home / "odd.jsonl").write_text('{"title": "s\\ud83d x", "more": ["\\udc80"]}\n')
    assert predict(home, home / "odd.jsonl", home / "odd-out.jsonl") == 0
    assert "\ufffd" in (home / "odd-out.jsonl").read_text(encoding="utf-8")


def test_predict_goes_to_standard_output(home, capsys):
    assert predict(home, home / "test.csv", "-") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("title,brand,") and len(captured.out.splitlines()) == 81
    assert "80 titles answered" in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "none.csv", "--model", "memory://nothing"], "Found no artifact"),
        (["train", "none.csv", "--output", "x"], "Found no file"),
        (["evaluate", "{home}/test.csv", "--model", "{home}/model"], "no column 'path'"),
        (["predict", "{home}/out.csv", "--model", "{home}/model"], "has a column 'predicted_path'"),
        (
            ["predict", "{home}/test.csv", "--model", "{home}/model", "--output", "x.xls"],
            "ends with",
        ),
        (["predict", "{home}/test.csv", "--model", "{home}/model", "--top-k", "0"], "at least 1"),
        (
            ["predict", "{home}/test.csv", "--model", "{home}/model", "--device", "foo"],
            "device='foo'",
        ),
        (
            ["predict", "{home}/test.csv", "--model", "{home}/model", "--guarantee", "0.9"],
            "guarantee= needs calibration titles",
        ),
        (
            ["guarantee", "{home}/test.csv", "--model", "{home}/model", "--output", "{home}/g"]
            + ["--path", *LEVELS, "--on-error", "aside", "--group", "land"],
            "no column 'land'",
        ),
        (["demo", "--country", "xx", "--folder", "{home}/d"], "country 'xx' is not known"),
    ],
)
def test_a_mistake_ends_with_status_2_and_one_message(home, capsys, arguments, message):
    predict(home, home / "test.csv", home / "out.csv")
    capsys.readouterr()
    assert main([argument.format(home=home) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith(f"prodcat {arguments[0]}: ")


def test_calibrate_then_guarantee_then_coarser_answers(home, capsys, tmp_path):
    write_catalog(generate(300, "de", seed=2), tmp_path / "new.csv")
    columns = ["--path", *LEVELS, "--on-error", "aside"]
    new, model = str(tmp_path / "new.csv"), str(home / "model")
    calibrated, promised = str(tmp_path / "calibrated"), str(tmp_path / "promised")
    arguments = ["calibrate", new, "--model", model, "--output", calibrated, *columns]
    assert main([*arguments, "--method", "levels"]) == 0
    assert "ECE on these titles" in capsys.readouterr().out
    arguments = ["guarantee", new, "--model", calibrated, "--output", promised, *columns]
    assert main([*arguments, "--group", "brand", "--pool-below", "30"]) == 0
    assert "groups by brand" in capsys.readouterr().out

    test, out = str(home / "test.csv"), tmp_path / "out.csv"
    shared = ["predict", test, "--model", promised, "--output", str(out)]
    assert main(shared) == 0
    whole = answers(out)
    assert main([*shared, "--guarantee", "0.95"]) == 0
    coarse = answers(out)
    assert [row["title"] for row in coarse] == [row["title"] for row in whole]
    assert all(
        w["predicted_path"].startswith(c["predicted_path"])
        for w, c in zip(whole, coarse, strict=True)
    )
    assert any(
        len(c["predicted_path"]) < len(w["predicted_path"])
        for w, c in zip(whole, coarse, strict=True)
    )
    assert main([*shared, "--max-error", "0.3", "--certainty", "0.9"]) == 0
    assert {row["predicted_path"] for row in answers(out)} <= {
        "",
        *(row["predicted_path"] for row in whole),
    }
    assert main([*shared, "--objective", "tree_distance"]) == 0
    plot, report = tmp_path / "plot.png", tmp_path / "report.json"
    arguments = ["evaluate", test, "--model", promised, *columns, "--guarantee", "0.95"]
    assert main([*arguments, "--plot", str(plot), "--json", str(report)]) == 0
    assert plot.stat().st_size > 10_000
    assert json.loads(report.read_text())["coverage"] > 0.85


def test_no_command_shows_the_help(capsys):
    assert main([]) == 0
    said = "".join(capsys.readouterr().out.split())
    assert "train,predict,evaluate,calibrate,guarantee,trim,models,pipeline,serve" in said
    assert "assortment,audit,drift,review,demo}" in said


def test_a_taxonomy_file_and_a_validation_file(home, tmp_path):
    (tmp_path / "t.csv").write_text("title,path\n" + "a b,A\nc d,B > C\n" * 5)
    (tmp_path / "v.csv").write_text("title,path\na b,A\n")
    (tmp_path / "tree.jsonl").write_text('{"path": "A"}\n{"path": "B > C"}\n{"path": "D"}\n')
    arguments = ["train", str(tmp_path / "t.csv"), "--output", str(tmp_path / "m")]
    arguments += ["--taxonomy", str(tmp_path / "tree.jsonl"), "--encoder", "none", "--quiet"]
    assert main([*arguments, "--validation", str(tmp_path / "v.csv")]) == 0
    assert '"D"' in (tmp_path / "m" / "taxonomy.json").read_text()
    with pytest.raises(SystemExit):
        main([*arguments, "--lexical", "perhaps"])
    assert main([*arguments, "--lexical", "no"]) == 2


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


@pytest.mark.slow
def test_a_warm_start_on_the_same_titles_trains_nothing(home, tmp_path, capsys):
    arguments = ["train", str(home / "train.csv"), "--path", *LEVELS, "--quiet"]
    arguments += ["--lexical-cost", "0.5", "--warm-start", str(home / "model")]
    before = (home / "model" / "manifest.json").read_bytes()
    assert main([*arguments, "--output", str(home / "model")]) == 0
    shown = capsys.readouterr().out
    assert "nothing was trained" in shown and "saved to" not in shown
    assert (home / "model" / "manifest.json").read_bytes() == before
    copied = [*arguments, "--output", str(tmp_path / "copy")]
    assert main([*copied, "--history", str(tmp_path / "history.jsonl")]) == 0
    assert "saved to" in capsys.readouterr().out
    assert (tmp_path / "history.jsonl").read_text() == (home / "history.jsonl").read_text()
    # Settings of the model are the earlier one's, unless they are given.
    assert main([*arguments, "--output", str(tmp_path / "x"), "--structure", "flat"]) == 2
    assert "structure='flat' does not go with" in capsys.readouterr().err


def test_trim_an_encoder_then_a_classifier(home, tmp_path, capsys, encoder_folder):
    small = str(tmp_path / "small")
    arguments = ["trim", str(encoder_folder), "--titles", str(home / "train.csv")]
    assert main([*arguments, "--language", "language", "--output", small]) == 0
    shown = capsys.readouterr().out
    assert "pieces" in shown and "\nde " in shown and f"saved to {small}" in shown
    model = str(tmp_path / "model")
    train = ["train", str(home / "train.csv"), "--output", model, "--path", *LEVELS, "--quiet"]
    assert main([*train, "--encoder", small, "--lexical", "no", "--epochs", "0"]) == 0
    arguments = ["trim", model, "--output", str(tmp_path / "model-small")]
    assert main(arguments) == 2
    assert "expected --titles" in capsys.readouterr().err
    more = ["--titles", str(home / "test.csv"), "--min-count", "1"]
    assert main([*arguments, *more]) == 0
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size
             for name in ("model", "model-small")]  # fmt: skip
    assert sizes[1] < sizes[0]


def test_memory_stays_bounded_over_two_hundred_thousand_titles(home):
    assert resource.RUSAGE_CHILDREN
    assert peak_after(home, 200_000) - peak_after(home, 70_000) < 100
