"""prodcat encoders: what suits product titles, and how fast it is here."""

import re

from prodcat.cli.command import main
from prodcat.model.hub import HUB_ENCODERS


def test_encoders_are_listed_and_those_on_disk_are_measured(encoder_folder, capsys):
    assert main(["encoders", str(encoder_folder), "--device", "cpu"]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert re.split(r" {2,}", lines[0]) == [
        "ENCODER", "SIZE", "LANGUAGES", "LICENCE", "TITLES PER SECOND HERE",
    ]  # fmt: skip
    assert lines[1].startswith("none ")
    shown = {line.split()[0]: line for line in lines[1:]}
    assert {encoder.name for encoder in HUB_ENCODERS} <= set(shown)
    assert all(shown[each.name].endswith("not on disk") for each in HUB_ENCODERS)
    assert re.search(r"intfloat/multilingual-e5-small +471.0 MB +about 100 +MIT ", said.out)
    size, speed = re.search(r" ([\d.]+) kB +([\d,]+)$", shown[str(encoder_folder)]).groups()
    weights = (encoder_folder / "model.safetensors").stat().st_size
    assert 0.8 * weights < float(size) * 1000 <= 1.05 * weights
    assert int(speed.replace(",", "")) > 50
    assert f"measuring {encoder_folder}" in said.err


def test_an_encoder_that_is_not_there_is_told_in_words_of_the_command_line(capsys):
    assert main(["encoders", "./nonesuch"]) == 2
    assert "Cannot load an encoder from './nonesuch': there is no such folder" in (
        capsys.readouterr().err
    )
