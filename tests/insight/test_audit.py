"""Labels that are wrong are found, the farthest first."""

import csv
import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from browsing import browser_test, opened, sideways, violations

import prodcat
from prodcat.cli.command import main
from prodcat.demo.quick_commerce import generate
from prodcat.errors import CatalogError
from prodcat.insight.audit import OutOfFold, audit, audit_labels, check_ids, out_of_fold
from prodcat.insight.decisions import Decisions
from prodcat.insight.queue import read_queue


@pytest.fixture(scope="module")
def swapped():
    """A catalog without other mistakes in which some labels were swapped."""
    rows = generate(1_200, "tr", wrong_labels=0.0)
    paths = [list(row.path) for row in rows]
    leaves = sorted({tuple(path) for path in paths})
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(rows), 48, replace=False)
    kinds = {}
    for number, row in enumerate(chosen.tolist()):
        own = tuple(paths[row])
        siblings = [leaf for leaf in leaves if leaf[:3] == own[:3] and leaf != own]
        far = [leaf for leaf in leaves if leaf[0] != own[0]]
        near = number % 2 and siblings
        kinds[row] = "sibling" if near else "department"
        pool = siblings if near else far
        paths[row] = list(pool[rng.integers(len(pool))])
    table = [{"title": row.title, "path": path} for row, path in zip(rows, paths, strict=True)]
    return prodcat.read_catalog(table), kinds, [row.path for row in rows]


def test_swapped_labels_are_found_departments_first(swapped):
    catalog, kinds, truth = swapped
    found = audit(catalog, progress=False)
    worst = found.rows[found.ranked][: len(kinds)].tolist()
    hits = [row for row in worst if row in kinds]
    assert len(hits) >= 0.7 * len(kinds)
    far = [row for row, kind in kinds.items() if kind == "department"]
    assert len(set(far) & set(worst)) >= 0.65 * len(far)
    assert np.mean([row in far for row in worst[:12]]) > 0.75
    problems = found.problems()
    right = [tuple(truth[own.row]) == own.suggestion for own in problems if own.row in kinds]
    assert np.mean(right) > 0.8
    own = problems[0]
    assert own.title == catalog.titles[own.row] and own.level == 1
    assert own.label == catalog.paths[own.row] and own.probability < 0.1 < own.suggested
    assert len(problems) == found.contradicted.sum() == found.by_level.sum() > 5
    assert np.mean([own.row in kinds for own in problems]) > 0.7
    assert len(found.problems(most=3)) == 3
    assert f"{len(found.rows):,} labels, {len(problems)} clearly contradicted" in str(found)
    assert f"{own.title!r} is" in str(found) and own.title in found.html()


def test_levels_of_labels_are_sums_of_probabilities():
    tree = prodcat.Taxonomy.from_paths([("a", "b", "c"), ("a", "b", "d"), ("a", "e"), ("f",)])
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(len(tree.outcomes)), 4)
    paths = [("a", "b", "c"), ("a", "e"), ("f",), ("a", "b")]  # the last one stops early
    targets = np.array([tree.find(path) for path in paths])
    own = out_of_fold(probabilities, targets, tree)
    levels, best = own.levels, own.best
    outcomes = [tree.paths[node] for node in tree.outcomes]
    for row, path in enumerate(paths):
        for level in range(3):
            prefix = path[: level + 1]
            wanted = sum(
                p for p, o in zip(probabilities[row], outcomes, strict=True)
                if o[: len(prefix)] == prefix
            )  # fmt: skip
            assert levels[row, level] == pytest.approx(wanted)
        place = int(probabilities[row].argmax())
        assert tree.paths[best[row]] == outcomes[place]
        assert own.sure[row] == pytest.approx(probabilities[row, place])
        top = [p for p, o in zip(probabilities[row], outcomes, strict=True)
               if o[0] == outcomes[place][0]]  # fmt: skip
        assert own.department[row] == pytest.approx(sum(top))


