"""Every public function that takes titles, tables or paths, with everything that people give.

Each of them does what is meant, or says at once what it was given and what it expects: never an
error from inside, never another reading.
"""

import collections
import dataclasses
import io
import re
from pathlib import Path

import duckdb
import hypothesis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as arrow_dataset
import pyarrow.parquet as pq
import pytest
import torch
from blank_titles import BLANK
from example_counts import example_count
from hypothesis import strategies as st

import prodcat
from prodcat.classifier.store import Store
from prodcat.insight.assortment import compare_assortments
from prodcat.insight.audit import audit, audit_labels, folds_of
from prodcat.insight.choice import choose
from prodcat.insight.drift import compare_trees, find_drift
from prodcat.insight.prevalence import gather, judged_rows
from prodcat.insight.queue import read_queue, review_queue, save_queue
from prodcat.insight.report import report_evaluation
from prodcat.scoring.jobs import stream
from prodcat.scoring.spark import map_in_pandas
from prodcat.storage.containers import described, ordered_values
from prodcat.testing import tiny_classifier

TITLES = ["fresh apples", "bread", "soap 100 g"]
TABLE = pa.table({"title": TITLES, "number": [1, 2, 3]})
ROWS = [{"title": title, "number": number} for number, title in enumerate(TITLES)]


class MapStyle(torch.utils.data.Dataset):
    def __len__(self):
        return len(TITLES)

    def __getitem__(self, place):
        return TITLES[place]


class Streamed(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(TITLES)


@dataclasses.dataclass
class Product:
    title: str


def reader():
    return pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches(max_chunksize=2))


def records():
    return np.array([(title,) for title in TITLES], dtype=[("title", "U20")])


# Made anew for each test, because a generator or a reader is used up.
TITLES_IN = {
    "list": lambda: list(TITLES),
    "tuple": lambda: tuple(TITLES),
    "generator": lambda: (title for title in TITLES),
    "iterator": lambda: iter(TITLES),
    "deque": lambda: collections.deque(TITLES),
    "keys": lambda: dict.fromkeys(TITLES).keys(),
    "array of objects": lambda: np.array(TITLES, dtype=object),
    "array of a fixed width": lambda: np.array(TITLES),
    "column of an array": lambda: np.array(TITLES)[:, None],
    "masked array": lambda: np.ma.masked_array(np.array(TITLES, object), mask=[0, 0, 0]),
    "Series": lambda: pd.Series(TITLES, index=[7, 7, 0]),
    "Series of strings": lambda: pd.Series(TITLES, dtype="string"),
    "Series of Arrow": lambda: pd.Series(TITLES, dtype=pd.ArrowDtype(pa.large_string())),
    "Index": lambda: pd.Index(TITLES),
    "Categorical": lambda: pd.Categorical(TITLES),
    "extension array": lambda: pd.array(TITLES, dtype="string"),
    "polars Series": lambda: pl.Series(TITLES),
    "polars Categorical": lambda: pl.Series(TITLES, dtype=pl.Categorical),
    "Arrow array": lambda: pa.array(TITLES),
    "Arrow views": lambda: pa.array(TITLES, pa.string_view()),
    "Arrow dictionary": lambda: pa.array(TITLES).dictionary_encode(),
    "chunked array": lambda: pa.chunked_array([TITLES[:1], TITLES[1:]]),
    "torch IterableDataset": Streamed,
}
TABLES = {
    "mapping of columns": lambda: {"title": TITLES, "number": [1, 2, 3]},
    "mapping of arrays": lambda: {"title": pa.array(TITLES), "number": np.arange(3)},
    "rows": lambda: list(ROWS),
    "generator of rows": lambda: (row for row in ROWS),
    "Arrow structs": lambda: pa.array(ROWS),
    "structured array": records,
    "DataFrame": lambda: pd.DataFrame(ROWS, index=[5, 5, 1]),
    "polars DataFrame": lambda: pl.DataFrame(ROWS),
    "LazyFrame": lambda: pl.LazyFrame(ROWS),
    "Arrow table": lambda: TABLE,
    "record batch": lambda: TABLE.to_batches()[0],
    "reader": reader,
    "dataset": lambda: arrow_dataset.dataset(TABLE),
    "scanner": lambda: arrow_dataset.dataset(TABLE).scanner(),
    "relation of DuckDB": lambda: duckdb.arrow(TABLE),
}
# What is no list of titles, and how an error names it.
OTHERS = {
    "None": (lambda: None, "None"),
    "number": (lambda: 5, "the number 5"),
    "NaN": (lambda: float("nan"), "the number nan"),
    "bytes": (lambda: b"milk", "bytes"),
    "set": (lambda: set(TITLES), "a set, which keeps no order"),
    "frozenset": (lambda: frozenset(TITLES), "a set, which keeps no order"),
    "matrix": (lambda: np.array([TITLES, TITLES]), r"a NumPy array of the shape \(2, 3\)"),
    "scalar array": (lambda: np.array("milk"), r"a NumPy array of the shape \(\)"),
    "MultiIndex": (lambda: pd.MultiIndex.from_tuples([("a", "b")]), "a pandas MultiIndex"),
    "Arrow scalar": (lambda: pa.scalar("milk"), "a pyarrow StringScalar"),
    "open file": (lambda: io.StringIO("title\nmilk\n"), "an open file"),
    "open bytes": (lambda: io.BytesIO(b"title\nmilk\n"), "an open file"),
    "torch Dataset": (MapStyle, "a torch MapStyle"),
    "function": (lambda: TITLES.copy, "a builtin_function_or_method"),
}
# The first value of these is neither a title nor a row.
STRANGE_ROWS = {
    "numbers": (lambda: [1, 2], "the number 1"),
    "list of bytes": (lambda: [b"milk"], "bytes"),
    "array of bytes": (lambda: np.array(TITLES).astype("S"), "bytes"),
    "list of lists": (lambda: [["milk"], ["bread"]], "a list"),
    "list of tuples": (lambda: [("milk", 1)], "a tuple"),
    "list of frames": (lambda: [pd.DataFrame(ROWS)], "a pandas DataFrame with the columns"),
    "tensor": (lambda: torch.zeros(2), "a torch Tensor"),
}
ONE_ROW = {"title": "milk", "number": 1}


