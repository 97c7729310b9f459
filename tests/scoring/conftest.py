"""Titles in a table, some of them twice."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prodcat import ScoringConfig
from prodcat.scoring.jobs import score

PARTS = ScoringConfig(part_rows=50)


@pytest.fixture(scope="module")
def titles(rows):
    own = [row.title for row in rows[:150]]
    return own + own[:30]  # some are there twice


@pytest.fixture
def table(titles, tmp_path):
    path = tmp_path / "in" / "catalog.parquet"
    path.parent.mkdir()
    columns = {"sku": list(range(len(titles))), "title": titles, "tags": [["a", "b"]] * len(titles)}
    pq.write_table(pa.table(columns), path, row_group_size=20)
    return path


@pytest.fixture
def job(small, rows, tmp_path):
    """A folder with a model, titles, and the answers of a run on this machine."""
    small.save(str(tmp_path / "model"))
    titles = [f"{row.title} {number}" for number in range(3) for row in rows[:500]]
    table = pa.table({"sku": list(range(len(titles))), "title": titles})
    pq.write_table(table, tmp_path / "titles.parquet", row_group_size=50)
    score(small, str(tmp_path / "titles.parquet"), str(tmp_path / "clean"), scoring=PARTS)
    return tmp_path
