from trees import RAGGED

from prodcat import Taxonomy


def test_a_tree_shows_itself():
    text = RAGGED.to_text()
    assert "├── A" in text and "X (terminal)" in text
    assert "… 2 more" in RAGGED.to_text(max_level=1, max_children=1)
    assert "<details><summary>A" in RAGGED._repr_html_()
    assert repr(RAGGED) == "Taxonomy(7 nodes, 5 outcomes, 3 levels, 3 at the top)"


def test_html_shows_ten_children_and_the_others_on_a_click():
    page = Taxonomy.from_paths([("Food", f"n{number}") for number in range(23)])._repr_html_()
    assert "<b>Taxonomy</b> 24 nodes, 23 outcomes, 2 levels, 1 at the top" in page
    assert "<summary>… 13 more</summary>" in page and page.count("<li>n") == 23
    assert page.index("n9<") < page.index("13 more") < page.index("n10<")


def test_html_of_a_large_tree_is_small_and_has_all_departments():
    paths = [(f"d{top}", f"n{number}") for top in range(30) for number in range(100)]
    page = Taxonomy.from_paths(paths)._repr_html_()
    assert page.count("<summary>d") == 30 and page.count("<li>n") == 470
    assert "<li>…</li>" in page and len(page) < 50_000
    wide = Taxonomy.from_paths([(f"<b>{number}{'x' * 5_000}",) for number in range(2_100)])
    assert len(wide._repr_html_()) < 250_000 and "<b>1" not in wide._repr_html_()
