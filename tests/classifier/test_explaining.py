"""Reasons for answers: exact sums, deletions that change the answer, and how they are shown."""

import json
import logging
import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from divided import divided_classifier
from training_runs import SETTINGS

import prodcat
from prodcat import AnswerOptions, CatalogError, ConfigError, ModelConfig, TaxonomyError
from prodcat.classifier.explanation.explanations import Explanations
from prodcat.classifier.explanation.reasons import LevelReasons, WordReason
from prodcat.model.neighbours import LabelledTitles
from prodcat.testing import tiny_classifier

EXACT = 1e-5


@pytest.fixture(scope="module")
def titles(rows):
    return [row.title for row in rows[300:312]]


@pytest.fixture(scope="module")
def held(small, rows):
    """Labelled titles that the small classifier has not learned."""
    table = [{"title": row.title, "path": list(row.path)} for row in rows[150:400]]
    return prodcat.read_catalog(table, taxonomy=small.taxonomy, on_error="aside")


def path_probabilities(classifier, titles, explanations, **options):
    """For each title and level the probability of its node, by the public probabilities."""
    named = {path: node for node, path in enumerate(classifier.taxonomy.paths)}
    nodes = classifier.node_probabilities(titles).astype(np.float64)
    outcomes = classifier.predict_proba(titles).astype(np.float64)
    ends = {path: place for place, path in enumerate(classifier.outcomes)}

    def probability(row, path, is_end):
        return outcomes[row, ends[path]] if is_end else nodes[row, named[path]]

    for row, explanation in enumerate(explanations):
        for level in explanation.levels:
            yield (
                level,
                probability(row, level.path, level.ends),
                (
                    None
                    if level.runner_up is None
                    else probability(row, level.runner_up, level.runner_up_ends)
                ),
            )


def assert_exact(classifier, titles, explanations):
    """The parts add up to the margins, which are those of the classifier's probabilities."""
    checked = 0
    for level, chosen, other in path_probabilities(classifier, titles, explanations):
        assert level.confidence == pytest.approx(chosen, abs=EXACT)
        if other is None:
            assert level.margin == level.start == 0 and not level.ngrams
            assert all(word.weight == 0 for word in level.words)
            continue
        assert level.margin == pytest.approx(math.log(chosen / other), abs=EXACT)
        words = level.start + sum(word.weight for word in level.words)
        parts = level.start + sum(ngram.weight for ngram in level.ngrams)
        parts += sum(word.encoder for word in level.words)
        assert words == pytest.approx(level.margin, abs=1e-9)
        assert parts == pytest.approx(level.margin, abs=1e-9)
        assert sum(level.columns.values()) + level.start == pytest.approx(level.margin, abs=1e-9)
        checked += 1
    assert checked


def assert_deletions_change_answers(classifier, explanations, **options):
    """Each deletion changes the answer of ``predict``; where all were tried, none is smaller."""
    changed = 0
    for explanation in explanations:
        [[before]] = classifier.predict([explanation.title], **options)
        assert explanation.prediction.path == before.path
        assert explanation.prediction.confidence == pytest.approx(before.confidence, abs=1e-5)
        if explanation.deletion is None:
            continue
        [[after]] = classifier.predict([explanation.deletion.title], **options)
        assert after.path == explanation.deletion.prediction.path != before.path
        assert after.confidence == pytest.approx(
            explanation.deletion.prediction.confidence, abs=1e-5
        )
        removed = list(explanation.deletion.words)
        left = explanation.deletion.title.split()
        assert sorted([*removed, *left]) == sorted(explanation.title.split())
        changed += 1
    assert changed


def test_the_parts_of_ngrams_alone_add_up_to_each_margin(small, titles):
    explanations = small.explain(titles)
    assert small.training.calibration == "steps" and small.weights.steps is not None
    assert_exact(small, titles, explanations)
    assert_deletions_change_answers(small, explanations)
    assert not any(each.encoder for each in explanations)
    assert all(word.encoder == 0 for each in explanations for level in each.levels
               for word in level.words)  # fmt: skip


