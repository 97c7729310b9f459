"""Labels that are likely to be mistakes: listed with their rows, and merged where asked."""

import unicodedata

import pytest

import prodcat
from prodcat import CatalogError
from prodcat.catalog.report import ACCENTS, LIKE_MISSING, MERGED, SPELLINGS, STRAY, UNSPLIT
from prodcat.catalog.spellings import accent_key, spelling_key
from prodcat.cli.command import main

MILK = ["Food > Süt"] * 30
NFD = unicodedata.normalize("NFD", "Süt")


def read(paths, **named):
    return prodcat.read_catalog(
        {"title": [f"title {row}" for row in range(len(paths))], "path": paths}, **named
    )


def found(catalog):
    return {(warning.reason, warning.rows) for warning in catalog.report.warnings}


@pytest.mark.parametrize(
    "other",
    [f"Food > {NFD}", "Food > SÜT", "food > Süt", "Food > S\u00fct\u200b", "Food\u00a0> Süt"],
)
def test_spellings_of_one_name_are_listed_and_merged_where_asked(other, caplog):
    paths = [*MILK, other, "Food > Bread"]
    catalog = read(paths)
    if other != "Food\u00a0> Süt":  # blanks at the ends are no part of a name
        assert (SPELLINGS, (30,)) in found(catalog)
        assert len(catalog.taxonomy) > 3
        text = str(catalog.report)
        assert "names that differ only in spelling: 1 (" in text and "(1 row: no. 31)" in text
        assert "no. 31" in caplog.text, "told although nobody prints the report"
        merged = read(paths, merge="spelling")
        assert found(merged) == {(MERGED, (30,))} and "merged: 1 (" in str(merged.report)
    else:
        merged = catalog
    assert merged.taxonomy.paths == (("Food",), ("Food", "Süt"), ("Food", "Bread"))
    assert merged.paths[30] == ("Food", "Süt")


def test_forms_of_unicode_are_told_apart_for_people():
    assert "'Süt' in another form of Unicode (1 row: no. 31)".replace("Süt", NFD) in str(
        read([*MILK, f"Food > {NFD}"]).report
    )


def test_accents_are_named_for_themselves_and_merged_only_where_asked():
    paths = ["Food > Käse"] * 3 + ["Food > Kase"] * 2 + ["Food > KASE"]
    catalog = read(paths)
    assert found(catalog) == {(SPELLINGS, (5,)), (ACCENTS, (3, 4, 5))}
    assert found(read(paths, merge="spelling")) == {(MERGED, (5,)), (ACCENTS, (3, 4, 5))}
    assert read(paths, merge="spelling").taxonomy.names == ("Food", "Käse", "Kase")
    assert read(paths, merge="accents").taxonomy.names == ("Food", "Käse")
    assert read(paths, merge="accents").targets.tolist() == [1] * 6


def test_the_most_frequent_spelling_is_taken_at_every_level():
    paths = ["FOOD > Milk"] + ["Food > milk"] * 2 + ["food > Milk"] * 4 + ["Food > Milk"] * 3
    catalog = read(paths, merge="spelling")
    assert catalog.taxonomy.paths == (("Food",), ("Food", "Milk"))
    assert read(["B > x", "b > x"], merge="spelling").taxonomy.names == ("B", "x"), "the first"


def test_keys():
    assert spelling_key("ﬁsch  und\tChips") == "fisch und chips"
    assert spelling_key("İÇECEK") == spelling_key("içecek")
    assert spelling_key("ŞARKI") == spelling_key("şarkı")
    assert accent_key("İÇECEK") == accent_key("icecek") != accent_key("icecekler")
    assert spelling_key("ビール") != spelling_key("ピール")


