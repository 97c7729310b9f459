from answered import evaluate_paths


def test_mistakes_are_grouped_where_they_part():
    result = evaluate_paths(
        (("Baby", "Food"), ("Baby", "Care")),
        (("Baby", "Food"), ("Baby", "Care")),
        (("Baby", "Care"), ("Baby", "Food")),
        (("Baby", "Food"), ("Pet", "Food")),
        (("Home",), ("Home", "Light", "Led")),
        (("Pet", "Food"), ("Pet", "Food")),
    )
    baby, root, home = result.confusion_groups
    assert (baby.ancestor, baby.level, baby.rows, baby.share) == ("Baby", 1, 3, 0.6)
    assert baby.branches == (("Food", "Care", 2), ("Care", "Food", 1))
    assert (root.ancestor, root.level, root.branches) == ("(root)", 0, (("Baby", "Pet", 1),))
    assert home.branches == (("(ends here)", "Light", 1),)
    assert sum(group.rows for group in result.confusion_groups) == 5
