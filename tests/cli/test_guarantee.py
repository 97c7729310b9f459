"""prodcat calibrate and prodcat guarantee, on real files."""

import json
import re
from dataclasses import replace

import numpy as np
from command_line import LEVELS, answers

from prodcat.cli.command import main
from prodcat.cli.promises import promises_table
from prodcat.decisions.guarantee import Guarantee
from prodcat.decisions.objectives import pick_objective
from prodcat.demo.quick_commerce import generate
from prodcat.demo.run import write_catalog


def test_calibrate_then_guarantee_then_coarser_answers(home, capsys, tmp_path):
    write_catalog(generate(300, "de", seed=2), tmp_path / "new.csv")
    columns = ["--path", *LEVELS, "--on-error", "aside"]
    new, model = str(tmp_path / "new.csv"), str(home / "model")
    calibrated, promised = str(tmp_path / "calibrated"), str(tmp_path / "promised")
    arguments = ["calibrate", new, "--model", model, "--output", calibrated, *columns]
    assert main([*arguments, "--method", "levels"]) == 0
    assert "confidence is off by (ECE), on these titles" in capsys.readouterr().out
    arguments = ["guarantee", new, "--model", calibrated, "--output", promised, *columns]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert re.search(r"All \d+ titles were used before in training, validation or calibr", said)
    write_catalog(generate(300, "de", seed=4), tmp_path / "newer.csv")
    arguments[1] = str(tmp_path / "newer.csv")
    assert main([*arguments, "--group", "brand", "--pool-below", "30"]) == 0
    said = capsys.readouterr().out
    assert "groups by brand" in said
    assert re.search(r"WRONG AT MOST +ANSWERED +HOW\n2% .*\n5% .*\n10% ", said)

    test, out = str(home / "test.csv"), tmp_path / "out.csv"
    shared = ["predict", test, "--model", promised, "--output", str(out), "--overwrite"]
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
    answered = sum(bool(row["predicted_path"]) for row in coarse)
    assert 0 < answered < 80
    counts = f"{answered} answered, {80 - answered} left empty by --guarantee 0.95"
    assert "80 titles read in" in (said := capsys.readouterr().err) and counts in said
    for name in ("-", "folder/", "out.parquet", "out.jsonl", "out.xlsx", "out.csv.gz", "folder/"):
        place = name if name == "-" else str(tmp_path / name)
        assert main([*shared[:4], "--output", place, "--guarantee", "0.95"]) == 0
        assert counts in (said := capsys.readouterr().err) and "titles answered" not in said, name
    assert main([*shared, "--max-error", "0.3", "--certainty", "0.9"]) == 0
    assert {row["predicted_path"] for row in answers(out)} <= {
        "",
        *(row["predicted_path"] for row in whole),
    }
    assert " left empty by --max-error 0.3." in capsys.readouterr().err
    assert main([*shared, "--objective", "tree_distance"]) == 0
    plot, report = tmp_path / "plot.png", tmp_path / "report.json"
    arguments = ["evaluate", test, "--model", promised, *columns, "--guarantee", "0.95"]
    assert main([*arguments, "--plot", str(plot), "--json", str(report)]) == 0
    assert plot.stat().st_size > 10_000
    assert json.loads(report.read_text())["coverage"] > 0.85


def test_a_guarantee_says_what_it_buys():
    rows, wrong = 2_000, 60
    confidence = np.linspace(0, 1, rows)
    right = np.ones(rows, bool)
    right[:wrong] = False
    guarantee = Guarantee(
        tree_hash="t", date="now", objective=pick_objective("path"), scores=1 - confidence,
        confidence=confidence, right=right, group_by=None, groups=np.zeros(rows, int), names=("",),
    )  # fmt: skip
    shares = dict(
        re.findall(r"^(\d+%) +(\S+) +predict --max-error", promises_table(guarantee), re.MULTILINE)
    )
    assert set(shares) == {"2%", "5%", "10%"} and shares["5%"] == shares["10%"] == "100.0%"
    # What is answered at 2 % has fewer wrong answers than that, and is most of the titles.
    assert 95 < float(shares["2%"].rstrip("%")) < 100
    few = replace(
        guarantee,
        **{
            name: getattr(guarantee, name)[:20]
            for name in ("scores", "confidence", "right", "groups")
        },
    )
    assert "none      " in promises_table(few) and "needs at least 149" in promises_table(few)


def test_a_calibration_that_makes_things_worse_is_told(tmp_path, home, capsys):
    write_catalog(generate(300, "de", seed=2), tmp_path / "new.csv")
    arguments = ["calibrate", str(tmp_path / "new.csv"), "--model", str(home / "model")]
    arguments += [
        "--path",
        *LEVELS,
        "--on-error",
        "aside",
        "--output",
        str(tmp_path / "calibrated"),
        "--overwrite",
    ]
    worse = 0
    for method in ("temperature", "levels", "adaptive"):
        assert main([*arguments, "--method", method]) == 0
        shown = capsys.readouterr()
        before, after = map(float, re.findall(r"(\d\.\d{4}) (?:before|after)", shown.out))
        assert ("WARNING: the new calibration is worse" in shown.err) == (after > before), method
        worse += after > before
    assert worse
