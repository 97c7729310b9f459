"""What orders rows is ordered as what it is, or refused with the row."""

import datetime
import random
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import prodcat
from prodcat import CatalogError
from prodcat.catalog.times import order_of

UTC = datetime.UTC
THREE = datetime.timezone(datetime.timedelta(hours=3))

ORDERED = {
    "integers": [1, 2, 9, 10, 2**70],
    "integers in texts": ["-1", "2", " 9", "10", "+11", "1e3", str(2**70)],
    "numbers of several types": [0.5, 1, Decimal("1.5"), np.float32(1.75), np.int8(2), "3"],
    "large integers in texts": [str(2**53), str(2**53 + 1), str(2**53 + 2)],
    "dates": [datetime.date(2023, 12, 31), datetime.date(2024, 1, 1)],
    "dates and times": [datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1, 5)],
    "texts of dates": ["2023-12-31", "2024-01-01", "2024-01-01T00:00:01", "2024-01-01 05:00"],
    "months": ["2023-09", "2023-10", "2024-01"],
    "zones": ["2024-01-01T10:00+03:00", "2024-01-01T08:00Z", "2024-01-01T08:30:00.5+00:00"],
    "names of zones": [
        "2024-05-01 07:59:59 UTC",
        "2024-05-01T11:00:00+03:00[Europe/Istanbul]",
        datetime.datetime(2024, 5, 1, 11, 30, tzinfo=THREE),
    ],
    "pandas": [
        pd.Timestamp("2024-01-01T00:00:00.000000001"),
        pd.Timestamp("2024-01-01T00:00:00.000000002"),
    ],
    "nanoseconds in texts": ["2024-01-01T00:00:00.123456788", "2024-01-01T00:00:00.123456789"],
    "zones of pandas": [
        pd.Timestamp("2024-01-01T10:00", tz="Europe/Istanbul"),
        pd.Timestamp("2024-01-01T08:00", tz="UTC"),
    ],
    "NumPy": [
        np.datetime64("1600-01-01"),
        np.datetime64("2024", "Y"),
        np.datetime64("2024-05", "M"),
    ],
    "NumPy of far years": [np.datetime64("-5000-01-01"), np.datetime64("20000-01-01T00", "h")],
    "times of a day": [datetime.time(9), datetime.time(10)],
    "durations": [datetime.timedelta(hours=9), datetime.timedelta(days=1)],
    "durations of several types": [
        pd.Timedelta(-5),
        datetime.timedelta(0),
        pd.Timedelta(3),
        np.timedelta64(4, "ns"),
        np.timedelta64(1, "s"),
    ],
    "months and years": [np.timedelta64(3, "M"), np.timedelta64(1, "Y")],
    "times of a day with zones": [
        datetime.time(9, tzinfo=THREE),
        datetime.time(8, tzinfo=UTC),
    ],
    "versions": ["v009", "v010", "v100"],
    "weeks of ISO": ["2023-W52", "2024-W01", "2024-W02"],
    "weeks of one digit, and days": ["2023-W52", "2024-W1", "2024-01-02", "2024-W10"],
    "quarters": ["2023 Q4", "2024-Q1", "2024Q2"],
    "months with a letter": ["2023M09", "2023M10", "2024M1"],
    "weeks with a word": ["week 08", "week 09", "week 10"],
}


@pytest.mark.parametrize("values", ORDERED.values(), ids=ORDERED)
def test_values_are_ordered_as_what_they_are(values):
    for seed in range(5):
        shuffled = list(range(len(values)))
        random.Random(seed).shuffle(shuffled)
        order = order_of([values[place] for place in shuffled], "t")
        assert [shuffled[place] for place in order] == list(range(len(values)))


