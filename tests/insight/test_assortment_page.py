"""The page that a buyer acts on: what it says, its figures, and how it works in a browser."""

import base64
import dataclasses
import io
import json
import re

import numpy as np
import openpyxl
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from browsing import browser_test, opened, sideways, violations

import prodcat
from prodcat.insight.assortment import Supplements, compare_assortments
from prodcat.insight.design.numbers import FORMATS
from prodcat.insight.design.texts import Texts

# The element that has the focus, whether it had it before, and whether a person sees the ring.
FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  window.reached = window.reached || new Set();
  const again = window.reached.has(at);
  window.reached.add(at);
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const ring = parseFloat(style.outlineWidth), reach = ring + parseFloat(style.outlineOffset);
  let hidden = 0;
  for (let up = at.parentElement; up; up = up.parentElement) {
    if (getComputedStyle(up).overflowX === "visible") continue;
    const edge = up.getBoundingClientRect();
    hidden = Math.max(hidden, edge.left - box.left + reach, edge.top - box.top + reach,
      box.right + reach - edge.right, box.bottom + reach - edge.bottom);
  }
  const y = Math.min(box.top + box.height / 2, innerHeight - 5);
  const above = document.elementFromPoint(box.left + Math.min(box.width / 2, 40), y);
  return {
    again, name: at.id || at.dataset.name || `${at.tagName} ${at.textContent.slice(0, 30)}`,
    kinds: [...document.querySelectorAll(":focus")].map((e) =>
      e.matches("thead button") ? "sort" : e.matches("tbody button") ? "branch" : e.tagName)[0],
    seen: style.outlineStyle === "solid" && ring >= 2 && hidden <= 1
      && above !== null && (at.contains(above) || above.contains(at)),
  };
}"""
STOPS = """() => [...document.querySelectorAll(
  "a[href], button, input, select, summary, [tabindex='0']")]
  .filter((e) => e.checkVisibility()).length"""


def unlabelled(catalog):
    return dataclasses.replace(catalog, taxonomy=None, targets=np.full(len(catalog), -1))


@pytest.fixture(scope="module")
def retailers(weak):
    """Our catalog, and a rival's without categories, which has some of our products."""
    _, _, pool = weak
    return pool.take(np.arange(150)), unlabelled(pool.take(np.arange(120, 420)))


@pytest.fixture(scope="module")
def full(weak, retailers):
    """A comparison with everything, in German."""
    classifier, labelled, _ = weak
    ours, theirs = retailers
    matches = [
        {"our_title": one, "their_title": other, "relation": relation, "probability": 0.97}
        for one, other, relation in zip(
            ours.titles, theirs.titles[100:], 20 * ["same product", "substitute"], strict=False
        )
    ]
    supplements = Supplements(
        matches={"Rival": matches}, before={"Rival": theirs.take(np.arange(0, 280))}
    )
    return compare_assortments(
        {"Wir": ours, "Rival": theirs}, classifier, labelled, price="price",
        supplements=supplements, language="de",
    )  # fmt: skip


@pytest.fixture(scope="module")
def place(full, tmp_path_factory):
    place = tmp_path_factory.mktemp("page") / "page.html"
    full.save(str(place))
    return place


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def shown_rows(data, caption):
    """The rows of a table of the page, as lists of the values that its columns show."""
    [table] = [table for table in data["tables"].values() if table["caption"].startswith(caption)]
    return [[row[column["at"]] for column in table["columns"]] for row in table["rows"]]


