"""Scorings that are killed, that meet a rival, and whose input changes while they read it."""

import contextlib
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.reporting import Row
from benchmarks.store.places import FORK, in_child
from tests.support import servers

PLACES = ("local", "moto", "ceph")
FORMS = ("folder", "file")
KILLS = 17  # of each place and form
PAIRS = 17
CHANGES = {"local": 30, "moto": 20}
ROWS = 12_000
PART_ROWS = 400
TEMPORARY = 75  # the exit code of what may succeed later
PATIENCE = 300.0  # seconds for one run


@dataclass(frozen=True)
class Bench:
    """Where scorings read and write.

    Attributes:
        room: A local folder with the model and the inputs.
        root: The folder of the outputs and of the changing input, at any URI.
        options: For the filesystem of the root, or None for local files.
        environment: What the scorings need to reach the root.
        clean: What an undisturbed scoring writes, by the form of the output.
        seconds: How long an undisturbed scoring takes.
    """

    room: Path
    root: str
    options: Mapping[str, Any] | None
    environment: Mapping[str, str]
    clean: dict[str, dict[str, bytes]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def output(self, form: str) -> str:
        """The output's address."""
        return f"{self.root}/out{'' if form == 'folder' else '.csv'}"

    def written(self, form: str) -> dict[str, bytes]:
        """The rows of the output by the names of its files, without records of the job."""
        content: dict[str, bytes] = in_child(_written, self.output(form), self.options)
        return content

    def clear(self) -> None:
        """Remove all outputs."""
        in_child(_clear, self.root, self.options)


def _filesystem(uri: str, options: Mapping[str, Any] | None) -> tuple[Any, str]:
    import fsspec

    filesystem, path = fsspec.url_to_fs(uri, **(options or {}))
    return filesystem, path


def _written(uri: str, options: Mapping[str, Any] | None) -> dict[str, bytes]:
    filesystem, path = _filesystem(uri, options)
    names = filesystem.find(path) if filesystem.exists(path) else []
    return {
        str(name).rpartition("/")[2]: filesystem.cat_file(name)
        for name in names
        if "/_prodcat/" not in str(name).removeprefix(path) and not _hidden(str(name))
    }


def _hidden(name: str) -> bool:
    return name.rpartition("/")[2].startswith((".", "_"))


def _clear(root: str, options: Mapping[str, Any] | None) -> None:
    filesystem, path = _filesystem(root, options)
    for name in filesystem.find(path) if filesystem.exists(path) else []:
        if "/out" in str(name).removeprefix(path):
            filesystem.rm_file(name)
    if options is None:
        shutil.rmtree(Path(path) / "out", ignore_errors=True)


@dataclass
class Run:
    """A scoring in a process of its own.

    Attributes:
        process: The process.
        log: Where its messages are.
    """

    process: Any
    log: Path

    def finish(self) -> int:
        """Wait for its end; the exit code."""
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.kill()
            return -1
        return int(self.process.exitcode)

    def kill(self) -> bool:
        """Kill it; whether it was still running."""
        running = bool(self.process.is_alive())
        if running:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()
        return running

    @property
    def said(self) -> str:
        """Its messages."""
        return self.log.read_text(errors="replace")


def start(bench: Bench, source: str, output: str, *more: str) -> Run:
    """Start ``prodcat predict`` in a fork of this process, which has imported the library."""
    handle, log = tempfile.mkstemp(dir=bench.room, suffix=".log")
    os.close(handle)
    words = [
        "predict", source, "--model", str(bench.room / "model"), "--output", output,
        "--device", "cpu", "--quiet", *more,
    ]  # fmt: skip
    process = FORK.Process(target=_predict, args=(words, Path(log), dict(bench.environment)))
    process.start()
    return Run(process, Path(log))


def _predict(words: list[str], log: Path, environment: dict[str, str]) -> None:
    import sys

    import torch

    from prodcat.cli.command import main

    os.environ |= environment
    torch.set_num_threads(1)
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.exit(main(words))


@contextlib.contextmanager
def opened(place: str) -> Iterator[Bench]:
    """A bench whose outputs are at a place; the server there runs as long as it is used."""
    from prodcat.demo.quick_commerce import generate
    from prodcat.testing import tiny_classifier

    with tempfile.TemporaryDirectory(prefix="trust") as name, contextlib.ExitStack() as stack:
        room = Path(name)
        in_child(_prepare, room, tiny_classifier, generate)
        if place == "local":
            root, options, environment = str(room / "there"), None, {}
            Path(root).mkdir()
        else:
            context = servers.moto() if place == "moto" else servers.ceph(room / "c")
            server = stack.enter_context(context)
            root, options = f"s3://{server.bucket()}/there", server.options
            environment = {
                "AWS_ENDPOINT_URL": server.options["endpoint_url"],
                "AWS_ACCESS_KEY_ID": server.key,
                "AWS_SECRET_ACCESS_KEY": server.secret,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            }
        bench = Bench(room, root, options, environment)
        for form in FORMS:
            began = time.monotonic()
            run = start(bench, str(room / "in.csv"), bench.output(form), *_parts(form))
            assert run.finish() == 0, run.said
            bench.seconds[form] = time.monotonic() - began
            bench.clean[form] = bench.written(form)
            assert sum(content.count(b"\n") for content in bench.clean[form].values()) >= 1
            bench.clear()
        yield bench


def _parts(form: str) -> list[str]:
    return ["--part-rows", str(PART_ROWS)] if form == "folder" else []


def _prepare(room: Path, tiny_classifier: Any, generate: Any) -> None:
    rows = generate(1_000, "tr")
    tiny_classifier().save(str(room / "model"))
    write_input(room / "in.csv", [row.title for row in rows], 0)


def write_input(path: Path, titles: list[str], first: int) -> None:
    """Write so many rows whose numbers begin with ``first``; equally long for all beginnings."""
    path.write_bytes(input_bytes(titles, first))


def input_bytes(titles: list[str], first: int) -> bytes:
    """The bytes of such a file."""
    lines = ["sku,title"]
    for number in range(ROWS):
        title = titles[number % len(titles)].replace(",", " ").replace('"', " ")
        lines.append(f"{10_000_000 + first + number},{title} {number:06d}")
    return ("\n".join(lines) + "\n").encode()


def judged(bench: Bench, form: str, runs: list[Run], codes: list[int]) -> Row:
    """Whether what the runs said is true of what lies there.

    Returns:
        ``bad``: what must not be, or nothing; ``complete``: how many runs said so.
    """
    bad = []
    for run, code in zip(runs, codes, strict=True):
        if code not in (0, TEMPORARY, -signal.SIGKILL):
            bad.append(f"exit code {code}: {run.said[-600:]}")
        if "Traceback" in run.said:
            bad.append(f"traceback: {run.said[-600:]}")
    complete = codes.count(0)
    if complete and bench.written(form) != bench.clean[form]:
        bad.append(f"{complete} said complete, and the output is not that of a clean run")
    return {"bad": bad, "complete": complete, "codes": codes}


def finish(bench: Bench, form: str, source: str) -> list[str]:
    """Run again to the end; what must not be."""
    more = ["--overwrite"] if form == "file" and bench.written(form) else []
    run = start(bench, source, bench.output(form), *_parts(form), *more)
    row = judged(bench, form, [run], [run.finish()])
    if not row["complete"]:
        row["bad"].append(f"not complete at last: {run.said[-600:]}")
    bad: list[str] = row["bad"]
    return bad


def _tries(cases: list[Row], name: str, least: int) -> Iterator[int]:
    """Numbers from 0, until so many cases were in time, or three times as many were tried."""
    for number in range(3 * least):
        if sum(case[name] for case in cases) >= least:
            return
        yield number


def kill(place: str) -> Row:
    """Kill scorings at random moments, and run each again to its end."""
    rng = random.Random(f"kill {place}")
    cases: list[Row] = []
    with opened(place) as bench:
        source = str(bench.room / "in.csv")
        for number in _tries(cases, "hit", KILLS * len(FORMS)):
            form = FORMS[number % 2]
            run = start(bench, source, bench.output(form), *_parts(form))
            time.sleep(rng.uniform(0.1, 1.0) * bench.seconds[form])
            hit = run.kill()
            bad = judged(bench, form, [run], [run.finish()])["bad"] if hit else []
            bad += finish(bench, form, source)
            cases.append({"form": form, "hit": hit, "bad": bad})
            bench.clear()
    return {
        "job": "kills", "place": place, "cases": len(cases),
        "hit": sum(case["hit"] for case in cases),
        "bad": [case for case in cases if case["bad"]],
    }  # fmt: skip


def rival(place: str) -> Row:
    """Two scorings with one output, of which the second begins while the first is at work."""
    rng = random.Random(f"rival {place}")
    cases: list[Row] = []
    with opened(place) as bench:
        source = str(bench.room / "in.csv")
        for number in _tries(cases, "together", PAIRS * len(FORMS)):
            form = FORMS[number % 2]
            more = ["--overwrite"] if number % 4 >= 2 else []
            first = start(bench, source, bench.output(form), *_parts(form))
            time.sleep(rng.uniform(0.0, 0.9) * bench.seconds[form])
            together = bool(first.process.is_alive())
            second = start(bench, source, bench.output(form), *_parts(form), *more)
            row = judged(bench, form, [first, second], [first.finish(), second.finish()])
            row["bad"] += finish(bench, form, source)
            if not row["complete"]:
                row["bad"].append("neither of the two came to its end")
            cases.append({"form": form, "more": more, "together": together, **row})
            bench.clear()
    return {
        "job": "rivals", "place": place, "cases": len(cases),
        "together": sum(case["together"] for case in cases),
        "refused": sum(TEMPORARY in case["codes"] for case in cases),
        "bad": [case for case in cases if case["bad"]],
    }  # fmt: skip


def change_inputs(place: str) -> Row:
    """Rewrite the input in its place while it is read, half of the times with its old time."""
    rng = random.Random(f"change {place}")
    cases: list[Row] = []
    with opened(place) as bench:
        from prodcat.demo.quick_commerce import generate

        titles = [row.title for row in generate(1_000, "tr")]
        source = f"{bench.root}/in.csv"
        for number in range(CHANGES[place]):
            form = FORMS[number % 2]
            in_child(_put, source, bench.options, input_bytes(titles, 0), False)
            run = start(bench, source, bench.output(form), *_parts(form))
            time.sleep(rng.uniform(0.05, 0.9) * bench.seconds[form])
            changed = input_bytes(titles, 5_000_000)
            in_child(_put, source, bench.options, changed, number % 4 >= 2)
            code = run.finish()
            versions = _versions(bench.written(form)) if code == 0 else []
            bad = []
            if code == 0 and versions not in ([0], [5]):
                bad.append(f"complete with rows of the versions {versions}")
            if code not in (0, 2, TEMPORARY) or "Traceback" in run.said:
                bad.append(f"exit code {code}: {run.said[-600:]}")
            cases.append({"form": form, "code": code, "versions": versions, "bad": bad})
            bench.clear()
    return {
        "job": "inputs", "place": place, "cases": len(cases),
        "refused": sum(case["code"] != 0 for case in cases),
        "bad": [case for case in cases if case["bad"]],
    }  # fmt: skip


def _put(uri: str, options: Mapping[str, Any] | None, content: bytes, keep_time: bool) -> None:
    if options is not None:
        filesystem, key = _filesystem(uri, options)
        filesystem.pipe_file(key, content)
        return
    path = Path(uri)
    before = path.stat() if path.exists() else None
    with path.open("r+b" if before else "wb") as file:
        file.write(content)
        file.truncate()
    if before and keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _versions(written: Mapping[str, bytes]) -> list[int]:
    """Which versions of the input the rows are of, as the millions of their numbers."""
    import io

    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    numbers: list[int] = []
    for name, content in written.items():
        file = io.BytesIO(content)
        table = pq.read_table(file) if name.endswith(".parquet") else pc.read_csv(file)
        numbers += map(int, table["sku"].to_pylist())
    if len(numbers) != ROWS or len(set(numbers)) != ROWS:
        return [-1]
    return sorted({(number - 10_000_000) // 1_000_000 for number in numbers})
