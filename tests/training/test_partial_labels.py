"""Labels that end above the outcomes teach every level that they name."""

import numpy as np
import pytest

import prodcat
from prodcat.cli.command import main
from prodcat.demo.quick_commerce import generate

NGRAMS = prodcat.ModelConfig(encoder=None)


def learn(catalog):
    training = prodcat.TrainingConfig(baseline=False)
    return prodcat.fit(catalog, model=NGRAMS, training=training, progress=False)


@pytest.fixture(scope="module")
def mixed(rows):
    """Titles of which three for each leaf have their whole label, and the others its first name."""
    seen, whole, records = {}, [], []
    for row in rows:
        seen[row.path] = seen.get(row.path, 0) + 1
        whole.append(seen[row.path] <= 3)
        path = list(row.path) if whole[-1] else [row.path[0]]
        records.append({"title": row.title, "path": path})
    tree = prodcat.Taxonomy.from_paths(row.path for row in rows)
    fresh = [row for row in generate(800, "tr", seed=1)
             if row.path in seen]  # fmt: skip
    to_judge = [{"title": row.title, "path": list(row.path)} for row in fresh]
    return (
        prodcat.read_catalog(records, taxonomy=tree, inner="partial"),
        np.array(whole),
        prodcat.read_catalog(to_judge, taxonomy=tree),
    )


def test_partial_labels_teach_the_levels_that_they_name(mixed):
    catalog, whole, fresh = mixed
    alone = learn(catalog.take(whole)).evaluate(fresh)
    both = learn(catalog)
    assert both.counts.sum() == len(catalog)
    evaluation = both.evaluate(fresh)
    assert evaluation.levels[0].accuracy > alone.levels[0].accuracy + 0.03
    assert evaluation.path_accuracy > alone.path_accuracy


def test_partial_labels_alone_are_worth_as_much_as_a_model_of_their_level(mixed):
    catalog, _, fresh = mixed
    top = prodcat.Taxonomy.from_paths({path[:1] for path in catalog.tree.paths})
    records = [{"title": title, "path": list(path[:1])}
               for title, path in zip(catalog.titles, catalog.paths, strict=True)]  # fmt: skip
    answers = learn(prodcat.read_catalog(records, taxonomy=top)).predict(fresh.titles)
    expected = np.mean([
        best.path[0] == path[0] for [best], path in zip(answers, fresh.paths, strict=True)
    ])  # fmt: skip
    found = learn(catalog).evaluate(fresh).levels[0].accuracy
    assert found > expected - 0.02 > 0.7


def partial_only(whole):
    """Titles of two departments; those of ``A`` have a whole label or end at ``A``."""
    rows = [{"title": f"milk {number}", "path": ["A", "X"] if number in whole else ["A"]}
            for number in range(8)]  # fmt: skip
    rows += [{"title": f"soap {number}", "path": ["B", "Z"]} for number in range(8)]
    tree = prodcat.Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("B", "Z")])
    return prodcat.read_catalog(rows, taxonomy=tree, inner="partial")


def test_categories_whose_labels_all_end_there_are_a_warning():
    with pytest.warns(UserWarning, match="All labels in 1 categories, such as 'A', are partial"):
        learn(partial_only(whole=()))
    learn(partial_only(whole=(1, 4)))  # pytest makes any warning an error


@pytest.mark.filterwarnings("default")
def test_the_command_line_prints_the_warning_as_a_message(tmp_path, capsys):
    titles = tmp_path / "titles.csv"
    lines = [f"milk {number},A" for number in range(8)]
    lines += [f"soap {number},B > Z" for number in range(8)]
    titles.write_text("\n".join(["title,path", *lines]) + "\n")
    tree = tmp_path / "tree.jsonl"
    tree.write_text("\n".join(f'{{"path": "{path}"}}' for path in ("A > X", "A > Y", "B > Z")))
    arguments = ["train", str(titles), "--taxonomy", str(tree), "--inner", "partial"]
    arguments += ["--encoder", "none", "--quiet", "--output", str(tmp_path / "model")]
    assert main(arguments) == 0
    shown = capsys.readouterr().err
    assert "prodcat train: All labels in 1 categories, such as 'A', are partial" in shown
    assert "UserWarning" not in shown and ".py" not in shown
