"""Shares of categories with their intervals, gaps and prices."""

import dataclasses
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from prodcat.catalog.targets import targets_in
from prodcat.cli.command import main
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.assortment import compare_assortments
from prodcat.insight.assortment.table_columns import COLUMNS
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
    for library in ("pandas", "polars"):
        frame = found.to_frame(library=library)
        assert list(frame.columns) == list(table[0])
        assert frame["count"].to_list() == [row["count"] for row in table]
    page = found._repr_html_()
    assert "<b>Assortment</b> ours: 150 products, theirs: 200 products, " in page
    assert f"missing: ours (10 of {len(found.gaps)})" in page or len(found.gaps) <= 10
    assert len(page) < 15_000 and repr(found).startswith("Assortment(ours: 150 products")


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
    assert abs(own.count[node] - counts.max()) < 0.3 * counts.max()
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
    dear = dataclasses.replace(pool, columns={"price": tuple("from 12" for _ in pool.titles)})
    with pytest.raises(CatalogError, match="no usable price: price is, for example, 'from 12'"):
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
    return folder, [*command, "--overwrite"]


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


def test_half_of_the_columns_with_the_category_is_a_mistake(written, capsys):
    _, command = written
    assert main([*command, "--path", "path", "level 2"]) == 2
    assert "'level 2'" in capsys.readouterr().err


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
    assert "labelled.jsonl: " in (error := capsys.readouterr().err) and "'categry'" in error


def test_another_retailers_file_has_other_columns_and_no_categories(written, capsys):
    folder, command = written
    levels = ["WGR 1", "WGR 2", "WGR 3", "WGR 4"]

    def rewritten(name, title, price, paths):
        rows = []
        for line in (folder / name).read_text().splitlines():
            row = json.loads(line)
            path = dict(zip(levels, row.get("path", []) if paths else [], strict=False))
            wanted = dict.fromkeys(levels) if paths else {}
            rows.append({title: row["title"], price: row["price"], **wanted, **path})
        (folder / f"de-{name}").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(folder / f"de-{name}")

    ours = rewritten("ours.jsonl", "Bezeichnung", "VK brutto", True)
    labelled = rewritten("labelled.jsonl", "Bezeichnung", "VK brutto", True)
    theirs = rewritten("theirs.jsonl", "articulo", "PVP", False)
    third = rewritten("half.jsonl", "name", "cena", False)
    files = [f"Wir={ours}", f"Sie={theirs}", f"Dritte={third}", "--labelled", labelled]
    own = ["assortment", *files, *command[7:9], "--device", "cpu", "--title", "Bezeichnung"]
    own += ["--path", *levels, "--price", "VK brutto"]
    their = ["--their-title", "articulo", "name", "--their-price", "PVP", "cena"]
    assert main([*own, *their, "--text", "VK brutto", "--output", str(folder / "de.parquet")]) == 0
    said = capsys.readouterr().err
    assert "de-theirs.jsonl: there is no column 'WGR 1' or 'WGR 2'" in said
    assert "250 titles are unlabelled" in said
    assert "de-theirs.jsonl: there is no column 'VK brutto'; read without" in said
    table = pq.read_table(folder / "de.parquet").to_pylist()
    products = {row["retailer"]: row["products"] for row in table}
    assert products == {"Wir": 150, "Sie": 250, "Dritte": 150}
    priced = {row["retailer"]: row["price_rows"] for row in table if row["level"] == 1}
    assert all(priced[name] >= 0 for name in products) and len(priced) == 3
    assert sum(row["price_rows"] for row in table if row["level"] == 1) == 550
    for given, message in [
        (their[3:], "de-theirs.jsonl: the file has no column 'Bezeichnung'; found ['articulo',"),
        (their[:3], "in the other retailers' files with --their-price."),
    ]:
        assert main([*own, *given]) == 2
        assert message in capsys.readouterr().err
    assert main([*own[:-2], *their]) == 2
    assert "--their-price is given without --price" in capsys.readouterr().err


def test_matches_an_earlier_table_a_language_and_tables_by_the_command_line(written, capsys):
    folder, command = written
    lines = [json.loads(line) for line in (folder / "theirs.jsonl").read_text().splitlines()]
    ours = [json.loads(line) for line in (folder / "ours.jsonl").read_text().splitlines()]
    (folder / "may.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines[20:]))
    match = {"our_title": ours[0]["title"], "their_title": lines[0]["title"],
             "relation": "same product", "probability": 0.99}  # fmt: skip
    (folder / "matches.jsonl").write_text(json.dumps(match) + "\n")
    with_them = ["--matches", str(folder / "matches.jsonl")]
    with_them += ["--before", f"Rival={folder / 'may.jsonl'}", "--page-language", "de"]
    page = folder / "de.html"
    given = [*command[:11], "--output", str(page), "--tables", str(folder / "tables")]
    assert main([*given, *with_them, "--overwrite"]) == 0
    said = capsys.readouterr().err
    assert "tables behind the page" in said
    text = page.read_text()
    assert '<html lang="de">' in text and "Was zuerst zu tun ist" in text
    tables = {place.stem: pq.read_table(place) for place in (folder / "tables").iterdir()}
    assert set(tables) == set(COLUMNS)
    for name, columns in COLUMNS.items():
        assert tables[name].column_names == list(columns)
    assert tables["shared_products"].column("basis").to_pylist() == ["match"]
    kinds = tables["changes"].column("kind").to_pylist()
    earlier = {row["title"].casefold() for row in lines[20:]}
    new = {row["title"].casefold() for row in lines[:20]} - earlier
    assert kinds.count("new") == len(new) > 10 and "gone" not in kinds
    assert main([*command[:11], "--tables", str(folder / "tables")]) == 2
    assert "of --tables has tables already, such as 'brands.parquet'" in capsys.readouterr().err
    for wrong, message in [
        (["--brand", "brand"], "No file has a column 'brand'. Name the column with the brand with"),
        (["--matches", "ours=x.csv"], "--matches names the retailer 'ours'; expected one of"),
        (["--before", "a.csv", "b.csv"], "--before has two files of 'Rival'; expected one."),
    ]:
        assert main([*given, *wrong, "--overwrite"]) == 2
        assert message in capsys.readouterr().err
    assert (
        main(
            [
                *given[:3],
                f"Third={folder / 'may.jsonl'}",
                *given[3:],
                "--overwrite",
                "--before",
                "x.csv",
            ]
        )
        == 2
    )
    assert "--before 'x.csv' does not say of which retailer it is" in capsys.readouterr().err
