"""The settings of a scoring: by name or as options of an answer, and kept with the output."""

import hashlib
import json
import pickle
from dataclasses import fields, replace

import pytest
from scoring_outputs import files_of

import prodcat
from prodcat import ConfigError, ScoringConfig
from prodcat.decisions.options import AnswerOptions
from prodcat.scoring.jobs import score

# As every version since the first has written them: an output is gone on with where they are equal.
SETTINGS = {
    "setting title": "title",
    "setting text": None,
    "setting top_k": 1,
    "setting objective": None,
    "setting guarantee": None,
    "setting max_error": None,
    "setting certainty": 0.95,
    "setting language": None,
    "setting precision": "auto",
    "setting format": "parquet",
    "setting part_rows": 16384,
}
ANSWERS = {
    "top_k": 3,
    "objective": "path",
    "guarantee": 0.9,
    "max_error": 0.1,
    "certainty": 0.8,
    "language": "tr",
    "precision": "float32",
    "cascade": "auto",
}


def test_what_is_asked_of_answers_is_given_and_read_by_name():
    scoring = ScoringConfig(title="name", text=["brand"], part_rows=10, **ANSWERS)
    assert scoring.answers == AnswerOptions(**ANSWERS)
    assert {name: getattr(scoring, name) for name in ANSWERS} == ANSWERS
    assert (scoring.title, scoring.text, scoring.part_rows) == ("name", ("brand",), 10)
    whole = ScoringConfig("name", ("brand",), part_rows=10, answers=AnswerOptions(**ANSWERS))
    assert whole == scoring and hash(whole) == hash(scoring)
    assert pickle.loads(pickle.dumps(scoring)) == scoring
    with pytest.raises(AttributeError, match="'ScoringConfig' object has no attribute 'top'"):
        _ = scoring.top


def test_defaults_are_those_of_an_answer_but_for_the_precision():
    scoring = ScoringConfig()
    assert scoring.answers == AnswerOptions(precision="auto")
    for option in fields(AnswerOptions):
        if option.name == "groups":  # a column of the input has the group of each row
            continue
        wanted = "auto" if option.name == "precision" else option.default
        assert getattr(scoring, option.name) == wanted
    assert ScoringConfig.part_rows == scoring.part_rows == 16_384
    assert not scoring.promises and ScoringConfig(guarantee=0.9).promises


def test_a_copy_differs_in_what_is_named_alone():
    scoring = ScoringConfig(top_k=2, language="tr")
    assert replace(scoring, part_rows=5) == ScoringConfig(top_k=2, language="tr", part_rows=5)
    assert replace(scoring, top_k=4) == ScoringConfig(top_k=4, language="tr")
    assert replace(scoring, format="csv").answers == scoring.answers


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top_k": 0}, "top_k=0 is out of range"),
        ({"top_k": 1.0}, "top_k=1.0 is out of range; expected a whole number"),
        ({"part_rows": 0}, "part_rows=0 is out of range; expected a number at least 1"),
        ({"part_rows": True}, "part_rows=True is out of range; expected a whole number"),
        ({"precision": "int4"}, "precision='int4' is not known; expected one of \\['auto'"),
        ({"format": "xml"}, "format='xml' is not known; expected one of \\['parquet'"),
        ({"text": "brand"}, "text='brand' is one text; expected a list of columns"),
        ({"groups": ["a"]}, "groups= does not go with a scoring: a column of the input has"),
        ({"answers": AnswerOptions(groups=["a"])}, "groups= does not go with a scoring"),
        ({"answers": {"top_k": 2}}, "answers is a dict; expected AnswerOptions"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        ScoringConfig(**settings)


def test_unknown_settings_are_refused_as_python_does():
    message = r"argument 'topk'; expected some of \['title', 'text'"
    with pytest.raises(TypeError, match=message):
        ScoringConfig(topk=2)


def test_a_config_of_an_earlier_version_is_unpickled_as_it_was():
    earlier = {"title": "name", "text": None, "top_k": 3, "objective": None, "guarantee": 0.9}
    scoring = ScoringConfig.__new__(ScoringConfig)
    scoring.__setstate__(earlier)
    assert scoring == ScoringConfig("name", top_k=3, guarantee=0.9) and scoring.promises
    assert pickle.loads(pickle.dumps(scoring)) == scoring


def test_an_output_is_described_with_the_version_that_writes_it(small, table, tmp_path):
    named = [f"setting {name}" for name in ScoringConfig().settings()]
    assert named == list(SETTINGS), "errors name them in this order"
    for number, (scoring, own) in enumerate(
        [
            (ScoringConfig(), {}),
            (
                ScoringConfig(text=[], top_k=2, precision="float32", format="csv", part_rows=50),
                {
                    "setting text": [],
                    "setting top_k": 2,
                    "setting precision": "float32",
                    "setting format": "csv",
                    "setting part_rows": 50,
                },
            ),
            (ScoringConfig(objective="tree_distance"), {"setting objective": "tree_distance"}),
            (ScoringConfig(cascade="off"), {"setting cascade": "off"}),
        ]
    ):
        out = tmp_path / str(number)
        score(small, str(table), str(out), scoring=scoring)
        job = {
            "format": "prodcat-scoring",
            "prodcat": prodcat.__version__,
            "model": small.content_hash,
            "named": f"unpublished-{small.content_hash[:12]}",
            "layout of columns": 2,
            "precision": "float32",
            "tree": small.taxonomy.hash,
            "joined": False,
            "input": [{"name": "catalog.parquet", "bytes": table.stat().st_size}],
            **SETTINGS,
            **own,
        }
        text = json.dumps(job, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"
        files = files_of(out)
        assert files["_prodcat/job.json"] == text
        assert json.loads(files["_prodcat/summary.json"])["job"] == hashlib.sha256(text).hexdigest()
