import pytest
from trees import RAGGED

from prodcat import TaxonomyError


def test_an_unknown_path_says_how_far_it_goes_and_what_is_near():
    with pytest.raises(TaxonomyError, match=r"below 'A' there is no 'Xx', but the similar \['X'\]"):
        RAGGED.find(("A", "Xx"))
    with pytest.raises(TaxonomyError, match="at the top level there is no 'Q'"):
        RAGGED.find(("Q",))
    with pytest.raises(TaxonomyError, match="no id 'A > Xx'; similar ids are"):
        RAGGED.node("A > Xx")


def test_a_path_that_is_known_needs_no_hint():
    assert RAGGED.near(("A", "X")) == RAGGED.near(()) == ""