@pytest.mark.parametrize("method", ["temperature", "levels", "adaptive", "steps"])
def test_the_parts_add_up_with_every_calibration(small, held, titles, method):
    calibrated = small.calibrate(held, method)
    assert_exact(calibrated, titles, calibrated.explain(titles))


def test_the_parts_add_up_without_calibration(small, titles):
    plain = small.uncalibrated()
    assert_exact(plain, titles, plain.explain(titles))


@pytest.mark.parametrize("method", ["steps", "adaptive"])
def test_the_encoder_has_its_part_by_word(classifier, parts, titles, method):
    if method == "adaptive":
        classifier = classifier.calibrate(parts.validation, method)
    explanations = classifier.explain(titles, cascade="off")
    assert all(each.encoder for each in explanations)
    assert_exact(classifier, titles, explanations)
    assert_deletions_change_answers(classifier, explanations, cascade="off")
    by_encoder = [word.encoder for each in explanations for level in each.levels
                  for word in level.words]  # fmt: skip
    assert np.count_nonzero(by_encoder) > len(by_encoder) / 2


@pytest.mark.parametrize("structure", ["flat", "per_level"])
def test_an_encoder_without_ngrams_has_every_part(parts, encoder_folder, titles, structure):
    model = ModelConfig(encoder=str(encoder_folder), lexical=False, structure=structure)
    fitted = prodcat.fit(
        parts.validation,
        model=model,
        training=prodcat.TrainingConfig(**{**SETTINGS, "epochs": 0}, baseline=False),
        device="cpu",
        progress=False,
    )
    explanations = fitted.explain(titles[:4])
    assert_exact(fitted, titles[:4], explanations)
    assert all(not level.ngrams for each in explanations for level in each.levels)


def test_titles_of_which_ngrams_are_sure_are_explained_by_them_alone(classifier, parts):
    titles = list(parts.test.titles[:20])
    explanations = classifier.explain(titles, cascade=0.5)
    read = [each.encoder for each in explanations]
    assert 0 < sum(read) < len(read)
    assert_deletions_change_answers(classifier, explanations, cascade=0.5)
    whole = classifier.explain(titles, cascade="off")
    for each, other in zip(explanations, whole, strict=True):
        if each.encoder:
            assert each.levels == other.levels
        else:
            assert each.levels[0].margin != other.levels[0].margin
            for level in each.levels:
                assert all(word.encoder == 0 for word in level.words)
                summed = level.start + sum(ngram.weight for ngram in level.ngrams)
                assert level.runner_up is None or summed == pytest.approx(level.margin, abs=1e-9)


@pytest.fixture(scope="module")
def with_brands(rows):
    """A classifier with two further columns, one of them a number."""
    table = [
        {"title": row.title, "brand": row.brand, "price": f"{len(row.title)}.{place % 90 + 10} €",
         "path": list(row.path)}
        for place, row in enumerate(rows[:300])
    ]  # fmt: skip
    catalog = prodcat.read_catalog(table, text=["brand", "price"])
    fitted = prodcat.fit(
        catalog,
        model=ModelConfig(encoder=None),
        training=prodcat.TrainingConfig(baseline=False),
        progress=False,
        device="cpu",
    )
    assert [field.kind for field in fitted.ngrams.fields] == ["text", "number"]
    return fitted, catalog.take(np.arange(8))


def test_further_columns_have_their_parts(with_brands):
    fitted, catalog = with_brands
    explanations = fitted.explain(catalog)
    assert_exact(fitted, catalog, explanations)
    first = explanations[0]
    assert first.texts == {"brand": catalog.texts["brand"][0], "price": catalog.texts["price"][0]}
    level = first.levels[0]
    assert list(level.columns) == ["title", "brand", "price"]
    assert {ngram.column for ngram in level.ngrams if ngram.kind == "number"} == {"price"}
    assert "| brand:" in str(first) and "| price:" in str(first)
    for each in explanations:
        if each.deletion is not None:
            table = {"title": [each.deletion.title],
                     **{name: [text] for name, text in each.deletion.texts.items()}}  # fmt: skip
            [[after]] = fitted.predict(table)
            assert after.path == each.deletion.prediction.path != each.prediction.path


