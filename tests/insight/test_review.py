"""What to label next, and the page on which nothing is lost."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import servers
from browsing import browser_test, violations

import prodcat
from prodcat.cli.command import main
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.decisions import Decisions
from prodcat.insight.queue import choose, read_queue, review_queue, save_queue

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def free(parts):
    """Titles without a category, with what they are worth."""
    own = parts.test
    return dataclasses.replace(
        own,
        targets=np.full(len(own), -1),
        columns={**own.columns, "sales": tuple(float(n % 5) for n in range(len(own)))},
    )


@pytest.fixture(scope="module")
def items(free, small, parts):
    return review_queue(free, small, 25, known=parts.train)


# -- what to label ----------------------------------------------------------------


def test_a_queue_is_uncertain_worth_something_and_diverse(free, small, parts):
    items = review_queue(free, small, 30, value="sales", per_node=4, known=parts.train)
    assert len(items) == 30 and [own.item for own in items] == list(range(30))
    assert all(own.columns["sales"] > 0 for own in items)
    answers = [own.answers[0]["id"] for own in items]
    assert max(answers.count(own) for own in answers) <= 4
    confidence = {own.row: own.answers[0]["confidence"] for own in items}
    all_of = [own[0].confidence for own in small.predict(free)]
    assert np.mean(list(confidence.values())) < np.mean(all_of)
    for own in items[:5]:
        assert own.title == free.titles[list(free.rows).index(own.row)]
        probabilities = small.predict_proba([own.title])[0]
        entropy = -(probabilities * np.log(np.maximum(probabilities, 1e-20))).sum()
        assert own.weight == pytest.approx(own.columns["sales"] * entropy, rel=1e-3)
        assert len(own.answers) == 5 and own.neighbours[0]["likeness"] <= 1.0001
    assert len({own.title for own in items}) == 30
    # Before anything is labelled.
    first = review_queue(free, None, 10, value="sales")
    assert all(own.answers == [] and own.weight == own.columns["sales"] for own in first)


def test_the_choice_covers_the_weight():
    groups = ["süt tam yağlı", "ekmek kepekli", "çikolata fındıklı"]
    texts = [f"{group} {number}" for group in groups for number in range(20)]
    weight = np.ones(60)
    chosen, gains = choose(texts, weight, 3)
    assert {row // 20 for row in chosen} == {0, 1, 2}
    assert gains == sorted(gains, reverse=True)
    weight[:20] = 0
    weight[20:40] = 5
    chosen, _ = choose(texts, weight, 2)
    assert [row // 20 for row in chosen] == [1, 2]
    # Every one once, whatever the budget; and no more of a node than it has.
    assert sorted(choose(texts, np.ones(60), 100)[0]) == list(range(60))
    nodes = np.arange(60) // 20
    chosen, _ = choose(texts, np.ones(60), 100, nodes, 2)
    assert np.bincount(nodes[chosen]).tolist() == [2, 2, 2]


def test_what_cannot_be_chosen_from_is_refused(free, small, parts):
    with pytest.raises(ConfigError, match="at least 1"):
        review_queue(free, small, 0)
    with pytest.raises(CatalogError, match="no title without a category"):
        review_queue(parts.test, small, 5)
    with pytest.raises(CatalogError, match="no column 'margin'"):
        review_queue(free, small, 5, value="margin")
    wrong = dataclasses.replace(free, columns={"sales": tuple("x" for _ in free.titles)})
    with pytest.raises(CatalogError, match="sales is 'x' in row"):
        review_queue(wrong, small, 5, value="sales")


def test_a_queue_is_read_as_it_was_written(items, tmp_path):
    place = str(tmp_path / "queue.jsonl")
    save_queue(items, place)
    assert read_queue(place) == items
    with pytest.raises(ConfigError, match=r"does not end with \.jsonl"):
        save_queue(items, str(tmp_path / "queue.csv"))
    (tmp_path / "queue.jsonl").write_text('{"title": "a"}\n')
    with pytest.raises(CatalogError, match="Line 1 of"):
        read_queue(place)
    with pytest.raises(CatalogError, match="Found no queue at"):
        read_queue(str(tmp_path / "nothing.jsonl"))
    odd = [dataclasses.replace(items[0], title="a\u2028b\x85c")]
    save_queue(odd, place)
    assert read_queue(place) == odd
    # A line that is gone would put labels on other titles.
    save_queue(items, place)
    lines = (tmp_path / "queue.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "queue.jsonl").write_text("".join(lines[:2] + lines[3:]))
    with pytest.raises(CatalogError, match="Line 3 of .*it is item 3, expected 2"):
        read_queue(place)


def test_equal_titles_are_chosen_once(small):
    titles = ["süt 1 l"] * 5 + ["muz", "ekmek"]
    catalog = prodcat.read_catalog({"title": titles}, path=None)
    assert sorted(own.title for own in review_queue(catalog, None, 7)) == [
        "ekmek",
        "muz",
        "süt 1 l",
    ]
    with pytest.raises(ConfigError, match="without a classifier leave it out"):
        review_queue(catalog, None, 7, per_node=1)


# -- decisions --------------------------------------------------------------------


def event(own, item, kind="label", node=None):
    return {"id": own, "item": item, "kind": kind, **({"node": node} if node else {})}


def test_decisions_stand_until_they_are_undone(items, small, tmp_path):
    place = tmp_path / "d.jsonl"
    tree = small.taxonomy
    first, second = (tree.ids[own] for own in tree.outcomes[:2])
    with Decisions(place, items, tree) as own:
        own.take(event("1", 0, node=first))
        own.take(event("2", 1, "skip"))
        own.take(event("3", 0, node=second))
        own.take(event("3", 0, node=second))  # sent twice
        assert own.standing[0]["node"] == second and len(own.history) == 3
        own.take(event("4", 0, "undo"))
        assert own.standing[0]["node"] == first
        own.take(event("5", 1, "undo"))
        own.take(event("6", 1, "undo"))  # there is nothing left to undo
    with Decisions(place, items, tree) as again:
        assert list(again.standing) == [0]
        [label] = again.labels()
        for wrong, said in [
            (event("7", 99, "skip"), "no item 99"), (event("7", True, "skip"), "no item True"),
            (event("7", 0, "love"), "no decision"), (event("", 0, "skip"), "id of its own"),
            (event("7", 0), "has a category"),
        ]:  # fmt: skip
            with pytest.raises(CatalogError, match=said):
                again.take(wrong)
        with pytest.raises(prodcat.TaxonomyError, match="no id"):
            again.take(event("7", 0, node="nothing"))
    assert label["title"] == items[0].title and label["path_ids"][-1] == first
    catalog = prodcat.read_catalog([label], path_ids="path_ids", taxonomy=tree)
    assert tree.ids[catalog.targets[0]] == first


def test_half_a_line_of_a_killed_process_is_no_decision(items, small, tmp_path):
    place = tmp_path / "d.jsonl"
    with Decisions(place, items, small.taxonomy) as own:
        own.take(event("1", 0, "skip"))
    whole = place.read_bytes()
    place.write_bytes(whole + whole[: len(whole) // 2])
    with Decisions(place, items, small.taxonomy) as again:
        again.take(event("2", 1, "skip"))
    with Decisions(place, items, small.taxonomy) as again:
        assert list(again.standing) == [0, 1]
    # An editor that drops the last line's end drops no decision.
    place.write_bytes(whole.rstrip(b"\n"))
    with Decisions(place, items, small.taxonomy) as again:
        assert list(again.standing) == [0]
        again.take(event("3", 2, "skip"))
        # Nobody else takes decisions meanwhile; who reads changes nothing.
        with pytest.raises(ConfigError, match="Another prodcat review"):
            Decisions(place, items, small.taxonomy)
        before = place.read_bytes()
        with Decisions(place, items, small.taxonomy, write=False) as reader:
            assert list(reader.standing) == [0, 2]
            with pytest.raises(ConfigError, match="opened to be read"):
                reader.take(event("4", 3, "skip"))
        assert place.read_bytes() == before
    with Decisions(tmp_path / "none.jsonl", items, small.taxonomy):
        pass
    assert not (tmp_path / "none.jsonl").exists()
    other = prodcat.Taxonomy.from_paths([("a", "b")])
    with pytest.raises(CatalogError, match="not in the model's tree"):
        Decisions(place, items, other)
    place.write_bytes(b"{}\n" + whole)
    with pytest.raises(CatalogError, match="Line 1 of .* is no decision"):
        Decisions(place, items, small.taxonomy)
    place.write_bytes(whole)
    with pytest.raises(CatalogError, match="on another queue"):
        Decisions(place, items[1:], small.taxonomy)


# -- the page ---------------------------------------------------------------------


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
            f"document.getElementById('progress-said').innerText.startsWith('{number} of')"
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
    assert "holds decisions on a queue" in capsys.readouterr().err
    assert main(["review", "--queue", queue, "--model", str(folder / "model")]) == 2
    assert "nothing to do" in capsys.readouterr().err
