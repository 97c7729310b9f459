"""The page on which titles are labelled and nothing is lost, and the command that opens it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import servers
from browsing import browser_test, violations

import prodcat
from prodcat.cli.command import main
from prodcat.insight.decisions import Decisions
from prodcat.insight.queue import read_queue, save_queue

ROOT = Path(__file__).resolve().parents[2]


def event(own, item, kind="label", node=None):
    return {"id": own, "item": item, "kind": kind, **({"node": node} if node else {})}


@pytest.fixture
def folder(tmp_path, items, small):
    small.save(str(tmp_path / "model"))
    save_queue(items, str(tmp_path / "queue.jsonl"))
    return tmp_path


@contextlib.contextmanager
def page_server(folder, port):
    log = folder / "server.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "prodcat", "review", "--queue", str(folder / "queue.jsonl"),
             "--model", str(folder / "model"), "--device", "cpu", "--serve", "--port", str(port)],
            stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        servers.wait_until(lambda: servers.answers(f"http://127.0.0.1:{port}/state"), "review", 60)
        yield process
    finally:
        servers.stop(process)


def test_the_server_answers_its_own_page_alone(folder, small):
    port = servers.free_port()
    with page_server(folder, port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert len(client.get("/queue").json()["items"]) == 25
        good = event("a", 0, node=small.taxonomy.ids[int(small.taxonomy.outcomes[0])])
        # A page of another site cannot send this header.
        assert client.post("/decide", json=good).status_code == 403
        mine = {"X-Prodcat": "review"}
        other = {**mine, "Host": "evil.example"}
        assert client.post("/decide", json=good, headers=other).status_code == 400
        assert client.post("/decide", json=good, headers=mine).status_code == 200
        for body, status in [(b"{", 400), (b"[]", 400), (b"x" * 70_000, 413), (b"[" * 9_000, 400)]:
            assert client.post("/decide", content=body, headers=mine).status_code == status
        refused = client.post("/decide", json={**good, "id": "b", "item": 99}, headers=mine)
        assert refused.status_code == 400 and "no item 99" in refused.json()["error"]
        state = client.get("/state").json()
        assert [own["id"] for own in state["history"]] == ["a"] == state["seen"]


@pytest.mark.system
@browser_test
def test_twenty_items_by_keyboard_through_a_reload_and_a_killed_server(folder, browser, small):
    port = servers.free_port()
    tree = small.taxonomy
    # Playwright looks into pages by eval, which this one allows to nobody.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    wanted = {}

    def titles():
        return page.locator("#title").inner_text()

    items = {own.title: own for own in read_queue(str(folder / "queue.jsonl"))}

    def decided(number):
        page.wait_for_function(
            f"document.getElementById('progress-text').innerText.startsWith('{number} of')"
        )

    def accept(key="Enter", place=0):
        item = items[titles()]
        wanted[item.item] = item.answers[place]["id"]
        page.keyboard.press(key)

    with page_server(folder, port) as process:
        strict = browser.new_page()
        strict.goto(f"http://127.0.0.1:{port}/")
        strict.wait_for_selector("html[data-ready=yes]")
        assert strict.locator("#answers button").count() == 5
        strict.close()
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("html[data-ready=yes]")
        assert not violations(page)
        for _ in range(5):
            accept()
        accept("2", 1)
        decided(6)
        # Correct: search a category, take the second that is found.
        item = items[titles()]
        page.keyboard.press("/")
        page.keyboard.type(tree.names[tree.children()[0]].lower())
        page.wait_for_selector("#options li")
        page.keyboard.press("ArrowDown")
        text = page.locator("#options [aria-selected=true]").inner_text()
        assert not violations(page)
        page.keyboard.press("Enter")
        wanted[item.item] = tree.ids[tree.find(text.split(" > "))]
        decided(7)
        # A wrong key, and it is taken back.
        item = titles()
        page.keyboard.press("Enter")
        decided(8)
        page.keyboard.press("u")
        decided(7)
        assert titles() == item
        page.keyboard.press("s")
        skipped = items[item].item
        decided(8)
        page.reload()
        page.wait_for_selector("html[data-ready=yes]")
        decided(8)
        for _ in range(4):
            accept()
        decided(12)
        page.wait_for_function("localStorage.length === 0")
        process.send_signal(signal.SIGKILL)
        process.wait()
        for _ in range(4):  # nobody answers, and the page goes on
            accept()
        decided(16)
        page.wait_for_function("!document.getElementById('waiting').hidden")
        assert "kept in this browser" in page.locator("#waiting").inner_text()
    with page_server(folder, port):
        page.wait_for_function("document.getElementById('waiting').hidden", timeout=20_000)
        page.reload()
        page.wait_for_selector("html[data-ready=yes]")
        decided(16)
        for _ in range(4):
            accept()
        decided(20)
        page.wait_for_function("localStorage.length === 0")
    context.close()
    export = ["review", "--queue", str(folder / "queue.jsonl"), "--model", str(folder / "model")]
    assert main([*export, "--export", str(folder / "labels.jsonl"), "--device", "cpu"]) == 0
    labels = prodcat.read_catalog(str(folder / "labels.jsonl"), path_ids="path_ids", taxonomy=tree)
    found = dict(zip(labels.titles, (tree.ids[own] for own in labels.targets), strict=True))
    assert len(wanted) == 19 and skipped not in wanted
    own = {items[title].item: node for title, node in found.items()}
    assert own == wanted


def test_the_command_line_chooses_and_keeps_decisions(folder, free, small, capsys):
    rows = [{"title": t, "sales": s} for t, s in zip(free.titles, free.columns["sales"],
                                                     strict=True)]  # fmt: skip
    (folder / "titles.jsonl").write_text("".join(json.dumps(own) + "\n" for own in rows))
    queue = str(folder / "new.jsonl")
    command = ["review", str(folder / "titles.jsonl"), "--queue", queue, "--model"]
    command += [str(folder / "model"), "--device", "cpu", "--budget", "7", "--value", "sales"]
    assert main(command) == 0
    items = read_queue(queue)
    assert len(items) == 7 and items[0].columns["sales"] > 0
    with Decisions(folder / "new.decisions.jsonl", items, small.taxonomy) as own:
        own.take(event("1", 0, "skip"))
    capsys.readouterr()
    assert main(command) == 2
    assert "holds decisions about this queue" in capsys.readouterr().err
    assert main(["review", "--queue", queue, "--model", str(folder / "model")]) == 2
    assert "nothing to do" in capsys.readouterr().err
