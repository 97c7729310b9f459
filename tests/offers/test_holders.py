"""Volumes of what a product holds, and volumes of what is in the pack."""

import pytest

from prodcat.offers.amounts import folded
from prodcat.offers.holders import holds


@pytest.mark.parametrize(
    "text",
    [
        "Trinkflasche 0,75 l", "Hartschalenkoffer 60 L", "Wanderrucksack 28 l", "Brotdose 1 l",
        "water bottle 500 ml", "storage box 64 l", "saucepan 2 l", "kettle 1.7 l", "lunch-box 1 l",
        "gourde 500 ml", "sac poubelle 30 L", "bouilloire 1,7 L", "boîte de rangement 45 L",
        "botella térmica 750 ml", "mochila 25 L", "bolsas de basura 30 L", "freidora de aire 5 L",
        "borraccia 500 ml", "zaino 50 L", "friggitrice ad aria 5 L", "pentola a pressione 5 L",
        "drinkfles 750 ml", "rugzak 25 l", "vuilniszakken 60 l", "steelpan 2 l", "lunchtrommel 1 l",
        "garrafa térmica 1 L", "sacos do lixo 30 L", "panela de pressão 6 L", "lancheira 5 L",
        "termos 1 L", "sırt çantası 25 L", "çöp poşeti 30 L", "düdüklü tencere 6 L", "valiz 65 L",
        # by what it is made of, and by its watts
        "Edelstahl 1,2 l", "BPA free 600 ml", "acero inoxidable 2 L", "2200 W 1,7 L",
        # easy to clean, but not what cleans
        "Mug 350 ml dishwasher safe", "Tasse 300 ml spülmaschinenfest", "poubelle anti-odeur 20 L",
        "bouilloire filtre anticalcaire 1,7 L", "olla fácil limpieza 5 L", "vacuum cleaner 0.7 L",
        "Travel 750 ml Bottle",
    ],
)  # fmt: skip
def test_a_volume_of_what_holds_something_is_no_content(text):
    assert holds(folded(text))


@pytest.mark.parametrize(
    "text",
    [
        "Flasche Wasser 1 l", "Milch 1 l Glasflasche", "Dose Cola 0,33l", "Becher Sahne 200 ml",
        "bottle of water 500 ml", "spring water bottle 500 ml", "Cola 500 ml bottle",
        "bouteille d'huile 1 L", "bidon d'huile 3 L", "pot de crème 50 cl", "petits fours 500 ml",
        "botella de vino 75 cl", "lata de cerveza 33 cl", "bottiglia olio 1 L", "flesje water 500 ml",
        "garrafa de água 1,5 L", "bardak su 200 ml", "pet şişe su 1,5 L", "Eintopf 800 ml",
        # what cleans or cares for the things
        "Entkalker für Wasserkocher 500 ml", "Backofenspray 500 ml", "oven cleaner 500 ml",
        "détartrant bouilloire 250 ml", "limpiahornos 500 ml", "ontkalker waterkoker 500 ml",
        "detersivo lavatrice 1,5 L", "çamaşır makinesi temizleyici 250 ml",
    ],
)  # fmt: skip
def test_a_volume_of_what_is_in_the_pack_is_content(text):
    assert not holds(folded(text))


@pytest.mark.parametrize(
    ("text", "is_held"),
    [
        ("Waschmaschine 8 kg", True), ("backpack 1.2 kg", True), ("lavadora 9 kg", True),
        ("oven chips 1.5 kg", False), ("kettle chips 1 kg", False), ("marmite 1 kg", False),
        ("patatas al horno 1 kg", False), ("yoğurt kova 2 kg", False), ("Topf 2 kg", False),
    ],
)  # fmt: skip
def test_kilograms_are_held_only_by_what_is_no_name_of_food(text, is_held):
    assert holds(folded(text), weight=True) is is_held
