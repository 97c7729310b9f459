"""The page on which a person says how pairs of products relate, and the table of the answers."""

import csv
import io
import json
import re
import signal
import threading

import httpx
import pyarrow.parquet as pq
import pytest
import review_pages
import servers
from browsing import browser_test, sideways, violations
from hypothesis import given
from hypothesis import strategies as st

from prodcat.cli.command import main
from prodcat.errors import CatalogError
from prodcat.insight.decisions import Decisions
from prodcat.insight.decisions.differences import differing_words
from prodcat.insight.decisions.pairs import RelationChoices, read_pair_table
from prodcat.matching.answers import ANSWER_WORDS
from prodcat.matching.relations import RELATIONS
from prodcat.matching.writing import write_table

SAME, OTHER_SIZE, SUBSTITUTE, NONE = RELATIONS
CHOICES = RelationChoices(RELATIONS, ANSWER_WORDS)
MINE = {"X-Prodcat": "review"}
HEADER = (
    "our_row,their_row,our_id,their_id,our_title,their_title,relation,probability,our_brand,"
    "their_brand,our_size,our_size_unit,their_size,their_size_unit,our_price,their_price,"
    "our_price_per_unit,their_price_per_unit,unit,note,answer\n"
)
ROWS = (
    'a1,,Velmora Cola zero 6 x 33 cl,COLA velmora light 6X330ML,same product,0.483,Velmora,VELMORA,'
    '1980,ml,1980,ml,3.96,4.2,2.0,2.121212,l,007,',
    'a2,,Süzme peynir 500 g,suzme peynir 750gr,same but other size,0.41,,,500,g,750,g,,,,,,,',
    'a3,,Toast 750g,=Toast <b>white</b>,substitute,0.3,Quilvo,Banzeli,,,,,2,,,,,"1,5",',
    'a4,,Rice lemon,Rice,none,0.2,,,,,,,,,,,,,',
    'a5,,Honey 1 l,Honey 0.5 l,,0.1,,,,,,,,,,,,,',
    'a6,,Butter,Butter salted,same product,0.6,,,,,,,,,,,,, Other size ',
    'a7,,Salt,Salt fine,substitute,0.55,,,,,,,,,,,,,',
)  # fmt: skip


def table_text():
    return HEADER + "".join(f"{number},{9 - number},{row}\n" for number, row in enumerate(ROWS))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doubtful.csv").write_text(table_text(), encoding="utf-8")
    return tmp_path


def event(name, item, kind="label", relation=None, **more):
    value = {} if relation is None else {"relation": relation}
    return {"id": name, "item": item, "kind": kind, **value, **more}


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


# -- the table ------------------------------------------------------------------


def test_a_table_gives_what_is_proposed_and_what_was_said_before(folder):
    table = read_pair_table("doubtful.csv", CHOICES)
    assert [item.item for item in table.items] == list(range(7))
    assert [item.proposed for item in table.items] == [
        SAME, OTHER_SIZE, SUBSTITUTE, NONE, "", SAME, SUBSTITUTE,
    ]  # fmt: skip
    assert [dict(item.given) for item in table.items[4:6]] == [
        {}, {"relation": OTHER_SIZE, "comment": "", "reviewer": ""},
    ]  # fmt: skip
    first, _, third, *_, last = CHOICES.page_values(table.items)["items"]
    assert first["titles"] == (
        [("Velmora Cola ", False), ("zero", True), (" 6 x 33 cl", False)],
        [("COLA velmora ", False), ("light", True), (" 6X330ML", False)],
    )
    assert {fact["name"]: fact["texts"] for fact in first["facts"]} == {
        "brand": ["Velmora", "VELMORA"], "size": ["1980 ml", "1980 ml"], "price": ["3.96", "4.20"],
        "price for 1 l": ["2.00", "2.12"], "id": ["a1", ""],
    }  # fmt: skip
    assert [fact["name"] for fact in first["facts"] if fact["differs"]] == []
    assert [fact["name"] for fact in third["facts"] if fact["differs"]] == ["brand"]
    assert first["probability"] == 0.483 and last["given"] is None
    json.dumps(CHOICES.page_values(table.items))


def test_a_table_in_memory_shows_what_it_has():
    rows = [
        {"our_row": 3, "their_row": 0, "our_title": "Oat milk 1 l", "their_title": "Oatmilk 1 l",
         "our_price": "on request", "probability": None},
        {"our_row": 4, "their_row": 1, "our_title": "Tea", "their_title": None},
    ]  # fmt: skip
    table = read_pair_table(rows, CHOICES)
    first, second = CHOICES.page_values(table.items)["items"]
    assert first["titles"] == ([("Oat milk 1 l", False)], [("Oatmilk 1 l", False)])
    assert [(fact["name"], fact["texts"]) for fact in first["facts"]] == [
        ("price", ["on request", ""]), ("row, from 0", ["3", "0"]),
    ]  # fmt: skip
    assert first["probability"] is None and first["proposed"] == "" and first["given"] is None
    assert second["title"] == "Tea | " and second["titles"] == ([("Tea", True)], [])
    with pytest.raises(CatalogError, match="The answer in row 2 of the table is 'perhaps'"):
        read_pair_table([rows[0], {**rows[1], "answer": "perhaps"}], CHOICES)


