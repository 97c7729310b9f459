"""The page on which titles are labelled and nothing is lost, and the command that opens it."""

import json
import resource
import signal
import socket
from pathlib import Path

import httpx
import pytest
import review_pages
import servers
from browsing import browser_test, violations

import prodcat
from prodcat.cli.command import main
from prodcat.insight.decisions import Decisions
from prodcat.insight.queue import read_queue, save_queue


def event(own, item, kind="label", node=None):
    return {"id": own, "item": item, "kind": kind, **({"node": node} if node else {})}


def filled(folder, items, small):
    small.save(str(folder / "model"))
    save_queue(items, str(folder / "queue.jsonl"))
    return folder


@pytest.fixture
def folder(tmp_path, items, small):
    return filled(tmp_path, items, small)


@pytest.fixture(scope="module")
def served(tmp_path_factory, items, small):
    """A folder, the process that serves its queue, and the address."""
    folder = filled(tmp_path_factory.mktemp("served"), items, small)
    with page_server(folder, servers.free_port()) as (process, address):
        yield folder, process, address


def serving(folder):
    """What says which queue is shown."""
    return ["--queue", str(folder / "queue.jsonl"), "--model", str(folder / "model"),
            "--device", "cpu"]  # fmt: skip


def page_server(folder, port):
    """The process that serves the page, and the address that it shows."""
    return review_pages.page_server(folder, port, serving(folder))


MINE = {"X-Prodcat": "review"}


def test_the_server_answers_its_own_page_alone(served, small):
    folder, process, address = served
    port, token = int(address.split("/")[2].rpartition(":")[2]), address.split("/")[3]
    assert address == f"http://127.0.0.1:{port}/{token}/" and len(token) >= 40
    with (
        httpx.Client(base_url=address) as client,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as stranger,
    ):
        assert len(client.get("queue").json()["items"]) == 25
        good = event("a", 0, node=small.taxonomy.ids[int(small.taxonomy.outcomes[0])])
        # A page of another site cannot send this header.
        assert client.post("decide", json=good).status_code == 403
        for more, status in [
            ({"Host": "evil.example"}, 400), ({"Host": f"evil.example:{port}"}, 400),
            ({"Host": "127.0.0.1.evil.example"}, 400), ({"Host": "localhost@evil.example"}, 400),
            ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
            ({"Origin": f"http://127.0.0.1:{port + 1}"}, 403),
            ({"Origin": f"https://127.0.0.1:{port}"}, 403),
        ]:  # fmt: skip
            refused = client.post("decide", json=good, headers=MINE | more)
            assert refused.status_code == status and "error" in refused.json(), more
        same = {"Origin": f"http://127.0.0.1:{port}"}
        assert client.post("decide", json=good, headers=MINE | same).status_code == 200
        for body, status in [(b"{", 400), (b"[]", 400), (b"x" * 70_000, 413), (b"[" * 9_000, 400)]:
            assert client.post("decide", content=body, headers=MINE).status_code == status
        refused = client.post("decide", json={**good, "id": "b", "item": 99}, headers=MINE)
        assert refused.status_code == 400 and "no item 99" in refused.json()["error"]
        assert client.get("").headers["cache-control"] == "no-store"
        # Whoever does not know the token learns nothing and decides nothing.
        for start in ("", f"/{token[:-1]}", f"/{token}x", f"/{token.swapcase()}", "/..", "/%00",
                      f"//{token}", f"/x/{token}", "/static", "/s\u0131"):  # fmt: skip
            for path in ("", "/", "/queue", "/state", "/decide", "/page.css"):
                told = stranger.get(start + path, headers=MINE)
                assert told.status_code == 404 and told.json().keys() == {"error"}, start + path
            sent = stranger.post(f"{start}/decide", json={**good, "id": "c"}, headers=MINE)
            assert sent.status_code == 404
        sent = stranger.post("/decide", json={**good, "id": "c"},
                             headers=MINE | {"Cookie": f"token={token}"})  # fmt: skip
        assert sent.status_code == 404
        assert client.get("queue/").status_code == 404  # and is not redirected
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(f"GET /{token}/queue nonsense\r\n\r\n".encode())
            raw.recv(100)
        state = client.get("state").json()
        assert "a" in state["seen"] and not {"b", "c"} & set(state["seen"])
    assert token not in (folder / "server.log").read_text()
    # It listens to this machine alone.
    lines = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]
    local = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    assert [own for own in local if own.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_what_a_full_disk_refused_is_not_written_later(served):
    folder, process, address = served
    place = folder / "queue.decisions.jsonl"
    with httpx.Client(base_url=address, headers=MINE) as client:
        assert client.post("decide", json=event("before", 0, "skip")).status_code == 200
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        room = place.stat().st_size + 9
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, hard))
        full = client.post("decide", json=event("full", 1, "skip"))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))
        assert full.status_code == 507 and "was not saved" in full.json()["error"]
        assert client.post("decide", json=event("after", 2, "skip")).status_code == 200
        assert "full" not in client.get("state").json()["seen"]
    decided = [json.loads(line)["id"] for line in place.read_bytes().splitlines()]
    assert decided[-2:] == ["before", "after"]


