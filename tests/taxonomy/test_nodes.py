import pytest

from prodcat import Taxonomy, TaxonomyError


def test_a_chain_is_no_tree_of_categories():
    rows = [{"id": n, "parent": n - 1 if n else None, "name": "x"} for n in range(65)]
    assert Taxonomy.from_table(rows[:64]).depth == 64
    with pytest.raises(TaxonomyError, match="more than 64 levels.* Look at the node '64'"):
        Taxonomy.from_table(rows)
    with pytest.raises(TaxonomyError, match="row 2: 30000 levels, more than 64"):
        Taxonomy.from_paths([["a"], ["x"] * 30_000])
