"""Files of one input whose columns or types differ, and columns from the names of folders."""

import datetime
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scoring_outputs import files_of, rows_of

from prodcat import CatalogError, ScoringConfig, ScoringError
from prodcat.scoring.jobs import score
from prodcat.storage.folder_columns import folder_columns

EAN = 4_006_381_333_931


def _parquet_files(folder, *columns):
    """Write one file for each column ``x``."""
    folder.mkdir()
    for number, values in enumerate(columns):
        array = values if isinstance(values, pa.Array) else pa.array(values)
        table = pa.table({"title": ["sut"] * len(array), "x": array})
        pq.write_table(table, folder / f"{number}.parquet")


def _json_lines(path, *values):
    lines = [json.dumps({"title": "sut", "x": value}) for value in values]
    path.write_text("\n".join(lines))


def _scored(model, folder, **settings):
    out = folder.parent / f"{folder.name}-out"
    report = score(model, str(folder), str(out), scoring=ScoringConfig(**settings))
    assert report.complete and report.errors == 0
    return out


@pytest.mark.parametrize(
    ("columns", "kind", "values"),
    [
        ([pa.nulls(1), [EAN]], pa.int64(), [None, EAN]),
        ([pa.nulls(1, pa.float64()), [EAN]], pa.float64(), [None, float(EAN)]),
        ([pa.nulls(1), ["a"]], pa.string(), [None, "a"]),
        ([[1], [2.5]], pa.float64(), [1.0, 2.5]),
        ([[2**53 + 1], [2.5]], pa.string(), ["9007199254740993", "2.5"]),
        ([[1], ["a"]], pa.string(), ["1", "a"]),
        ([[True], [1]], pa.string(), ["true", "1"]),
        ([pa.array([1], pa.int8()), pa.array([300], pa.uint16())], pa.int32(), [1, 300]),
        ([[-1], pa.array([2**64 - 1], pa.uint64())], pa.decimal128(20), [-1, 2**64 - 1]),
        (
            [pa.array([1], pa.int16()), [decimal.Decimal("2.50")]],
            pa.decimal128(7, 2),
            [1, decimal.Decimal("2.50")],
        ),
        ([[1.5], [decimal.Decimal("2.50")]], pa.string(), ["1.5", "2.50"]),
        ([["a"], pa.array(["a"]).dictionary_encode()], pa.string(), ["a", "a"]),
        ([["a"], pa.array(["b"], pa.string_view())], pa.large_string(), ["a", "b"]),
        ([["a"], [b"b"]], pa.string(), ["a", "Yg=="]),
        (
            [pa.array([1], pa.timestamp("ms")), pa.array([2], pa.timestamp("us"))],
            pa.timestamp("us"),
            [datetime.datetime(1970, 1, 1, 0, 0, 0, us) for us in (1_000, 2)],
        ),
        (
            [
                pa.array([253_402_300_799_000], pa.timestamp("ms")),
                pa.array([2], pa.timestamp("ns")),
            ],
            pa.string(),
            ["9999-12-31T23:59:59.000", "1970-01-01T00:00:00.000000002"],
        ),
        (
            [pa.array([1], pa.timestamp("ms", "UTC")), pa.array([2], pa.timestamp("ms"))],
            pa.string(),
            ["1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.002"],
        ),
        (
            [[[1]], [[2.5]], [[]]],
            pa.large_list(pa.float64()),
            [[1.0], [2.5], []],
        ),
        (
            [[{"a": 1}], [{"b": "x"}]],
            pa.struct([("a", pa.int64()), ("b", pa.string())]),
            [{"a": 1, "b": None}, {"a": None, "b": "x"}],
        ),
        ([[[1]], ["a"]], pa.string(), ["[1]", "a"]),
    ],
)
def test_parquet_files_are_widened(small, tmp_path, columns, kind, values):
    _parquet_files(tmp_path / "in", *columns)
    out = _scored(small, tmp_path / "in")
    for part in out.glob("part-*"):
        assert pq.read_schema(part).field("x").type == kind
    assert [row["x"] for row in rows_of(out)] == values


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([None, EAN, 1], pa.int64(), [None, EAN, 1]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([1.5, True], pa.string(), ["1.5", "true"]),
        ([2**60 + 1, 2.5], pa.string(), ["1152921504606846977", "2.5"]),
        ([1, 10**30], pa.string(), ["1", "1" + "0" * 30]),
        (["a", 1], pa.string(), ["a", "1"]),
        ([None, [1, "b"]], pa.string(), [None, '[1, "b"]']),
        ([{}, {"a": 1.5}, {"a": True}], pa.string(), ["{}", '{"a": 1.5}', '{"a": true}']),
        ([[1], None, [2.5]], pa.list_(pa.float64()), [[1.0], None, [2.5]]),
        ([None, None], pa.string(), [None, None]),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_json_lines_may_change_their_types(small, tmp_path, values, kind, expected, apart):
    (tmp_path / "in").mkdir()
    for number, own in enumerate([[value] for value in values] if apart else [values]):
        _json_lines(tmp_path / f"in/{number}.jsonl", *own)
    out = _scored(small, tmp_path / "in", part_rows=1)
    if apart and pa.types.is_list(kind):
        kind = pa.large_list(kind.value_type)
    assert all(pq.read_schema(part).field("x").type == kind for part in out.glob("part-*"))
    assert [row["x"] for row in rows_of(out)] == expected
    score(small, str(tmp_path / "in"), str(tmp_path / "out.jsonl"))
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["x"] for line in lines] == values
    assert [type(json.loads(line)["x"]) for line in lines] == [type(value) for value in values]


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_columns_come_and_go_and_files_are_empty(small, tmp_path, kind):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "0.csv").write_bytes(b"")
    (folder / "1.jsonl").write_bytes(b"")
    (folder / "2.csv").write_text("title,brand\nsut,a\n")
    (folder / "3.csv").write_text("size,title\n1 l,ekmek\n")
    (folder / "4.jsonl").write_text('{"title": "sut"}\n' * 40 + '{"title": "sut", "late": 1}\n')
    pq.write_table(pa.table({"title": ["sut"], "brand": [7]}), folder / "5.parquet")
    out = tmp_path / f"out.{kind}"
    scoring = ScoringConfig(part_rows=10)
    report = score(small, str(folder), str(out), scoring=scoring)
    assert report.complete and report.rows == 44
    if kind == "parquet":
        rows = pq.read_table(out).to_pylist()
    elif kind == "jsonl":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    else:
        lines = [line.split(",") for line in out.read_text().splitlines()]
        rows = [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]
    assert list(rows[0])[:4] == ["title", "brand", "size", "late"]
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    found = [rows[n][name] for n, name in ((0, "brand"), (1, "size"), (42, "late"), (43, "brand"))]
    assert [str(value) for value in found] == ["a", "1 l", "1", "7"]
    assert not rows[0]["size"] and not rows[1]["brand"] and not rows[2]["late"]


