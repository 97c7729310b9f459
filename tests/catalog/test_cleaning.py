import doctest
import html
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import growth

import prodcat.catalog.cleaning
from prodcat.catalog.cleaning import clean

MARKUP = (
    "& &amp; &amp &AMP; amp; &lt; &lt gt; &gt; lt; &#38; &#x26; #38; &quot &#39 ; < > / </ /> b br s "
    "<b> </b> <S> </S> <br/> <p a='1'> <small> <!-- --> <![CDATA[ ]]> = &nbsp; &shy; &eacute; 3 a é"
)
PIECES = [*MARKUP.split(), " ", "\t", "\x00", "\x92", "\xa0", "\xad", "\u200b", "\u200d", "\ud800"]


def test_docstrings():
    assert doctest.testmod(prodcat.catalog.cleaning).failed == 0


@pytest.mark.parametrize(
    ("noisy", "cleaned"),
    [
        ("Head &amp; Shoulders", "Head & Shoulders"),
        ("Ben &amp;amp;amp; Jerry&#39;s", "Ben & Jerry's"),
        ("caf&eacute; &#233; &#xE9; &amp;eacute;", "café é é é"),
        ("CAF&EACUTE; CR&EGRAVE;ME", "CAFÉ CRÈME"),
        ("Men&#39s &quot00&quot caf&eacute au lait", "Men's &quot00\" café au lait"),
        ("<b>Milk</b><br>1&nbsp;l", "Milk 1 l"),
        ("<B>Milk</B><BR/>1 l<p>", "Milk 1 l"),
        ("&lt;b&gt;Milk&lt;/b&gt;", "Milk"),
        ("<p class='x'>Milk</p><p>Bread</p>", "Milk Bread"),
        ("<a href=\"x\">Milk</a> <img src='x.jpg' />", "Milk"),
        ("<S>old</S> T-shirt <S>", "old T-shirt"),
        ("<!-- ad --><![CDATA[Milk [1 l]]]>", "Milk [1 l]"),
        ("H<sub>2</sub>O, m<sup>2</sup>", "H2O, m2"),
        ("<<b>br>Milk", "Milk"),
        ("Mi\x00lk\x1b\t1\r\n l\xa0 ", "Milk 1 l"),
        ("L\x92Oréal", "L’Oréal"),
        ("Scho\xadko\u200blade\ufeff\u200e", "Schokolade"),
    ],
)
def test_noise_is_undone(noisy, cleaned):
    assert clean(noisy) == cleaned
    assert clean(html.escape(noisy)) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Pack <3 pcs>",
        "a < b",
        "5<10",
        "a <b and c> d",
        "T-shirt <S>",
        "T-shirt <small>",
        "Milk <new> <DE> <TR>",
        "AT&T, H&M, M&Ms; R&D;",
        "Tom&notes Fish&times",
        "Salt&pepper; &#; &#x; &;",
        "می\u200cخواهم",
        "👨\u200d👩\u200d👧 ❤\ufe0f",
        "ข้าว\u200bหอม",
        "s\udcfct",
        "C'est l’été – 1½ «Süt» 5€ 100% _x_ 'q' \"z\" ビール",
    ],
)
def test_titles_without_noise_stay(text):
    assert clean(text) == text


@pytest.mark.parametrize("text", ["<br>", "<b></b>", "&nbsp;", "&shy;", " ", "", "\u200b", "\x00"])
def test_a_text_of_noise_alone_stays(text):
    assert clean(text) == text


@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=20).map("".join), st.text()))
def test_cleaning_twice_changes_nothing_more(text):
    assert clean(clean(text)) == clean(text)
    assert bool(clean(text)) == bool(text)


@given(st.text(st.characters(categories=["L", "N", "P", "So", "Sc"], exclude_characters="&<")))
def test_letters_digits_and_punctuation_stay(text):
    assert clean(text) == text


def test_an_entity_may_be_escaped_as_often_as_one_likes_without_harm():
    for times in (1, 5, 10_000):
        text = "&" + "amp;" * times + "lt;"
        assert clean(text) in ("<", text)


@pytest.mark.parametrize(
    "unit",
    ["&", "&amp;", "&amp", "&#", "&#1", "&a1", "<", "<b ", "<b a=", "<b /", "</b ", "<a>", "</a>"]
    + ["<!--", "<!-- -", "<![CDATA[", "<![CDATA[]", "<<b>br>", "<br>", "\x00", "\t ", "&lt;b&gt;"]
    + ["<b" + 50 * " ", "<b x" + 50 * "=", "&#" + 50 * "0"],
)
def test_the_time_grows_with_the_length(unit):
    assert growth(clean, unit) < 20


@pytest.mark.parametrize("start", ["<b", "<b ", "<b x=", "<b /", "</b", "&#", "&", "<!--"])
@pytest.mark.parametrize("unit", [" ", "x", "0", "-", "= ", "/ "])
def test_the_time_grows_with_the_length_of_what_is_never_closed(start, unit):
    assert growth(lambda text: clean("x" + start + text), unit) < 20


def test_clean_titles_cost_next_to_nothing():
    titles = [f"Pınar Süt Yarım Yağlı {number} x 200 ml Karton Kutu" for number in range(20_000)]
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        cleaned = [clean(title) for title in titles]
        best = min(best, time.process_time() - began)
    assert cleaned == titles and best / len(titles) < 5e-6  # seconds; about .3e-6 are usual
