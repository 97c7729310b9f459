"""How tables of pairs that a person answered are read, and what is refused."""

import re

import pytest

from prodcat.errors import CatalogError
from prodcat.insight.decisions.pairs import RelationChoices
from prodcat.matching import RELATIONS, MatchColumns, read_pairs, read_products
from prodcat.matching.answers import ANSWER_WORDS

SAME, OTHER_SIZE, SUBSTITUTE, NONE = RELATIONS
NAMED = MatchColumns(id="sku")
OURS = read_products(
    [
        {"title": "Oat milk 1 l", "sku": "0071"},
        {"title": "Rice 500 g", "sku": "0072"},
        {"title": "Tea", "sku": ""},
        {"title": "Salt fine", "sku": "9"},
        {"title": "Salt coarse", "sku": "9"},
        {"title": "Salt coarse", "sku": "9"},
    ],
    NAMED,
)
THEIRS = read_products(
    [{"title": "OATMILK 1L", "sku": "x"}, {"title": "rice 0.5kg", "sku": "y"}], NAMED
)


def pair(our_row=1, their_row=1, our_id="0072", their_id="y", **more):
    titles = {"our_title": "Rice 500 g", "their_title": "rice 0.5kg"}
    names = {"our_row": our_row, "their_row": their_row, "our_id": our_id, "their_id": their_id}
    return {**names, **titles, "answer": SAME, **more}


def without(row, *names):
    return {name: value for name, value in row.items() if name not in names}


def read(*rows, is_reviewed=True):
    return read_pairs(list(rows), OURS, THEIRS, is_reviewed=is_reviewed)


def rows_named(pairs):
    return list(zip(pairs.pairs.ours.tolist(), pairs.pairs.theirs.tolist(), strict=True))


PROPOSED = {"relation": SUBSTITUTE, "probability": 0.4}


def test_a_proposal_of_the_matcher_is_no_answer():
    proposal = {**without(pair(), "answer"), **PROPOSED}
    with pytest.raises(CatalogError, match="expected a column 'answer', in which a person said.*"
                       "what the matcher proposes"):  # fmt: skip
        read(proposal)
    with pytest.raises(CatalogError, match="expected the label in 'answer' or 'same'.*proposes"):
        read(proposal, is_reviewed=False)
    assert read({**proposal, "same": 0}, is_reviewed=False).relations == (NONE,)
    labelled = without(proposal, "probability")
    assert read(labelled, is_reviewed=False).relations == (SUBSTITUTE,)
    with pytest.raises(CatalogError, match="The reviewed pairs have the columns .*'relation'; "):
        read(labelled)


def test_the_column_answer_is_taken_in_another_case_and_told():
    one = {**without(pair(), "answer"), **PROPOSED, " Answer": SAME}
    pairs = read(one)
    assert pairs.relations == (SAME,)
    assert pairs.remarks == ("its column ' Answer' is taken as 'answer'",)
    both = read({**one, "answer": NONE})
    assert both.relations == (NONE,)
    assert both.remarks == ("its column ' Answer' is not read, as 'answer' is there",)


@pytest.mark.parametrize(
    ("answer", "relation"),
    [("1.0", SAME), (1.0, SAME), (False, NONE), ("0,0", NONE), (" Same\u00a0 PRODUCT", SAME),
     ("Other  Size", OTHER_SIZE), ("TRUE", SAME)],
)  # fmt: skip
def test_answers_are_taken_like_the_plain_word(answer, relation):
    assert read(pair(answer=answer)).relations == (relation,)
    choices = RelationChoices(RELATIONS, ANSWER_WORDS)
    assert choices.relation_of(str(answer), "in row 1") == relation


def test_two_answers_about_one_pair_must_agree():
    message = "Rows 1 and 3 of the reviewed pairs say 'same product' and 'none' of one pair"
    with pytest.raises(CatalogError, match=message):
        read(pair(), pair(answer=""), pair(our_row=None, answer="no"))
    assert len(read(pair(), pair(answer="same"))) == 1