def test_an_answered_table_keeps_every_cell_that_nobody_decided(folder):
    table = read_pair_table("doubtful.csv", CHOICES)
    with Decisions(folder / "d.jsonl", table.items, CHOICES) as decisions:
        decisions.take(event("1", 0, relation=OTHER_SIZE, comment="=1+1", reviewer="Ayşe"))
        decisions.take(event("2", 5, "skip"))
        decisions.take(event("3", 6, relation=NONE))
        decisions.take(event("4", 6, "undo"))
        answered = table.answered(decisions.standing)
        [label] = decisions.labels()
    assert answered.column_names == [*HEADER.strip().split(","), "comment", "reviewer"]
    before = {name: list(values) for name, values in table.columns.items()}
    after = answered.to_pydict()
    assert after.pop("comment") == ["=1+1", *[None] * 6]
    assert after.pop("reviewer") == ["Ayşe", *[None] * 6]
    answers = after.pop("answer")
    assert answers[0] == OTHER_SIZE and not any(answers[1:])
    assert after == {name: before[name] for name in after} and after["note"][0] == "007"
    assert label == {name: before[name][0] for name in before} | {
        "answer": OTHER_SIZE, "comment": "=1+1", "reviewer": "Ayşe",
    }  # fmt: skip
    untouched = table.answered({}).to_pydict()
    assert untouched["answer"] == before["answer"] and "Other size" in untouched["answer"][5]
    # The columns of another file format keep their types.
    write_table(answered, "answered.parquet")
    again = read_pair_table("answered.parquet", CHOICES)
    assert again.items[0].given == {
        "relation": OTHER_SIZE, "comment": "=1+1", "reviewer": "Ayşe",
    }  # fmt: skip
    assert again.answered({}).schema == pq.read_schema("answered.parquet")


def test_a_relation_that_is_none_is_refused(folder):
    items = read_pair_table("doubtful.csv", CHOICES).items
    place = folder / "d.jsonl"
    with Decisions(place, items, CHOICES) as decisions:
        decisions.take(event("1", 0, relation=SAME))
        for wrong, message in [
            (event("2", 1), "The relation of the pair is None; expected one of 'same product'"),
            (event("2", 1, relation="twin"), "is 'twin'; expected one of"),
            (event("2", 1, relation=["none"]), "expected one of"),
            (event("2", 1, "missing"), "'missing' is not a decision; expected label, skip or undo"),
            (event("2", 9, relation=SAME), "There is no item 9"),
        ]:
            with pytest.raises(CatalogError, match=re.escape(message)):
                decisions.take(wrong)
    line = place.read_text()
    assert json.loads(line)["title"] == items[0].title
    place.write_text(line.replace(SAME, "twin"))
    with pytest.raises(CatalogError, match="is 'twin'; expected one of .* Correct the line"):
        Decisions(place, items, CHOICES)
    place.write_text(line)
    message = "about another queue: item 0 is .* in their order: give that table again, which bri"
    for others in (items[1:], items[:0]):
        with pytest.raises(CatalogError, match=message):
            Decisions(place, others, CHOICES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title,price\nmilk,1\n", "has no column 'our_row'; found ['title', 'price']. Expected a"),
        ("our_id,their_id\n1,2\n", "has no column 'our_title'; found ['our_id', 'their_id']"),
        ("our_row,their_row,our_title,their_title\n", "has no pair, so that there is nothing"),
        (
            "our_row,their_row,our_title,their_title,answer\n0,0,a,b,\n0,1,a,c,sme\n",
            "The answer in row 2 of 'wrong.csv' is 'sme'; expected nothing or one of 'same produ",
        ),
    ],
)
def test_a_table_that_is_none_of_pairs_is_told(folder, text, message, capsys):
    (folder / "wrong.csv").write_text(text)
    with pytest.raises(CatalogError, match=re.escape(message)):
        read_pair_table("wrong.csv", CHOICES)
    assert main(["review", "--pairs", "wrong.csv", "--export", "a.csv"]) == 2
    assert message in capsys.readouterr().err and not (folder / "a.csv").exists()


TITLES = st.text(st.sampled_from("aAıİçC5.,  -½²glmkX"), max_size=20)