@pytest.fixture(scope="module")
def tiny():
    return tiny_classifier()


@pytest.fixture(scope="module")
def labelled(tiny):
    paths = [tiny.taxonomy.paths[node] for node in tiny.taxonomy.outcomes.tolist()]
    rows = [{"title": f"{path[-1]} no {k}", "path": list(path)} for path in paths for k in range(9)]
    return prodcat.read_catalog(rows, taxonomy=tiny.taxonomy)


@pytest.fixture
def files(tmp_path):
    """A folder with two files of titles."""
    pd.DataFrame(ROWS[:2]).to_csv(tmp_path / "a.csv", index=False)
    pq.write_table(TABLE.slice(2), tmp_path / "b.parquet")
    return tmp_path


def refusal(call, given):
    """The message with which a call refuses something, which is one of prodcat's errors."""
    with pytest.raises(prodcat.ProdcatError) as caught:
        call(given)
    return str(caught.value)


# -- titles -------------------------------------------------------------------

ANSWERING = {
    "predict": lambda tiny, given: [answers[0] for answers in tiny.predict(given)],
    "predict three": lambda tiny, given: [answers[:3] for answers in tiny.predict(given, top_k=3)],
    "predict_proba": lambda tiny, given: tiny.predict_proba(given).tolist(),
    "node_probabilities": lambda tiny, given: tiny.node_probabilities(given).tolist(),
    "read_catalog": lambda _, given: prodcat.read_catalog(given, path=None).titles,
}


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize("container", [*TITLES_IN, *TABLES])
def test_titles_in_any_container_have_the_same_answers(tiny, name, container):
    call = ANSWERING[name]
    made = (TITLES_IN | TABLES)[container]
    assert call(tiny, made()) == call(tiny, list(TITLES))


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize("container", [*OTHERS, *STRANGE_ROWS])
def test_what_is_no_list_of_titles_is_named(tiny, name, container):
    made, shown = (OTHERS | STRANGE_ROWS)[container]
    assert re.search(
        f"{shown}.*; expected .*title", refusal(lambda x: ANSWERING[name](tiny, x), made())
    )


@pytest.mark.parametrize("name", ANSWERING)
def test_one_row_as_a_mapping_is_no_table(tiny, name):
    message = refusal(lambda given: ANSWERING[name](tiny, given), ONE_ROW)
    assert "'title' of a mapping of columns is one text, 'milk'; expected a list" in message
    assert "[{...}]" in message


@pytest.mark.parametrize("name", ANSWERING)
def test_names_of_files_are_no_titles_and_never_opened(tiny, name, files):
    names = [str(files / "a.csv"), "s3://shop/titles.parquet", "more.jsonl.gz"]
    message = refusal(lambda given: ANSWERING[name](tiny, given), names)
    assert "has only names of files" in message and "pathlib.Path" in message
    assert ANSWERING[name](tiny, [*names, "milk"])  # among titles they are titles


