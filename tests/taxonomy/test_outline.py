from trees import RAGGED

from prodcat import Taxonomy


def test_a_tree_shows_itself():
    text = RAGGED.to_text()
    assert "├── A" in text and "X (terminal)" in text
    assert "… 2 more" in RAGGED.to_text(max_level=1, max_children=1)
    assert "<details><summary>A" in RAGGED._repr_html_()
    assert repr(RAGGED) == "Taxonomy(7 nodes, 5 outcomes, 3 levels, 3 at the top)"


def test_html_of_a_large_tree_stops_after_two_thousand_nodes():
    page = Taxonomy.from_paths([(f"n{number}",) for number in range(2_100)])._repr_html_()
    assert page.count("<li>n") == 2_000 and page.endswith("<li>…</li></ul></div>")