def test_a_second_editor_is_told_of_the_first(served, capsys):
    folder, _, _ = served
    (folder / "link.jsonl").symlink_to(folder / "queue.decisions.jsonl")
    command = ["review", "--serve", "--port", "0", "--decisions", str(folder / "link.jsonl")]
    assert main([*command, *serving(folder)]) == 2
    second = capsys.readouterr()
    assert second.out == "" and "Another prodcat review is writing decisions to" in second.err
    # And nobody replaces the queue that is shown.
    (folder / "titles.jsonl").write_text('{"title": "süt"}\n')
    before = (folder / "queue.jsonl").read_bytes()
    command = ["review", str(folder / "titles.jsonl"), "--queue", str(folder / "queue.jsonl")]
    assert main([*command, "--model", str(folder / "model"), "--device", "cpu"]) == 2
    assert (folder / "queue.jsonl").read_bytes() == before


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

    with page_server(folder, port) as (process, address):
        strict = browser.new_page()
        strict.goto(address)
        strict.wait_for_selector("html[data-ready=yes]")
        assert strict.locator("#answers button").count() == 5
        strict.close()
        page.goto(address)
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
    with page_server(folder, port) as (_, address):
        # The page of before has an old address; it keeps what it could not send.
        page.wait_for_function(
            "document.getElementById('waiting').innerText.includes('nothing here')"
        )
        page.goto(address)
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


def test_the_server_says_why_the_model_answers_so(served, small, items):
    _, _, address = served
    with httpx.Client(base_url=address, timeout=60) as client:
        told = client.get("reasons/0").json()
        assert client.get("reasons/99").status_code == 404
        assert client.get("reasons/-1").status_code == 404
    [wanted] = small.explain([items[0].title])
    assert [level["name"] for level in told["levels"]] == [level.name for level in wanted.levels]
    margins = [level.margin for level in wanted.levels]
    assert told["doubtful"] == margins.index(min(margins)) and told["deletion"]
    level, [doubtful] = told["levels"][told["doubtful"]], [wanted.doubtful]
    assert level["runner_up"] == doubtful.runner_up_name
    assert [word["strength"] for word in level["words"]] == doubtful.strengths()


@pytest.mark.system
@browser_test
def test_one_look_says_why_and_every_decision_is_kept(folder, browser):
    items = read_queue(str(folder / "queue.jsonl"))
    context = browser.new_context(bypass_csp=True, viewport={"width": 390, "height": 844})
    page = context.new_page()

    def text(name):
        return page.locator(f"#{name}").inner_text()

    def decided(number):
        page.wait_for_function(
            f"document.getElementById('progress-text').innerText.startsWith('{number} of')"
        )

    with page_server(folder, servers.free_port()) as (_, address):
        page.goto(address)
        page.wait_for_selector("html[data-ready=yes]")
        page.wait_for_selector("#why mark")
        why = text("why")
        assert "Why " in why and " %, not " in why and "answer" in why
        marked = page.locator("#why > .words").first.inner_text()
        assert all(word in marked for word in items[0].title.split())
        assert not violations(page)
        page.locator("#why summary").focus()
        page.keyboard.press("Enter")  # opens all levels, and decides nothing
        assert page.locator("#why details table tr").count() >= 2 and "0 of" in text(
            "progress-text"
        )
        assert not violations(page)
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1]
        first = items[0].answers[0]["path"][-1]
        assert text("accept") == f"Accept “{first}” Enter"
        page.locator("#reviewer").fill("Ayşe")
        page.locator("#title").focus()
        page.keyboard.press("c")
        page.keyboard.type("no sushi snm")  # keys in a field decide nothing
        page.keyboard.press("Enter")
        assert "0 of" in text("progress-text")
        page.reload()
        page.wait_for_selector("html[data-ready=yes]")
        assert page.locator("#comment").input_value() == "no sushi snm"
        page.keyboard.press("m")
        decided(1)
        page.keyboard.press("n")
        decided(2)
        page.keyboard.press("ArrowLeft")
        assert text("accept") == "Next title Enter" and "None of these" in text("chosen")
        page.keyboard.press("c")
        page.keyboard.type("a service")
        page.keyboard.press("Enter")
        assert text("accept") == "Save the comment Enter"
        page.keyboard.press("Enter")
        page.wait_for_function("Object.keys(localStorage).join() === 'prodcat-reviewer'")
        page.keyboard.press("/")
        page.keyboard.type("a")
        page.wait_for_selector("#options li")
        option = page.locator("#options [aria-selected=true]").inner_text()
        assert option.split(" > ")[-1].split(" (")[0] in text("accept")
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        decided(3)
        page.wait_for_function("Object.keys(localStorage).join() === 'prodcat-reviewer'")
    context.close()
    lines = (folder / "queue.decisions.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines]
    assert [own["kind"] for own in kept] == ["missing", "none", "none", "label"]
    assert [own.get("comment") for own in kept] == ["no sushi snm", None, "a service", None]
    assert all(own["reviewer"] == "Ayşe" for own in kept)


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


def test_known_titles_may_have_other_columns(folder, free, parts, capsys):
    titles, known = folder / "bare.jsonl", folder / "known.jsonl"
    titles.write_text("".join(json.dumps({"title": title}) + "\n" for title in free.titles))
    rows = zip(parts.train.titles, parts.train.paths, strict=True)
    known.write_text(
        "".join(json.dumps({"Name": title, "WGR": list(path)}) + "\n" for title, path in rows)
    )
    command = ["review", str(titles), "--model", str(folder / "model"), "--device", "cpu"]
    command += ["--budget", "3", "--known", str(known), "--known-title", "Name"]
    own = ["--queue", str(folder / "own.jsonl"), "--known-path", "WGR"]
    assert main([*command, *own]) == 0
    assert all(item.neighbours for item in read_queue(str(folder / "own.jsonl")))
    assert main([*command, "--queue", str(folder / "same.jsonl"), "--path", "WGR"]) == 0
    capsys.readouterr()
    for given in (["--path", "WGR", "--known-path", "WGR"], ["--path", "categry"]):
        assert main([*command, "--queue", str(folder / "no.jsonl"), *given]) == 2
        assert f"{given[1]!r}" in capsys.readouterr().err
