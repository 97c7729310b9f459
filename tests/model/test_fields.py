"""Further text columns as fields of the n-grams."""

import json
import math

import numpy as np
import pytest

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.fields import BORDER, join_fields, plain
from prodcat.catalog.text import title_hashes
from prodcat.model.fields import Field, choose_fields, columns_of, number, read_fields
from prodcat.model.ngrams import CountedNGrams, NGrams

PRICES = [f"{number}.50 €" for number in range(40)]
EDGES = [float(edge) for edge in range(15)]


def test_a_border_within_a_title_does_not_begin_a_field():
    titles = "Oat\x1fLego", "Brick"
    catalog = Catalog(titles, None, np.full(2, -1), {"brand": ("Oatly", "Le\x1fgo")})
    assert columns_of(catalog.inputs, 1) == [["Oat Lego", "Brick"], ["Oatly", "Le go"]]


def test_titles_are_recognised_by_their_plain_form():
    texts = [join_fields(["Oat milk", "Oatly", "1.39"]), join_fields(["Oat milk", "", "1.39"])]
    assert [plain(text) for text in texts] == ["Oat milk | Oatly | 1.39", "Oat milk | 1.39"]
    assert np.array_equal(title_hashes(texts), title_hashes([plain(text) for text in texts]))
    titles = ["Oat milk", "Süt | 1 L", ""]
    assert [join_fields([title]) for title in titles] == titles
    assert np.array_equal(title_hashes(join_fields([t, ""]) for t in titles), title_hashes(titles))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (PRICES, "number"),
        ([*PRICES, "", "", ""], "number"),  # empty values say nothing about the kind
        ([*PRICES, "on request"], "number"),
        ([*PRICES, *["on request"] * 4], "text"),
        (PRICES[:16], "text"),  # so few numbers are rather codes
        (["Oatly", "Lego"], "text"),
        (["", ""], "text"),
        ([], "text"),
    ],
)
def test_a_column_is_a_number_where_nearly_all_values_are_many_different_numbers(values, kind):
    assert Field.of(values).kind == kind


@pytest.mark.parametrize(
    "text",
    ["", " ", "€", "-", ".", ",", "1-2", "1 x 2", "nan", "inf", "-Infinity", "1e999", "9" * 41,
     "\x001", "6x200 ml", "kg 5 kg 5"],
)  # fmt: skip
def test_what_is_no_single_number_is_none(text):
    assert math.isnan(number(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [("-3", -3), ("1.299,50 €", 1299.5), ("1'299.50", 1299.5), ("1 299", 1299), ("500 g", 500),
     ("$ 5", 5), ("1,000,000", 1_000_000), ("5.", 5), ("٣", 3)],
)  # fmt: skip
def test_numbers_are_read_with_separators_and_units(text, value):
    assert number(text) == value


def test_equal_ranges_have_equal_features_and_others_do_not():
    texts = [join_fields(["Item", price]) for price in PRICES]
    ngrams, _ = NGrams.fit(texts, (2, 4), 1_000)
    assert [field.kind for field in ngrams.fields] == ["number"] and ngrams.version == 3
    near, same, far, none = ngrams(
        [join_fields(["Item", price]) for price in ("1.1", "€ 1,20", "38", "")]
    ).matrix
    assert (near != same).nnz == 0
    assert near.nnz == far.nnz and (near != far).nnz == 6  # of both, 3 ranges of each size
    assert near.nnz == none.nnz + 3


def test_a_word_is_another_ngram_in_each_field_and_titles_count_twice_as_much():
    texts = [join_fields(["oat", "soy"]), join_fields(["soy", "oat"])]
    ngrams, features = NGrams.fit(texts, (2, 2), 1_000)
    first, second = features.matrix
    assert first.nnz == second.nnz == len(ngrams.hashes) / 2
    assert first.multiply(second).nnz == 0
    groups = (ngrams.hashes[first.indices] >> np.uint64(56)).astype(int)
    lengths = np.sqrt(np.bincount(groups, first.data.astype(float) ** 2))
    np.testing.assert_allclose(lengths, [1, 1, 0.5, 0.5], rtol=1e-6)


def test_titles_alone_have_no_fields():
    counted = CountedNGrams.of(["Oat milk", "Soap"], (2, 4), 1_000)
    assert counted.fields == () and choose_fields([]) == ()
    assert NGrams.of_counts(counted, (2, 4))[0].version == 2


def test_columns_beyond_the_hundredth_are_read_as_part_of_it():
    text = join_fields(["Item", *map(str, range(150))])
    columns = columns_of([text], 100)
    assert columns[99] == ["98"] and columns[100] == [BORDER.join(map(str, range(99, 150)))]
    ngrams, features = NGrams.fit([text], (2, 4), 10_000)
    assert len(ngrams.fields) == 100 and len(ngrams.hashes) == features.matrix.nnz
    assert int(ngrams.hashes.max() >> np.uint64(56)) == 201


def test_fields_are_stored_and_read():
    fields = Field("text"), Field.of(PRICES)
    stored = json.loads(json.dumps([field.stored() for field in fields]))
    assert read_fields(stored, 2) == fields
    assert read_fields([{"kind": "number", "edges": EDGES}], 1) == (Field("number", tuple(EDGES)),)


@pytest.mark.parametrize(
    "stored",
    [None, {}, [], [{"kind": "text"}] * 2, ["text"], [None], [{"kind": "date"}], [{}],
     [{"kind": "text", "edges": EDGES}], [{"kind": "number"}],
     *([{"kind": "number", "edges": edges}] for edges in (
         None, "0123456789abcde", EDGES[1:], [*EDGES, 99.0], EDGES[::-1], [math.nan] * 15,
         [*EDGES[:14], math.inf], [*EDGES[:14], 10**400], [*EDGES[:14], "15"], [True] * 15)),
     [{"kind": "number", "edges": EDGES, "more": 1}]],
)  # fmt: skip
def test_fields_of_another_form_are_refused(stored):
    with pytest.raises(ValueError, match="its field"):
        read_fields(stored, 1)