@pytest.mark.parametrize("name", [name for name in ANSWERING if name != "read_catalog"])
@pytest.mark.parametrize("kind", ["path", "folder", "paths", "text"])
def test_answers_to_files_are_those_of_other_functions(tiny, name, kind, files):
    path = files / "a.csv"
    given = {"path": path, "folder": files, "paths": [path, files / "b.parquet"], "text": str(path)}
    message = refusal(lambda given: ANSWERING[name](tiny, given), given[kind])
    assert ("one text; expected a list" if kind == "text" else "read_catalog(paths") in message


def test_files_are_read_by_their_paths(files):
    whole = ("fresh apples", "bread", "soap 100 g")
    for given in (files, str(files), [files / "a.csv", files / "b.parquet"]):
        assert prodcat.read_catalog(given, path=None).titles == whole


def test_a_table_without_a_column_of_titles_says_how_to_name_one(tiny):
    message = refusal(tiny.predict, pd.DataFrame({"name": TITLES}))
    assert "no column 'title'; found ['name']" in message and "read_catalog(table" in message
    assert tiny.predict(pd.DataFrame({"title": []})) == []


def test_a_table_brings_its_further_columns_and_its_groups():
    rows = [
        {"title": f"no {k}", "brand": brand, "path": path, "shop": k % 2}
        for k in range(60)
        for brand, path in (("Velmora", "Food > Milk"), ("Casalta", "Home > Soap"))
    ]
    catalog = prodcat.read_catalog(rows, text=["brand"], keep=["shop"])
    model = prodcat.ModelConfig(encoder=None)
    fitted = prodcat.fit(catalog, model=model, progress=False)
    table = [
        {"title": "no 3", "brand": "Velmora", "shop": 1},
        {"title": "no 3", "brand": "Casalta"},
    ]
    for given in (table, pd.DataFrame(table), pa.Table.from_pylist(table)):
        assert [best.path[0] for [best] in fitted.predict(given)] == ["Food", "Home"]
    # A brand that shows nothing is none.
    alone, blank = (fitted.predict_proba([{"title": "no 3", "brand": b}]) for b in (None, "\u200b"))
    assert np.array_equal(alone, blank)
    assert np.array_equal(alone, fitted.predict_proba(["no 3"]))
    promising = fitted.with_guarantee(catalog, group="shop")
    expected = promising.predict(
        prodcat.read_catalog(table[:1], path=None, text=["brand"], keep=["shop"]), guarantee=0.5
    )
    assert promising.predict(pd.DataFrame(table[:1]), guarantee=0.5) == expected
    with pytest.raises(prodcat.CatalogError, match="guarantee is by 'shop'"):
        promising.predict(["no 3"], guarantee=0.5)


def test_groups_may_be_in_any_container_too(tiny, labelled):
    catalog = dataclasses.replace(
        labelled, columns={"shop": tuple(row % 2 for row in range(len(labelled)))}
    )
    promising = tiny.with_guarantee(catalog, group="shop")
    expected = promising.predict(["milk", "soap"], guarantee=0.5, groups=["1", "0"])
    for groups in (
        (1, 0),
        np.array([1, 0]),
        pd.Series([1.0, 0]),
        pl.Series(["1", "0"]),
        iter([1, 0]),
    ):
        assert promising.predict(["milk", "soap"], guarantee=0.5, groups=groups) == expected
    for groups in ("10", {"1", "0"}, pd.DataFrame({"shop": [1, 0]}), {"shop": [1, 0]}):
        call = lambda g: promising.predict(["milk", "soap"], guarantee=0.5, groups=g)  # noqa: E731
        assert f"groups= is {described(groups)}; expected a list" in refusal(call, groups)


# -- any titles, any container, any null --------------------------------------

NULLS = (
    None, float("nan"), pd.NA, pd.NaT, np.float64("nan"), np.datetime64("NaT"), np.ma.masked,
)  # fmt: skip
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
WORDS = st.sampled_from(["fresh apples", "Süt 1 L", "ekmek", "soap", *BLANK.values()])
SOME_TITLES = st.lists(
    st.one_of(st.none(), WORDS, st.text(LETTERS, max_size=12)), min_size=1, max_size=6
)


def masked_array(titles):
    filled = np.array([title or "" for title in titles], object)
    return np.ma.masked_array(filled, mask=[title is None for title in titles])


