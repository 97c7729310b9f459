"""Two processes that write one output: one of them writes it, and the other one says so."""

import json
import os
import time

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rivals import EXPIRY, PART_ROWS, Rival, arguments
from scoring_outputs import files_of

from prodcat.cli.command import main

ROWS = 400
LONG = 2_500  # rows that a share is not done with before it is stopped


@pytest.fixture(scope="module")
def home(small, rows, tmp_path_factory):
    """A folder with a model, titles of 16 parts, and titles of 100 parts."""
    folder = tmp_path_factory.mktemp("rivals")
    small.save(str(folder / "model"))
    for name, count in (("in", ROWS), ("long", LONG)):
        titles = [f"{rows[number % len(rows)].title} {number}" for number in range(count)]
        table = pa.table({"sku": range(count), "title": titles})
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=PART_ROWS)
    return folder


class Place:
    """An output that is a folder or one file, on a local disk or in S3."""

    def __init__(self, root, kind, environment=None, **options):
        self.output = f"{root}/out.jsonl" if kind == "file" else f"{root}/out"
        self.folder = f"{root}/.out.jsonl.parts" if kind == "file" else self.output
        self.is_file, self.environment, self.options = kind == "file", environment, options

    def files(self):
        protocol = self.output.partition("://")[0] if "://" in self.output else "file"
        return fsspec.filesystem(protocol, use_listings_cache=False, **self.options)

    def count_parts(self):
        return len(self.files().glob(f"{self.folder}/_prodcat/part-*"))

    def skus(self):
        files = self.files()
        names = [self.output] if self.is_file else files.glob(f"{self.folder}/part-*")
        if not self.is_file:
            tables = [pq.read_table(pa.BufferReader(files.cat_file(name))) for name in names]
            return sorted(sku for table in tables for sku in table["sku"].to_pylist())
        return [json.loads(line)["sku"] for line in files.cat_file(self.output).splitlines()]


