"""prodcat calibrate and prodcat guarantee, on real files."""

import json

from command_line import LEVELS, answers

from prodcat.cli.command import main
from prodcat.demo.quick_commerce import generate
from prodcat.demo.run import write_catalog


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
