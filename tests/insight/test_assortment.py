"""Shares of categories with their intervals, gaps and prices."""

import dataclasses
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from browsing import browser_test, opened, violations

from prodcat.catalog.targets import targets_in
from prodcat.cli.command import main
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.assortment import compare_assortments
from prodcat.insight.prevalence import at_or_below


def unlabelled(catalog):
    return dataclasses.replace(catalog, taxonomy=None, targets=np.full(len(catalog), -1))


def test_known_categories_have_no_doubt(weak):
    classifier, labelled, pool = weak
    some = pool.take(np.arange(100))
    found = compare_assortments({"ours": some, "theirs": unlabelled(some)}, classifier, labelled)
    ours, theirs = found.retailers
    tree = classifier.taxonomy
    counts = at_or_below(tree, targets_in(some, tree))
    assert (ours.counts.low == counts).all() and (ours.counts.high == counts).all()
    assert ours.labelled == 100 and theirs.labelled == 0
    assert (theirs.counts.high - theirs.counts.low).max() > 1
    assert (ours.leaves[list(tree.children())]).sum() == len(np.unique(targets_in(some, tree)))


def test_gaps_are_what_others_have(weak):
    classifier, labelled, pool = weak
    tree = classifier.taxonomy
    department = np.array([own[0] for own in pool.paths])
    names, counts = np.unique(department, return_counts=True)
    lacking = names[np.argmax(counts)]
    ours = pool.take(np.flatnonzero(department != lacking)[:150])
    theirs = pool.take(np.arange(200))
    found = compare_assortments({"ours": ours, "theirs": theirs}, classifier, labelled)
    first = found.gaps[0]
    assert tree.paths[first.node] == (lacking,) and first.sure and first.retailer == "theirs"
    assert first.count == (department[:200] == lacking).sum()
    # The highest category alone is told.
    nodes = {gap.node for gap in found.gaps}
    assert not any(set(tree.ancestors(node)[:-1]) & nodes for node in nodes)
    assert lacking in str(found)
    table = found.table().to_pylist()
    own = [r for r in table if r["retailer"] == "theirs" and r["path"] == lacking]
    assert own[0]["gap"] and own[0]["share"] == pytest.approx(first.count / 200)


def test_prices_are_those_of_the_answers(weak):
    classifier, labelled, pool = weak
    some = pool.take(np.arange(300))
    prices = list(some.columns["price"])
    prices[0], prices[1], prices[2] = None, "n/a", "3.5"
    priced = dataclasses.replace(some, columns={"price": tuple(prices)})
    found = compare_assortments({"ours": priced}, classifier, labelled, price="price")
    own = found.retailers[0]
    assert own.without_price == 2
    tree = classifier.taxonomy
    for node in tree.children()[:4]:
        mine = [
            float(price)
            for path, price in zip(some.paths, prices, strict=True)
            if path[0] == tree.names[node] and price not in (None, "n/a")
        ]
        assert own.prices.rows[node] == len(mine) > 0
        assert own.prices.quarters[node, 1] == pytest.approx(np.median(mine))
        assert own.prices.bands[node].sum() == pytest.approx(1)


def test_a_department_without_labelled_titles_is_counted_by_its_probabilities(weak, caplog):
    classifier, labelled, pool = weak
    tree = classifier.taxonomy
    some = pool.take(np.arange(300))
    department = np.array([path[0] for path in some.paths])
    names, counts = np.unique(department, return_counts=True)
    commonest = names[np.argmax(counts)]
    without = labelled.take(np.array([path[0] != commonest for path in labelled.paths]))
    found = compare_assortments({"theirs": unlabelled(some)}, classifier, without)
    assert commonest in caplog.text and "fewer than 10 labelled" in caplog.text
    node = tree.find((commonest,))
    own = found.retailers[0].counts
    assert abs(own.count[node] - counts.max()) < 0.25 * counts.max()
    assert own.low[node] <= counts.max() <= own.high[node]


def test_labels_that_stop_early_are_no_gap(weak):
    classifier, labelled, pool = weak
    tree = classifier.taxonomy
    some = pool.take(np.arange(200))
    targets = tree.chains[targets_in(some, tree)][:, 1]
    early = dataclasses.replace(some, taxonomy=tree, targets=targets)
    found = compare_assortments({"ours": early, "theirs": some}, classifier, labelled)
    assert not any(tree.level[gap.node] > 2 for gap in found.gaps)
    own = found.retailers[0].counts
    deepest = int(targets_in(some, tree)[0])
    assert own.count[deepest] == 0 and own.high[deepest] >= own.open[deepest] > 0