@pytest.fixture
def on_s3(monkeypatch):
    """Makes an output of a kind in a new bucket, which this process can reach too."""

    import s3fs

    def make(server, kind):
        s3fs.S3FileSystem.clear_instance_cache()  # its key is not the endpoint
        options = server.options
        environment = {
            "AWS_ENDPOINT_URL": options["endpoint_url"],
            "AWS_ACCESS_KEY_ID": options["key"],
            "AWS_SECRET_ACCESS_KEY": options["secret"],
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Place(f"s3://{server.bucket()}/shop", kind, environment, **options)

    return make


@pytest.fixture(params=["folder", "file", "s3 folder", "s3 file"])
def place(request, tmp_path, on_s3):
    kind = request.param.removeprefix("s3 ")
    if request.param.startswith("s3"):
        return on_s3(request.getfixturevalue("moto_server"), kind)
    return Place(tmp_path, kind)


@pytest.fixture(params=["folder", "file"])
def ceph_place(request, ceph_server, on_s3):
    return on_s3(ceph_server, request.param)


def run(home, place, *more):
    return main(arguments(home / "model", home / "in.parquet", place.output, *more))


def check_rivals(home, place, capsys, monkeypatch):
    """A second run is refused while the first one lives, and replaces it once it is silent."""
    with Rival(
        home / "model", home / "in.parquet", place.output, expiry=EXPIRY,
        environment=place.environment,
    ) as first:  # fmt: skip
        first.stop_after(place.count_parts)
        for more in ([], ["--overwrite"]):
            assert run(home, place, *more) == 75
            said = capsys.readouterr().err
            assert f"{place.output!r} is being written by process {first.process.pid} on " in said
        if not place.is_file:
            assert run(home, place, "--shard", "1/2") == 75
        monkeypatch.setattr("prodcat.storage.leases.EXPIRY", EXPIRY, raising=False)
        time.sleep(EXPIRY)
        assert run(home, place) == 0
        files, root = place.files(), place.output.rpartition("/")[0]
        before = {name: files.cat_file(name) for name in files.find(root)}
        code, said = first.go_on()
    assert code == 75
    assert f"no longer holds {place.output!r}" in said and "Run the same command again" in said
    assert {name: files.cat_file(name) for name in before} == before
    late = set(files.find(root)) - set(before)
    # A request that was on its way may create a part of the folder that was removed meanwhile.
    assert not late or (place.is_file and all(".parts/part-" in name for name in late))
    assert place.skus() == list(range(ROWS))


def test_one_of_two_runs_writes_and_the_other_one_is_told(home, place, capsys, monkeypatch):
    check_rivals(home, place, capsys, monkeypatch)


@pytest.mark.system
def test_one_of_two_runs_writes_to_a_real_s3(home, ceph_place, capsys, monkeypatch):
    check_rivals(home, ceph_place, capsys, monkeypatch)


def test_after_a_kill_the_next_run_need_not_wait(home, tmp_path):
    place = Place(tmp_path, "folder")
    with Rival(home / "model", home / "in.parquet", place.output) as first:
        first.stop_after(place.count_parts)
        first.process.kill()  # not waited for: it is a zombie
        time.sleep(0.1)
        began = time.monotonic()
        assert run(home, place) == 0
        assert time.monotonic() - began < 25  # the lease is good for 30 seconds
    assert place.skus() == list(range(ROWS))
    assert not [name for name in files_of(place.output) if "lease" in name]


def test_shares_of_one_job_go_on_beside_each_other(home, tmp_path):
    place, source = Place(tmp_path, "folder"), home / "long.parquet"
    with Rival(home / "model", source, place.output, "--shard", "0/2") as first:
        first.stop_after(place.count_parts, 1)
        assert main(arguments(home / "model", source, place.output)) == 75
        with Rival(home / "model", source, place.output, "--shard", "1/2") as second:
            code, said = second.go_on()
        assert code == 0 and "other shares are still missing" in said
        code, said = first.go_on()
        assert code == 0 and "is complete" in said
    assert place.skus() == list(range(LONG))


def test_names_that_lead_to_one_output_are_one_output(home, tmp_path, capsys):
    place = Place(tmp_path / "a", "file")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/out.jsonl").write_text("old")
    (tmp_path / "soft").mkdir()
    (tmp_path / "soft/out.jsonl").symlink_to("../a/out.jsonl")
    (tmp_path / "hard").mkdir()
    os.link(tmp_path / "a/out.jsonl", tmp_path / "hard/out.jsonl")
    (tmp_path / "folder").symlink_to("a")
    others = [Place(tmp_path / name, "file") for name in ("soft", "folder")]
    hard = Place(tmp_path / "hard", "file")
    with Rival(
        home / "model", home / "in.parquet", place.output, "--overwrite", expiry=0.2
    ) as first:
        first.stop_after(place.count_parts)
        for other in others:
            assert run(home, other, "--overwrite") == 75
            assert "is being written by" in capsys.readouterr().err
        assert (
            run(home, hard, "--overwrite") == 0
        )  # only this name is replaced, so it is another output
        assert hard.skus() == list(range(ROWS))
        time.sleep(0.3)  # a run that was stopped for too long goes on if nobody came
        code, said = first.go_on()
        assert code == 0, said
    assert place.skus() == list(range(ROWS))
    assert run(home, others[0], "--overwrite") == 0  # written to where the link leads
    assert (tmp_path / "soft/out.jsonl").is_symlink() and others[0].skus() == list(range(ROWS))
    assert hard.skus() == list(range(ROWS))
    assert {path.name for path in tmp_path.rglob("*")} == {
        "a", "soft", "hard", "folder", "out.jsonl",
    }  # fmt: skip


def test_a_lock_that_another_user_holds_on_the_old_output_blocks_nothing(home, tmp_path):
    import fcntl

    place = Place(tmp_path / "a", "file")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/out.jsonl").write_text("old")
    with open(tmp_path / "a/out.jsonl") as reader:
        fcntl.flock(reader, fcntl.LOCK_EX)
        assert run(home, place, "--overwrite") == 0
    assert place.skus() == list(range(ROWS))


def test_what_cannot_be_one_output_is_refused_before_titles_are_answered(home, tmp_path, capsys):
    (tmp_path / "a/out.jsonl").mkdir(parents=True)
    assert run(home, Place(tmp_path / "a", "file")) == 2
    assert "which is a folder; expected the name of a file" in capsys.readouterr().err
    assert list(tmp_path.rglob("*")) == [tmp_path / "a", tmp_path / "a/out.jsonl"]
    assert main(arguments(home / "model", home / "in.parquet", "x::y.csv")) == 2
    assert "is a chain of file systems" in capsys.readouterr().err
    os.mkfifo(tmp_path / "in.csv")
    assert main(arguments(home / "model", tmp_path / "in.csv", tmp_path / "b.csv")) == 2
    assert "is a pipe or a device" in capsys.readouterr().err