@given(TITLES, TITLES)
def test_pieces_are_the_title_and_equal_titles_do_not_differ(one, other):
    pieces = differing_words(one, other)
    assert ["".join(text for text, _ in each) for each in pieces] == [one, other]
    assert differing_words(other, one) == pieces[::-1]
    assert not any(differs for _, differs in differing_words(one, one)[0])
    for each in pieces:
        assert all(first[1] != second[1] for first, second in zip(each, each[1:], strict=False))


# -- the command ------------------------------------------------------------------


def test_options_about_titles_are_refused_and_nothing_is_replaced(folder, capsys):
    review = ["review", "--pairs", "doubtful.csv"]
    for more, message in [
        ([], "There is nothing to do. Give --serve to decide, or --export FILE"),
        (["--serve", "--budget", "3"], "Found --budget with --pairs, which shows pairs and no"),
        (["doubtful.csv", "--serve"], "Found a file of titles with --pairs"),
        (["--export", "a.txt"], "--export is 'a.txt'; expected a name ending with one of .parquet"),
        (["--export", "doubtful.csv", "--overwrite"], "which is an input file too and would be"),
        (["--export", "no/such/../a.csv"], ""),
    ]:
        assert main([*review, *more]) == (2 if message else 0)
        assert message in capsys.readouterr().err
    assert main(["review", "--serve"]) == 2
    assert "--queue is missing: file with the titles to label. To rev" in capsys.readouterr().err
    assert main(["review", "--pairs", "*.csv", "--export", "b.jsonl"]) == 2
    assert "decisions are written beside one file on the disk" in capsys.readouterr().err
    items = read_pair_table("doubtful.csv", CHOICES).items
    with Decisions(folder / "doubtful.decisions.jsonl", items, CHOICES) as decisions:
        decisions.take(event("1", 0, relation=SAME))
    export = [*review, "--export", "doubtful.decisions.jsonl", "--overwrite"]
    assert main(export) == 2
    assert "which is the file of decisions and would be replaced" in capsys.readouterr().err
    assert (folder / "doubtful.csv").read_text(encoding="utf-8") == table_text()


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "jsonl", "tsv"])
def test_the_table_of_the_answers_is_written_in_every_format(folder, ending, capsys):
    items = read_pair_table("doubtful.csv", CHOICES).items
    with Decisions(folder / "mine.jsonl", items, CHOICES) as decisions:
        decisions.take(event("1", 1, relation=SUBSTITUTE, reviewer="Ayşe"))
        decisions.take(event("2", 2, "skip"))
    export = ["review", "--pairs", "doubtful.csv", "--decisions", "mine.jsonl", "--export"]
    assert main([*export, f"a.{ending}"]) == 0
    assert f"2 answered pairs written to a.{ending}; 1 skipped, 4 open" in capsys.readouterr().out
    again = read_pair_table(f"a.{ending}", CHOICES).items
    assert [item.title for item in again] == [item.title for item in items]
    assert [item.given.get("relation") for item in again] == [
        None, SUBSTITUTE, None, None, None, OTHER_SIZE, None,
    ]  # fmt: skip
    assert again[1].given["reviewer"] == "Ayşe"


# -- the page ---------------------------------------------------------------------


def pages(folder, port):
    return review_pages.page_server(folder, port, ["--pairs", "doubtful.csv"])


def test_a_server_that_is_killed_while_decisions_arrive_loses_none(folder):
    confirmed: list[str] = []
    sent: list[str] = []
    first = threading.Event()

    def decide(address, thread):
        with httpx.Client(base_url=address, headers=MINE, timeout=5) as client:
            for number in range(10_000):
                name = f"{thread}-{number}"
                relation = RELATIONS[number % len(RELATIONS)]
                sent.append(name)
                try:
                    answer = client.post("decide", json=event(name, number % 7, "label", relation))
                except httpx.TransportError:
                    return
                assert answer.json() == {"taken": name}
                confirmed.append(name)
                if number == 5:
                    first.set()

    with pages(folder, servers.free_port()) as (process, address):
        threads = [threading.Thread(target=decide, args=(address, each)) for each in range(3)]
        for thread in threads:
            thread.start()
        assert first.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for thread in threads:
            thread.join()
    place = folder / "doubtful.decisions.jsonl"
    assert len(confirmed) > 5
    with (
        pages(folder, servers.free_port()) as (_, address),
        httpx.Client(base_url=address, headers=MINE) as client,
    ):
        seen = set(client.get("state").json()["seen"])
        assert set(confirmed) <= seen <= set(sent)
        assert client.post("decide", json=event("last", 6, relation=NONE)).status_code == 200
        # Who does not know the token decides nothing.
        port = address.split("/")[2]
        stranger = httpx.post(f"http://{port}/decide", json=event("x", 0), headers=MINE)
        assert stranger.status_code == 404
        assert client.get("reasons/0").status_code == 404
        assert "'sha256-" in client.get("").headers["content-security-policy"]
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    assert {line["id"] for line in lines} == {*seen, "last"}
    last = {line["item"]: line["relation"] for line in lines}
    assert main(["review", "--pairs", "doubtful.csv", "--export", "answered.csv"]) == 0
    written = {int(row["our_row"]): row["answer"] for row in rows_of(folder / "answered.csv")}
    assert {item: written[item] for item in last} == last