def test_the_figures_of_the_page_are_those_of_the_tables(full, place):
    text = place.read_text()
    data, tables = data_of(text), {name: t.to_pylist() for name, t in full.tables().items()}
    numbers = FORMATS["de"]
    first, product = tables["opportunities"][0], tables["products_to_list"][0]
    headline = re.search(r'class="headline">(.*?)</p>', text)[1]
    for value in (first["their_products"], first["our_products"]):
        assert numbers.number(value) in headline
    cards = re.findall(r"<dd>(.*?)<", text)
    assert cards[0] == first["category"].replace(">", "&gt;")
    assert product["title"] in cards[1] and numbers.price(product["price"]) in cards[1]
    shares = {(row[1], row[2], row[3]) for row in shown_rows(data, "Anteile, darunter")}
    assert shares == {
        (round(row["our_share"], 5), round(row["their_share"], 5), round(row["difference"], 5))
        for row in tables["categories"]
    }
    for number, row in enumerate(tables["opportunities"][:12], 1):
        rows = shown_rows(data, f"Ihre Artikel in {row['category']}, die")
        expected = [p["title"] for p in tables["products_to_list"] if p["category_rank"] == number]
        assert [each[0] for each in rows] == expected[:40]
    compared = shown_rows(data, "Preise nach Kategorie")
    assert [(row[0], row[3]) for row in compared] == [
        (row["category"], round(row["difference"], 5)) for row in tables["price_comparison"]
    ]
    shared = shown_rows(data, "Artikel, die beide führen")
    assert [row[0] for row in shared] == [row["our_title"] for row in tables["shared_products"]]
    brands = shown_rows(data, "Zahl der Artikel")
    assert [tuple(row) for row in brands] == [
        (row["brand"], row["our_products"], row["their_products"], row["difference"])
        for row in tables["brands"][:2000]
    ]
    changed = {row[0] for row in shown_rows(data, "Neue, umgepreiste")}
    assert changed == {row["title"] for row in tables["changes"]}


def test_the_files_in_the_page_are_the_tables(full, place):
    text = place.read_text()
    files = data_of(text)["files"]
    buttons = dict(re.findall(r'data-file="(\w+)" data-name="([\w.-]+)"', text))
    contents = {name: base64.b64decode(files[key]) for key, name in buttons.items()}
    table = full.tables()["products_to_list"]
    assert pq.read_table(io.BytesIO(contents["products-to-list.parquet"])).equals(table)
    read = pc.read_csv(io.BytesIO(contents["products-to-list.csv"]))
    assert read.column_names == table.column_names and len(read) == len(table)
    sheet = openpyxl.load_workbook(io.BytesIO(contents["products-to-list.xlsx"])).active
    assert [cell.value for cell in sheet[1]] == table.column_names
    assert sheet.max_row == len(table) + 1
    assert "shared-products.parquet" in contents


def test_without_anything_further_the_page_says_what_it_would_add(weak, retailers):
    classifier, labelled, _ = weak
    ours, theirs = retailers
    found = compare_assortments({"us": ours, "Rival": theirs}, classifier, labelled)
    page = found.html()
    for sentence in (
        "There are no prices. With a price column in both catalogs",
        "No table of matched products was given",
        "No earlier catalog was given. With one",
        "How this is computed",
    ):
        assert sentence in page
    assert found.tables()["price_comparison"].num_rows == 0
    assert found.tables()["products_to_list"].num_rows > 0
    assert page.count("Plotly") == 0 and len(page) < 2_000_000


def test_equal_catalogs_have_no_opportunity(weak, retailers):
    classifier, labelled, _ = weak
    ours, _ = retailers
    page = compare_assortments({"us": ours, "them": ours}, classifier, labelled).html()
    assert "There is no category in which them clearly has more than we do." in page
    assert "The categories were" not in page and "counted, not estimated" in page
    alone = compare_assortments({"us": ours}, classifier, labelled).html()
    assert "There is only one retailer" in alone


def test_several_rivals_are_compared_one_at_a_time(weak, retailers, tmp_path):
    classifier, labelled, _ = weak
    ours, theirs = retailers
    found = compare_assortments(
        {"us": ours, "One": theirs, "Two": theirs.take(np.arange(100))}, classifier, labelled
    )
    assert set(found.tables()["categories"].column("retailer").to_pylist()) == {"One", "Two"}
    page = found.html()
    assert page.count('class="headline"') == 2 and '<select id="subject">' in page
    found.save_tables(tmp_path / "tables", "csv")
    assert (tmp_path / "tables" / "brands.csv").exists()
    with pytest.raises(prodcat.ConfigError, match="does not end with .parquet or .csv or .xlsx"):
        found.save_tables(tmp_path / "tables", "txt")


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_it_fits_every_screen_and_is_accessible(browser, place, width):
    options = {"viewport": {"width": width, "height": 900}}
    with opened(browser, place, **options) as page:
        page.locator("details summary").first.click()
        assert not violations(page)
        too_wide = {name for name, _ in sideways(page)}
        assert "HTML" not in too_wide
        # The statistics of the method alone need room.
        assert too_wide <= {"Anteile aller Kategorien mit Spannen von 95 % und die unkorrigierten "
                            "Antworten des Klassifikators"}  # fmt: skip


