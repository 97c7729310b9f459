"""The settings of a request are the declared options of an answer."""

import dataclasses

import pytest

from prodcat.decisions.options import AnswerOptions
from prodcat.serving.answer_settings import SETTINGS, read_settings, settings_schemas
from prodcat.serving.refusal import Refusal


def test_the_schemas_are_those_of_the_options():
    declared = {
        option.name: option.metadata["schema"] for option in dataclasses.fields(AnswerOptions)
    }
    schemas = settings_schemas()
    assert tuple(schemas) == SETTINGS == ("top_k", "objective", "guarantee", "max_error")
    assert schemas.pop("top_k") == {**declared["top_k"], "maximum": 100}
    assert schemas.pop("objective") == {"type": declared["objective"]["type"]}
    assert schemas == {name: declared[name] for name in ("guarantee", "max_error")}
    assert "maximum" not in declared["top_k"], "the limit is this server's alone"


def test_settings_become_options():
    assert read_settings({}) == AnswerOptions()
    given = {"top_k": 100, "objective": "path", "guarantee": None, "max_error": 1}
    assert read_settings(given) == AnswerOptions(top_k=100, objective="path", max_error=1)
    assert (
        not read_settings({"guarantee": None}).promises and read_settings({"max_error": 1}).promises
    )
    assert len({read_settings({"top_k": 2}), read_settings({"top_k": 2})}) == 1, "a key of a cache"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"certainty": 0.9}, "Unknown setting 'certainty'; known: ['top_k', 'objective', 'guarantee', 'max_error']."),
        ({"top_k": True}, "top_k is True; expected a whole number."),
        ({"top_k": 0}, "top_k is 0; expected 1 to 100."),
        ({"top_k": 101, "objective": 1}, "objective is 1; expected a text."),
        ({"guarantee": "0.9"}, "guarantee is '0.9'; expected a number."),
        ({"max_error": float("inf")}, "max_error is inf; expected a number."),
    ],
)  # fmt: skip
def test_what_no_setting_can_be_is_refused(given, reason):
    with pytest.raises(Refusal) as caught:
        read_settings(given)
    assert (caught.value.status, caught.value.reason) == (400, reason)
