"""Texts of the shapes that retailers write in eight languages, labelled before they were read.

A label is what a person reads: ``6x33cl``; ``24p``, ``32w`` and ``60d`` for pieces, washes and
doses; ``-`` for no size, ``?`` for one that is not sure, and ``c`` for what a product holds.  What
follows ``~`` is the drained weight in grams.
"""

import csv
import re
from collections import defaultdict
from pathlib import Path

import pytest

from prodcat.offers.texts import read_pack
from prodcat.offers.units import base_unit, factors

FILE = Path(__file__).parent / "labelled_texts.csv"
LABEL = re.compile(r"(?:(\d+)x)?([\d.]+)(kg|g|ml|cl|l|p|w|d)")
COUNTED = {"p": "piece", "w": "wash", "d": "dose"}


def labelled_texts():
    """The texts of each language, with their labels."""
    texts = defaultdict(list)
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="|"):
            texts[row["language"]].append((row["text"], row["label"]))
    return texts


def total_of(label):
    """The content that a label names, with its base unit; None if it names none."""
    match = LABEL.fullmatch(label)
    if match is None:
        return None
    amount = int(match[1] or 1) * float(match[2])
    if match[3] in COUNTED:
        return amount, COUNTED[match[3]]
    return pytest.approx(amount * factors()[match[3]]), base_unit(match[3])


def is_read_as(text, label):
    """Whether a text is read as its label says."""
    content, _, drained = label.partition("~")
    pack, truth = read_pack(text), total_of(content)
    if truth is None:
        return pack.status != "read" and label in ("-", "?", "c")
    weight = float(drained) if drained not in ("", "-") else None
    return (pack.total, pack.total_unit) == truth and pack.drained == weight


@pytest.mark.parametrize("language", ["de", "en", "fr", "es", "it", "nl", "pt", "tr"])
def test_labelled_texts_say_what_their_labels_say(language):
    texts = labelled_texts()[language]
    assert len(texts) > 30
    wrong = [(text, label, read_pack(text)) for text, label in texts if not is_read_as(text, label)]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Kofferraumbox 4 x 1G", "may be the name of a model"),
        ("Pampers 16 kg", "may be the weight of a child"),
        ("Kopierpapier A4 90 g", "may be the weight of a square metre"),
        ("Handtuch 400 g", "may be the weight of a square metre"),
        ("Toaster 2 Scheiben 850 W", "may be what an appliance takes"),
        ("Atún 3 x 80 g escurrido 52 g", "may be drained of one or of all"),
        ("Thon 400 g (40 g égoutté)", "may be drained of one or of all"),
        ("Agua pack 6 botellas 1,5 L", "may be of one or of the whole pack"),
        ("Joghurt 3+1 gratis 150 g", "may be of one or of the whole pack"),
        ("Toothpaste 75 ml twin pack", "may be of one or of the whole pack"),
        ("Zahnpasta Doppelpack 75 ml", "may be of one or of the whole pack"),
        ("Cola fles 1,5 liter 4 stuks", "may be of one or of all 4"),
        ("2 deodorants 150 ml each", "is of each of several"),
        ("X 2 LEGGINGS", "may be how many were bought"),
        ("Brioche x 8.360g", "may be thousands or decimals"),
        ("ESSUIE-TOUT X 2 4=8 ROULEAUX", "it names several numbers of pieces"),
        ("Chewing gum 20 pz GR25", "may be a size of clothes"),
    ],
)
def test_what_is_not_sure_has_its_reason(text, reason):
    pack = read_pack(text)
    assert pack.status == "unknown" and reason in pack.reason


@pytest.mark.parametrize(
    ("text", "size", "count"),
    [
        ("Vino caja 6 botellas 75 cl", 75, 6), ("Bier 33 cl 24 Dosen", 33, 24),
        ("Cerveza 33 cl (12 latas)", 33, 12), ("Wine 75cl 13.5% vol x6", 75, 6),
        ("Bière 24 + 6 x 33 cl", 33, 30), ("33 cl pack 12", 33, 12),
        ("Cola blikje 33 cl 6 stuks", 33, 6), ("Set of 2 wine bottles 75 cl each", 75, 2),
    ],
)  # fmt: skip
def test_a_count_behind_a_size_is_of_this_size(text, size, count):
    pack = read_pack(text)
    assert (pack.size, pack.unit, pack.count, pack.pieces) == (size, "cl", count, count)


@pytest.mark.parametrize(
    ("text", "total", "drained"),
    [
        ("125g drained (220g)", 220, 125), ("220g (125g drained)", 220, 125),
        ("peso escurrido 80 g / 111 g", 111, 80), ("111 g / 80 g peso escurrido", 111, 80),
        ("350 g Abtropfgewicht 720 ml", 720, 350), ("720 ml, Abtropfgewicht 350 g", 720, 350),
        ("112/160 g égoutté", 160, 112), ("Pack 3 x 80 g (156 g escurrido)", 240, 156),
        ("52 g x 3 sgocciolato, 80 g x 3", 240, 156), ("uitlekgewicht 240 g 400 g", 400, 240),
        ("süzme ağırlık 104 g, 160 g", 160, 104), ("185 g escorrido 345 g", 345, 185),
    ],
)  # fmt: skip
def test_the_drained_weight_is_the_smaller_one_wherever_its_word_stands(text, total, drained):
    pack = read_pack(text)
    assert (pack.total, pack.drained) == (total, drained)


@pytest.mark.parametrize("word", ["égouttoir", "escurridor", "Abtropfgestell", "sgocciolatoio"])
def test_a_rack_on_which_dishes_drain_has_no_drained_weight(word):
    assert read_pack(f"{word} 800 g").drained is None


@pytest.mark.parametrize(
    ("text", "total", "unit"),
    [
        ("Pasta confezione da 500 g", 500, "g"), ("Café embalagem de 250 g", 250, "g"),
        ("caja 12 lavados", 12, "wash"), ("caja de 30 cápsulas", 30, "dose"),
        ("caja de 12", 12, "piece"), ("3 pacchetti da 100 g", 300, "g"),
        ("12 gourdes de 90 g", 1080, "g"), ("6 packs of 52 wipes", 312, "piece"),
        ("24 + 2 Tabs", 26, "dose"), ("1.500 g", 1500, "g"),
        ("Sacs poubelle 50 L x 20", 20, "piece"), ("Müllbeutel 20 x 35 l", 20, "piece"),
        ("Yakult 7 bottles 65 ml each", 455, "ml"),
    ],
)  # fmt: skip
def test_a_number_goes_with_the_word_behind_it(text, total, unit):
    pack = read_pack(text)
    assert (pack.total, pack.total_unit) == (total, unit)
