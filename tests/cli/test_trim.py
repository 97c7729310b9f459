"""prodcat trim, on real files."""

from command_line import LEVELS

from prodcat.cli.command import main


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
    assert "Give --titles FILE" in capsys.readouterr().err
    more = ["--titles", str(home / "test.csv"), "--min-count", "1"]
    assert main([*arguments, *more]) == 0
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size
             for name in ("model", "model-small")]  # fmt: skip
    assert sizes[1] < sizes[0]