def with_nulls(titles, null):
    return [null if title is None else title for title in titles]


def objects(titles, null):
    array = np.empty(len(titles), object)
    array[:] = with_nulls(titles, null)
    return array


# From titles, with None where one is missing, and a null to put there.
HOLDING = {
    "list": with_nulls,
    "tuple": lambda titles, null: tuple(with_nulls(titles, null)),
    "generator": lambda titles, null: iter(with_nulls(titles, null)),
    "array": objects,
    "column": lambda titles, null: objects(titles, null)[:, None],
    "masked": lambda titles, _: masked_array(titles),
    "Series": lambda titles, null: pd.Series(with_nulls(titles, null), dtype=object),
    "strings": lambda titles, _: pd.Series(titles, dtype="string"),
    "Arrow strings": lambda titles, _: pd.Series(titles, dtype=pd.ArrowDtype(pa.string())),
    "Index": lambda titles, null: pd.Index(with_nulls(titles, null), dtype=object),
    "Categorical": lambda titles, _: pd.Categorical(titles),
    "polars": lambda titles, _: pl.Series(titles, dtype=pl.String),
    "polars categories": lambda titles, _: pl.Series(titles, dtype=pl.Categorical),
    "Arrow": lambda titles, _: pa.array(titles, pa.large_string()),
    "dictionary": lambda titles, _: pa.array(titles, pa.string()).dictionary_encode(),
    "chunks": lambda titles, _: pa.chunked_array([titles[:1], titles[1:]], pa.string()),
}


def as_rows(titles, null):
    return [{"title": title} for title in with_nulls(titles, null)]


TABLES_HOLDING = {
    "mapping": lambda titles, null: {"title": with_nulls(titles, null)},
    "mapping of a masked array": lambda titles, _: {"title": masked_array(titles)},
    "rows": as_rows,
    "rows that lack the key": lambda titles, _: [
        {"title": title} if title is not None or row == 0 else {}
        for row, title in enumerate(titles)
    ],
    "DataFrame": lambda titles, null: pd.DataFrame({"title": objects(titles, null)}),
    "frame of categories": lambda titles, _: pd.DataFrame({"title": pd.Categorical(titles)}),
    "polars frame": lambda titles, _: pl.DataFrame({"title": pl.Series(titles, dtype=pl.String)}),
    "table": lambda titles, _: pa.table({"title": pa.array(titles, pa.string_view())}),
    "dataset": lambda titles, _: arrow_dataset.dataset(
        pa.table({"title": pa.array(titles, pa.string())})
    ),
    "relation": lambda titles, _: duckdb.arrow(pa.table({"title": pa.array(titles, pa.string())})),
}


@hypothesis.settings(max_examples=example_count(60))
@hypothesis.given(
    titles=SOME_TITLES,
    null=st.sampled_from(NULLS),
    container=st.sampled_from([*HOLDING, *TABLES_HOLDING]),
)
def test_equal_titles_have_equal_answers_whatever_holds_them(tiny, titles, null, container):
    def made():
        return (HOLDING | TABLES_HOLDING)[container](titles, null)

    assert tiny.predict(made()) == tiny.predict(titles)
    assert np.array_equal(tiny.predict_proba(made()), tiny.predict_proba(titles))
    read, expected = (
        prodcat.read_catalog(given, path=None, on_error="accept") for given in (made(), titles)
    )
    assert read.titles == expected.titles
    assert [problem.row for problem in read.report.problems] == [
        problem.row for problem in expected.report.problems
    ]


# -- catalogs -----------------------------------------------------------------

