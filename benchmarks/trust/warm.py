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


def measure_warm_loads(options: Options) -> Row:
    """Loads in alternation: in a process that has loaded before, and in a new one."""
    from prodcat import ModelConfig, Store, TrainingConfig, fit, read_catalog
    from prodcat.demo.quick_commerce import generate
    from tests.support import servers

    before = Path(os.environ["PRODCAT_BEFORE"])
    rows = [{"title": row.title, "path": list(row.path)} for row in generate(200, "tr")]
    classifier = fit(
        read_catalog(rows), model=ModelConfig(encoder=str(options.encoder)),
        training=TrainingConfig(epochs=0), device="cpu", progress=False,
    )  # fmt: skip
    with servers.moto() as server:
        uri = f"s3://{server.bucket()}/models"
        Store(uri, storage_options=server.options).publish(classifier, "tr")
        seconds: dict[str, dict[str, list[float]]] = {
            kind: {"before": [], "now": []} for kind in ("again", "first")
        }
        for number in range(PAIRS + 1):
            for kind, program in (("again", PROGRAM), ("first", FIRST)):
                for version, root in (("before", before), ("now", ROOT)):
                    cache = str(options.work / f"cache-{version}")
                    words = [sys.executable, "-c", program, uri, cache, str(server.port)]
                    finished = subprocess.run(
                        words, cwd=root, capture_output=True, text=True, check=True,
                        env={**os.environ, "PYTHONPATH": str(root)},
                    )  # fmt: skip
                    if number:  # the first round fills the caches
                        seconds[kind][version].append(float(finished.stdout))
    medians = {
        kind: {version: statistics.median(values) for version, values in versions.items()}
        for kind, versions in seconds.items()
    }
    return {"job": "warm", "seconds": seconds, "medians": medians}