def test_rows_without_their_columns_are_explained_by_the_ngrams_of_titles(with_brands, caplog):
    fitted, catalog = with_brands
    titles = list(catalog.titles)
    explanations = fitted.explain(titles)
    assert_exact(fitted, titles, explanations)
    assert list(explanations[0].levels[0].columns) == ["title"]
    mixed = fitted.explain(pd.DataFrame({"title": titles, "brand": ["", *["Nordika"] * 7]}))
    assert mixed[0].levels == explanations[0].levels
    assert "brand" in mixed[1].levels[0].columns and "price" not in mixed[1].levels[0].columns


def test_an_answer_that_ends_above_its_children_says_why():
    tree = ["Food", "Food > Milk", "Food > Bread", "Home > Soap"]
    classifier = tiny_classifier(tree, answers={"assorted groceries": "Food"})
    titles = ["assorted groceries", "Home Soap 100 g"]
    food, soap = classifier.explain(titles)
    assert_exact(classifier, titles, [food, soap])
    assert [(level.level, level.path, level.ends) for level in food.levels] == [
        (1, ("Food",), False), (2, ("Food",), True),
    ]  # fmt: skip
    assert food.levels[1].runner_up in [("Food", "Milk"), ("Food", "Bread")]
    assert "Food itself" in str(food)
    only = soap.levels[1]
    assert only.runner_up is None and only.runner_up_confidence == 0
    assert "the only choice" in str(soap) and "the only choice" in soap._repr_html_()


def test_a_title_without_a_certain_category_is_explained_by_the_most_likely_one(small, held):
    promised = small.with_guarantee(held)
    answers = promised.predict(held, max_error=0.1)
    row = next(row for row, [best] in enumerate(answers) if not best.path)
    title = held.titles[row]
    [made] = promised.explain([title], max_error=0.1)
    assert made.prediction.path == ()
    assert made.path == promised.predict([title])[0][0].path and made.levels
    assert "(no category; most likely" in str(made)
    if made.deletion is not None:
        assert promised.predict([made.deletion.title], max_error=0.1)[0][0].path != ()


def test_the_answers_are_those_of_the_options():
    classifier = tiny_classifier()
    [coarse] = classifier.explain(["Fresh Apples or Bananas 100 g"], guarantee=0.97)
    [[wanted]] = classifier.predict(["Fresh Apples or Bananas 100 g"], guarantee=0.97)
    assert coarse.prediction == wanted
    assert [level.path for level in coarse.levels] == [
        wanted.path[:length] for length in range(1, len(wanted.path) + 1)
    ]
    [turkish] = classifier.explain(["Green Apples"], options=AnswerOptions(language="tr"))
    assert turkish.levels[0].path == ("Gıda",)
    [expected] = classifier.explain(["Fresh Apples 1 g"], objective="tree_distance")
    assert (
        expected.prediction
        == classifier.predict(["Fresh Apples 1 g"], objective="tree_distance")[0][0]
    )


def test_groups_decide_about_the_answer_and_its_deletions():
    classifier = tiny_classifier()
    rows = [{"title": f"Fresh {path[-1]} {n}00 g", "path": list(path), "shop": "ab"[n % 2]}
            for path in classifier.outcomes for n in range(20)]  # fmt: skip
    catalog = prodcat.read_catalog(rows, taxonomy=classifier.taxonomy, keep=["shop"])
    grouped = classifier.with_guarantee(catalog, group="shop")
    titles = ["Fresh Apples Bread", "Daily Milk Soap"]
    explanations = grouped.explain(titles, guarantee=0.9, groups=["a", "b"])
    answers = grouped.predict(titles, guarantee=0.9, groups=["a", "b"])
    assert [each.prediction for each in explanations] == [best for [best] in answers]
    with pytest.raises(CatalogError, match="groups"):
        grouped.explain(titles, guarantee=0.9)