def test_processes_agree_on_the_types(small, tmp_path):
    _parquet_files(tmp_path / "in", pa.nulls(3), [1, 2, 3], [2.5, 3.5, 4.5], ["a", "b", "c"])
    scoring = ScoringConfig(part_rows=2)
    score(small, str(tmp_path / "in"), str(tmp_path / "whole"), scoring=scoring)
    for share in range(3):
        score(small, str(tmp_path / "in"), str(tmp_path / "s"), scoring=scoring, shard=(share, 3))
    for name, content in files_of(tmp_path / "whole").items():
        assert name.startswith("_") or files_of(tmp_path / "s")[name] == content


def test_an_output_of_an_earlier_layout_is_refused(small, tmp_path):
    _parquet_files(tmp_path / "in", [1], [2])
    out = _scored(small, tmp_path / "in")
    job = out / "_prodcat/job.json"
    earlier = json.loads(job.read_text())
    del earlier["layout of columns"]
    job.write_text(json.dumps(earlier))
    with pytest.raises(ScoringError, match="layout of columns: not recorded then, 2 now"):
        score(small, str(tmp_path / "in"), str(out))
    assert score(small, str(tmp_path / "in"), str(out), overwrite=True).rows == 2


def test_folders_give_columns(small, tmp_path):
    for name in ("country=tr/week=7", "country=n%20l/week=__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / "in" / name).mkdir(parents=True)
        pq.write_table(pa.table({"title": ["sut"]}), tmp_path / "in" / name / "part.parquet")
    (tmp_path / "in/country=de").mkdir()
    (tmp_path / "in/country=de/a.csv").write_text("title\nBrot\n")
    rows = rows_of(_scored(small, tmp_path / "in"))
    assert [(row["country"], row["week"]) for row in rows] == [
        ("de", None),
        ("n l", None),
        ("tr", 7),
    ]
    (tmp_path / "in/country=tr").rename(tmp_path / "in/country=us")
    with pytest.raises(ScoringError, match="begun with another columns of folders"):
        score(small, str(tmp_path / "in"), str(tmp_path / "in-out"))
    (tmp_path / "in/country=us").rename(tmp_path / "in/country=tr")
    score(small, f"{tmp_path}/in/*/*/*.parquet", str(tmp_path / "glob.jsonl"))
    lines = (tmp_path / "glob.jsonl").read_text().splitlines()
    assert [json.loads(line)["country"] for line in lines] == ["n l", "tr"]
    [alone] = folder_columns(
        str(tmp_path / "in/country=de/a.csv"), [str(tmp_path / "in/country=de/a.csv")]
    )
    assert alone == {}


@pytest.mark.parametrize(
    ("values", "kind"),
    [(["1", "-20"], int), (["01", "2"], str), (["1", "9" * 30], str), (["1", "a"], str)],
)
def test_whole_numbers_of_folders_are_numbers(tmp_path, values, kind):
    for value in values:
        (tmp_path / f"week={value}").mkdir()
    found = folder_columns(str(tmp_path), [f"{tmp_path}/week={value}/a.csv" for value in values])
    assert [own["week"] for own in found] == list(map(kind, values))


@pytest.mark.parametrize("file", ["a.parquet", "a.csv", "a.jsonl"])
def test_a_column_that_contradicts_its_folder_is_refused_first(small, tmp_path, file):
    folder = tmp_path / "in"
    (folder / "week=7").mkdir(parents=True)
    (folder / "a.csv").write_text("title\nsut\n")

    def write(*weeks):
        path = folder / "week=7" / file
        titles = ["sut"] * len(weeks)
        if file.endswith("parquet"):
            pq.write_table(pa.table({"title": titles, "week": weeks}), path)
        elif file.endswith("csv"):
            path.write_text("title,week\n" + "".join(f"sut,{week}\n" for week in weeks))
        else:
            path.write_text("\n".join(json.dumps({"title": "sut", "week": w}) for w in weeks))

    write(7, 7)
    assert [str(row["week"]) for row in rows_of(_scored(small, folder))] == ["None", "7", "7"]
    write(7, 8)
    with pytest.raises(CatalogError, match=r"row 2: the column 'week' is '8', but .* says '7'"):
        score(small, str(folder), str(tmp_path / "new"))
    assert not list(tmp_path.glob("new/part-*"))


def test_a_file_that_lacks_the_title_is_refused_first(small, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text("title\nsut\n")
    (tmp_path / "in/b.csv").write_text("name\nsut\n")
    with pytest.raises(CatalogError, match=r"b\.csv' has no column 'title'; found \['name'\]"):
        score(small, str(tmp_path / "in"), str(tmp_path / "out"))
    assert not list(tmp_path.glob("out/part-*"))
    (tmp_path / "none").mkdir()
    (tmp_path / "none/a.csv").write_bytes(b"")
    with pytest.raises(CatalogError, match="are empty; expected at least one with the columns"):
        score(small, str(tmp_path / "none"), str(tmp_path / "out"))


def test_files_of_polars_with_categories_are_read(small, tmp_path):
    import polars as pl

    frame = pl.DataFrame(
        {"title": ["sut", "ekmek"], "c": pl.Series(["a", None], dtype=pl.Categorical)}
    )
    frame.write_parquet(tmp_path / "in.parquet")
    score(small, str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"))
    assert pq.read_table(tmp_path / "out.parquet")["c"].to_pylist() == ["a", None]


def test_a_missing_column_is_told_before_anything_else_and_nothing_is_removed(small, tmp_path):
    source, output = tmp_path / "in.csv", tmp_path / "out"
    source.write_text("title,brand\nmilk,a\nbread,b\n")
    score(small, str(source), str(output))
    before = {file.name: file.read_bytes() for file in output.iterdir() if file.is_file()}
    for scoring in (ScoringConfig(title="titel"), ScoringConfig(text=("colour",), top_k=2)):
        for overwrite in (False, True):
            with pytest.raises(CatalogError, match="no column '(titel|colour)'"):
                score(small, str(source), str(output), scoring=scoring, overwrite=overwrite)
    with pytest.raises(ScoringError, match="begun with another setting top_k"):
        score(small, str(source), str(output), scoring=ScoringConfig(top_k=2))
    after = {file.name: file.read_bytes() for file in output.iterdir() if file.is_file()}
    assert before == after