def test_near_duplicates_with_different_labels_are_told():
    rows = [
        ("Süt 1 L", "a > b"), ("SUT 500 ml", "a > c"), ("Ekmek", "a > b"), ("ekmek", "a"),
        ("çay", "d"), ("Çay 100 g", "d"),
    ]  # fmt: skip
    catalog = prodcat.read_catalog(
        [{"title": title, "path": path} for title, path in rows], inner="partial"
    )
    own = OutOfFold(
        np.full((6, catalog.tree.depth), 0.9), catalog.targets, np.full(6, 0.9), np.full(6, 0.9)
    )
    found = audit_labels(catalog, own)
    [conflict] = found.conflicts
    assert conflict.rows == (0, 1) and set(conflict.labels) == {("a", "b"), ("a", "c")}
    assert (found.level == 0).all() and found.problems(9) == []


def test_what_is_alone_in_its_category_is_not_judged():
    rows = [(f"süt {w} marka", "a > süt") for w in "abcdefgh"]
    rows += [(f"ekmek {w} fırın", "b > ekmek") for w in "abcdefgh"] + [("pil aa", "c > pil")]
    catalog = prodcat.read_catalog([{"title": t, "path": p} for t, p in rows])
    found = audit(catalog, folds=4, progress=False)
    assert found.judged.sum() == 16 and not found.judged[16]
    assert found.ranked[-1] == 16 and all(own.row != 16 for own in found.problems(17))
    assert "1 labels are alone" in str(found)
    same = prodcat.read_catalog([{"title": "süt 1 l", "path": p} for p in ("a > b", "a > c")] * 3)
    with pytest.raises(prodcat.CatalogError, match="near duplicates of each other"):
        audit(same, folds=2, progress=False)


@pytest.mark.system
@browser_test
def test_the_command_line_writes_what_was_found(swapped, tmp_path, browser, capsys):
    catalog, _, _ = swapped
    rows = [
        {"title": title, "path": list(path), "Art.-Nr.": f"A{number}"}
        for number, (title, path) in enumerate(zip(catalog.titles, catalog.paths, strict=True))
    ]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(own) + "\n" for own in rows))
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(own) + "\n" for own in rows[:9]))
    command = ["audit", str(tmp_path / "all.jsonl"), "--held-out", str(tmp_path / "test.jsonl")]
    for form in ("html", "parquet"):
        command += ["--output", str(tmp_path / f"out.{form}")]
    assert main([*command, "--folds", "3", "--keep", "Art.-Nr."]) == 0
    said = capsys.readouterr().out
    assert "9 of 9 held-out titles" in said and "probably" in said
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    suspicion = [row["suspicion"] for row in table]
    assert suspicion[:30] == sorted(suspicion[:30], reverse=True)
    assert f"row {table[0]['row_number']:,}: {table[0]['title']!r}" in said
    for row in table:
        assert row["Art.-Nr."] == f"A{row['row_number'] - 1}"
        assert row["title"] == catalog.titles[row["row_number"] - 1]
    with opened(browser, tmp_path / "out.html") as page:
        assert table[0]["title"] in page.locator("main").inner_text()
        assert not violations(page)
    assert main([*command, "--folds", "1", "--overwrite"]) == 2
    assert "at least 2 folds" in capsys.readouterr().err