def test_names_like_missing_values_and_single_labels_at_inner_categories():
    paths = [*MILK, "Food", "Food > NaN", ["Food", "null", "x"], "Home > None"]
    catalog = read(paths)
    assert {row for reason, rows in found(catalog) if reason == LIKE_MISSING for row in rows} == {
        31,
        32,
        33,
    }
    assert (STRAY, (30,)) in found(catalog)
    text = str(catalog.report)
    assert "'Food' (1 row: no. 31), below which 32 labels are). Each becomes a category" in text
    assert "'Food > NaN' (1 row: no. 32); 'Food > null' (" in text
    assert "If that means that there is no category, leave the cells empty." in text
    assert STRAY not in {reason for reason, _ in found(read(paths, inner="partial"))}


def test_ordinary_labels_give_no_warning(catalog):
    assert not catalog.report.warnings
    ragged = ["Food"] * 5 + ["Food > Milk"] * 30 + ["Home > Milk"]
    assert not read(ragged).report.warnings
    assert str(read(ragged).report) == "36 rows read, none wrong."


def test_a_given_tree_gives_its_spelling():
    tree = prodcat.Taxonomy.from_paths(["Food > Süt", "Food > Ekmek"])
    paths = ["Food > Süt", f"food > {NFD}", "FOOD > EKMEK", "Food > Sut"]
    with pytest.raises(CatalogError, match=r"unknown category: 3 \(row 2: .*'Food'"):
        read(paths, taxonomy=tree)
    catalog = read(paths, taxonomy=tree, merge="accents")
    assert catalog.paths == [("Food", "Süt")] * 2 + [("Food", "Ekmek"), ("Food", "Süt")]
    assert catalog.report.warnings[1].detail == (
        "'FOOD > EKMEK' (1 row: no. 3) is read as 'Food > Ekmek'"
    )


def test_what_cannot_be_merged_is_refused():
    with pytest.raises(CatalogError, match="merge='case' is not supported; expected 'spelling'"):
        read(MILK, merge="case")
    with pytest.raises(CatalogError, match="merge='spelling' and path_ids= cannot be combined"):
        read(MILK, merge="spelling", path_ids="title")


def test_the_command_line_lists_and_merges(tmp_path, capsys, caplog):
    rows = [f"süt {row},Food > {name}" for row in range(20) for name in ("Süt", "Bread")]
    rows += ["a,Food > SÜT"]
    path = tmp_path / "titles.csv"
    path.write_text("\n".join(["title,path", *rows]), encoding="utf-8")
    train = ["train", str(path), "--encoder", "none", "--quiet", "--output"]
    assert main([*train, str(tmp_path / "plain")]) == 0
    said = caplog.text + capsys.readouterr().err
    assert said.count("'Food > Süt' is also written 'SÜT' (1 row: no. 41)") == 1, said
    assert main([*train, str(tmp_path / "merged"), "--merge", "spelling"]) == 0
    assert prodcat.load(str(tmp_path / "merged")).taxonomy.names == ("Food", "Süt", "Bread")
    assert len(prodcat.load(str(tmp_path / "plain")).taxonomy) == 4


@pytest.mark.parametrize("mark", ["/", " | ", ">>", " › ", "->"])
def test_paths_with_another_separator_are_told(mark):
    labels = [mark.join(path) for path in (("Food", "Milk"), ("Food", "Tea"), ("Home", "Soap"))]
    catalog = read([*labels, *labels], separator=">" if ">" not in mark else "/")
    assert (UNSPLIT, tuple(range(6))) in found(catalog)
    assert "separator= (--separator)" in str(catalog.report)
    split = read(labels, separator=mark.strip())
    assert split.taxonomy.depth == 2 and UNSPLIT not in str(split.report)


def test_names_with_a_slash_are_no_paths():
    for labels in (["Tea/Coffee", "Milk", "Soap"], ["Food/Milk"], ["1/2 price/", "/new"]):
        assert not found(read(labels * 5))


def warned(paths, **named):
    """The reasons and the rows of the warnings about these paths."""
    table = {"title": [f"title {row}" for row in range(len(paths))], "path": paths}
    report = prodcat.read_catalog(table, **named).report
    return [(warning.reason, warning.rows) for warning in report.warnings], str(report)


