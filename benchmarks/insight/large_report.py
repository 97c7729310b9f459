"""A report over a million rows and more than ten thousand nodes, opened in a browser."""

import gzip
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat import Taxonomy

ROWS = 1_000_000


def open_large_report(options: Options) -> Row:
    """Judge made-up answers, write the report, and open it five times."""
    from prodcat.evaluation.metrics import evaluate_nodes
    from prodcat.insight.report import report_evaluation

    tree = shopify_tree(options)
    rng = np.random.default_rng(0)
    size = len(tree.outcomes)
    odds = 1 / np.arange(2, size + 2)
    truth = rng.permutation(size)[rng.choice(size, ROWS, p=odds / odds.sum())]
    near = np.clip(truth + rng.integers(-3, 4, ROWS), 0, size - 1)
    answer = np.where(rng.random(ROWS) < 0.85, truth, near)
    confidence = np.where(answer == truth, rng.beta(9, 1, ROWS), rng.beta(2, 2, ROWS))
    began = time.perf_counter()
    evaluation = evaluate_nodes(tree, tree.outcomes[truth], tree.outcomes[answer], confidence)
    judged = time.perf_counter() - began
    titles = [f"product {number}" for number in range(ROWS)]
    began = time.perf_counter()
    report = report_evaluation(evaluation, tree, titles=titles, name="a million rows")
    place = options.work / "large.html"
    report.save(str(place))
    made = time.perf_counter() - began
    return {
        "nodes": len(tree), "rows": ROWS, "judged": judged, "made": made,
        "bytes": place.stat().st_size, "opened": sorted(open_page(place, 5)),
    }  # fmt: skip


def shopify_tree(options: Options) -> "Taxonomy":
    """A tree of more than ten thousand nodes."""
    import prodcat

    with gzip.open(options.data / "taxonomy-shopify/en.jsonl.gz", "rt") as file:
        return prodcat.Taxonomy.from_paths([tuple(json.loads(line)["path"]) for line in file])


def open_page(place: Path, times: int) -> list[float]:
    """Seconds until the page is drawn, each time in a new browser."""
    from playwright.sync_api import sync_playwright

    seconds = []
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        for _ in range(times):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            began = time.perf_counter()
            page.goto(place.resolve().as_uri())
            page.wait_for_selector("html[data-ready=yes]")
            page.evaluate("new Promise(requestAnimationFrame)")
            seconds.append(time.perf_counter() - began)
            browser.close()
    return seconds
