"""Pictures of all pages for the documentation, of generated data.

python -m benchmarks.insight.screens docs/images
"""

import argparse
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import prodcat
from benchmarks.insight.buying import RIVAL, made_up_retailers
from benchmarks.insight.catalogs import unlabelled
from prodcat.demo.quick_commerce import generate
from prodcat.insight.assortment import compare_assortments
from prodcat.insight.audit import audit
from prodcat.insight.decisions import Decisions
from prodcat.insight.drift import find_drift
from prodcat.insight.queue import QueueItem, review_queue
from prodcat.insight.report import report_evaluation
from prodcat.insight.review import make_app
from prodcat.insight.review_reasons import ReviewReasons

PORT = 8_123


def write_pages(folder: Path) -> tuple[prodcat.Classifier, list[QueueItem]]:
    """Write every page that is a file, and return what the review page needs."""
    rows = generate(4_000, "es", seed=2)
    rng = np.random.default_rng(0)
    catalog = prodcat.read_catalog(
        [
            {"title": row.title, "path": list(row.path), "price": round(float(price), 2)}
            for row, price in zip(rows, rng.gamma(2, 3, len(rows)), strict=True)
        ],
        keep=["price"],
    )
    parts = prodcat.split(catalog, validation=0.2, test=0.4)
    classifier = prodcat.fit(parts.train, model=prodcat.ModelConfig(encoder=None), progress=False)
    report_evaluation(
        classifier.evaluate(parts.validation), classifier.taxonomy,
        titles=parts.validation.titles, known=parts.train, name="es@candidate",
    ).save(str(folder / "report.html"))  # fmt: skip
    department = np.array([path[0] for path in parts.test.paths if path])
    names = np.unique(department)
    odds = dict(zip(names.tolist(), rng.gamma(1, size=len(names)), strict=True))
    weight = np.array([odds[name] for name in department.tolist()])
    order = rng.permutation(len(parts.test))
    weight[order[:700]] = 0
    rival = rng.choice(len(parts.test), 400, replace=False, p=weight / weight.sum())
    ours, theirs = parts.test.take(order[:700]), unlabelled(parts.test.take(rival))
    write_assortment(folder)
    audit(parts.train, progress=False).save(str(folder / "audit.html"))
    find_drift(unlabelled(ours), theirs, classifier, labelled=parts.validation).save(
        str(folder / "drift.html")
    )
    return classifier, review_queue(theirs, classifier, 20, known=parts.train)


def write_assortment(folder: Path) -> None:
    """Write the page of assortments of two made-up retailers."""
    retailers = made_up_retailers()
    model = prodcat.ModelConfig(encoder=None)
    classifier = prodcat.fit(retailers.train, model=model, progress=False)
    compare_assortments(
        {"Ours": retailers.ours, RIVAL: retailers.theirs}, classifier, retailers.labelled,
        price="price", supplements=retailers.supplements,
    ).save(str(folder / "assortment.html"))  # fmt: skip


@contextmanager
def review_server(
    folder: Path, classifier: prodcat.Classifier, items: list[QueueItem]
) -> Iterator[str]:
    """The review page on loopback; its address."""
    import uvicorn

    decisions = Decisions(folder / "decisions.jsonl", items, classifier.taxonomy)
    token = secrets.token_urlsafe(32)
    reasons = ReviewReasons(classifier)
    app = make_app(items, classifier.taxonomy, decisions, token, reasons)
    config = uvicorn.Config(app, port=PORT, host="127.0.0.1", log_level="warning")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run).start()
    try:
        yield f"http://127.0.0.1:{PORT}/{token}/"
    finally:
        server.should_exit = True
        decisions.__exit__()


def take_pictures(browser: Any, name: str, address: str, target: Path) -> None:
    """One picture of a page for each colour scheme."""
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme, viewport={"width": 1180, "height": 860})
        page.goto(address)
        page.wait_for_selector("html[data-ready=yes]")
        if name == "report":
            part = page.locator("section:has(ul.legend)")
            part.scroll_into_view_if_needed()
            page.wait_for_timeout(400)
            part.screenshot(path=str(target / f"report-map-{scheme}.png"))
            page.evaluate("window.scrollTo(0, 0)")
        if name == "assortment":
            page.locator("section").nth(1).scroll_into_view_if_needed()
            page.evaluate("document.querySelectorAll('section')[1].scrollIntoView()")
        if name == "review":
            page.wait_for_selector("#why mark")
        page.wait_for_timeout(400)
        page.screenshot(path=str(target / f"{name}-{scheme}.png"))
        page.close()


def main() -> None:
    """Write the pictures into a folder."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m benchmarks.insight.screens")
    parser.add_argument("target", type=Path, help="the folder of the pictures")
    target: Path = parser.parse_args().target
    target.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        classifier, items = write_pages(folder)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with review_server(folder, classifier, items) as address:
            for page in ("report", "assortment", "audit", "drift"):
                take_pictures(browser, page, (folder / f"{page}.html").as_uri(), target)
            take_pictures(browser, "review", address, target)
            browser.close()


if __name__ == "__main__":
    main()
