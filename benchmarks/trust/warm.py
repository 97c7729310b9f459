"""How long a warm artifact takes to load, beside an earlier version of the library."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.jobs import ROOT, Options
from benchmarks.reporting import Row

PAIRS = 9
# A store on the network, so that the cache is used; the first load fills it.
PROGRAM = """
import sys, time
import prodcat
uri, cache, port = sys.argv[1:]
options = {"key": "AKIATEST", "secret": "SECRETTEST",
           "endpoint_url": f"http://127.0.0.1:{port}",
           "client_kwargs": {"region_name": "us-east-1"}}
store = prodcat.Store(uri, storage_options=options, cache=cache)
store.load("tr@latest", device="cpu")
began = time.perf_counter()
store.load("tr@latest", device="cpu")
again = time.perf_counter() - began
print(again)
"""
FIRST = PROGRAM.replace('store.load("tr@latest", device="cpu")\nbegan', "began", 1)


# Each version loads what it has published itself, as the earlier one cannot read later formats; the
# model is the same.
PUBLISH = """
import sys
from prodcat import ModelConfig, Store, TrainingConfig, fit, read_catalog
from prodcat.demo.quick_commerce import generate
uri, encoder, port = sys.argv[1:]
options = {"key": "AKIATEST", "secret": "SECRETTEST",
           "endpoint_url": f"http://127.0.0.1:{port}",
           "client_kwargs": {"region_name": "us-east-1"}}
rows = [{"title": row.title, "path": list(row.path)} for row in generate(200, "tr")]
classifier = fit(
    read_catalog(rows), model=ModelConfig(encoder=encoder),
    training=TrainingConfig(epochs=0), device="cpu", progress=False,
)
Store(f"{uri}/before", storage_options=options).publish(classifier, "tr")
print(0)
"""
COPY = """
import sys
from prodcat import Store
uri, port = sys.argv[1:]
options = {"key": "AKIATEST", "secret": "SECRETTEST",
           "endpoint_url": f"http://127.0.0.1:{port}",
           "client_kwargs": {"region_name": "us-east-1"}}
classifier = Store(f"{uri}/before", storage_options=options).load("tr@latest", device="cpu")
Store(f"{uri}/now", storage_options=options).publish(classifier, "tr")
print(0)
"""


def measure_warm_loads(options: Options) -> Row:
    """Loads in alternation: in a process that has loaded before, and in a new one."""
    from tests.support import servers

    roots = {"before": Path(os.environ["PRODCAT_BEFORE"]), "now": ROOT}
    with servers.moto() as server:
        bucket = f"s3://{server.bucket()}"
        port = str(server.port)
        _run(roots["before"], PUBLISH, bucket, str(options.encoder.resolve()), port)
        _run(ROOT, COPY, bucket, port)
        seconds: dict[str, dict[str, list[float]]] = {
            kind: {version: [] for version in roots} for kind in ("again", "first")
        }
        for number in range(PAIRS + 1):
            for kind, program in (("again", PROGRAM), ("first", FIRST)):
                for version, root in roots.items():
                    cache = str((options.work / f"cache-{version}").resolve())
                    second = _run(root, program, f"{bucket}/{version}", cache, port)
                    if number:  # the first round fills the caches
                        seconds[kind][version].append(second)
    medians = {
        kind: {version: statistics.median(values) for version, values in versions.items()}
        for kind, versions in seconds.items()
    }
    return {"job": "warm", "seconds": seconds, "medians": medians}


def _run(root: Path, program: str, *words: str) -> float:
    """Run a program with the library below ``root``; the number that it prints."""
    finished = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=root, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert not finished.returncode, finished.stderr[-2_000:]
    return float(finished.stdout.split()[-1])
