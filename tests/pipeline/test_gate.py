"""The gate's verdicts."""

import pytest
from country_jobs import edit, report_of, run

from prodcat import Store


def test_who_does_not_beat_production_is_published_and_not_promoted(home, capsys):
    run(capsys, home, "tr", "--step", "train")
    store = Store(str(home / "store"))
    before = store.aliases("tr")
    edit(home, 'encoder = "none"', 'encoder = "none"\nmargin = 0.9\ntraining = {seed = 5}')
    said = run(capsys, home, "tr", "--step", "train")
    report = report_of(home, "tr")
    assert "published, NOT promoted. It does not beat production by the margin" in said
    assert not report["passed"] and report["production"] == f"tr@{before['production']}"
    assert 0 < report["accuracy"]["svm"] < 1, "ten lines of scikit-learn answer in every gate"
    assert "against TF-IDF and a linear support vector machine" in report["notes"][-1]
    assert store.aliases("tr") == before and len(store.list("tr")) == 2
    assert report["difference"]["value"] == pytest.approx(
        report["accuracy"]["candidate"] - report["accuracy"]["production"]
    )
    [text] = (home / "work/tr/gate").glob(f"{report['candidate'].split('@')[1]}.md")
    assert "published, not promoted" in text.read_text()
    edit(home, "margin = 0.9", "margin = -0.5")
    edit(home, "seed = 5", "seed = 6")
    run(capsys, home, "tr", "--step", "train")
    assert report_of(home, "tr")["passed"] and store.aliases("tr") != before
    event = store.history("tr", "production")[-1]
    assert "beats production by the margin" in event.reason
    assert store.show("tr@production").parent == f"tr@{before['production']}"


def test_who_loses_to_n_grams_is_not_promoted(home, encoder_folder, capsys):
    edit(
        home,
        'encoder = "none"',
        f'encoder = "{encoder_folder}"\nmodel = {{lexical = false}}\ntraining = {{epochs = 0}}',
    )
    run(capsys, home, "tr", "--step", "train")
    report = report_of(home, "tr")
    assert not report["passed"]
    assert "It loses to n-grams alone" in report["reasons"][1]
    assert report["accuracy"]["candidate"] < report["accuracy"]["baseline"]
    store = Store(str(home / "store"))
    assert store.aliases("tr") == {} and len(store.list("tr")) == 1
    assert "has no alias 'production'" in run(capsys, home, "tr", "--step", "score", code=2)


def test_versions_of_different_trees_are_compared_by_their_answers(home, capsys):
    labelled = home / "data/tr/labelled.csv"
    lines = labelled.read_text().splitlines(keepends=True)
    labelled.write_text("".join(lines[:80]))
    frozen = home / "data/tr/frozen.csv"
    whole = frozen.read_text().splitlines(keepends=True)
    known = {tuple(line.rstrip().rsplit(",", 4)[1:]) for line in lines[:80]}
    some = [line for line in whole[1:] if tuple(line.rstrip().rsplit(",", 4)[1:]) in known]
    frozen.write_text("".join([whole[0], *some]))
    run(capsys, home, "tr", "--step", "train")
    labelled.write_text("".join(lines))
    frozen.write_text("".join(whole))
    run(capsys, home, "tr", "--step", "train")
    report = report_of(home, "tr")
    assert report["difference"] is None and "The trees differ" in report["notes"][0]
    assert report["accuracy"]["production"] < report["accuracy"]["candidate"] and report["passed"]