TAKING_CATALOGS = {
    "fit": lambda c, known, x: prodcat.fit(x),
    "fit, validation": lambda c, known, x: prodcat.fit(known, validation=x),
    "evaluate": lambda c, known, x: c.evaluate(x),
    "with_guarantee": lambda c, known, x: c.with_guarantee(x),
    "calibrate": lambda c, known, x: c.calibrate(x),
    "with_precisions": lambda c, known, x: c.with_precisions(x),
    "split": lambda c, known, x: prodcat.split(x),
    "leak_audit, train": lambda c, known, x: prodcat.leak_audit(x, known),
    "leak_audit, held out": lambda c, known, x: prodcat.leak_audit(known, x),
    "audit": lambda c, known, x: audit(x),
    "audit, held out": lambda c, known, x: audit(known, held_out=x),
    "audit_labels": lambda c, known, x: audit_labels(x, None),
    "folds_of": lambda c, known, x: folds_of(x, 2, 0),
    "find_drift, before": lambda c, known, x: find_drift(x, known, c),
    "find_drift, after": lambda c, known, x: find_drift(known, x, c),
    "find_drift, labelled": lambda c, known, x: find_drift(known, known, c, labelled=x),
    "compare_assortments": lambda c, known, x: compare_assortments({"own": x}, c, known),
    "compare_assortments, labelled": lambda c, known, x: compare_assortments({"own": known}, c, x),
    "review_queue": lambda c, known, x: review_queue(x, c, 3),
    "review_queue, known": lambda c, known, x: review_queue(
        prodcat.read_catalog(TITLES), c, 3, known=x
    ),
    "report_evaluation, known": lambda c, known, x: report_evaluation(
        c.evaluate(known), c.taxonomy, known=x
    ),
    "judged_rows": lambda c, known, x: judged_rows(c, x),
    "gather": lambda c, known, x: gather(c, x),
}
OPTIONAL = {"validation", "held out", "known", "labelled"}  # arguments that may be None


@pytest.mark.parametrize("name", TAKING_CATALOGS)
def test_what_is_no_catalog_is_named_where_one_is_expected(tiny, labelled, name):
    call = TAKING_CATALOGS[name]
    everything = (
        TITLES_IN | TABLES | {key: made for key, (made, _) in (OTHERS | STRANGE_ROWS).items()}
    )
    for container, made in {
        **everything,
        "row": lambda: ONE_ROW,
        "path": lambda: Path("a.csv"),
    }.items():
        if container == "None" and name.partition(", ")[2] in OPTIONAL - {"labelled"}:
            continue
        given = made()
        if given is None and name == "find_drift, labelled":
            continue
        message = refusal(lambda given: call(tiny, labelled, given), given)
        assert f"is {described(given)}; expected a Catalog" in message, (name, container)
        assert "read_catalog" in message


@pytest.mark.parametrize("given", [[1, 2], None, "own", pd.DataFrame(ROWS)])
def test_retailers_are_a_mapping(tiny, labelled, given):
    message = refusal(lambda given: compare_assortments(given, tiny, labelled), given)
    assert f"retailers is {described(given)}; expected a mapping" in message


def test_titles_of_a_report_are_those_of_their_order(tiny, labelled):
    evaluation = tiny.evaluate(labelled)
    expected = report_evaluation(evaluation, tiny.taxonomy, titles=labelled.titles)
    shuffled = pd.Series(labelled.titles, index=range(len(labelled))[::-1])
    for given in (shuffled, np.array(labelled.titles), pl.Series(labelled.titles)):
        assert report_evaluation(evaluation, tiny.taxonomy, titles=given) == expected
    for made, shown in (OTHERS | STRANGE_ROWS).values():
        given = made()
        if given is not None:
            call = lambda x: report_evaluation(evaluation, tiny.taxonomy, titles=x)  # noqa: E731
            assert re.search(f"{shown}.*; expected", refusal(call, given))


# -- tables with labels -------------------------------------------------------


@pytest.mark.parametrize("container", [*OTHERS, *STRANGE_ROWS])
@pytest.mark.parametrize(
    "call", [prodcat.suggest_columns, prodcat.Taxonomy.from_table, prodcat.read_catalog]
)
def test_what_is_no_table_is_named(call, container):
    made, shown = (OTHERS | STRANGE_ROWS)[container]
    assert re.search(f"{shown}.*; expected", refusal(call, made()))


NODES = {"id": ["1", "2"], "parent": [None, "1"], "name": ["Food", "Milk"]}


def test_a_tree_is_made_of_any_table():
    expected = prodcat.Taxonomy.from_table(NODES)
    table = pa.table(NODES)
    for given in (
        pd.DataFrame(NODES), pl.DataFrame(NODES), pl.LazyFrame(NODES), table, table.to_pylist(),
        iter(table.to_pylist()), table.to_batches()[0], arrow_dataset.dataset(table),
        pa.RecordBatchReader.from_batches(table.schema, table.to_batches()), duckdb.arrow(table),
    ):  # fmt: skip
        assert prodcat.Taxonomy.from_table(given) == expected


PATHS = [("Food", "Milk"), ("Food", "Bread"), ("Home", "Soap")]
LINES = [" > ".join(path) for path in PATHS]


