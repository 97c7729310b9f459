"""The page that a server shows in a browser."""

import re
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from prodcat._version import __version__
from prodcat.serving.access import Access
from prodcat.serving.application import make_app
from prodcat.serving.document_page import document_page
from prodcat.serving.loaded_models import Models
from prodcat.serving.openapi import openapi
from prodcat.serving.server import Server
from prodcat.serving.settings import Limits, Settings


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))


@pytest.fixture
def client():
    server = Server(Models(), Settings(), None)
    with TestClient(make_app(server, Access(token="a-token-of-16-letters")),
                    base_url="http://127.0.0.1") as client:  # fmt: skip
        yield client


HEADERS = {"Authorization": "Bearer a-token-of-16-letters"}


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_browser_gets_every_route(client, path):
    answer = client.get(path, headers=HEADERS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    document = openapi(Limits(), __version__)
    shown = re.findall(r"<h2>(\w+) (\S+)</h2>", answer.text)
    routes = [
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if method != "parameters"
    ]
    assert shown == routes and ("POST", "/invocations") in shown
    assert client.head(path, headers=HEADERS).status_code == 200
    assert client.post(path, headers=HEADERS).status_code == 405


def test_the_page_loads_nothing_and_runs_nothing(client):
    answer = client.get("/", headers=HEADERS)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy
    parsed = Elements()
    parsed.feed(answer.text)
    assert {tag for tag, _ in parsed.seen}.isdisjoint({"script", "img", "link", "iframe"})
    assert {attributes["href"] for tag, attributes in parsed.seen if tag == "a"} == {
        "/openapi.json", "/ping",
    }  # fmt: skip


def test_the_page_needs_the_token_too(client):
    assert client.get("/").status_code == 401


def test_texts_of_the_document_are_encoded():
    document = {
        "info": {"title": "<b>", "version": "1", "description": "a & b"},
        "paths": {"/<x>": {"get": {"summary": "<script>", "responses": {}}, "parameters": []}},
    }
    page = document_page(document)
    assert "<script>" not in page and "<b>" not in page and "/&lt;x&gt;" in page