def test_titles_are_compared_where_ids_name_the_products():
    message = (
        "Row 2 of the reviewed pairs says that our_id '0071' of our table is 'Rice 500 g', but it "
        "is 'Oat milk 1 l'. Give the tables that the pairs were made from"
    )
    with pytest.raises(CatalogError, match=re.escape(message)):
        read(pair(), pair(our_id="0071"))
    with pytest.raises(CatalogError, match="that their_id 'x' of their table is 'rice 0.5kg', but"):
        read(pair(their_id="x"))
    assert rows_named(read(without(pair(our_id="0071"), "our_title"))) == [(0, 1)]


def test_swapped_tables_are_told():
    swapped = "if the two tables are swapped"
    row = pair()
    with pytest.raises(CatalogError, match=f"our_id '0072', which our table has not.*{swapped}"):
        read_pairs([row], THEIRS, OURS)
    by_row = without(row, "our_id", "their_id")
    with pytest.raises(CatalogError, match=f"row 1 of our table is 'Rice 500 g', but.*{swapped}"):
        read_pairs([by_row], THEIRS, OURS)
    far = pair(3, 0, our_title="Salt fine", their_title="OATMILK 1L")
    with pytest.raises(CatalogError, match=f"our_row '3'; expected a number from 0.*{swapped}"):
        read_pairs([without(far, "our_id", "their_id")], THEIRS, OURS)
    with pytest.raises(CatalogError) as raised:
        read(pair(our_id="0071"))
    assert "swapped" not in str(raised.value)


def test_products_without_an_id_of_their_own_are_found_by_row_and_title():
    tea = pair(2, our_id=None, our_title="Tea")
    fine, coarse, last = (
        pair(row, our_id="9", our_title=OURS.titles[row]) for row in (3, 4, 5)
    )  # fmt: skip
    assert rows_named(read(tea, {**fine, "our_row": 0}, coarse, last)) == [
        (2, 1), (3, 1), (4, 1), (5, 1),
    ]  # fmt: skip
    with pytest.raises(CatalogError, match="row 2 of our table is 'Rice 500 g', but it is 'Tea'"):
        read(pair(2, our_id=None))
    with pytest.raises(CatalogError, match="Row 1 of the reviewed pairs has no our_id; expected"):
        read(without(tea, "our_row"))
    with pytest.raises(CatalogError, match="has no our_id, but row 1 of our table has '0072'"):
        read(without(pair(our_id=""), "our_title"))
    with pytest.raises(CatalogError, match="Rows 5 and 6 of our table have one id, '9'"):
        read({**coarse, "our_row": 0})
    with pytest.raises(CatalogError, match="our_id '9' of our table is 'Pepper', but it is 'Salt"):
        read({**fine, "our_title": "Pepper"})


def test_leading_zeros_that_a_spreadsheet_dropped_are_restored():
    pairs = read(pair(our_id=72), pair(our_id="71", our_title="Oat milk 1 l"))
    assert rows_named(pairs) == [(1, 1), (0, 1)]
    assert pairs.remarks == (
        "2 ids without leading zeros, such as '72', taken as those with them, such as '0072', as "
        "the titles fit",
    )
    message = "our_id '72', which our table has not.* It has '0072': a spreadsheet may have taken"
    for row in (without(pair(our_id=72), "our_title"), pair(our_id=72, our_title="Tea")):
        with pytest.raises(CatalogError, match=message):
            read(row)


@pytest.mark.parametrize(
    "number", ["²", float("inf"), 1.7, -1, 6, "9" * 5_000, "1_0", "", None, True, "٣"]
)
def test_odd_numbers_of_rows_are_told(number):
    row = without(pair(our_row=number), "our_id", "their_id", "our_title")
    message = "Row 2 of the reviewed pairs names our_row .*; expected a number from 0 to 5"
    with pytest.raises(CatalogError, match=message):
        read({**row, "our_row": 0}, row)
    assert rows_named(read({**row, "our_row": "1.0"})) == [(1, 1)]


def test_a_table_without_answers_is_told():
    [remark] = read(pair(answer=None), pair(answer=" ")).remarks
    assert remark == "none of its 2 rows has an answer, so that nothing is taken from it"
    [remark] = read_pairs({name: [] for name in pair()}, OURS, THEIRS, is_reviewed=True).remarks
    assert remark == "it has no rows, so that nothing is taken from it"
