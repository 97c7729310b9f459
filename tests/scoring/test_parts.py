"""Files are cut into parts alike by all, and every row is in one of them."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_outputs import files_of

import prodcat
from prodcat import ScoringConfig
from prodcat.scoring.jobs import score
from prodcat.scoring.parts import _cut, read_parts


def test_an_input_whose_store_fails_may_go_well_later(small, tmp_path, monkeypatch):
    import fsspec

    def reset(*arguments, **named):
        raise ConnectionResetError("reset by peer")

    memory = fsspec.filesystem("memory")
    memory.pipe("/shop/in.csv", b"title\nsut\n")
    memory.pipe("/shop/in.parquet", b"PAR1")
    monkeypatch.setattr(type(memory), "_open", reset)
    for name in ("in.csv", "in.parquet"):
        with pytest.raises(prodcat.StoreError, match="reset by peer") as caught:
            list(read_parts([f"memory://shop/{name}"], lambda *_: True, 50))
        assert caught.value.unreachable
    monkeypatch.undo()
    memory.rm("/shop", recursive=True)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_parts_of_text_are_cut_alike_by_all(small, table, tmp_path, kind):
    text = str(tmp_path / f"a.{kind}")
    score(small, str(table), text)
    columns = pq.read_table(table).drop_columns(["tags"])
    lines = [{"sku": str(n), "title": own} for n, own in enumerate(columns["title"].to_pylist())]
    with open(text, "w", encoding="utf-8", newline="") as file:
        if kind == "csv":
            writer = csv.DictWriter(file, ["sku", "title"])
            writer.writeheader()
            writer.writerows(lines)
        else:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    parts = list(read_parts([text], lambda *_: True, 50))
    assert [(own.number, own.first, own.last) for own in parts] == [
        (0, 0, False), (1, 50, False), (2, 100, False), (3, 150, True),
    ]  # fmt: skip
    spans = [own.span for own in parts]
    assert spans[0][0] == 0 and spans[-1][1] == 1
    assert all(a[1] == b[0] for a, b in zip(spans[:-1], spans[1:], strict=True))
    [third] = read_parts([text], lambda file, number: number == 2, 50)
    assert third.table == parts[2].table
    scoring = ScoringConfig(part_rows=60)
    score(small, text, str(tmp_path / "whole"), scoring=scoring)
    for index in range(2):
        score(small, text, str(tmp_path / "shared"), scoring=scoring, shard=(index, 2))
    assert files_of(tmp_path / "whole") == files_of(tmp_path / "shared")


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 60))
def test_row_groups_are_all_there_once_and_large_ones_in_pieces(sizes, rows):
    cuts = _cut(sizes, rows)
    assert [group for cut in cuts for group in cut.groups] == list(range(len(sizes)))
    for cut in cuts:
        assert sum(cut.sizes) == sum(sizes[group] for group in cut.groups)
        assert all(size < 3 * rows for size in cut.sizes)
        assert len(cut.sizes) == 1 or (len(cut.groups) == 1 and min(cut.sizes) >= rows)


def test_a_large_row_group_is_many_parts(small, table, tmp_path):
    whole = pq.read_table(table)
    one = tmp_path / "one.parquet"
    pq.write_table(whole, one, row_group_size=10**6)
    assert pq.ParquetFile(one).num_row_groups == 1
    parts = list(read_parts([str(one)], lambda *_: True, 50))
    assert [(own.first, len(own.table), own.last) for own in parts] == [
        (0, 50, False), (50, 50, False), (100, 80, True),
    ]  # fmt: skip
    assert pa.concat_tables([own.table for own in parts]).equals(whole)
    [second] = read_parts([str(one)], lambda file, number: number == 1, 50)
    assert second.table.equals(parts[1].table) and second.span == (50 / 180, 100 / 180)
    scoring = ScoringConfig(part_rows=50)
    score(small, str(one), str(tmp_path / "a"), scoring=scoring)
    for index in range(2):
        score(small, str(one), str(tmp_path / "b"), scoring=scoring, shard=(index, 2))
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert pq.read_table(tmp_path / "a")["sku"].equals(whole["sku"])