@pytest.mark.system
@browser_test
def test_a_buyer_filters_opens_and_saves(browser, place, full):
    department = full.tables()["opportunities"].column("department").to_pylist()[0]
    with opened(browser, place, accept_downloads=True, color_scheme="dark") as page:
        assert not violations(page)
        tops = page.locator("[data-table] tr.top-level")
        assert tops.count() > 3
        page.select_option("#f-department", department)
        page.wait_for_function("document.getElementById('f-status').textContent !== ''")
        names = {text.strip("▾▸") for text in tops.locator("th").all_text_contents()}
        assert names == {department}
        visible = page.locator(".entries > li:visible h3")
        assert visible.count() and all(department in t for t in visible.all_text_contents())
        page.click("#f-clear")
        page.wait_for_function("document.getElementById('f-status').textContent === ''")
        assert tops.count() > 3
        with page.expect_download() as download:
            page.locator("[data-name='products-to-list.csv']").click()
        assert download.value.suggested_filename == "products-to-list.csv"
        assert not page.locator("details p").first.is_visible()
        page.locator(".note a").click()
        assert page.locator("details p").first.is_visible()


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("width", [390, 1280])
def test_the_keyboard_reaches_everything_and_leaves_again(browser, place, width):
    with opened(browser, place, viewport={"width": width, "height": 800}) as page:
        stops = page.evaluate(STOPS)
        assert stops > 80
        reached = []
        for _ in range(stops + 2):
            page.keyboard.press("Tab")
            if (focused := page.evaluate(FOCUSED)) is None:
                break
            reached.append(focused)
        assert focused is None, "the focus leaves the page after its last element"
        assert len(reached) == stops and not any(stop["again"] for stop in reached)
        assert [stop["name"] for stop in reached if not stop["seen"]] == []
        names, kinds = ({stop[key] for stop in reached} for key in ("name", "kinds"))
        filters = {"f-words", "f-department", "f-brand", "f-low", "f-high", "f-clear"}
        files = {f"products-to-list.{form}" for form in ("xlsx", "csv", "parquet")}
        assert filters | files <= names
        assert {"sort", "branch", "SUMMARY"} <= kinds
        # And back: the last element again, not a trap.
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(FOCUSED)["name"] == reached[-1]["name"]


@pytest.mark.system
@browser_test
def test_the_keyboard_searches_and_filters(browser, place, full):
    title = full.tables()["products_to_list"].column("title")[0].as_py()
    with opened(browser, place) as page:
        status = page.locator("#f-status")
        page.focus("#f-words")
        page.keyboard.type(title)
        page.wait_for_function("document.getElementById('f-status').textContent !== ''")
        assert page.locator(".entries tbody tr:visible").count() >= 1
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "f-department"
        page.keyboard.press("ArrowDown")
        chosen = page.evaluate("document.activeElement.value")
        assert chosen in full.tables()["categories"].column("department").to_pylist()
        page.focus("#f-clear")
        page.keyboard.press("Space")
        page.wait_for_function("document.getElementById('f-status').textContent === ''")
        assert page.input_value("#f-words") == page.input_value("#f-department") == ""
        page.focus("#f-low")
        page.keyboard.type("1000000")
        page.wait_for_function("document.getElementById('f-status').textContent !== ''")
        assert status.inner_text().startswith("0")


@pytest.mark.system
@browser_test
def test_the_keyboard_sorts_expands_saves_and_opens(browser, place):
    with opened(browser, place, accept_downloads=True) as page:
        head = page.locator(".entries thead th").nth(1)
        head.locator("button").focus()
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        page.keyboard.press("Space")
        assert head.get_attribute("aria-sort") == "ascending"
        branch = page.locator("tbody button.mark").first
        branch.focus()
        for key, state in (("Enter", "true"), ("Space", "false")):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.ariaExpanded") == state
        page.locator(".entries button.rest:visible").first.focus()
        rows = "document.activeElement.closest('li').querySelectorAll('tbody tr').length"
        shown = page.evaluate(rows)
        page.keyboard.press("Enter")
        assert page.evaluate(rows) > shown
        assert page.evaluate("document.activeElement.className") == "scroll", (
            "the focus stays at the table when the button for more has done its work"
        )
        for key in ("Enter", "Space"):
            page.locator("[data-name='products-to-list.xlsx']").focus()
            with page.expect_download() as download:
                page.keyboard.press(key)
            assert download.value.suggested_filename == "products-to-list.xlsx"
        method = page.locator("details p").first
        page.locator("summary").first.focus()
        page.keyboard.press("Enter")
        assert method.is_visible()
        page.keyboard.press("Space")
        assert not method.is_visible()