def test_a_tree_is_made_of_paths_in_any_container():
    expected = prodcat.Taxonomy.from_paths(PATHS)
    for given in (
        LINES, tuple(LINES), iter(LINES), np.array(LINES), pd.Series(LINES, index=[3, 3, 1]),
        pd.Categorical(LINES), pl.Series(LINES), pa.array(LINES), pa.chunked_array([LINES]),
        np.array(PATHS), pa.array([list(path) for path in PATHS]), pl.Series([*map(list, PATHS)]),
    ):  # fmt: skip
        assert prodcat.Taxonomy.from_paths(given) == expected


@pytest.mark.parametrize("container", [*OTHERS, *TABLES])
def test_what_is_no_list_of_paths_is_named(container):
    made = OTHERS[container][0] if container in OTHERS else TABLES[container]
    given = made()
    if container in ("set", "frozenset", "matrix"):  # a tree does not depend on the order
        return
    message = refusal(prodcat.Taxonomy.from_paths, given)
    assert "; expected a list of paths" in message or "expected" in message


# -- titles and paths in two lists --------------------------------------------

LABELS = ["Food > Fruit", "Food > Bakery", "Home > Soap"]
TAKING_ONE = {
    "fit": lambda c, *given: prodcat.fit(*given),
    "evaluate": lambda c, *given: c.evaluate(*given),
    "calibrate": lambda c, *given: c.calibrate(*given),
    "with_guarantee": lambda c, *given: c.with_guarantee(*given),
    "with_precisions": lambda c, *given: c.with_precisions(*given),
    "split": lambda c, *given: prodcat.split(*given),
    "read_catalog": lambda c, *given: prodcat.read_catalog(*given),
    "suggest_columns": lambda c, *given: prodcat.suggest_columns(*given),
    "audit": lambda c, *given: audit(*given),
    "leak_audit": lambda c, *given: prodcat.leak_audit(*given),
}


@pytest.mark.parametrize("name", TAKING_ONE)
def test_titles_and_paths_in_two_lists_are_told_to_be_one_catalog(tiny, name):
    for container in ("list", "Series", "array of objects"):
        with pytest.raises((TypeError, prodcat.CatalogError)) as caught:
            TAKING_ONE[name](tiny, TITLES_IN[container](), LABELS)
        message = str(caught.value)
        assert "{'title': titles, 'path': paths}" in message
        if isinstance(caught.value, TypeError):
            assert f"{name}() takes " in message and "found 2 arguments by position" in message
    # What is advised works.
    assert len(prodcat.read_catalog({"title": TITLES, "path": LABELS}).labelled) == 3


def test_what_a_function_takes_by_position_can_be_given_so(labelled):
    assert prodcat.split(catalog=labelled).train.taxonomy is labelled.taxonomy
    with pytest.raises(
        TypeError, match=r"split\(\) takes catalog by position, and all else by name"
    ):
        prodcat.split(labelled, 0.2)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'catalog'"):
        prodcat.split()


def test_paths_beside_a_list_of_titles_are_not_lost():
    for path in (LABELS, tuple(LABELS), "path", pd.Series(LABELS)):
        message = refusal(lambda given: prodcat.read_catalog(TITLES, path=given), path)
        assert "source has only titles" in message and "{'title': titles, 'path': paths}" in message


# -- rows among titles --------------------------------------------------------


@pytest.mark.parametrize("name", ANSWERING)
def test_rows_among_titles_are_read_as_rows_wherever_they_stand(tiny, name):
    call = ANSWERING[name]
    mixed = [TITLES[0], {"title": TITLES[1]}, TITLES[2]]
    for place in range(3):
        given = mixed[place:] + mixed[:place]
        wanted = TITLES[place:] + TITLES[:place]
        assert call(tiny, given) == call(tiny, iter(given)) == call(tiny, wanted)


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (["bread"], "such as [row[0] for row in rows]"),
        (("bread", 1), "such as [row[0] for row in rows]"),
        (np.array(["bread"]), "such as [row[0] for row in rows]"),
        (pd.Series(["bread"]), "such as [row[0] for row in rows]"),
        (pd.DataFrame(ROWS), "Join tables first"),
        ((7, "bread"), "such as [row[1] for row in rows]"),
        (collections.namedtuple("Row", "title")("bread"), "[row._asdict() for row in rows]"),
        (pa.scalar("bread"), "[row.as_py() for row in rows]"),
        (Product("bread"), "[dataclasses.asdict(row) for row in rows]"),
        (b"bread", "Decode it"),
        (Path("a.csv"), "answered by prodcat.score"),
        (5, "Convert it with str()"),
        (True, "Convert it with str()"),
    ],
)
def test_the_advice_on_a_value_that_is_no_text_is_of_use(tiny, name, value, advice):
    message = refusal(lambda given: ANSWERING[name](tiny, given), ["milk", value])
    assert f"Row 2 of titles is {described(value)}" in message or "Row 2 is " in message
    assert advice in message and ("str()" in message) == ("str()" in advice)


