"""Scoring: the same answers as predict beside every row, from any input."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scoring_outputs import rows_of

import prodcat
from prodcat import CatalogError, ConfigError, ScoringConfig, ScoringError
from prodcat.scoring.jobs import score
from prodcat.scoring.parts import list_files
from prodcat.scoring.single_file import file_kind

SMALL_PARTS = ScoringConfig(part_rows=40)
ANSWER = ["predicted_path", "predicted_names", "predicted_level_1", "predicted_id"]
ANSWER += ["predicted_ids", "confidence", "level_confidences"]


def test_answers_are_those_of_predict_beside_the_own_columns(classifier, table, titles, tmp_path):
    scoring = replace(SMALL_PARTS, precision="float32")
    report = score(classifier, str(table), str(tmp_path / "out"), scoring=scoring)
    assert report.complete and report.rows == 180 and report.parts == 5 and report.errors == 0
    found = rows_of(tmp_path / "out")
    assert [row["sku"] for row in found] == list(range(180)) and found[7]["tags"] == ["a", "b"]
    for row, [wanted] in zip(found, classifier.predict(titles), strict=True):
        assert tuple(row["predicted_names"]) == wanted.path
        assert row["predicted_path"] == " > ".join(wanted.path)
        assert row["predicted_id"] == wanted.node_id == row["predicted_ids"][-1]
        assert row["confidence"] == pytest.approx(wanted.confidence, abs=2e-5)
        assert np.allclose(row["level_confidences"], wanted.level_confidences, atol=2e-5)
        assert [row[f"predicted_level_{n + 1}"] for n in range(4)] == [*wanted.path, *[None] * 4][
            :4
        ]
        assert row["model_hash"] == classifier.content_hash and row["error"] is None
        assert row["model"] == f"unpublished-{classifier.content_hash[:12]}"
    assert report.summary["rows"] == 180 and "rows/s" in str(report)


def test_rows_that_cannot_be_answered_keep_their_place(small, tmp_path):
    (tmp_path / "a.csv").write_bytes(b'title,n\nsut,1\n,2\nk\xffse,3\n"  ",4\n')
    score(small, str(tmp_path / "a.csv"), str(tmp_path / "out"))
    found = rows_of(tmp_path / "out")
    assert [row["n"] for row in found] == ["1", "2", "3", "4"]
    assert [row["error"] for row in found] == [None, "empty title", "invalid UTF-8", "empty title"]
    assert found[1]["predicted_path"] is None and found[1]["confidence"] is None
    assert found[1]["predicted_ids"] is None and found[2]["predicted_path"]
    assert found[2]["title"] == "k\ufffdse"
    summary = json.loads((tmp_path / "out/_prodcat/summary.json").read_text())
    assert (summary["rows"], summary["errors"]) == (4, 3)


def test_the_next_best_and_other_objectives(small, rows, table, titles, tmp_path):
    three = ScoringConfig(top_k=3, format="jsonl")
    score(small, str(table), str(tmp_path / "three"), scoring=three)
    lines = [
        json.loads(line)
        for path in sorted((tmp_path / "three").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    for line, wanted in zip(lines, small.predict(titles, 3), strict=True):
        assert [line["predicted_path"], line["predicted_path_2"], line["predicted_path_3"]] == [
            " > ".join(own.path) for own in wanted
        ]
        assert line["confidence_2"] == pytest.approx(wanted[1].confidence, abs=1e-5)
    coarse = ScoringConfig(objective="tree_distance")
    new = [row.title for row in rows[300:400]]  # not learned: some are uncertain
    pq.write_table(pa.table({"title": new}), tmp_path / "new.parquet")
    score(small, str(tmp_path / "new.parquet"), str(tmp_path / "coarse"), scoring=coarse)
    wanted = [own.path for [own] in small.predict(new, objective="tree_distance")]
    found = rows_of(tmp_path / "coarse")
    assert [tuple(row["predicted_names"] or ()) for row in found] == wanted
    assert () in wanted
    for row, path, [best] in zip(found, wanted, small.predict(new), strict=True):
        answer = [row[name] for name in ANSWER]
        guess = [row[f"best_guess_{name}"] for name in ("path", "id", "confidence")]
        if path:
            assert None not in answer and guess == [None] * 3
        else:
            assert answer == [None] * len(ANSWER)
            assert guess[:2] == [" > ".join(best.path), best.node_id]
            assert guess[2] == pytest.approx(best.confidence, abs=1e-5)


def test_promises_by_group_are_kept_row_by_row(classifier, parts, tmp_path):
    catalog = parts.test
    own = classifier.with_guarantee(catalog, group="brand", pool_below=30)
    some = catalog.take(np.arange(len(catalog)) < 60)
    columns = {
        "title": list(some.titles) * 2,
        "brand": some.column("brand") + some.column("brand")[::-1],
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    scoring = ScoringConfig(guarantee=0.7)
    score(own, str(tmp_path / "a.parquet"), str(tmp_path / "out"), scoring=scoring)
    wanted = own.predict(columns["title"], guarantee=0.7, groups=columns["brand"])
    found = rows_of(tmp_path / "out")
    assert [tuple(row["predicted_names"]) for row in found] == [best.path for [best] in wanted]
    with pytest.raises(CatalogError, match="no column 'brand'"):
        (tmp_path / "b.csv").write_text("title\nsut\n")
        score(own, str(tmp_path / "b.csv"), str(tmp_path / "none"), scoring=scoring)


def test_further_text_is_read_as_in_training(catalog, rows, tmp_path):
    table = [{"title": r.title, "brand": r.brand, "path": list(r.path)} for r in rows[:150]]
    own = prodcat.fit(
        prodcat.read_catalog(table, text=["brand"]),
        model=prodcat.ModelConfig(encoder=None),
        progress=False,
    )
    lines = [json.dumps({"title": row["title"], "brand": row["brand"]}) for row in table]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    score(own, str(tmp_path / "a.jsonl"), str(tmp_path / "out"))
    both = prodcat.read_catalog(table, path=None, text=["brand"])
    wanted = [" > ".join(best.path) for [best] in own.predict(both)]
    assert [row["predicted_path"] for row in rows_of(tmp_path / "out")] == wanted


def test_many_files_of_a_folder_or_a_glob(small, tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "_hidden").mkdir()
    (folder / "_hidden/x.txt").write_text("x")
    (folder / "a.csv").write_text("title,n\nsut,1\n")
    (folder / "b.csv").write_text("title,n\n")
    (folder / "deep/c.csv").write_text("n,title\n2,ekmek\n")
    (folder / "d.jsonl").write_text("")
    report = score(small, str(folder), str(tmp_path / "out"))
    assert report.complete and report.summary["files"] == 4 and report.rows == 2
    assert [(row["title"], row["n"]) for row in rows_of(tmp_path / "out")] == [
        ("sut", "1"),
        ("ekmek", "2"),
    ]
    assert score(small, f"{folder}/*.csv", str(tmp_path / "glob")).summary["files"] == 2
    (folder / "e.pdf").write_text("x")
    with pytest.raises(CatalogError, match="ends with '.pdf'"):
        list_files(str(folder))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogError, match="has no files"):
        list_files(str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"name": "a"}\n', "no column 'title'; found \\['name'\\]"),
        ('{"title": "a", "confidence": 1}\n', "has a column 'confidence' already"),
    ],
)
def test_inputs_that_do_not_fit_are_named(small, tmp_path, content, message):
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(CatalogError, match=message):
        score(small, str(tmp_path / "a.jsonl"), str(tmp_path / "out"), scoring=SMALL_PARTS)


def test_outputs_that_cannot_be_are_named(small, table, tmp_path):
    with pytest.raises(ConfigError, match="Parquet is compressed inside"):
        file_kind("a.parquet.gz")
    with pytest.raises(ConfigError, match="ends with '.xls'; expected one of"):
        file_kind("a.xls")
    assert file_kind("scores.v2/") is None and file_kind("2026.11") is None
    with pytest.raises(ConfigError, match="one file, which processes cannot share"):
        score(small, str(table), str(tmp_path / "a.csv"), shard=(0, 2))
    with pytest.raises(ConfigError, match=r"shard=\(2, 2\) is out of range"):
        score(small, str(table), str(tmp_path / "a"), shard=(2, 2))
    with pytest.raises(CatalogError, match="is an input file too"):
        score(small, str(table), str(table))
    with pytest.raises(ScoringError, match="job, but contains 'catalog.parquet'"):
        score(small, str(table), str(table.parent))
    with pytest.raises(ConfigError, match="would remove the parts that the others wrote"):
        score(small, str(table), str(tmp_path / "a"), shard=(0, 2), overwrite=True)
    with pytest.raises(CatalogError, match="lies in the input"):
        score(small, str(table.parent), str(table.parent / "out"))
    with pytest.raises(CatalogError, match="Protocol not known"):
        score(small, "nowhere://a.csv", str(tmp_path / "a"))
    # What another program wrote is not removed, whatever its name.
    spark = tmp_path / "spark/part-00000-ab12.c000.snappy.parquet"
    spark.parent.mkdir()
    spark.write_bytes(b"x")
    with pytest.raises(ScoringError, match="is not the output of a scoring job"):
        score(small, str(table), str(spark.parent), overwrite=True)
    assert spark.exists()
    for wrong in ({"top_k": 0}, {"precision": "int4"}, {"format": "xml"}, {"text": "brand"}):
        with pytest.raises(ConfigError):
            ScoringConfig(**wrong)


def test_tables_with_faults_are_answered_or_refused(small, table, tmp_path):
    # Text that is no UTF-8, and numbers that are none.
    own = pa.table(
        {
            "title": pa.array([b"s\xfct", b"ekmek"]).cast(pa.binary()).view(pa.string()),
            "price": [float("nan"), 2.5],
        }
    )
    pq.write_table(own, tmp_path / "odd.parquet")
    score(small, str(tmp_path / "odd.parquet"), str(tmp_path / "odd.jsonl"))
    lines = (tmp_path / "odd.jsonl").read_text().splitlines()
    found = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [line["price"] for line in found] == [None, 2.5]
    assert found[0]["title"] == "s\ufffdt" and found[0]["predicted_path"]
    (tmp_path / "open.csv").write_text('title,n\n"sut",1\nekmek,2,3\nsut,4\n"a\nb\nc\n')
    score(
        small, str(tmp_path / "open.csv"), str(tmp_path / "a"), scoring=ScoringConfig(part_rows=1)
    )
    rows = rows_of(tmp_path / "a")
    answered = [bool(row["predicted_path"]) for row in rows]
    assert answered[:3] == [True, False, True] and rows[2]["n"] == "4"
    assert answered == [row["error"] is None for row in rows]
    two = tmp_path / "two"
    two.mkdir()
    (two / "a.csv").write_text("title,sku\nsut,1\n")
    (two / "b.csv").write_text("sku\n2\n")
    with pytest.raises(CatalogError, match="no column 'title'"):
        score(small, str(two), str(tmp_path / "b"))
    strict = pa.schema([pa.field("title", pa.string()), pa.field("sku", pa.int64(), False)])
    (two / "b.csv").unlink()
    (two / "a.csv").unlink()
    pq.write_table(pa.table({"title": ["sut"], "sku": [1]}, schema=strict), two / "a.parquet")
    pq.write_table(pa.table({"title": ["ekmek"]}), two / "b.parquet")
    score(small, str(two), str(tmp_path / "c"))
    assert pq.read_table(tmp_path / "c")["sku"].to_pylist() == [1, None]


def test_answers_that_would_replace_a_column_are_refused_first(small, tmp_path):
    (tmp_path / "a.csv").write_text("title,error\nsut,x\n")
    with pytest.raises(CatalogError, match="has a column 'error' already"):
        score(small, str(tmp_path / "a.csv"), str(tmp_path / "out"))
    assert not list(tmp_path.glob("out/part-*"))


def test_on_the_command_line(small, table, tmp_path, capsys):
    from prodcat.cli.command import main

    small.save(str(tmp_path / "model"))
    command = ["predict", str(table), "--model", str(tmp_path / "model")]
    folder = str(tmp_path / "out")
    many = [*command, "--output", folder, "--part-rows", "40", "--format", "csv"]
    assert main([*many, "--shard", "0/2"]) == 0
    assert "other shares are still missing" in capsys.readouterr().err
    assert main([*many, "--shard", "1/2"]) == 0
    assert "is complete" in capsys.readouterr().err
    assert main([*command, "--output", folder, "--part-rows", "30"]) == 2
    assert "--part-rows: 40 then, 30 now" in capsys.readouterr().err
    assert main([*command, "--output", folder, "--part-rows", "30", "--overwrite"]) == 0
    assert main([*many, "--shard", "2"]) == 2
    assert "expected INDEX/COUNT" in capsys.readouterr().err


def test_a_scoring_on_s3_goes_on_too(small, table, tmp_path, moto_server):
    bucket, options = moto_server.bucket(), moto_server.options
    env = {
        **os.environ,
        "AWS_ENDPOINT_URL": options["endpoint_url"],
        "AWS_ACCESS_KEY_ID": options["key"],
        "AWS_SECRET_ACCESS_KEY": options["secret"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "PRODCAT_CACHE": str(tmp_path / "cache"),
    }
    import s3fs

    place = s3fs.S3FileSystem(**options, skip_instance_cache=True)
    place.put(str(table), f"{bucket}/in/catalog.parquet")
    prodcat.Store(f"s3://{bucket}/models", storage_options=options).publish(
        small, "tr", alias="production"
    )

    def run(*more):
        command = [
            sys.executable, "-m", "prodcat", "predict", f"s3://{bucket}/in/*.parquet", "--model",
            f"s3://{bucket}/models/tr@production", "--output", f"s3://{bucket}/out",
            "--part-rows", "40", *more,
        ]  # fmt: skip
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert "180 titles answered" in run()
    place.rm(f"{bucket}/out/part-00000-00003.parquet")
    assert "40 titles answered" in run()
    place.invalidate_cache()
    with place.open(f"{bucket}/out/part-00000-00003.parquet", "rb") as file:
        row = pq.read_table(file).to_pylist()[0]
    assert row["sku"] == 120 and row["model"].startswith("tr@")
    info = place.info(f"{bucket}/in/catalog.parquet")
    entry = json.loads(place.cat_file(f"{bucket}/out/_prodcat/part-00000-00000.json"))
    assert entry["input"] == f"{info['size']}-{info['ETag'].strip(chr(34))}"


def test_a_model_is_loaded_as_load_does_it(small, table, tmp_path):
    small.save(str(tmp_path / "model"))
    place, out = str(tmp_path / "model"), str(tmp_path / "out")
    assert score(place, str(table), out, device="cpu", cache=str(tmp_path / "cache")).complete
    assert score(small, str(table), out, device="cpu").skipped
    with pytest.raises(ConfigError, match="is not in a store, so nothing there is signed"):
        score(place, str(table), out, keys=[])
    for model in (place, small):
        with pytest.raises(TypeError, match=r"argument 'devise'; expected some of .*'cache'"):
            score(model, str(table), out, devise="cpu")
