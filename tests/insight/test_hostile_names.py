"""Names that other languages read as commands, through every page, report and export."""

import csv
import dataclasses
import io
import json
import threading
from html.parser import HTMLParser

import numpy as np
import pytest
from browsing import browser_test
from hostile_names import MARKUP, NAMES, catalog, unlabelled
from markdown_it import MarkdownIt

import prodcat
from prodcat.insight.assortment import compare_assortments
from prodcat.insight.audit import audit
from prodcat.insight.drift import find_drift
from prodcat.insight.queue import read_queue, review_queue, save_queue
from prodcat.insight.report import report_evaluation
from prodcat.text_encoding import for_terminal

pytestmark = pytest.mark.slow
PAGES = ("report", "assortment", "audit", "drift")


@pytest.fixture(scope="module")
def world():
    """A catalog with hostile names alone, and a classifier of it."""
    whole = catalog(NAMES, each=6)
    model = prodcat.ModelConfig(encoder=None)
    return whole, prodcat.fit(whole, model=model, progress=False)


@pytest.fixture(scope="module")
def results(world):
    """The four results that have pages, by the name of the page."""
    whole, classifier = world
    rng = np.random.default_rng(0)
    some = whole.take(np.sort(rng.permutation(len(whole))[: len(whole) // 2]))
    targets = some.targets.copy()
    targets[::3] = targets[rng.permutation(len(targets))][::3]
    mislabelled = dataclasses.replace(some, targets=targets)
    wrong = classifier.evaluate(mislabelled)
    fewer = whole.take(np.flatnonzero(whole.targets % 3 > 0))
    return {
        "report": report_evaluation(
            wrong, classifier.taxonomy, titles=mislabelled.titles, known=whole, name=MARKUP[0]
        ),
        "assortment": compare_assortments(
            {MARKUP[0]: fewer, MARKUP[6]: whole, "=1+1": unlabelled(some)}, classifier, some,
            price="price",
        ),
        "audit": audit(mislabelled, held_out=whole, folds=2, progress=False),
        "drift": find_drift(fewer, some, classifier, labelled=some),
    }  # fmt: skip


@pytest.fixture(scope="module")
def pages(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, result in results.items():
        result.save(str(folder / f"{name}.html"))
    return folder


class Elements(HTMLParser):
    """The elements of a page that could do something."""

    def __init__(self, text):
        super().__init__()
        self.active, self.scripts = [], 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.scripts += tag == "script" and "type" not in named
        if tag == "a" and not str(named.get("href")).startswith("#s"):
            self.active.append((tag, attrs))
        if tag in ("img", "svg", "iframe", "object", "embed", "form", "base", "link", "b", "sub"):
            self.active.append((tag, attrs))
        self.active += [(tag, name) for name in named if name.startswith("on") or name == "src"]


@pytest.mark.parametrize("name", PAGES)
def test_the_html_of_a_page_has_no_element_from_a_name(pages, name):
    text = (pages / f"{name}.html").read_text(encoding="utf-8")
    parsed = Elements(text)
    assert parsed.active == [] and parsed.scripts == (2 if name == "report" else 1)
    assert not any(letter in text for letter in "\x1b\x07\x9b\u202e\u2066")


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("name", PAGES)
def test_a_browser_makes_nothing_of_a_name_but_text(browser, pages, name, world):
    page = browser.new_page()
    told, fetched = [], []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.on("request", lambda request: fetched.append(request.url))
    place = (pages / f"{name}.html").as_uri()
    page.goto(place)
    page.wait_for_selector("html[data-ready=yes]")
    assert (
        page.locator(
            "main a:not([href^='#s']), svg a, main img, svg image, iframe, form, base"
        ).count()
        == 0
    )
    assert page.locator("svg [style*=bold], svg [dy='-0.6em'], mjx-container").count() == 0
    shown = {text.strip() for text in page.locator(".plot text").all_text_contents()}
    tree = world[1].taxonomy
    tops = {" ".join(for_terminal(tree.paths[own][0]).split()) for own in tree.children()}
    if name == "assortment":
        names = page.locator("tr.top-level > th").all_text_contents()
        assert len(names) > 9 and {" ".join(own.strip("▸").split()) for own in names} <= tops
        assert page.locator("tbody th *:not(.mark):not(.small):not(span), h3 b, dd b").count() == 0
        assert for_terminal(MARKUP[0]) in page.locator("h1").inner_text()
    if name == "report":
        assert {text for text in shown if "<a href" in text}
    for row in page.locator("table[role=treegrid] tbody tr").all()[:40]:
        assert row.locator("td").first.locator("*").count() == 1  # the mark that it opens
    assert told == [] and set(fetched) == {place}
    page.close()


@pytest.mark.system
@browser_test
def test_a_page_runs_no_script_but_its_own(browser, pages):
    text = (pages / "audit.html").read_text(encoding="utf-8")
    place = pages / "changed.html"
    place.write_text(
        text.replace("<main>", "<main><script>document.title = 'x'</script>"
                     "<img src=y onerror=\"document.title = 'x'\">")
    )  # fmt: skip
    page = browser.new_page()
    page.goto(place.as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    assert page.title() == "Labels that are probably wrong"
    page.close()


def test_the_markdown_report_has_names_as_code_alone(results):
    tokens = MarkdownIt("commonmark").enable("table").parse(results["report"].markdown)
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_block", "fence", "code_block", "blockquote_open", "list_item_open"}
    headings = [tokens[n + 1].content for n, own in enumerate(tokens) if own.type == "heading_open"]
    assert headings[1:] == ["By level", "Departments", "Worst categories", "Confusions by common ancestor",
                            "Examples"]  # fmt: skip
    inner = [child.type for own in tokens for child in own.children or ()]
    assert set(inner) <= {"text", "code_inline"} and inner.count("code_inline") > 60
    row, sizes = 0, set()
    for token in tokens:
        row = 0 if token.type == "tr_open" else row + (token.type == "td_open")
        if token.type == "tr_close" and row:
            sizes.add(row)
    assert sizes <= {3, 5, 6, 8}  # the columns of the tables


@pytest.mark.parametrize("name", PAGES[1:])
def test_the_csv_has_no_formula_and_the_other_tables_the_names(results, tmp_path, name):
    for ending in ("csv", "jsonl"):
        results[name].save(str(tmp_path / f"table.{ending}"))
    text = (tmp_path / "table.csv").read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    exact = [json.loads(line) for line in (tmp_path / "table.jsonl").read_bytes().splitlines()]
    escaped = 0
    for row, plain in zip(rows, exact, strict=True):
        for column, value in plain.items():
            if isinstance(value, str) and value[:1] and value[0] in "=+-@\t\r＝":
                assert row[column] == f"'{value}"
                escaped += 1
            elif isinstance(value, float):
                assert row[column][:1] != "'"
    assert escaped > 3


def test_texts_for_people_have_one_line_for_each_name(results, world):
    for name in ("assortment", "audit", "drift"):
        text = str(results[name])
        assert "\x1b" not in text and "\u202e" not in text and "\x9b" not in text
        assert not [line for line in text.splitlines() if line.startswith(("prodcat:", "## "))]
        assert for_terminal(text, lines=True) == text
    outline = world[1].taxonomy.to_text(max_children=100)
    assert len(outline.splitlines()) == 1 + len(world[1].taxonomy)


def test_a_notebook_gets_no_element_from_a_name(world, results):
    whole, classifier = world
    evaluation = classifier.evaluate(whole)
    shown = [
        whole, whole.taxonomy, whole.report, classifier, classifier.predict(whole, top_k=3),
        evaluation, evaluation.compare(evaluation), *results.values(), results["report"].html,
    ]  # fmt: skip
    for text in [each._repr_html_() for each in shown]:
        assert len(text) < 60_000
        assert Elements(text).active == [("b", [])] * text.count("<b>")
        assert "$\\href" not in text and "\x1b" not in text


@pytest.mark.system
@browser_test
def test_the_review_page_makes_nothing_of_a_name_but_text(browser, world, tmp_path):
    import uvicorn
    from servers import free_port, wait_until

    from prodcat.insight.decisions import Decisions
    from prodcat.insight.review import make_app

    whole, classifier = world
    items = review_queue(unlabelled(whole), classifier, 12, known=whole)
    save_queue(items, str(tmp_path / "queue.jsonl"))
    items = read_queue(str(tmp_path / "queue.jsonl"))
    with Decisions(tmp_path / "d.jsonl", items, classifier.taxonomy) as decisions:
        app = make_app(items, classifier.taxonomy, decisions, "token")
        port = free_port()
        config = uvicorn.Config(app, port=port, log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        wait_until(lambda: server.started, "review", 20)
        try:
            page = browser.new_page()
            told = []
            page.on("console", lambda message: told.append(message.text))
            page.on("pageerror", lambda error: told.append(str(error)))
            page.goto(f"http://127.0.0.1:{port}/token/")
            page.wait_for_selector("html[data-ready=yes]")
            for item in items:
                page.wait_for_selector(f"#place:has-text('Title {item.item + 1} of')")
                shown = page.locator("#title").text_content()
                assert shown == item.title
                assert page.locator("main a, main img, main b, iframe, form").count() == 0
                page.keyboard.press("ArrowRight")
            page.keyboard.press("/")
            page.keyboard.type("evil")
            page.wait_for_selector("#options li")
            assert page.locator("#options li *").count() == 0 and told == []
            page.close()
        finally:
            server.should_exit = True
            thread.join()