def test_a_mapping_where_only_texts_are_expected_says_how_to_get_them(tiny, labelled):
    rows = [{"name": title} for title in TITLES]
    message = refusal(
        lambda given: prodcat.CategoryClassifier().fit(given, LABELS), [TITLES[0], *rows]
    )
    assert "[row['name'] for row in rows]" in message and "str()" not in message
    message = refusal(tiny.predict, [{"title": {"title": "milk"}}])
    assert "[row['title'] for row in rows]" in message


# -- the estimator ------------------------------------------------------------


@pytest.fixture(scope="module")
def estimator():
    titles = [f"{word} no {k}" for k in range(12) for word in ("apples", "bread", "soap")]
    paths = ["Food > Fruit", "Food > Bakery", "Home > Soap"] * 12
    return prodcat.CategoryClassifier().fit(titles, paths), titles, paths


@pytest.mark.parametrize("container", TITLES_IN)
def test_the_estimator_takes_titles_in_any_container(estimator, container):
    fitted, _, _ = estimator
    assert fitted.predict(TITLES_IN[container]()).tolist() == fitted.predict(TITLES).tolist()


def test_the_estimator_learns_from_any_container(estimator):
    _, titles, paths = estimator
    expected = estimator[0].predict_proba(TITLES)
    for xs, ys in (
        (pd.Series(titles, index=range(50, 86)), pd.Series(paths)),
        (pd.DataFrame({"name": titles}), pd.DataFrame({"label": paths})),
        (pl.Series(titles), pl.Series(paths, dtype=pl.Categorical)),
        (pl.DataFrame({"name": titles}), pa.array(paths)),
        (np.array(titles)[:, None], np.array(paths)[:, None]),
        (iter(titles), pd.Categorical(paths)),
        ([[title] for title in titles], [[path] for path in paths]),
    ):
        again = prodcat.CategoryClassifier().fit(xs, ys)
        assert np.array_equal(again.predict_proba(TITLES), expected)
        assert again.classes_.tolist() == estimator[0].classes_.tolist()


@pytest.mark.parametrize("container", [*OTHERS, *TABLES])
def test_the_estimator_names_what_it_cannot_read(estimator, container):
    fitted, titles, paths = estimator
    made = OTHERS[container][0] if container in OTHERS else TABLES[container]
    for call in (
        fitted.predict,
        fitted.predict_proba,
        lambda given: prodcat.CategoryClassifier().fit(given, paths),
        lambda given: prodcat.CategoryClassifier().fit(titles, given),
    ):
        assert "expected" in refusal(call, made())


# -- paths --------------------------------------------------------------------

TAKING_PATHS = {
    "load": lambda c, x: prodcat.load(x),
    "Store": lambda c, x: Store(x),
    "save": lambda c, x: c.save(x),
    "CheckpointFolder": lambda c, x: prodcat.CheckpointFolder(x),
    "fit, checkpoints": lambda c, x: prodcat.fit(prodcat.read_catalog(TITLES), checkpoints=x),
    "fit, warm_start": lambda c, x: prodcat.fit(prodcat.read_catalog(TITLES), warm_start=x),
    "Cache": lambda c, x: prodcat.Cache(x),
    "read_taxonomy": lambda c, x: prodcat.read_taxonomy(x),
    "score, model": lambda c, x: prodcat.score(x, "a.csv", "b"),
    "score, input": lambda c, x: prodcat.score(c, x, "b"),
    "score, output": lambda c, x: prodcat.score(c, "a.csv", x),
    "stream": lambda c, x: list(stream(c, x)),
    "export_onnx": lambda c, x: prodcat.export_onnx(c, x),
    "trim_encoder": lambda c, x: prodcat.trim_encoder(x, "b", languages=["en"]),
    "trim_encoder, target": lambda c, x: prodcat.trim_encoder("a", x, languages=["en"]),
    "read_queue": lambda c, x: read_queue(x),
    "save_queue": lambda c, x: save_queue([], x),
}
LISTS_OF_PATHS = {"score, input", "stream"}
NONE_IS_A_DEFAULT = {"fit, checkpoints", "fit, warm_start", "Cache"}