def test_a_migrated_classifier_explains_answers_of_its_new_tree():
    classifier = tiny_classifier()
    old = classifier.taxonomy
    rows = [row for row in old.to_table() if row["name"] not in ("Juice",)]
    new = prodcat.Taxonomy.from_table(
        [{**row, "name": "Drinking water" if row["name"] == "Water" else row["name"]}
         for row in rows]
    )  # fmt: skip
    migrated, _ = classifier.migrate(old.diff(new))
    titles = ["Fresh Apples 100 g", "Nordika Water 200 g", "Green soap"]
    explanations = migrated.explain(titles)
    assert_exact(migrated, titles, explanations)
    assert explanations[1].path == ("Drinks", "Drinking water")


@pytest.mark.parametrize("blank", ["", "  ", "\u200b", None])
def test_an_empty_title_has_no_reasons(small, blank, caplog):
    [first, second] = small.explain([blank, "yarım yağlı süt"])
    assert first.prediction.path == first.path == () and first.levels == ()
    assert first.deletion is None and second.levels
    assert str(first).startswith("(empty title)") and "(empty title)" in first._repr_html_()
    assert small.explain([]) == [] and small.explain([]).to_frame().empty
    json.dumps(first.to_json())


@pytest.mark.parametrize(
    "title",
    ["x", "süt " * 400, "<a href='x y'>süt</a> & 1 l", "süt\ud800 1 l", "100 %", "a\x1fb süt",
     "süt \u200b ekmek", "!!! ???"],
)  # fmt: skip
def test_any_title_is_explained(small, title):
    [each] = small.explain([title])
    [[answer]] = small.predict([title])
    assert each.prediction == answer
    for level in each.levels:
        if level.runner_up is not None:
            assert level.start + sum(word.weight for word in level.words) == pytest.approx(
                level.margin, abs=1e-9
            )
    if each.deletion is not None:
        [[after]] = small.predict([each.deletion.title])
        assert after.path != answer.path
    assert str(each).isprintable() or "\n" in str(each)
    json.dumps(each.to_json()).encode()


def test_titles_come_in_any_container(small, titles, catalog):
    wanted = [str(each) for each in small.explain(titles)]
    for given in (
        iter(titles), np.array(titles), pd.Series(titles), pl.Series(titles),
        pd.DataFrame({"title": titles}), [{"title": title} for title in titles],
        catalog.take(np.arange(300, 312)),
    ):  # fmt: skip
        assert [str(each) for each in small.explain(given)] == wanted


def test_similar_titles_are_those_of_the_catalog(small, parts, titles):
    index = LabelledTitles(parts.train)
    first = small.explain(titles[:2], neighbours=parts.train, count=2)
    assert first == small.explain(titles[:2], neighbours=index, count=2)
    assert [len(each.neighbours) for each in first] == [2, 2]
    near = first[0].neighbours[0]
    row = parts.train.titles.index(near.title)
    assert near.path == parts.train.paths[row] and 0 < near.likeness <= 1.001
    assert f"Similar: {near.title} -> " in str(first[0])
    assert repr(index) == f"LabelledTitles({len(parts.train):,} titles)"


def test_mistakes_are_told_in_words(small, parts):
    with pytest.raises(CatalogError, match=r"neighbours is .*; expected a Catalog"):
        small.explain(["süt"], neighbours=["süt"])
    with pytest.raises(CatalogError, match="no categories"):
        small.explain(["süt"], neighbours=prodcat.read_catalog(["süt"], path=None))
    with pytest.raises(ConfigError, match="count=0 is out of range"):
        small.explain(["süt"], count=0)
    with pytest.raises(ConfigError, match="top_k=2 is not allowed in explain"):
        small.explain(["süt"], options=AnswerOptions(top_k=2))
    with pytest.raises(TypeError, match="unexpected keyword argument 'top_k'"):
        small.explain(["süt"], top_k=2)
    with pytest.raises(CatalogError, match="Put it into a list"):
        small.explain("süt")
    with pytest.raises(TaxonomyError, match="no names in the language"):
        small.explain(["süt"], language="xx")
    with pytest.raises(ConfigError, match="rows='titles' is not known"):
        small.explain(["süt"]).to_frame("titles")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_have_a_row_for_each_level_word_or_ngram(small, titles, library):
    explanations = small.explain(titles)
    levels = explanations.to_frame(library=library)
    assert list(levels.columns) == [
        "row_number", "title", "level", "answer", "runner_up", "confidence",
        "runner_up_confidence", "margin", "start", "words_for", "words_against", "deletion",
        "deletion_path",
    ]  # fmt: skip
    assert len(levels) == sum(len(each.levels) for each in explanations)
    words = explanations.to_frame("words", library=library)
    ngrams = explanations.to_frame("ngrams", library=library)
    wanted = [word.weight for each in explanations for level in each.levels for word in level.words]
    assert list(words["weight"]) == wanted
    assert len(ngrams) == sum(len(level.ngrams) for each in explanations for level in each.levels)
    assert list(words["row_number"])[-1] == len(titles)


