"""A first look at a table: its columns, the accuracy, the worst categories and the wrong titles."""

import json

import numpy as np
import pytest

import prodcat
from prodcat.demo.quick_commerce import generate

ROWS = 600


@pytest.fixture(scope="module")
def table():
    rows = generate(ROWS, "en")
    return {
        "sku": [f"{number:05}" for number in range(ROWS)],
        "product name": [row.title for row in rows],
        "category": [" / ".join(row.path) for row in rows],
        "price": [1 + number % 90 for number in range(ROWS)],
    }


@pytest.fixture(scope="module")
def look(table):
    return prodcat.first_look(table)


def test_columns_are_guessed_and_titles_measured(look):
    assert look.columns.title == "product name" and look.columns.path == "category"
    assert look.report.rows_read == look.labelled == ROWS and not look.report.problems
    assert look.columns.unused == ["sku", "price"] and "not used: 'sku', 'price'" in str(look)
    assert look.evaluation.rows == len(look.asked)
    assert look.catalog.tree.depth == 4


def test_a_mistake_is_a_row_of_the_table_with_its_own_label(look, table):
    mistakes = look.mistakes(1_000, of_a_kind=1_000)
    assert len(mistakes) == (~look.evaluation.correct).sum() > 10
    for mistake in mistakes:
        assert table["product name"][mistake.row - 1] == mistake.title
        assert table["category"][mistake.row - 1] == " / ".join(mistake.label)
        assert mistake.answer != mistake.label
        assert all(near.title != mistake.title for near in mistake.neighbours)
    confidences = [mistake.confidence for mistake in mistakes]
    assert confidences == sorted(confidences, reverse=True)


def test_at_most_two_mistakes_of_a_kind_are_shown(look):
    kinds = [(mistake.label, mistake.answer) for mistake in look.mistakes()]
    assert len(kinds) == 10 and max(map(kinds.count, kinds)) <= 2


def test_weak_categories_count_their_wrong_titles(look):
    judged = look.evaluation.judged
    for weak in look.weak_categories():
        node = look.catalog.tree.paths.index(weak.path)
        of_node = judged.targets == node
        assert (weak.titles, weak.right) == (of_node.sum(), judged.correct[of_node].sum())
        assert weak.titles >= 5 > 0 and weak.instead != weak.path


def test_sure_answers_are_those_with_a_confidence_of_90_percent(look):
    judged = look.evaluation.judged
    sure = judged.confidence >= 0.9
    assert look.sure == (sure.mean(), judged.correct[sure].mean())


def test_a_sample_of_many_titles_has_the_rows_of_the_table(table):
    look = prodcat.first_look(table, most=300)
    assert len(look.catalog) == 300 and look.labelled == ROWS
    assert "of which 300 were used" in str(look)
    for mistake in look.mistakes():
        assert table["product name"][mistake.row - 1] == mistake.title


def test_rows_without_a_title_or_a_category_are_left_out_and_counted(table):
    columns = {name: list(values) for name, values in table.items()}
    columns["category"][3] = None
    columns["product name"][7] = ""
    look = prodcat.first_look(columns)
    assert look.labelled == ROWS - 2 and look.report.wrong_rows == 2
    assert "2 wrong (kept aside)" in str(look) and "row 8" in str(look) and "row 4" in str(look)
    assert "2 wrong rows left out" in look._repr_html_()


def test_rows_keep_their_numbers_where_a_line_before_them_cannot_be_read(table, tmp_path):
    lines = ["sku,product name,category"]
    columns = [table[name] for name in ("sku", "product name", "category")]
    lines += [",".join(f'"{cell}"' for cell in row) for row in zip(*columns, strict=True)]
    lines.insert(3, "1,2,3,4,5,6,7")
    (tmp_path / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    look = prodcat.first_look(tmp_path / "table.csv")
    assert look.report.wrong_rows == 1 and "row 3" in str(look)
    for mistake in look.mistakes():
        assert f'"{mistake.title}"' in lines[mistake.row]


def test_the_table_of_mistakes_has_the_other_columns_of_the_user(look, table):
    frame = look.to_frame()
    assert list(frame.columns)[:3] == ["row_number", "sku", "price"]
    for number, sku, title in frame[["row_number", "sku", "title"]].itertuples(index=False):
        assert table["sku"][number - 1] == sku and table["product name"][number - 1] == title


def test_spellings_of_one_category_are_merged_where_asked(table):
    columns = {**table, "category": list(table["category"])}
    columns["category"][::2] = [name.upper() for name in columns["category"][::2]]
    apart = prodcat.first_look(columns)
    merged = prodcat.first_look(columns, merge="spelling")
    assert len(merged.catalog.tree.outcomes) < len(apart.catalog.tree.outcomes)


def test_the_text_names_rows_labels_and_similar_titles(look):
    text = str(look)
    first = look.mistakes()[0]
    assert f"row {first.row:,}: {first.title}" in text
    assert f"similar: {first.neighbours[0].title}" in text
    assert f"{look.evaluation.path_accuracy:.1%} of whole paths right" in text
    assert "\\n" not in text


def test_all_wrong_titles_are_saved(look, tmp_path):
    look.save(tmp_path / "mistakes.csv")
    wrong = (~look.evaluation.correct).sum()
    saved = prodcat.read_catalog(tmp_path / "mistakes.csv", path="label", keep=["answer"])
    assert len(saved) == wrong
    assert len(look.to_frame()) == wrong
    page = look.html()
    assert look.mistakes()[0].title in page and "<script>alert" not in page


def test_names_are_escaped_on_the_page_and_in_the_notebook(table):
    columns = {**table, "product name": [f"<b>{title}</b> x" for title in table["product name"]]}
    look = prodcat.first_look(columns)
    assert "<b>" not in look._repr_html_().partition("</b>")[2].replace("<b>FirstLook", "")
    assert "&lt;b&gt;" in look.html()


@pytest.mark.parametrize("rows", [0, 19])
def test_too_few_labelled_titles_are_refused(table, rows):
    few = {name: values[:rows] for name, values in table.items()}
    with pytest.raises(prodcat.CatalogError, match="expected at least 20|none that looks like"):
        prodcat.first_look(few)


def test_confidence_and_answers_come_from_n_grams_that_did_not_learn_the_title(look):
    """The classifier learned all titles; its own answers to wrong titles are mostly their labels."""
    mistakes = look.mistakes(50, of_a_kind=50)
    answers = look.classifier.predict([mistake.title for mistake in mistakes])
    learned = [answer[0].path == m.label for answer, m in zip(answers, mistakes, strict=True)]
    assert np.mean(learned) > 0.3


def test_the_cause_is_told_where_no_title_has_a_category_that_can_be_read(tmp_path):
    rows = [{"title": f"thing {n} of it", "category": [["Food", "AB"[n % 2]]]} for n in range(40)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    message = (
        r"Found 0 labelled titles; .* 40 wrong .*\n.*path cannot be read: 40 .row 1: found a list "
        r"inside a list of names, \['Food', 'A'\]"
    )
    with pytest.raises(prodcat.CatalogError, match=message):
        prodcat.first_look(str(tmp_path / "t.jsonl"))
