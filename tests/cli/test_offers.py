"""``prodcat offers``: the table it writes, and what it tells."""

import csv
import io

import pytest

from prodcat.cli.command import main

ROWS = (
    "titre,prix,marque\n"
    'Cola 6 x 33 cl,"3,96 €",Velmora\n'
    'Velmora thon 190 g (140 g égoutté),"1,96 €",\n'
    "Lait,cher,\n"
)


@pytest.fixture
def catalog(tmp_path):
    file = tmp_path / "catalog.csv"
    file.write_text(ROWS, encoding="utf-8")
    return file


def rows_of(file):
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def test_a_table_gets_the_columns_of_offers(catalog, tmp_path, capsys):
    output = tmp_path / "offers.csv"
    facts: dict[str, object] = {}
    command = ["offers", str(catalog), "--title", "titre", "--output", str(output)]
    assert main(command, facts) == 0
    rows = rows_of(output)
    assert [row["titre"] for row in rows][2] == "Lait" and len(rows) == 3
    assert [row["offer_brand"] for row in rows] == ["Velmora", "Velmora", ""]
    assert [row["offer_price_per_l"] for row in rows] == ["2", "", ""]
    assert [row["offer_price_per_kg"] for row in rows] == ["", "14", ""]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "columns by their names: --price 'prix', --brand 'marque'" in captured.err
    assert "3 rows: 2 with a size, 1 without, 0 unknown; 2 with a brand; 2 with a" in captured.err
    assert "1 row: prix is no clear price: 'cher' (row 3)" in captured.err
    assert facts["sizes"] == {"read": 2, "none": 1}


def test_the_standard_output_gets_csv(catalog, capfdbinary):
    assert main(["offers", str(catalog), "--title", "titre", "--quiet"]) == 0
    captured = capfdbinary.readouterr()
    rows = list(csv.DictReader(io.StringIO(captured.out.decode())))
    assert [row["offer_total"] for row in rows] == ["1980", "190", ""]
    assert b"no clear price" in captured.err and b"rows:" not in captured.err


def test_brands_of_a_list_and_columns_of_the_pack(tmp_path):
    (tmp_path / "in.csv").write_text("title,size,unit\nAcme rice,500,g\nrice Other,1,kg\n")
    (tmp_path / "brands.csv").write_text("brand\nAcme\nOther\n")
    output = tmp_path / "o.csv"
    command = ["offers", str(tmp_path / "in.csv"), "--pack", "size", "unit"]
    command += ["--brands", str(tmp_path / "brands.csv"), "--output", str(output), "--quiet"]
    assert main(command) == 0
    rows = rows_of(output)
    assert [(row["offer_brand"], row["offer_total"]) for row in rows] == [
        ("Acme", "500"), ("Other", "1000"),
    ]  # fmt: skip


def test_a_decimal_mark_can_be_given(tmp_path):
    (tmp_path / "in.csv").write_text('title,price\nrice 1 kg,"1,234"\n')
    for mark, price in (("comma", "1.234"), ("point", "1234")):
        output = tmp_path / f"{mark}.csv"
        command = ["offers", str(tmp_path / "in.csv"), "--decimal", mark, "--output", str(output)]
        assert main(command) == 0
        assert [row["offer_price"] for row in rows_of(output)] == [price]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--output", "o.xls"],
            "--output o.xls has no ending of a table; expected a name ending with one of",
        ),
        (["--pack", "weight"], "no column 'weight'"),
        (["--price", "preis"], "no column 'preis'"),
        (["--brands", "{catalog}"], "no column 'brand'"),
        (["--output", "{catalog}"], "and would be replaced"),
        (["--decimal", "dot"], "--decimal: found 'dot'; expected one of comma, point"),
    ],
)
def test_mistakes_are_told_in_words_of_the_command_line(catalog, capsys, more, message):
    words = [word.format(catalog=catalog) for word in more]
    try:
        code = main(["offers", str(catalog), "--title", "titre", *words])
    except SystemExit as exit_:
        code = exit_.code
    assert code == 2
    assert message in capsys.readouterr().err


def test_the_title_of_a_table_without_that_column_is_advised(catalog, capsys):
    assert main(["offers", str(catalog)]) == 2
    assert "no column 'title'; found ['titre', 'prix', 'marque']; did you mean 'titre'?" in (
        capsys.readouterr().err
    )