@pytest.mark.system
@browser_test
def test_the_command_line_names_the_products_and_hands_them_over(swapped, tmp_path, capsys):
    catalog, _, _ = swapped
    rows = [
        {"title": title, "path": list(path), "sku": f"A{number:04}"}
        for number, (title, path) in enumerate(zip(catalog.titles, catalog.paths, strict=True))
    ][:500]
    source = tmp_path / "all.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    queue = tmp_path / "queue.jsonl"
    command = ["audit", str(source), "--folds", "2", "--id", "sku", "--queue", str(queue)]
    assert main([*command, "--output", str(tmp_path / "out.jsonl")]) == 0
    said = capsys.readouterr().out
    table = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    first = table[0]
    assert first["sku"] == f"A{first['row_number'] - 1:04}"
    assert f"row {first['row_number']}, sku {first['sku']}: " in said
    # The queue is one of prodcat review: its first answers are the suggestions.
    items = read_queue(queue)
    assert len(items) == sum(row["contradicted"] for row in table) > 0
    for item, row in zip(items, table, strict=False):
        assert item.columns["sku"] == row["sku"] and item.title == row["title"]
        assert [" > ".join(answer["path"]) for answer in item.answers] == [
            row["suggestion"], row["label"],
        ]  # fmt: skip
    read = prodcat.read_catalog(rows, keep=["sku"])
    with Decisions(tmp_path / "decisions.jsonl", items, read.tree) as decisions:
        answer = items[0].answers[0]
        decisions.take({"id": "1", "item": 0, "kind": "label", "node": answer["id"]})
        assert decisions.labels()[0]["path"] == answer["path"]
    # Mistakes are told before anything is trained.
    assert main([*command, "--queue", str(tmp_path / "q.csv")]) == 2
    assert "expected a name ending with .jsonl" in capsys.readouterr().err
    rows[7]["sku"] = rows[3]["sku"]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main([*command, "--overwrite"]) == 2
    assert "Rows 4 and 8 both have 'A0003' as 'sku'" in capsys.readouterr().err


def test_an_id_is_in_every_row_and_there_once():
    rows = [{"title": f"t {n}", "path": "a > b", "sku": n or None} for n in range(3)]
    catalog = prodcat.read_catalog(rows, keep=["sku"])
    with pytest.raises(CatalogError, match="Row 1 has no 'sku'"):
        check_ids(catalog, "sku")
    with pytest.raises(CatalogError, match=r"no column 'skus'.*did you mean 'sku'"):
        check_ids(catalog, "skus")


# -- the list on the page ---------------------------------------------------------


@pytest.fixture(scope="module")
def listed(swapped):
    """An audit with more labels than a page of the list shows; some titles look like formulas."""
    catalog, kinds, _ = swapped
    some = sorted(set(range(0, len(catalog), 3)) | set(kinds))
    rows = [
        {
            "title": f"=1+1 {title}" if number % 2 else title,
            "path": list(path),
            "sku": f"A{number:04}",
            "label": "theirs",
        }
        for number, (title, path) in enumerate(zip(catalog.titles, catalog.paths, strict=True))
        if number in some
    ]
    read = prodcat.read_catalog(rows, keep=["label", "sku"])
    return audit(read, folds=2, progress=False).with_ids("sku")


@pytest.fixture(scope="module")
def place(listed, tmp_path_factory):
    file = tmp_path_factory.mktemp("audit") / "audit.html"
    listed.save(file)
    return file


def shown_rows(page):
    """The texts of the cells of the rows of the list, without the paths and buttons."""
    rows = page.locator(".worklist tbody tr").all()
    return [row.locator("td").all_inner_texts()[:4] for row in rows]


@pytest.mark.system
@browser_test
def test_the_list_has_every_row_of_the_table(browser, listed, place):
    table = listed.table().to_pylist()
    assert len(table) > 60
    with opened(browser, place) as page:
        rows = shown_rows(page)
        assert len(rows) == 50
        page.get_by_role("button", name="Next page").click()
        while True:
            rows += shown_rows(page)
            if page.get_by_role("button", name="Next page").is_disabled():
                break
            page.get_by_role("button", name="Next page").click()
        assert len(rows) == len(table)
        for cells, row in zip(rows, table, strict=True):
            assert cells[:3] == [f"{row['row_number']:,}", row["sku"], "theirs"]
            assert cells[3].startswith(" ".join(row["title"].split()))
        departments = listed.tables()["departments"].to_pylist()
        texts = page.locator(".scroll[aria-label^='Departments'] tbody td").all_inner_texts()
        assert texts[1::4] == [f"{row['labels']:,}" for row in departments]
        assert texts[2::4] == [f"{row['contradicted']:,}" for row in departments]
        assert sum(row["contradicted"] for row in departments) == listed.contradicted.sum()


