"""Numbers and words of options and variables."""

import math

import pytest

from prodcat.cli.variables import named, number_of, says_yes
from prodcat.errors import ConfigError, StoreError


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [("7", int, 7), (7, int, 7), (" 7 ", int, 7), ("1.5", float, 1.5), ("7", float, 7.0)],
)
def test_numbers_are_read_from_texts(value, kind, expected):
    number = number_of("N", value, kind, 0)
    assert number == expected and type(number) is kind


@pytest.mark.parametrize("value", ["", "x", "-1", "nan", "inf", "1e400", math.nan, -math.inf])
@pytest.mark.parametrize("kind", [int, float])
def test_what_is_no_number_is_refused_with_its_name(value, kind):
    with pytest.raises(ConfigError, match=r"^N is .*; expected a (whole )?number from 0 to 9\.$"):
        number_of("N", value, kind, 0, 9)


def test_a_limit_may_be_left_out_itself():
    assert number_of("N", "0", float, 0) == 0.0
    with pytest.raises(ConfigError, match=r"expected a number above 0\.$"):
        number_of("N", "0", float, 0, is_above=True)


def test_the_source_of_a_value_is_named_and_other_errors_stay():
    with pytest.raises(ConfigError, match=r"^TOKEN: too short$"), named("TOKEN"):
        raise ConfigError("too short")
    with pytest.raises(StoreError, match=r"^gone$"), named("TOKEN"):
        raise StoreError("gone")
    assert not says_yes("X", {}) and says_yes("X", {"X": "Yes"})
