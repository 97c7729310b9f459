"""The gallery of all components in a browser: sizes, schemes, keyboard, filters and files."""

from pathlib import Path

import pytest
from browsing import browser_test, opened, violations

from prodcat.insight.design.gallery import SAMPLES, gallery
from prodcat.insight.design.numbers import FORMATS

pytestmark = [pytest.mark.system, browser_test]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("gallery") / "gallery.html"
    gallery("de").save(str(place))
    return place


def too_wide(page):
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("width", [390, 1024, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_is_accessible(browser, place, width, scheme):
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with opened(browser, place, **options) as page:
        page.locator("details summary").first.click()
        assert not violations(page) and not too_wide(page)


def test_the_script_writes_numbers_as_python_does(browser, place):
    numbers = FORMATS["de"]
    shown = {
        "count": numbers.number,
        "share": numbers.share,
        "points": lambda value: f"▼ {numbers.number(100 * value, 1)}",
        "change": lambda value: f"▲ {numbers.change(value)}",
        "price": lambda value: numbers.price(value, "EUR"),
        "factor": lambda value: f"{numbers.number(value, 1)}×",
        "more_count": lambda value: f"▼ {numbers.number(value)}",
    }
    with opened(browser, place) as page:
        table = page.locator("table").filter(has_text="Numbers").first
        cells = table.locator("tbody td").all_text_contents()
    assert cells == [shown[kind](value) for kind, value in SAMPLES]


def test_the_keyboard_reaches_and_works_everything(browser, place):
    with opened(browser, place) as page:
        reached = []
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate(
                    "(e => e.id || e.dataset.file || e.className || e.tagName)"
                    "(document.activeElement)"
                )
            )
            if reached[-1] == "mark":
                break
        assert {"subject", "f-words", "f-department", "f-clear"} <= set(reached)
        tree = page.locator("[aria-label='Anteile, darunter die Zahl der Artikel; "
                            "mit ▸ öffnen Sie eine Kategorie']").first  # fmt: skip
        rows = tree.locator("tbody tr")
        assert rows.count() == 2
        page.keyboard.press("Enter")
        assert rows.count() == 3
        assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
        page.keyboard.press("Enter")
        assert rows.count() == 2


def test_filters_sorting_and_subjects(browser, place):
    with opened(browser, place) as page:
        list_rows = page.locator(".entries").first.locator("tbody tr")
        assert list_rows.count() == 2
        page.locator(".entries").first.locator("button.rest").click()
        assert list_rows.count() == 3
        page.fill("#f-words", "crisps 1")
        page.wait_for_function("document.getElementById('f-status').textContent !== ''")
        assert list_rows.count() == 1
        page.fill("#f-words", "no such thing")
        page.wait_for_function("document.querySelector('.entries > li').hidden")
        page.click("#f-clear")
        page.wait_for_function("!document.querySelector('.entries > li').hidden")
        page.fill("#f-low", "2,00")
        page.wait_for_function("document.querySelector('.entries tbody').rows.length === 2")
        page.click("#f-clear")
        price = page.locator(".entries").first.locator("thead button").nth(1)
        price.click()
        assert list_rows.first.locator("th").inner_text().startswith("Salted crisps 2")
        price.click()
        assert list_rows.first.locator("th").inner_text().startswith("Salted crisps 0")
        hidden = page.locator("[data-group]:visible").count()
        page.select_option("#subject", label="Other")
        assert page.locator(".headline:visible").inner_text().startswith("Other")
        assert page.locator("[data-group]:visible").count() == hidden


def test_a_file_is_saved_as_it_is(browser, place):
    with opened(browser, place, accept_downloads=True) as page:
        with page.expect_download() as download:
            page.locator("[data-file]").first.click()
        assert download.value.suggested_filename == "list.csv"
        assert Path(download.value.path()).read_bytes() == b"title\n"


def test_print_hides_what_only_a_screen_needs(browser, place):
    with opened(browser, place) as page:
        page.emulate_media(media="print")
        assert not page.locator("#filters").is_visible()
        assert page.locator(".headline").first.is_visible()