@pytest.mark.system
@browser_test
def test_the_list_is_filtered_by_category_text_and_decision(browser, listed, place):
    table = listed.table().to_pylist()
    with opened(browser, place) as page:
        told = page.locator(".worklist [role=status]")
        department = table[0]["prodcat_label"].split(" > ")[0]
        page.get_by_label("Department of the label").select_option(department)
        of_it = [row for row in table if row["prodcat_label"].split(" > ")[0] == department]
        assert f"of {len(of_it)} labels" in told.inner_text()
        page.get_by_label("Department of the label").select_option("")
        page.get_by_label("Search").fill(table[5]["sku"].lower())
        page.wait_for_function("document.querySelector('.worklist tbody').rows.length === 1")
        assert shown_rows(page)[0][1] == table[5]["sku"]
        page.locator(".worklist tbody button[data-kind=accept]").click()
        page.get_by_label("Search").fill("")
        page.get_by_label("Show").select_option("accept")
        page.wait_for_function("document.querySelector('.worklist tbody').rows.length === 1")
        page.get_by_label("Show").select_option("clear")
        clear = int(listed.contradicted.sum())
        assert f"of {clear} labels; 1 accepted, 0 rejected" in told.inner_text()


@pytest.mark.system
@browser_test
def test_decisions_by_keyboard_stay_and_prodcat_reads_them(browser, listed, place, tmp_path):
    table = listed.table().to_pylist()
    with opened(browser, place, accept_downloads=True) as page:
        assert page.get_by_role("button", name="Download decisions").is_disabled()
        page.locator(".worklist tbody button").first.focus()
        for key in "ararru":  # the last two are about one row: rejected, then taken back
            if key == "u":
                page.keyboard.press("ArrowUp")
            page.keyboard.press(key)
        told = page.locator(".worklist [role=status]")
        assert "2 accepted, 2 rejected" in told.inner_text()
        page.reload()
        page.wait_for_selector("html[data-ready=yes]")
        assert "2 accepted, 2 rejected" in told.inner_text()
        pressed = page.locator(".worklist button[aria-pressed=true]")
        assert [own.inner_text() for own in pressed.all()] == ["Accept", "Reject"] * 2
        files = {}
        for ending, name in (("csv", "Download decisions (CSV)"), ("jsonl", "As JSON lines")):
            with page.expect_download() as download:
                page.get_by_role("button", name=name).click()
            files[ending] = tmp_path / f"decided.{ending}"
            download.value.save_as(files[ending])
    expected = [
        (row["sku"], row["suggestion"] if number % 2 == 0 else row["prodcat_label"])
        for number, row in enumerate(table[:4])
    ]
    for file in files.values():
        # Their columns are named apart from those of the table; ids and names are what they were.
        read = prodcat.read_catalog(file, path="path", keep=["sku", "label", "decision"])
        decided = [
            (sku, " > ".join(path))
            for sku, path in zip(read.columns["sku"], read.paths, strict=True)
        ]
        assert decided == expected
        assert read.columns["decision"] == ("accept", "reject") * 2
        assert set(read.columns["label"]) == {"theirs"}
        titles = [row["title"] for row in table[:4]]
        apostrophe = "'" if file == files["csv"] else ""
        assert list(read.titles) == [
            f"{apostrophe}{title}" if title.startswith("=") else title for title in titles
        ]
    assert any(title.startswith("=") for title in titles)
    text = files["csv"].read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["row_number"] for row in rows] == [str(row["row_number"]) for row in table[:4]]
    assert [row["prodcat_label"] for row in rows] == [row["prodcat_label"] for row in table[:4]]


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("width", [1_440, 1_024, 390])
def test_the_list_fits_every_screen_and_the_printer(browser, place, width):
    with opened(browser, place, viewport={"width": width, "height": 800}) as page:
        assert sideways(page) == []
        assert not violations(page)
        if width == 390:
            return
        page.emulate_media(media="print")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.locator(".worklist tbody tr").count() > 60
        assert not page.get_by_role("button", name="Next page").is_visible()
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert page.locator(".worklist tbody tr").count() == 50