@pytest.mark.parametrize(
    ("paths", "rows"),
    [
        (["Food > Milk, Food > Snacks", "Food > Bread"], (0,)),
        (["Food > Bread", "Food > Milk;Home > Lamp", "Home > Lamp"], (1,)),
        (["Food > Milk|Sale > Milk", "Food > Bread"], (0,)),
        (["Food > Milk\nSale > Milk", "Food > Bread"], (0,)),
        ([["Food > Milk", "Food > Snacks"], "Food > Bread"], (0,)),
        ([["Food > Milk"], ["Food > Bread"]], (0, 1)),
        (["Clothing > Hoodies, Sale", "Clothing > Hoodies", "Sale"], (0,)),
        (["Sale, Clothing > Hoodies", "Clothing > Hoodies", "Sale"], (0,)),
        (["Clothing > Hats, Sale, New", "Clothing > Hats > Caps", "Sale", "New > A"], (0,)),
        (["Hoodies, Sale", "Hoodies", "Sale"], (0,)),
    ],
)
def test_several_paths_in_a_cell_are_told(paths, rows):
    reasons, text = warned(paths)
    assert ("categories that look like several paths", rows) in reasons
    assert "keep one path in each cell" in text


@pytest.mark.parametrize(
    "paths",
    [
        ["Food > Milk, Cream > Fresh", "Food > Bread", "Home > Lamp"],
        [("Shoes", "Size > 40"), ("Shoes", "Size > 41"), ("Size > 50",)],
        ["Food > Bread", "Home > Garden, Food"],
        ["Food > Nuts, dried", "Food > Nuts", "Food > Bread, Rolls"],
    ],
)
def test_commas_and_marks_in_names_are_no_several_paths(paths):
    assert warned(paths)[0] == []


def test_lists_without_quotes_are_told():
    reasons, text = warned(["[Food, Milk]", "[Food, Bread]"])
    assert reasons == [("categories that look like lists without quotes", (0, 1))]
    assert 'such as ["Food", "Milk"], or as Food > Milk' in text
    assert warned(["[New]", "[Sale]"])[0] == []


@pytest.mark.parametrize("paths", [["{Food,Milk}", '{Food,"Bread, white"}'], ["{Food,Milk}"] * 2])
def test_arrays_of_postgres_are_told(paths):
    reasons, text = warned(paths)
    assert reasons == [("categories that look like lists without quotes", (0, 1))]
    assert 'such as ["Food", "Milk"], or as Food > Milk' in text


def test_names_that_share_an_id_in_one_language_are_told():
    table = {"title": ["a", "b", "c"], "path": ["F > A", "F > B", "F > A"], "ids": ["1 > 11"] * 3}
    report = prodcat.read_catalog(table, path_ids="ids").report
    [warning] = report.warnings
    assert (warning.reason, warning.rows) == ("names that share an id", (1,))
    assert warning.detail == "'11' is 'A' (2 rows: no. 1, 3), 'B' (1 row: no. 2)"
    assert "language= (--language); otherwise correct the ids" in str(report)
    table["language"] = ["en", "tr", "en"]
    assert not prodcat.read_catalog(table, path_ids="ids", language="language").report.warnings
    table["language"] = ["en", "en", "tr"]
    assert prodcat.read_catalog(table, path_ids="ids", language="language").report.warnings


def test_codes_of_html_are_told():
    reasons, text = warned(["Food > Bread &amp; Rolls", "Food > Caf&eacute;", "Food > Milk & Tea"])
    assert reasons == [("names with codes of HTML", (0,)), ("names with codes of HTML", (1,))]
    assert "html.unescape" in text
    _, text = warned(["Food &gt; Milk", "Food &gt; Tea"])
    assert "'&gt;' in 'Food &gt; Milk'" in text
    assert warned(["Q&A;", "R&D > A&B; C"])[0] == []