def test_what_cannot_be_compared_is_refused(weak):
    classifier, labelled, pool = weak
    with pytest.raises(ConfigError, match="retailers is empty"):
        compare_assortments({}, classifier, labelled)
    dear = dataclasses.replace(pool, columns={"price": tuple("₺12,90" for _ in pool.titles)})
    with pytest.raises(CatalogError, match="no usable price: price is, for example, '₺12,90'"):
        compare_assortments({"a": dear}, classifier, labelled, price="price")
    with pytest.raises(CatalogError, match="has no column 'cost'"):
        compare_assortments({"a": pool}, classifier, labelled, price="cost")
    with pytest.raises(CatalogError, match="no labelled row"):
        compare_assortments({"a": pool}, classifier, unlabelled(labelled))
    with pytest.raises(ConfigError, match="has no product"):
        compare_assortments({"a": pool.take(np.zeros(0, np.int64))}, classifier, labelled)


def write(catalog, place, paths):
    rows = [
        {"title": title, "price": price, **({"path": list(path)} if paths else {})}
        for title, price, path in zip(
            catalog.titles, catalog.columns["price"], catalog.paths, strict=True
        )
    ]
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(place)


@pytest.fixture(scope="module")
def written(weak, tmp_path_factory):
    classifier, labelled, pool = weak
    folder = tmp_path_factory.mktemp("assortment")
    classifier.save(str(folder / "model"))
    files = [
        write(pool.take(np.arange(150)), folder / "ours.jsonl", True),
        write(pool.take(np.arange(150, 400)), folder / "theirs.jsonl", False),
        write(labelled, folder / "labelled.jsonl", True),
    ]
    command = ["assortment", files[0], f"Rival={files[1]}", "--labelled", files[2], "--price"]
    command += ["price", "--model", str(folder / "model"), "--device", "cpu"]
    for form in ("html", "parquet", "csv", "jsonl"):
        command += ["--output", str(folder / f"out.{form}")]
    assert main(command) == 0
    return folder, command


def test_the_command_line_writes_every_form(written, capsys):
    folder, command = written
    table = pq.read_table(folder / "out.parquet")
    assert set(table.column("retailer").to_pylist()) == {"ours", "Rival"}
    assert len((folder / "out.csv").read_text().splitlines()) == len(table) + 1
    lines = (folder / "out.jsonl").read_text().splitlines()
    assert len(lines) == len(table) and "price_50" in json.loads(lines[0])
    assert main([*command[:2], *command[1:]]) == 2
    assert "Two retailers are named 'ours'" in capsys.readouterr().err
    assert main([*command, "--output", "x.pdf"]) == 2
    assert "expected a name ending with one of .html" in capsys.readouterr().err


def test_rows_without_a_category_are_estimated_and_wrong_columns_told(written, weak, capsys):
    folder, command = written
    lines = (folder / "ours.jsonl").read_text().splitlines()
    half = [json.loads(line) for line in lines]
    for row in half[::2]:
        row["path"] = []
    (folder / "half.jsonl").write_text("".join(json.dumps(row) + "\n" for row in half))
    own = ["assortment", str(folder / "half.jsonl"), *command[2:9], "--device", "cpu"]
    assert main([*own, "--output", str(folder / "half.parquet")]) == 0
    table = pq.read_table(folder / "half.parquet").to_pylist()
    assert table[0]["products"] == len(half)
    own = [row for row in table if row["retailer"] == "half" and row["level"] == 1]
    low = sum(row["count_low"] for row in own)
    assert len(half) / 2 <= low < len(half)
    capsys.readouterr()
    assert main([*command, "--path", "categry"]) == 2
    assert "ours.jsonl: the file lacks some of the columns ['categry']" in capsys.readouterr().err


@pytest.mark.system
@browser_test
def test_the_page_filters_gaps(written, browser):
    folder, _ = written
    with opened(browser, folder / "out.html") as page:
        assert page.title() == "Assortments: ours, Rival"
        assert page.locator(".plot .main-svg").count() >= 1
        assert not violations(page)
        trees = page.locator("table[role=treegrid]")
        assert trees.count() == 2
        rows = trees.first.locator("tbody tr")
        page.locator("select").first.select_option(label="gaps against Rival")
        page.wait_for_function("document.querySelector('[role=status]').innerText != ''")
        # The gaps and all above them, and no other category.
        lacking = [
            int(text.replace(",", "")) for text in rows.locator("td:last-child").all_inner_texts()
        ]
        gaps = sum(number > 0 for number in lacking)
        assert gaps > 0 and lacking[-1] > 0
        assert page.locator("[role=status]").first.inner_text().split()[0] == str(gaps)
    with opened(browser, folder / "out.html", color_scheme="dark") as page:
        assert not violations(page)