def section(page, title):
    return re.search(rf"<h2 [^>]*>{re.escape(title)}</h2>.*?</section>", page, re.DOTALL)[0]


def test_it_says_which_numbers_allow_for_mistakes_and_which_do_not(full, place):
    text, page = Texts("de"), place.read_text()
    tables = full.tables()
    titles = {name: text(f"section.{name}") for name in ("shares", "brands", "changes")}
    corrected = text("counts.corrected", brands=titles["brands"], changes=titles["changes"])
    assert corrected in section(page, titles["shares"])
    single = text("counts.single", shares=titles["shares"])
    assert single in section(page, titles["brands"])
    changes = section(page, titles["changes"])
    assert single in changes
    estimated = {row["category"]: row["their_products"] for row in tables["categories"].to_pylist()}
    name, there, here = re.search(r"Zum Beispiel hat Rival bei (.+) dort (\d+) .+ hier (\d+)\.",
                                  changes).groups()  # fmt: skip
    assert there != here
    assert any(
        row["category"].endswith(name) and row["products_now"] == int(here)
        and estimated[row["category"]] == int(there)
        for row in tables["changed_categories"].to_pylist()
    )  # fmt: skip
    assert f"▲ {text('legend.changes.more')}" in changes


def test_counted_numbers_need_no_explanation(weak, retailers):
    classifier, labelled, _ = weak
    ours, _ = retailers
    text = Texts("en")
    page = compare_assortments(
        {"us": ours, "them": ours}, classifier, labelled,
        supplements=Supplements(before={"them": ours}),
    ).html()  # fmt: skip
    assert text("counts.single", shares=text("section.shares")) not in page


@pytest.mark.parametrize("step", [1, 2], ids=["all", "several"])
def test_a_product_that_is_closest_to_many_is_named_once(weak, retailers, step):
    classifier, labelled, _ = weak
    ours, theirs = retailers
    title = ours.titles[0]
    matches = [
        {"our_title": title, "their_title": other, "relation": "substitute"}
        for other in theirs.titles[::step]
    ]
    found = compare_assortments(
        {"us": ours, "Rival": theirs}, classifier, labelled,
        supplements=Supplements(matches={"Rival": matches}),
    )  # fmt: skip
    products, page = found.tables()["products_to_list"].to_pylist(), found.html()
    entries = re.findall(r"<li>\s*<h3>.*?</li>", page, re.DOTALL)
    for rank in range(1, len(entries) + 1):
        listed = [row for row in products if row["category_rank"] == rank][:40]
        number = sum(row["closest_of_ours"] == title for row in listed)
        if number > 1 and (number == len(listed)) is (step == 1):
            break
    else:
        pytest.fail("no category has products for this test")
    entry = entries[rank - 1]
    table = data_of(page)["tables"][re.search(r'data-table="(\w+)"', entry)[1]]
    [column] = [each["at"] for each in table["columns"] if each["label"] == "Closest of ours"]
    cells = [row[column] for row in table["rows"]]
    if step == 1:
        assert f"The closest product of ours is the same for all of them: {title}." in entry
        assert set(cells) == {"substitute"}
    else:
        assert f"the same closest product of ours: ① {title} (for {number} of them)." in entry
        assert cells.count("①") == number and title not in cells


def test_bands_that_are_certain_come_first_or_it_says_that_none_is(full, place):
    bands = full.tables()["price_bands"].to_pylist()
    is_certain = any(row["sure"] != "uncertain" for row in bands)
    sentence = Texts("de")("bands.uncertain")
    assert (sentence in section(place.read_text(), "Preislagen")) is not is_certain
