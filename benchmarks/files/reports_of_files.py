"""Reports about reading and writing files."""

import json

from benchmarks.files.trials import Bench, Report


def _mark_before_a_quoted_header(bench: Bench) -> str:
    import prodcat

    path = bench.file("t.csv", b'\xef\xbb\xbf"title","path"\n"Milk","Food"\n')
    assert prodcat.read_catalog(path).titles == ("Milk",)
    return "reads the column `title`"


def _carriage_return_in_a_field(bench: Bench) -> str:
    import pandas as pd

    source = bench.file("t.jsonl", json.dumps({"title": "Milk", "note": "foo\rbar"}) + "\n")
    [row] = bench.scored(source, "csv")
    assert row["note"] == "foo\rbar"
    assert pd.read_csv(bench.folder / "answers.csv")["note"].tolist() == ["foo\rbar"]
    return "quotes the field; Python's csv and pandas read it back"


def _lists_with_commas_in_tabs(bench: Bench) -> str:
    path = bench.file("t.tsv", "title\tsizes\nMilk\t2.3,2.4\nBread\t4.5,4.6\n")
    assert [row["sizes"] for row in bench.scored(path)] == ["2.3,2.4", "4.5,4.6"]
    return "keeps the cells as text"


def _points_between_thousands(bench: Bench) -> str:
    path = bench.file("t.csv", "title;price\nTelevision;1.299,99\nMilk;0,99\n")
    assert [row["price"] for row in bench.scored(path)] == ["1.299,99", "0,99"]
    return "recognises `;`, and keeps the prices as they are written"


def _commas_after_a_header_with_semicolons(bench: Bench) -> str:
    import prodcat

    body = "".join(f"Milk {row},1;Food,fresh;3,3;4,1\n" for row in range(3))
    catalog = prodcat.read_catalog(bench.file("t.csv", f"title;path;a;b\n{body}"), keep=["a"])
    assert catalog.titles == ("Milk 0,1", "Milk 1,1", "Milk 2,1")
    assert catalog.columns["a"] == ("3,3",) * 3
    return "recognises `;`"


def _null_in_the_first_file(bench: Bench) -> str:
    bench.file("in/1.jsonl", '{"title": "Milk", "user": null}\n')
    bench.file("in/2.jsonl", '{"title": "Milk", "user": "for-example"}\n')
    rows = bench.scored(str(bench.folder / "in"))
    assert [row["user"] for row in rows] == [None, "for-example"]
    return "reads null and text"


def _numbers_beside_texts(bench: Bench) -> str:
    path = bench.file("t.jsonl", '{"title": "Milk", "v": -0.2253}\n{"title": "Milk", "v": "low"}\n')
    assert [row["v"] for row in bench.scored(path)] == [-0.2253, "low"]
    bench.scored(path, "csv")
    return "keeps both; in Parquet and CSV as text"


def _lists_in_cells(bench: Bench) -> str:
    import prodcat

    path = bench.file("t.csv", "title,path\nMilk,\"['Food', 'Dairy']\"\n")
    catalog = prodcat.read_catalog(path)
    assert catalog.taxonomy is not None
    assert catalog.taxonomy.path(int(catalog.targets[0])) == ("Food", "Dairy")
    return "reads the list as a path"


def _zeros_in_names_of_folders(bench: Bench) -> str:
    for code in ("01001", "01002", "2A001"):
        bench.file(f"in/code={code}/t.csv", "title\nMilk\n")
    rows = bench.scored(str(bench.folder / "in"))
    assert [row["code"] for row in rows] == ["01001", "01002", "2A001"]
    return "keeps `01001` and `2A001` as text"


def _line_break_in_a_title(bench: Bench) -> str:
    (broken,), (plain,) = bench.model.predict(["Milk\n1 l"]), bench.model.predict(["Milk 1 l"])
    assert broken == plain
    return "answers it like a blank"


def _number_of_lines(bench: Bench) -> str:
    odd = [f"Milk{mark}1" for mark in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\xa0\ufeff\r"]
    source = bench.file("t.jsonl", "".join(json.dumps({"title": t}) + "\n" for t in odd))
    for ending in ("jsonl", "csv"):
        assert [row["title"] for row in bench.scored(source, ending)] == odd
    return "gives one row for each title, also with U+0085, U+2028 and the like inside"


def _header_in_the_middle(bench: Bench) -> str:
    import prodcat

    path = bench.file("t.csv", "title,price\nMilk,1\nBread,2\ntitle,price\nSalt,3\n")
    catalog = prodcat.read_catalog(path, path=None, on_error="aside")
    assert "title" not in catalog.titles, "the second header is read as a product named 'title'"
    return "reports the second header as a wrong row"


def _odd_names_of_columns(bench: Bench) -> str:
    names = ["distance, km", "[team].{x}", 'a"b', "Сумки: д/мыши", "a\nb"]
    row = {"title": "Milk", **dict.fromkeys(names, "1")}
    source = bench.file("t.jsonl", json.dumps(row) + "\n")
    for ending in ("jsonl", "csv"):
        [answer] = bench.scored(source, ending)
        assert all(answer[name] == "1" for name in names)
    return "keeps all names of columns"


FILES = (
    Report(
        "pandas-dev/pandas#4793",
        "a byte order mark before a quoted header leaves a quote in the first name",
        _mark_before_a_quoted_header,
    ),
    Report(
        "pandas-dev/pandas#10018",
        "a carriage return is written without quotes, and read back as two rows",
        _carriage_return_in_a_field,
    ),
    Report(
        "pola-rs/polars#2313",
        "cells such as `2.3,2.4` in a file with tabs end in an error",
        _lists_with_commas_in_tabs,
    ),
    Report(
        "pola-rs/polars#18797",
        "`1.299,99` cannot be read from a file with decimal commas",
        _points_between_thousands,
    ),
    Report(
        "SheetJS/sheetjs#2239",
        "decimal commas are taken for delimiters in a file with `;`",
        _commas_after_a_header_with_semicolons,
    ),
    Report(
        "apache/arrow#40107",
        "null in one JSON Lines file and text in the next end in an error",
        _null_in_the_first_file,
    ),
    Report(
        "huggingface/datasets#6106",
        "a JSON column with numbers and texts cannot be loaded",
        _numbers_beside_texts,
    ),
    Report(
        "huggingface/datasets#4673",
        "lists that were written to CSV come back as texts",
        _lists_in_cells,
    ),
    Report(
        "pola-rs/polars#13177",
        "folders `code=01001` and `code=2A001` become an integer column",
        _zeros_in_names_of_folders,
    ),
    Report(
        "facebookresearch/fastText#1079",
        "a line break in a text is refused with a ValueError",
        _line_break_in_a_title,
    ),
    Report(
        "facebookresearch/fastText#344",
        "there are fewer answers than lines",
        _number_of_lines,
    ),
    Report(
        "scikit-learn/scikit-learn#12621",
        "two joined files with a header in the middle end in a cryptic error",
        _header_in_the_middle,
    ),
    Report(
        "lightgbm-org/LightGBM#6202",
        "names of columns with commas, brackets or other scripts are refused",
        _odd_names_of_columns,
    ),
)