@pytest.mark.parametrize("name", TAKING_PATHS)
def test_what_is_no_path_is_named_where_one_is_expected(tiny, name):
    everything = TABLES | {key: made for key, (made, _) in (OTHERS | STRANGE_ROWS).items()}
    for container, made in everything.items():
        given = made()
        if given is None and name in NONE_IS_A_DEFAULT:
            continue
        message = refusal(lambda given: TAKING_PATHS[name](tiny, given), given)
        shown = described(given)
        if name in LISTS_OF_PATHS and isinstance(given, list):
            shown = f"An entry of input is {described(given[0])}"
        if name.startswith("trim_encoder"):
            shown = ""
        assert f"{shown}; expected" in message, (name, container, message)


def test_paths_may_be_objects_of_pathlib(tiny, files, tmp_path):
    tiny.save(tmp_path / "model")
    again = prodcat.load(tmp_path / "model")
    report = prodcat.score(tmp_path / "model", files / "a.csv", tmp_path / "one.csv")
    assert report.rows == 2
    both = [files / "a.csv", files / "b.parquet"]
    assert prodcat.score(again, both[:1], tmp_path / "out").rows == 2
    save_queue([], tmp_path / "queue.jsonl")
    assert read_queue(tmp_path / "queue.jsonl") == []
    catalog = prodcat.read_catalog([*ROWS], path=None)
    assert [best.path for [best] in again.predict(catalog)] == [
        best.path for [best] in tiny.predict(TITLES)
    ]


# -- names of columns, nodes and trees ----------------------------------------

FRAME = pd.DataFrame({"title": ["a"], "path": ["B"]})
STRANGE_NAMES = {
    "text=": lambda x: prodcat.read_catalog(FRAME, text=x),
    "keep=": lambda x: prodcat.read_catalog(FRAME, keep=x),
    "path=": lambda x: prodcat.read_catalog(FRAME, path=x),
    "title=": lambda x: prodcat.read_catalog(FRAME, title=x),
    "taxonomy=": lambda x: prodcat.read_catalog(FRAME, taxonomy=x),
    "suggest_columns": lambda x: prodcat.suggest_columns(FRAME, text=x),
    "column": lambda x: prodcat.read_catalog(["a"]).column(x),
    "split": lambda x: prodcat.split(prodcat.read_catalog(["a", "b"]), by="group", column=x),
    "compare_trees": lambda x: compare_trees(x, prodcat.Taxonomy.from_paths(PATHS)),
    "find": lambda x: prodcat.Taxonomy.from_paths(PATHS).find(x),
    "get": lambda x: prodcat.Taxonomy.from_paths(PATHS).get(x),
    "with_names": lambda x: prodcat.Taxonomy.from_paths(PATHS).with_names("tr", x),
    "choose": lambda x: choose(x, np.ones(1), 1),
    "from_file": lambda x: prodcat.Key.from_file(x),
    "map_in_pandas": lambda x: map_in_pandas(x),
    "model=": lambda x: prodcat.fit(prodcat.read_catalog(FRAME), model=x),
    "training=": lambda x: prodcat.fit(prodcat.read_catalog(FRAME), training=x),
    "tree": tiny_classifier,
    "answers": lambda x: tiny_classifier(answers=x),
}
STRANGE = (5, b"x", {5}, pd.DataFrame({"a": [1]}), {5: "a"}, [1], np.zeros((2, 2)), io.StringIO())


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_what_is_no_name_gets_a_sentence(name):
    for given in STRANGE:
        assert re.search(
            "expected|no column|not in the tree|no id|no node", refusal(STRANGE_NAMES[name], given)
        )


# -- the shared module --------------------------------------------------------


def test_values_of_arrays_are_those_of_python():
    times = np.array(["2026-01-02"], "datetime64[ns]")
    assert list(ordered_values(np.array([1.5, 2]))) == [1.5, 2.0]
    assert list(ordered_values(times)) == [times[0]]  # not its number of nanoseconds
    assert list(ordered_values(pa.array([None, "a"]))) == [None, "a"]
    assert list(ordered_values(np.ma.masked_array(["a", "b"], mask=[1, 0]))) == [None, "b"]


def test_a_description_names_the_first_columns_only():
    frame = pd.DataFrame({f"column {k}": [k] for k in range(30)})
    assert described(frame).endswith("'column 7', …]")
    assert described({1: 2, None: 3}) == "a mapping with the keys [1, 'None']"
    assert described("") == "an empty text" and described(np.str_("ü")) == "one text, 'ü'"
