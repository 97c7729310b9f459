"""Labels that are wrong are found, the farthest first."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from browsing import browser_test, opened, violations

import prodcat
from prodcat.cli.command import main
from prodcat.demo.quick_commerce import generate
from prodcat.insight.audit import OutOfFold, audit, audit_labels, out_of_fold


@pytest.fixture(scope="module")
def swapped():
    """A catalog without other mistakes in which some labels were swapped."""
    rows = generate(1_200, "tr", wrong_labels=0.0)
    paths = [list(row.path) for row in rows]
    leaves = sorted({tuple(path) for path in paths})
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(rows), 48, replace=False)
    kinds = {}
    for number, row in enumerate(chosen.tolist()):
        own = tuple(paths[row])
        siblings = [leaf for leaf in leaves if leaf[:3] == own[:3] and leaf != own]
        far = [leaf for leaf in leaves if leaf[0] != own[0]]
        near = number % 2 and siblings
        kinds[row] = "sibling" if near else "department"
        pool = siblings if near else far
        paths[row] = list(pool[rng.integers(len(pool))])
    table = [{"title": row.title, "path": path} for row, path in zip(rows, paths, strict=True)]
    return prodcat.read_catalog(table), kinds, [row.path for row in rows]


def test_swapped_labels_are_found_departments_first(swapped):
    catalog, kinds, truth = swapped
    found = audit(catalog, progress=False)
    worst = found.rows[found.ranked][: len(kinds)].tolist()
    hits = [row for row in worst if row in kinds]
    assert len(hits) >= 0.7 * len(kinds)
    far = [row for row, kind in kinds.items() if kind == "department"]
    assert len(set(far) & set(worst)) >= 0.65 * len(far)
    assert np.mean([row in far for row in worst[:12]]) > 0.75
    problems = found.problems()
    right = [tuple(truth[own.row]) == own.suggestion for own in problems if own.row in kinds]
    assert np.mean(right) > 0.8
    own = problems[0]
    assert own.title == catalog.titles[own.row] and own.level == 1
    assert own.label == catalog.paths[own.row] and own.probability < 0.1 < own.suggested
    assert len(problems) == found.contradicted.sum() == found.by_level.sum() > 5
    assert np.mean([own.row in kinds for own in problems]) > 0.7
    assert len(found.problems(most=3)) == 3
    assert f"{len(found.rows):,} labels, {len(problems)} clearly contradicted" in str(found)
    assert f"{own.title!r} is" in str(found) and own.title in found.html()


def test_levels_of_labels_are_sums_of_probabilities():
    tree = prodcat.Taxonomy.from_paths([("a", "b", "c"), ("a", "b", "d"), ("a", "e"), ("f",)])
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(len(tree.outcomes)), 4)
    paths = [("a", "b", "c"), ("a", "e"), ("f",), ("a", "b")]  # the last one stops early
    targets = np.array([tree.find(path) for path in paths])
    own = out_of_fold(probabilities, targets, tree)
    levels, best = own.levels, own.best
    outcomes = [tree.paths[node] for node in tree.outcomes]
    for row, path in enumerate(paths):
        for level in range(3):
            prefix = path[: level + 1]
            wanted = sum(
                p for p, o in zip(probabilities[row], outcomes, strict=True)
                if o[: len(prefix)] == prefix
            )  # fmt: skip
            assert levels[row, level] == pytest.approx(wanted)
        place = int(probabilities[row].argmax())
        assert tree.paths[best[row]] == outcomes[place]
        assert own.sure[row] == pytest.approx(probabilities[row, place])
        top = [p for p, o in zip(probabilities[row], outcomes, strict=True)
               if o[0] == outcomes[place][0]]  # fmt: skip
        assert own.department[row] == pytest.approx(sum(top))


def test_near_duplicates_with_different_labels_are_told():
    rows = [
        ("Süt 1 L", "a > b"), ("SUT 500 ml", "a > c"), ("Ekmek", "a > b"), ("ekmek", "a"),
        ("çay", "d"), ("Çay 100 g", "d"),
    ]  # fmt: skip
    catalog = prodcat.read_catalog(
        [{"title": title, "path": path} for title, path in rows], inner="partial"
    )
    own = OutOfFold(
        np.full((6, catalog.tree.depth), 0.9), catalog.targets, np.full(6, 0.9), np.full(6, 0.9)
    )
    found = audit_labels(catalog, own)
    [conflict] = found.conflicts
    assert conflict.rows == (0, 1) and set(conflict.labels) == {("a", "b"), ("a", "c")}
    assert (found.level == 0).all() and found.problems(9) == []


def test_what_is_alone_in_its_category_is_not_judged():
    rows = [(f"süt {w} marka", "a > süt") for w in "abcdefgh"]
    rows += [(f"ekmek {w} fırın", "b > ekmek") for w in "abcdefgh"] + [("pil aa", "c > pil")]
    catalog = prodcat.read_catalog([{"title": t, "path": p} for t, p in rows])
    found = audit(catalog, folds=4, progress=False)
    assert found.judged.sum() == 16 and not found.judged[16]
    assert found.ranked[-1] == 16 and all(own.row != 16 for own in found.problems(17))
    assert "1 labels are alone" in str(found)
    same = prodcat.read_catalog([{"title": "süt 1 l", "path": p} for p in ("a > b", "a > c")] * 3)
    with pytest.raises(prodcat.CatalogError, match="near duplicates of each other"):
        audit(same, folds=2, progress=False)


@pytest.mark.system
@browser_test
def test_the_command_line_writes_what_was_found(swapped, tmp_path, browser, capsys):
    catalog, _, _ = swapped
    rows = [
        {"title": title, "path": list(path)}
        for title, path in zip(catalog.titles, catalog.paths, strict=True)
    ]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(own) + "\n" for own in rows))
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(own) + "\n" for own in rows[:9]))
    command = ["audit", str(tmp_path / "all.jsonl"), "--held-out", str(tmp_path / "test.jsonl")]
    for form in ("html", "parquet"):
        command += ["--output", str(tmp_path / f"out.{form}")]
    assert main([*command, "--folds", "3"]) == 0
    said = capsys.readouterr().out
    assert "9 of 9 held-out titles" in said and "probably" in said
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    suspicion = [row["suspicion"] for row in table]
    assert suspicion[:30] == sorted(suspicion[:30], reverse=True)
    assert table[0]["title"] == catalog.titles[table[0]["row"]]
    with opened(browser, tmp_path / "out.html") as page:
        assert catalog.titles[table[0]["row"]] in page.locator("main").inner_text()
        assert not violations(page)
    assert main([*command, "--folds", "1"]) == 2
    assert "at least 2 folds" in capsys.readouterr().err
