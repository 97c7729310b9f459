"""What is joined to one line splits to the same names, whatever the names are."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.paths import join_path, path_of, split_path
from prodcat.taxonomy.tree import Taxonomy

ODD = st.text(alphabet="ab>\\/[]()\"', ", min_size=1, max_size=8)
NAMES = (ODD | st.text(min_size=1, max_size=8)).map(str.strip).filter(bool)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)


@given(PATHS)
@example(("Shoes > 40", "a\\>b", "\\"))
@example(("['a']",))
@example(('["a"', '"b"]'))
@example(("\\", "a"))
@example((">", "\\>", "\\\\>"))
def test_joined_paths_split_to_the_same_names(path):
    assert split_path(join_path(path)) == path


@given(PATHS, st.sampled_from(["/", "|", "::", " / ", ">>"]))
def test_with_another_separator_too(path, separator):
    line = join_path(path, separator)
    assert split_path(line, separator.strip()) == path


@pytest.mark.parametrize(
    "text",
    [
        '["Food", "Milk > Oat"]',
        "['Food', 'Milk > Oat']",
        "('Food', 'Milk > Oat')",
        "['Food' 'Milk > Oat']",  # as NumPy prints it
        "['Food'\n 'Milk > Oat']",
    ],
)
def test_a_list_in_a_text_is_a_path(text):
    assert split_path(text) == ("Food", "Milk > Oat")


@pytest.mark.parametrize(
    "name", ["[New] Milk", "[Sale]", "(Baby)", "[", "[[1]]", "('70s)", "[" * 9_999 + "]"]
)
def test_brackets_that_are_no_list_are_a_name(name):
    assert split_path(name) == (name,)


@pytest.mark.parametrize("text", ['["Food", "Mi', "['Food'", '[["Food"]]', '{"a": 1}', "{}"])
def test_a_list_that_is_cut_is_refused_as_a_text_and_kept_as_a_name(text):
    with pytest.raises(TaxonomyError, match="begins like a list or an object, but is no complete"):
        split_path(text)
    assert split_path(join_path((text,))) == (text,)
    assert Taxonomy.from_paths([(text,), ("Food", text)]).names == (text, "Food", text)


def test_numbers_of_a_list_are_ids():
    assert split_path("[12, 34]") == ("12", "34")


def test_the_ids_of_a_tree_can_be_split_again():
    paths = [("Cups>Mugs", "Size > 40"), ("Cups", "Mugs"), ("['a']",)]
    tree = Taxonomy.from_paths(paths)
    assert [split_path(key) for key in tree.ids] == list(tree.paths)


@pytest.mark.parametrize("wrong", [None, 7, b"Food", {"Food": 1}, {"Food"}])
def test_what_is_no_path_is_named(wrong):
    with pytest.raises(TaxonomyError, match=r"of type .*; expected a list of names"):
        path_of(wrong)
