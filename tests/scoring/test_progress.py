"""How much of a scoring is left."""

import shutil
from pathlib import Path

from prodcat import ScoringConfig
from prodcat.scoring.jobs import score
from prodcat.scoring.parts import read_parts
from prodcat.scoring.progress import Progress

SMALL_PARTS = ScoringConfig(part_rows=40)


def test_progress_says_how_much_is_left(small, table, tmp_path, capsys):
    two = tmp_path / "two"
    two.mkdir()
    shutil.copy(table, two / "a.parquet")
    shutil.copy(table, two / "b.parquet")
    files = [str(two / "a.parquet"), str(two / "b.parquet")]
    sizes = [Path(file).stat().st_size for file in files]
    pace = Progress(False, 0.0, sizes, 1)
    left, rows = [], 0
    for part in read_parts(files, lambda *_: True, 60):
        rows += len(part.table)
        left.append(pace.count_part(rows, part))
    assert left == [300, 240, 180, 120, 60, 0]
    # A call that goes on in the middle; one of two processes.
    on = Progress(False, 0.0, sizes, 1)
    [fifth] = read_parts(files, lambda file, number: (file, number) == (1, 1), 60)
    assert on.count_part(60, fifth) == 60
    shared = Progress(False, 0.0, sizes, 2)
    [second] = read_parts(files, lambda file, number: (file, number) == (0, 1), 60)
    assert shared.count_part(60, second) == 120
    score(small, str(two), str(tmp_path / "out"), scoring=SMALL_PARTS, progress=True)
    assert "360/360" in capsys.readouterr().err