REFUSED = [
    ([1, None], r"row no. 2: the value is empty"),
    (["1", "  "], r"row no. 2: the value is empty"),
    ([pd.Timestamp(1), pd.NaT], "row no. 2: the value is empty"),
    ([1, np.float32("nan")], "row no. 2: the value is empty"),
    ([1, "a"], r"row no. 2: 'a' is a text, and 1 in row no. 1 is a number"),
    (["1", "2", "a"], r"row no. 3: 'a' cannot be read, as '1' is a number"),
    (["a", "1"], r"row no. 1: 'a' cannot be read, as '1' is a number"),
    (
        ["2024-01-05", "05.01.2024"],
        r"row no. 2: '05.01.2024' cannot be read, as '2024-01-05' is a d",
    ),
    (
        ["05.01.2024", "04.02.2023"],
        r"row no. 1: '05.01.2024' cannot be read as a time or a number; exp",
    ),
    (["1/5/2024", "2/4/2023"], r"row no. 1: '1/5/2024' cannot be read"),
    (["Jan 5, 2024", "Feb 1, 2023"], r"row no. 1: 'Jan 5, 2024' cannot be read"),
    (["Q1 2024", "Q2 2023"], r"row no. 1: 'Q1 2024' cannot be read"),
    (["2024-02-30", "2024-02-28"], r"row no. 1: '2024-02-30' cannot be read, as '2024-02-28' is a"),
    (["v9", "v10"], r"row no. 2: 'v10' comes before 'v9' as a text, but after it as a number"),
    (["1,5", "10,5"], r"row no. 1: '1,5' cannot be read"),
    (["1 000", "200"], r"row no. 1: '1 000' cannot be read, as '200' is a number"),
    (
        ["2024-01-01T10:00", "2024-01-01T10:00Z"],
        r"row no. 2: .* is a date with a time zone, and .*d",
    ),
    (
        [datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 1, tzinfo=UTC)],
        ".*with a time zone",
    ),
    ([datetime.date(2024, 1, 1), 20240102], r"row no. 2: 20240102 is a number, and datetime.date"),
    (["10/25", "11/25", "12/25", "01/26"], r"row no. 1: '10/25' cannot be read as a time or a nu"),
    (["Q3-25", "Q4-25", "Q1-26"], r"row no. 1: 'Q3-25' cannot be read as a time .*2024-Q2"),
    (["25-Jan", "1-Feb"], r"row no. 1: '25-Jan' cannot be read as a time"),
    (["January", "February", "April"], r"row no. 1: 'January' cannot be read as a time"),
    (["2026-Jan", "2026-Apr"], r"row no. 1: '2026-Jan' cannot be read as a time"),
    (["W52/25", "W01/26"], r"row no. 1: 'W52/25' cannot be read as a time .*2024-W18"),
    (["Mon", "Tue"], r"row no. 1: 'Mon' cannot be read as a time"),
    (["III", "IV"], r"row no. 1: 'III' cannot be read as a time"),
    (["autumn", "spring", "summer"], r"row no. 1: 'autumn' cannot be read as a time"),
    (["week 1", "month 2"], r"row no. 2: 'month 2' cannot be read as a time"),
    (["25.12", "01.01"], r"row no. 2: '01.01' cannot be read, as '25.12' is a number"),
    (["2024-Q1", "2024-H1"], r"row no. 2: '2024-H1' is a year with 'H', and '2024-Q1' in"),
    (["2021-W53"], r"row no. 1: '2021-W53' cannot be read as a time"),
    (
        [datetime.time(9), datetime.time(9, tzinfo=UTC)],
        r"row no. 2: .* is a time of a day with a time zone, and .* is a time of a day;",
    ),
    (
        [np.timedelta64(1, "D"), np.timedelta64(1, "Y")],
        r"row no. 2: .* is a duration in months or years, and .* is a duration;",
    ),
    ([[2024, 1]], r"row no. 1: \[2024, 1\] is of the type list, which has no order"),
    ([1, {"day": 1}], r"row no. 2: \{'day': 1\} is of the type dict"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED)
def test_what_is_not_clear_is_refused_with_its_row(values, message):
    with pytest.raises(CatalogError, match=f"Column 't', {message}"):
        order_of(values, "t")


@given(st.lists(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))))
def test_numbers_in_texts_are_ordered_like_the_numbers(numbers):
    values = [f"{number}" for number in numbers]
    assert [numbers[place] for place in order_of(values, "t")] == sorted(numbers)


@given(st.lists(st.datetimes()), st.booleans())
def test_dates_in_texts_are_ordered_like_the_dates(moments, has_blank):
    values = [moment.isoformat(sep=" " if has_blank else "T") for moment in moments]
    assert [moments[place] for place in order_of(values, "t")] == sorted(moments)
    assert [moments[place] for place in order_of(moments, "t")] == sorted(moments)


def test_a_split_by_time_tests_on_the_latest_rows_of_a_file(tmp_path):
    rows = [f"title{row * 7919 % 100:03d},Food,{row}" for row in range(20)]
    path = tmp_path / "titles.csv"
    path.write_text("\n".join(["title,path,week", *rows[:0:-1], rows[0]]), encoding="utf-8")
    catalog = prodcat.read_catalog(str(path), keep=["week"])
    parts = prodcat.split(catalog, by="time", column="week", near_duplicates="ignore")
    assert parts.test.columns["week"] == ("19", "18")
    assert sorted(map(int, parts.train.columns["week"])) == list(range(16))


def test_the_row_is_that_of_the_file_although_wrong_rows_were_left_out():
    table = {"title": ["", "a", "b"], "path": ["Food"] * 3, "t": [1, 2, "soon"]}
    catalog = prodcat.read_catalog(table, keep=["t"], on_error="aside")
    with pytest.raises(CatalogError, match="row no. 3: 'soon' is a text, and 2 in row no. 2 is"):
        prodcat.split(catalog, by="time", column="t")
