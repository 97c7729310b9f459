"""Pictures of all pages for the documentation, of generated data.

python benchmarks/insight/screens.py docs/images
"""

import dataclasses
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import prodcat
from prodcat.demo.quick_commerce import generate
from prodcat.insight.assortment import compare_assortments
from prodcat.insight.audit import audit
from prodcat.insight.decisions import Decisions
from prodcat.insight.drift import find_drift
from prodcat.insight.queue import review_queue
from prodcat.insight.report import report_evaluation
from prodcat.insight.review import make_app


def unlabelled(catalog):
    return dataclasses.replace(catalog, taxonomy=None, targets=np.full(len(catalog), -1))


def pages(folder):
    """Write every page that is a file; what the review page needs is returned."""
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
    department = np.array([path[0] for path in parts.test.paths])
    names = np.unique(department)
    odds = dict(zip(names.tolist(), rng.gamma(1, size=len(names)), strict=True))
    weight = np.array([odds[own] for own in department.tolist()])
    order = rng.permutation(len(parts.test))
    weight[order[:700]] = 0
    rival = rng.choice(len(parts.test), 400, replace=False, p=weight / weight.sum())
    ours, theirs = parts.test.take(order[:700]), unlabelled(parts.test.take(rival))
    compare_assortments(
        {"Ours": ours, "Rival": theirs}, classifier, parts.validation, price="price"
    ).save(str(folder / "assortment.html"))
    audit(parts.train, progress=False).save(str(folder / "audit.html"))
    find_drift(unlabelled(ours), theirs, classifier, labelled=parts.validation).save(
        str(folder / "drift.html")
    )
    return classifier, review_queue(theirs, classifier, 20, known=parts.train)


def main(target):
    import uvicorn
    from playwright.sync_api import sync_playwright

    target.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as own, sync_playwright() as playwright:
        folder = Path(own)
        classifier, items = pages(folder)
        decisions = Decisions(folder / "decisions.jsonl", items, classifier.taxonomy)
        server = uvicorn.Server(
            uvicorn.Config(make_app(items, classifier.taxonomy, decisions), port=8_123,
                           host="127.0.0.1", log_level="warning")
        )  # fmt: skip
        threading.Thread(target=server.run).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shots = [(name, (folder / f"{name}.html").as_uri()) for name in
                 ("report", "assortment", "audit", "drift")]  # fmt: skip
        for name, address in [*shots, ("review", "http://127.0.0.1:8123/")]:
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    color_scheme=scheme, viewport={"width": 1180, "height": 860}
                )
                page.goto(address)
                page.wait_for_selector("html[data-ready=yes]")
                if name in ("report", "assortment"):
                    page.locator("section").nth(1).scroll_into_view_if_needed()
                    page.evaluate("document.querySelectorAll('section')[1].scrollIntoView()")
                page.wait_for_timeout(400)
                page.screenshot(path=str(target / f"{name}-{scheme}.png"))
                page.close()
        browser.close()
        server.should_exit = True
        decisions.__exit__()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