def test_the_lists_of_users_stay_lists(small, titles):
    explanations = small.explain(titles)
    assert isinstance(explanations[:3], Explanations) and len(explanations[:3].to_frame()) > 2
    assert pickle.loads(pickle.dumps(explanations)) == explanations
    assert explanations[0].to_json()["levels"][0]["words"][0].keys() == {
        "word", "column", "ngrams", "encoder",
    }  # fmt: skip


def level_of(words, **named):
    reasons = tuple(WordReason(word, "title", weight, 0.0) for word, weight in words)
    return LevelReasons(
        **{
            "level": 1, "path": ("Food",), "ends": False, "confidence": 0.9,
            "runner_up": ("Home",), "runner_up_ends": False, "runner_up_confidence": 0.001,
            "margin": 2.0, "start": 0.0, "words": reasons, "ngrams": (), **named,
        }
    )  # fmt: skip


def test_marks_say_how_strongly_words_speak_for_and_against():
    level = level_of([("fish", 4.0), ("oil", -1.2), ("in", 0.01), ("the", 0.4)])
    assert level.strengths() == [3, -2, 0, 1]
    assert [word.word for word in level.strongest()] == ["fish", "the", "in"]
    assert [word.word for word in level.against()] == ["oil"]
    from prodcat.classifier.explanation.lines import text_of

    text = text_of("fish oil in the", "Food (0.90)", [level], [])
    assert text.splitlines() == [
        "fish oil in the: Food (0.90)", "  1  Food 90%, not Home <1%  +++fish --oil in +the",
    ]  # fmt: skip


def test_html_escapes_titles_and_names_and_shows_the_first_ten(small):
    title = "<script>alert(1)</script> süt $x$ \x1b[2J"
    page = small.explain([title] * 12)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "\x1b" not in page
    assert "the first 10 are shown" in page and page.count("<table>") == 10
    assert "rgba(0,114,178" in page
    assert "\x1b" not in str(small.explain([title]))
    import html.parser

    class Checked(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            assert tag in ("style", "div", "b", "small", "span", "table", "tr", "th", "td"), tag
            assert {name for name, _ in attributes} <= {"class", "style", "title"}

    Checked().feed(page)


def test_explaining_logs_no_warning(small, titles, caplog):
    with caplog.at_level(logging.WARNING, "prodcat"):
        small.explain(titles)
    assert not caplog.records


def test_a_long_title_is_explained_in_bounded_work(small):
    title = " ".join(f"kelime{number}" for number in range(1_500)) + " süt"
    [each] = small.explain([title])
    assert each.tried <= 600 and not each.exhaustive
    assert len(each.levels[0].words) == 1_501


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    return divided_classifier(tmp_path_factory.mktemp("divided"))


def test_words_say_which_part_of_a_split_category_a_title_is(divided):
    migrated = divided
    titles = ["Knives & Forks blade", "Knives & Forks prongs", "Velmora windy tail"]
    explanations = migrated.explain(titles)
    assert_exact(migrated, titles, explanations)
    assert_deletions_change_answers(migrated, explanations)
    for explanation, name, word in zip(
        explanations, ("Knives", "Forks", "Kites"), ("blade", "prongs", "windy"), strict=True
    ):
        level = explanation.levels[-1]
        assert level.path[-1] == name
        weights = {each.word: each.weight for each in level.words}
        assert weights[word] > 0.25
        assert any(each.name == word and each.weight > 0 for each in level.ngrams)
