"""Train on n-grams alone, on generated titles, and measure time, memory and accuracy."""

import threading
import time
from typing import Any

import numpy as np

from benchmarks.jobs import Options
from benchmarks.reporting import Row
from benchmarks.scale.generate import generate

SIZES = {"270000": (270_000, 1_355), "500000": (500_000, 5_000)}
TEST = 5_000  # further titles, to measure the accuracy on


class Watch:
    """The CPU time and the greatest memory of this process and of all that it starts."""

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}
        self.memory = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        """Begin to measure."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Measure once more, and end."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        import psutil

        this = psutil.Process()
        while True:
            over, memory = self._over.wait(1), 0
            for process in [this, *this.children(recursive=True)]:
                try:
                    self.seconds[process.pid] = sum(process.cpu_times()[:2])
                    memory += process.memory_full_info().pss  # shared pages once
                except psutil.Error:
                    continue
            self.memory = max(self.memory, memory)
            if over:
                return


def measure_size(options: Options, rows: int, leaves: int) -> Row:
    """Train on so many titles over so many leaves."""
    import torch

    import prodcat

    torch.set_num_threads(2)
    catalog = prodcat.read_catalog(generate(options.data, rows + TEST, leaves))
    learned, judged = (catalog.take(part) for part in np.split(np.arange(len(catalog)), [rows]))
    with Watch() as watch:
        began = time.perf_counter()
        classifier = prodcat.fit(learned, model=prodcat.ModelConfig(encoder=None), device="cpu")
        seconds = time.perf_counter() - began
    evaluation: Any = classifier.evaluate(judged)
    lexical = classifier.network.lexical
    assert lexical is not None
    return {
        "rows": rows,
        "leaves": leaves,
        "seconds": seconds,
        "cpu_seconds": sum(watch.seconds.values()),
        "gibibytes": watch.memory / 2**30,
        "machines": len(lexical.bias),
        "weights": len(lexical.values),
        "path_accuracy": evaluation.path_accuracy,
    }
