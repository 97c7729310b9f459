import pytest
from hypothesis import given
from strategies import taxonomies
from trees import RAGGED

from prodcat import Taxonomy, TaxonomyError


def test_one_name_under_two_parents_stays_two_nodes():
    assert RAGGED.find(("A", "X")) != RAGGED.find(("B", "X"))


@given(taxonomies())
def test_json_and_table_round_trips(tree):
    tree = tree.with_names("tr", {tree.ids[0]: "Gıda"})
    assert Taxonomy.from_json(tree.to_json()) == tree
    assert Taxonomy.from_table(reversed(tree.to_table())).hash != "" and len(tree) == len(
        Taxonomy.from_table(reversed(tree.to_table()))
    )


def test_hash_changes_with_a_name_and_with_the_terminal_mark():
    other = Taxonomy.from_paths([("A", "X", "1"), ("B", "X"), ("C",), ("A", "Y")])
    assert RAGGED.hash != other.hash
    assert other != RAGGED and RAGGED != "a tree"
    assert hash(RAGGED) == hash(Taxonomy.from_json(RAGGED.to_json()))


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        RAGGED.parent[0] = 1


def test_names_in_other_languages():
    tree = RAGGED.with_names("tr", {"A": "Gıda"})
    assert tree.path(tree.find(("A", "X")), "tr") == ("Gıda", "X")
    with pytest.raises(TaxonomyError, match="no names in the language 'fr', only in"):
        tree.path(0, "fr")
    with pytest.raises(TaxonomyError, match="no id 'nope'"):
        tree.with_names("tr", {"nope": "x"})
