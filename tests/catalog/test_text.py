import doctest
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import growth

import prodcat.catalog.text
from prodcat.catalog.text import fold, near_duplicate_key

# Letters and marks of Hebrew, Arabic, Indic scripts, Thai, Lao, Tibetan, Burmese, Khmer and kana.
BLOCKS = [(0x0590, 0x1100), (0x1780, 0x1800), (0x3040, 0x3100)]
LETTERS = [
    letter
    for first, last in BLOCKS
    for letter in map(chr, range(first, last))
    if unicodedata.category(letter) in ("Lo", "Lm", "Mn", "Mc") and letter not in "\u17b4\u17b5"
]


def test_docstrings():
    assert doctest.testmod(prodcat.catalog.text).failed == 0


@pytest.mark.parametrize("title", ["KIRMIZI IŞIK", "kırmızı ışık", "Kirmizi Isik", "kİrmİzİ işik"])
def test_turkish_i_in_every_spelling_is_one(title):
    assert fold(title) == "kirmizi isik"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Coca-Cola 6x330ml", "COLA COCA 1,5 L"),
        ("Süt 1 L", "sut 500ml"),
        ("Crème fraîche 20 cl", "Fraiche Creme"),
        ("Bira 4'lü", "Bira x6"),
        ("Ketchup 500 gr", "ketchup 1kg"),
    ],
)
def test_near_duplicates_share_a_key(one, other):
    assert near_duplicate_key(one) == near_duplicate_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("iPhone 13", "iPhone 14"), ("Milk", "Milk chocolate"), ("B12", "B6")]
)
def test_different_products_do_not(one, other):
    assert near_duplicate_key(one) != near_duplicate_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ビール", "ピール"),
        ("ﾋﾞｰﾙ", "ﾋﾟｰﾙ"),
        ("ヒ゛ール", "ヒ゜ール"),
        ("กิน", "กัน"),
        ("ข้าว", "ขาว"),
        ("दिन", "दीन"),
        ("कला", "काला"),
        ("চিনি", "চীন"),
        ("ಹಾಲು", "ಹಲ"),
        ("பால்", "பல்"),
        ("क्\u200dष", "क्ष"),
        ("מִלח", "מֶלח"),
        ("عِلم", "عَلم"),
        ("한글", "한굴"),
        ("чай", "чаи"),
        ("ґрати", "грати"),
        ("їжа", "іжа"),
        ("воўк", "воук"),
        ("ќар", "кар"),
        ("1½ Pizza", "11/2 Pizza"),
        ("10² Tiles", "102 Tiles"),
    ],
)
def test_marks_that_make_another_word_count(one, other):
    assert near_duplicate_key(one) != near_duplicate_key(other)
    assert near_duplicate_key(f"Süt {one} 1 l") != near_duplicate_key(f"Süt {other} 1 l")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ﾋﾞｰﾙ", "ビール"),
        ("ビール", "ヒ\u3099ール"),
        ("ＣＯＬＡ ３３０", "Cola 330"),
        ("牛乳500ml", "牛乳 1L"),
        ("นม500ml", "นม 1 L"),
        ("दूध।", "दूध"),
        ("ЁЛКА", "елка"),
        ("молоко́", "молоко"),
        ("украї\u0301нський", "український"),
        ("ΓΆΛΑ", "γαλα"),
        ("m² Folie", "M2 Folie"),
        ("Nike™ Air", "Nike Air"),
        ("Scho\xadko\u200blade", "Schokolade"),
        ("Auf\u200clage", "Auflage"),
        ("\u200fחלב\u200e", "חלב"),
        ("葛\U000e0100", "葛"),
        ("ﬁsh", "FISH"),
        ("Straße", "STRASSE"),
        ("Milch 🥛", "Milch"),
    ],
)
def test_spellings_of_one_word_share_a_key(one, other):
    assert near_duplicate_key(one) == near_duplicate_key(other)


@given(*[st.text(st.sampled_from(LETTERS), min_size=1, max_size=4)] * 2)
def test_only_equal_words_of_other_scripts_share_a_key(one, other):
    same = (
        unicodedata.normalize("NFKC", one).split() == unicodedata.normalize("NFKC", other).split()
    )
    assert (near_duplicate_key(one) == near_duplicate_key(other)) == same
    assert (fold(one).split() == fold(other).split()) == same


@given(st.sampled_from(LETTERS), st.sampled_from(LETTERS), st.sampled_from(LETTERS))
def test_one_more_letter_or_mark_makes_another_word(first, letter, last):
    assert near_duplicate_key(first + letter + last) != near_duplicate_key(first + last)


@given(st.text(st.characters(exclude_characters="\u0345\u1fef`"), max_size=20))
def test_composed_and_decomposed_letters_are_one(text):
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert fold(composed) == fold(decomposed)
    assert near_duplicate_key(composed) == near_duplicate_key(decomposed)


@pytest.mark.parametrize(
    "unit",
    ["1 *", "1 * ", "1x", "1.1", "1", "٥", "x 1", "1 ' ", "1" + 30 * " ", "x ", "kg", "²1", "ก่"]
    + ["e\u0301\u0323", "\u0301\u0323", "\u0591\u05b0", "я\u0301", "\u200c", "1⁄", "1 x 1 kg "],
)
def test_the_time_for_a_key_grows_with_the_length(unit):
    assert growth(near_duplicate_key, unit) < 20