def no_unsent(page):
    page.wait_for_function(
        "!Object.keys(localStorage).some(key => key.startsWith('prodcat-review-'))"
    )


@pytest.mark.system
@browser_test
def test_pairs_by_keyboard_through_a_reload_and_a_killed_server(folder, browser):
    port = servers.free_port()
    context = browser.new_context(bypass_csp=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def text(name):
        return page.locator(f"#{name}").inner_text()

    def opened(address):
        page.goto(address)
        page.wait_for_selector("html[data-ready=yes]")

    def shown(number, decided):
        page.wait_for_function(
            f"document.getElementById('place').innerText === 'Pair {number} of 7' &&"
            f"document.getElementById('progress-text').innerText.startsWith('{decided} of 7')"
        )

    with pages(folder, port) as (process, address):
        strict = browser.new_page()
        strict.goto(address)  # where the page's own policy holds
        strict.wait_for_selector("html[data-ready=yes]")
        assert strict.locator("#answers button").count() == 4
        strict.close()
        opened(address)
        shown(1, 1)  # the sixth was answered in the table
        assert not violations(page) and not sideways(page)
        assert text("title") == "Are these the same product? The matcher says 48 %."
        assert [each.text_content() for each in page.locator("#facts mark").all()] == [
            "zero (differs)", "light (differs)",
        ]  # fmt: skip
        assert page.locator("#facts tr").nth(2).inner_text().split("\t") == [
            "size", "1980 ml", "1980 ml",
        ]  # fmt: skip
        page.locator("#reviewer").fill("Ayşe")
        page.locator("#title").focus()
        assert text("accept") == "Accept “same product” Enter"
        page.keyboard.press("Enter")
        shown(2, 2)
        assert text("accept") == "Accept “same but other size” Enter"
        page.keyboard.press("1")
        shown(3, 3)
        page.keyboard.press("ArrowLeft")
        shown(2, 3)
        assert "Decided: same product. (Ayşe)" in text("chosen")
        assert text("accept") == "Next pair Enter"
        page.keyboard.press("2")
        shown(3, 3)
        title = page.locator("#facts td").nth(1).text_content().replace(" (differs)", "")
        assert page.locator("#facts b").count() == 0 and title == "=Toast <b>white</b>"
        page.keyboard.press("c")
        page.keyboard.type("n 1 s u 4")  # keys in a field decide nothing
        page.keyboard.press("Enter")
        shown(3, 3)
        page.reload()
        page.wait_for_selector("html[data-ready=yes]")
        shown(3, 3)
        assert page.locator("#comment").input_value() == "n 1 s u 4"
        page.keyboard.press("n")
        shown(4, 4)
        page.keyboard.press("3")
        shown(5, 5)
        page.keyboard.press("u")
        shown(4, 4)
        page.keyboard.press("4")
        shown(5, 5)
        assert text("accept") == "Nothing to accept"  # as the table proposes nothing
        page.keyboard.press("Enter")
        shown(5, 5)
        page.keyboard.press("s")
        shown(7, 6)
        no_unsent(page)
        process.send_signal(signal.SIGKILL)
        process.wait()
        page.keyboard.press("Enter")
        page.wait_for_function("!document.getElementById('waiting').hidden")
        assert "kept in this browser: 1" in text("waiting") and "All 7" in text("progress-text")
        # What stands in the table can be corrected, and keeps its comment.
        page.keyboard.press("ArrowLeft")
        assert "Decided: same but other size." in text("chosen")
        page.keyboard.press("c")
        page.keyboard.type("salted")
        page.keyboard.press("Enter")
        assert text("accept") == "Save the comment Enter"
        page.keyboard.press("Enter")
    with pages(folder, port) as (_, address):
        opened(address)
        no_unsent(page)
        shown(1, 7)
        assert not violations(page)
    context.close()
    assert errors == []
    assert main(["review", "--pairs", "doubtful.csv", "--export", "answered.csv"]) == 0
    rows = rows_of(folder / "answered.csv")
    assert [row["answer"] for row in rows] == [
        SAME, OTHER_SIZE, NONE, NONE, "", OTHER_SIZE, SUBSTITUTE,
    ]  # fmt: skip
    assert [row["comment"] for row in rows] == ["", "", "n 1 s u 4", "", "", "salted", ""]
    assert [row["reviewer"] for row in rows] == ["Ayşe"] * 7
    assert (folder / "doubtful.csv").read_text(encoding="utf-8") == table_text()
