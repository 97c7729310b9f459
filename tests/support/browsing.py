"""A real browser without a screen, and what is wrong with a page that it shows."""

import contextlib
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
browser_test = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@contextlib.contextmanager
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Nothing is fetched: whatever asks for a network is refused.
        own = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield own
        own.close()


@contextlib.contextmanager
def opened(browser, place, **options):
    """A page from the file system; what it says to the console, and fetches, is a failure."""
    # Playwright looks into pages by eval, which they allow to nobody.
    context = browser.new_context(**{"bypass_csp": True, **options})
    page = context.new_page()
    said, fetched = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(place.as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    yield page
    assert not said, said
    assert all(url.startswith(("file:", "blob:", "data:")) for url in fetched), fetched
    context.close()


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        (own["id"], [node["html"][:120] for node in own["nodes"][:3]])
        for own in found
        if own["impact"] in ("serious", "critical")
    ]


def sideways(page):
    """What is wider than the screen: the page itself, and regions in which one must scroll."""
    return page.evaluate(
        """[document.documentElement, ...document.querySelectorAll('.scroll')]
        .filter(own => own.scrollWidth > own.clientWidth + 1)
        .map(own => [own.getAttribute('aria-label') || own.tagName, own.scrollWidth])"""
    )
