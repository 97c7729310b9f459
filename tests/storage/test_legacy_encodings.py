"""Encodings of small files are guessed only if the letters leave no doubt, and are told."""

import random

import pytest

import prodcat
from prodcat.storage.legacy_encodings import guess_encoding

TURKISH = "Yoğurt Soğan Buğday Doğal Bağ Ağaç Eğitim Yağ Sağlık Taş Şeker Kuş Baş Şişe Çay Çilek"
WORDS = {
    "cp1254": f"{TURKISH} Çorba İçecek Süt Kapı Balık Tatlı Fırın Sarı Göğüs Düğme Öğle Kâğıt",
    "cp1252": "Käse Öl Müsli Brötchen Pâtes Thé Jamón Piña Pão Maçã Smør Mjölk",
    "cp1250": "Żółty Mąka Masło Śmietana Kiełbasa Šunka Žampiony Řízek Čokoláda Tejföl Gyümölcslé",
}


@pytest.mark.parametrize("encoding", WORDS)
@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_few_words_are_never_read_in_the_encoding_of_a_far_country(encoding, count):
    rare = {"cp1257", "mac-turkish", "cp1253", "iso8859-5", "cp1256", "koi8-r", "cp866"}
    for seed in range(60):
        words = random.Random(seed).sample(WORDS[encoding].split(), count)
        guess = guess_encoding({word.encode(encoding) for word in words})
        assert guess.encoding not in rare, words


@pytest.mark.parametrize(
    "words",
    [
        "Yoğurt Soğan Buğday Doğal Bağ Ağaç Eğitim Yağ Sağlık",
        "Yoğurt Bağ Dağ Eğe Doğa Doğu Ağ",
        "Taş Doğal Eğe Şal Kaş",
        "Ψωμί",
    ],
)
def test_one_letter_that_is_repeated_is_no_evidence(words):
    """Words with ğ alone are not taken for Icelandic with ð, nor for Lithuanian with š."""
    encoding = "cp1253" if words > "\u0370" else "cp1254"
    known = {word.encode(encoding) for word in words.split() if not word.isascii()}
    guess = guess_encoding(known)
    assert guess.encoding in (
        None,
        encoding,
        {"cp1254": "iso8859-9", "cp1253": "iso8859-7"}[encoding],
    )


def test_a_guess_is_told_with_a_word_and_what_else_it_may_be(tmp_path, caplog):
    text = "title;path\nPınar Süt;Süt Ürünleri\nEkmek;Unlu Mamul\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1254"))
    assert prodcat.read_catalog(str(tmp_path / "a.csv")).titles[0] == "Pınar Süt"
    for words in ("read as cp1254", "'Pınar' so, and 'Pýnar' in", "--file-encoding"):
        assert words in caplog.text
