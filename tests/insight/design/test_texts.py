"""Texts: all in eight languages, with the same places."""

import re
from pathlib import Path

import pytest

import prodcat.insight.design as design
from prodcat.errors import ConfigError
from prodcat.insight.design.texts import LANGUAGES, Texts, text_table


def test_every_text_is_there_in_every_language_with_the_same_places():
    for key, texts in text_table().items():
        assert set(texts) == set(LANGUAGES), key
        places = {language: set(re.findall(r"\{\w+\}", text)) for language, text in texts.items()}
        assert len({frozenset(names) for names in places.values()}) == 1, (key, places)
        assert all(text.strip() for text in texts.values()), key


def test_long_texts_are_translated():
    for key, texts in text_table().items():
        words = re.sub(r"\{\w+\}", "", texts["en"])
        if len(words) > 25:
            assert len(set(texts.values())) == len(LANGUAGES), key


def test_every_key_that_the_script_or_a_page_names_is_there():
    folder = Path(design.__file__).parent
    keys = set(text_table())
    template = (folder / "static" / "design.html").read_text("utf-8")
    script = (folder / "static" / "design.js").read_text("utf-8")
    named = set(re.findall(r'text\("([a-z.]+)"', template + script))
    sources = [*folder.parent.glob("assortment/*.py"), *folder.glob("*.py")]
    named |= {
        key
        for source in sources
        for key in re.findall(r'\btext\(\s*"([a-z_. ]+)"', source.read_text("utf-8"))
    }
    assert len(named) > 60 and named <= keys


def test_values_with_braces_stay_what_they_are():
    text = Texts("en")("thin.times", theirs="{n}", category="\0n\0", n="1", m="2", times="3")
    assert text.startswith("{n} has 3 times our share of \0n\0: 1 products")


def test_a_language_without_texts_is_refused():
    with pytest.raises(ConfigError, match="no pages in the language 'xx'. Expected one of de, en"):
        Texts("xx")
