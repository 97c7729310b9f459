"""What a text says about a pack, and what it does not say for sure."""

import pytest

from prodcat.offers.texts import read_pack, read_text

READ = [
    # size, unit and count, in eight languages
    ("Cola 6 x 33 cl", 33, "cl", 6, 1980, "ml"),
    ("Jamón cocido 2x250gr", 250, "g", 2, 500, "g"),
    ("Eau minérale 1,5 L", 1.5, "l", 1, 1500, "ml"),
    ("Süt 4x200 ml", 200, "ml", 4, 800, "ml"),
    ("Bier 20 × 0,5l Kasten", 0.5, "l", 20, 10_000, "ml"),
    ("Appelsap 6*1,5 liter", 1.5, "l", 6, 9000, "ml"),
    ("Azeite 75 cL", 75, "cl", 1, 750, "ml"),
    ("Passata 3X690 g", 690, "g", 3, 2070, "g"),
    ("Su 0,5 L x 12", 0.5, "l", 12, 6000, "ml"),
    ("2 x 6 x 33 cl", 33, "cl", 12, 3960, "ml"),
    ("12 botellas de 25 cl", 25, "cl", 12, 3000, "ml"),
    ("4 lattine da 33 cl", 33, "cl", 4, 1320, "ml"),
    ("6 Flaschen a 0,75 l", 0.75, "l", 6, 4500, "ml"),
    ("Beurre ½ kg", 0.5, "kg", 1, 500, "g"),
    ("Crème 1/2 l", 0.5, "l", 1, 500, "ml"),
    ("Honey 1 lb", 1, "lb", 1, 453.59237, "g"),
    ("Juice 64 fl oz", 64, "fl oz", 1, 1892.705892, "ml"),
    ("Cereal 12 oz (340 g)", 340, "g", 1, 340, "g"),
    ("Lotion 90ml (3oz)", 90, "ml", 1, 90, "ml"),
    ("Tonno GR. 240", 240, "g", 1, 240, "g"),
    ("Bott. ml. 1000", 1000, "ml", 1, 1000, "ml"),
    ("BIO100ML", 100, "ml", 1, 100, "ml"),
    # thousands and decimals
    ("Farine 1 000 g", 1000, "g", 1, 1000, "g"),
    ("1 500 g", 1500, "g", 1, 1500, "g"),
    ("Rice 1.500 g", 1500, "g", 1, 1500, "g"),
    ("Rice 1.500 kg", 1.5, "kg", 1, 1500, "g"),
    ("Spaghetti n. 5 500 g", 500, "g", 1, 500, "g"),
    # pieces
    ("10 adet", 1, "piece", 10, 10, "piece"),
    ("6 un", 1, "piece", 6, 6, "piece"),
    ("12 stuks", 1, "piece", 12, 12, "piece"),
    ("10 Stück", 1, "piece", 10, 10, "piece"),
    ("24 pcs", 1, "piece", 24, 24, "piece"),
    ("Quiches 4 pezzi", 1, "piece", 4, 4, "piece"),
    ("10'lu yumurta", 1, "piece", 10, 10, "piece"),
    ("12 eggs", 1, "piece", 12, 12, "piece"),
    ("Set of 3 tops", 1, "piece", 3, 3, "piece"),
    ("Papier toilette 3 plis x 24", 1, "piece", 24, 24, "piece"),
    ("Paradiso 4er-Pack", 1, "piece", 4, 4, "piece"),
    ("2x44 stuks", 1, "piece", 88, 88, "piece"),
    # sold by the kilogram or piece
    ("kg", 1, "kg", 1, 1000, "g"),
    ("Domates Kg", 1, "kg", 1, 1000, "g"),
    ("adet", 1, "piece", 1, 1, "piece"),
    # washes and doses
    ("Ariel 60 yıkama", 1, "wash", 60, 60, "wash"),
    ("Persil 40 Waschladungen", 1, "wash", 40, 40, "wash"),
    ("Detergente 2 x 30 lavados", 1, "wash", 60, 60, "wash"),
    ("Nespresso 10 cápsulas", 1, "dose", 10, 10, "dose"),
    ("Vitamin C 500 mg 60 caps", 1, "dose", 60, 60, "dose"),
    # numbers beside the size that are none
    ("Leche 3,6% 1 L", 1, "l", 1, 1000, "ml"),
    ("Vino 12,5% vol 75 cl", 75, "cl", 1, 750, "ml"),
    ("Crema spf 50+ 50 ml", 50, "ml", 1, 50, "ml"),
    ("Spf50 - 90ml", 90, "ml", 1, 90, "ml"),
    ("Pampers 11-16kg 36 adet", 1, "piece", 36, 36, "piece"),
    ("Windeln Gr. 4 (9-14 kg) 44 Stück", 1, "piece", 44, 44, "piece"),
    ("Battery 1.5V 4 pcs", 1, "piece", 4, 4, "piece"),
    ("Protein bar 60 g, 20 g protein", 60, "g", 1, 60, "g"),
    ("Garbage bags 50L x 20", 1, "piece", 20, 20, "piece"),
    ("Poêle 500 g 2 X 2,97 €", 500, "g", 1, 500, "g"),
    ("Abricots 1KG 4 X 3.89", 1, "kg", 1, 1000, "g"),
    ("Kaffee 500g (1 kg = 16,98 €)", 500, "g", 1, 500, "g"),
    # sums and repetitions
    ("Maltesers 400G + 40G", 440, "g", 1, 440, "g"),
    ("Jamón 120 + 20 g", 140, "g", 1, 140, "g"),
    ("Chips 400G, 400G", 400, "g", 1, 400, "g"),
    ("Glace 150 g (6 x 25 g)", 25, "g", 6, 150, "g"),
]


@pytest.mark.parametrize(("text", "size", "unit", "count", "total", "base"), READ)
def test_a_pack_is_read(text, size, unit, count, total, base):
    pack = read_pack(text)
    assert (pack.status, pack.reason) == ("read", "")
    assert (pack.size, pack.unit, pack.count, pack.total_unit) == (size, unit, count, base)
    assert pack.total == pytest.approx(total)
    assert read_pack(text.upper()).total == pytest.approx(total)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Full fat milk",
        "iPhone 13 128GB",
        "Board 30 x 20 cm",
        "Canvas L15 x H15CM 2 X 2.44€",
        "Drap 240 x 300",
        "Lampe 60W E27 230V",
        "Beurre 82% MG",
        "Gold 18 K Ring",
        "Showpiece - 11 cm",
        "RISOTTO AU POULET 2.69 X 1",
        "2 X 3.29",
        "Camera 8x zoom",
        "D-Link DSL-2520U",
        "Tomates 3,98 €/kg",
        "Vitamin D 1000 IU 25 µg",
        "Spaghetti n.5",
        "Sunscreen SPF 50 PA+",
    ],
)
def test_a_text_without_a_size_has_none(text):
    pack = read_pack(text)
    assert (pack.status, pack.size, pack.total) == ("none", None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("6-pack cola 330 ml", "may be of one or of the whole pack"),
        ("Yogur pack 4 unidades 125 g", "may be of one or of the whole pack"),
        ("Bun 4 x (220g)", "may be of one or of all"),
        ("2 x Shampoo 250 ml", "not clear how many items"),
        ("125G X 2 X 3 stuks", "not clear how often"),
        ("Backpack 30 L", "may be what the product holds"),
        ("Travel 750 ml Bottle", "may be what the product holds"),
        ("Cereal 12 oz", "oz may be a weight or a volume"),
        ("Spaghetti 5 500 g", "a number stands before"),
        ("5G phone", "the name of a model"),
        ("SSD 500G", "the name of a model"),
        ("WRT54G router", "'wrt54g' may be the name of a model"),
        ("T-shirt 3L", "a size of clothes"),
        ("Socken Gr. 42", "a size of clothes"),
        ("Poulet 1-1,5 kg", "is a range"),
        ("500 ml 480 g", "it names several sizes: 500 ml, 480 g"),
        ("48 stuks 24 adet", "it names several numbers of pieces: 48, 24"),
        ("Wasser 6x1.5L+1", "something is added to the size"),
    ],
)
def test_what_is_not_sure_is_unknown_with_a_reason(text, reason):
    pack = read_pack(text)
    assert (pack.status, pack.size, pack.total) == ("unknown", None, None)
    assert reason in pack.reason


@pytest.mark.parametrize(
    ("text", "total", "drained"),
    [
        ("Thon 400 g (240 g égoutté)", 400, 240),
        ("Thon 400 g (240 g \ufffdgoutt\ufffd)", 400, 240),
        ("Atún 3 x 80 g (3 x 56 g escurrido)", 240, 168),
        ("Mais 285 g, Abtropfgewicht 140 g", 285, 140),
        ("Corn 340g drained weight 285g", 340, 285),
        ("Palmito 220G PNE", 220, 220),
    ],
)
def test_the_drained_weight_is_no_second_size(text, total, drained):
    pack = read_pack(text)
    assert (pack.total, pack.drained) == (total, drained)


@pytest.mark.parametrize(
    ("text", "total", "pieces"),
    [
        ("Helado cono 6 unidades caja 360 g", 360, 6),
        ("Saucisses X 4 240G", 240, 4),
        ("Brownie x8, 240g", 240, 8),
        ("Yogurt 4 x 125 g", 500, 4),
        ("Mussels 13/18 piezas 69 g", 69, None),
        ("Glace 25 g, 6 pieces, 150 g", 150, 6),
    ],
)
def test_pieces_are_told_beside_the_size(text, total, pieces):
    pack = read_pack(text)
    assert (pack.total, pack.pieces) == (total, pieces)


def test_washes_and_doses_are_told_beside_the_size():
    pack = read_pack("Persil Gel 40 WL 2,2 l")
    assert (pack.total, pack.total_unit, pack.washes) == (2200, "ml", 40)
    assert read_pack("Magnesium 90 g 60 Tabletten").doses == 60


@pytest.mark.parametrize(
    "text", ["Poulet environ 1,2 kg", "Col 2 Kg aprox.", "Tavuk yaklaşık 1 kg"]
)
def test_an_approximate_size_is_told(text):
    assert read_pack(text).is_approximate
    assert not read_pack("Col 2 kg").is_approximate


@pytest.mark.parametrize(
    ("text", "money", "of", "unit"),
    [
        ("3,98 €/kg", "3,98 €", 1, "kg"),
        ("1 kg = 3,98 €", "3,98 €", 1, "kg"),
        ("100 g = 1,20 €", "1,20 €", 100, "g"),
        ("25 €/100 g", "25 €", 100, "g"),
        ("£2.50 per kg", "£2.50", 1, "kg"),
        ("4,99€ le kilo", "4,99€", 1, "kg"),
        ("12,90 TL/kg", "12,90 tl", 1, "kg"),
        ("R$ 9,90/kg", "r$ 9,90", 1, "kg"),
        ("0,25 €/lavado", "0,25 €", 1, "wash"),
        ("0,31 €/Stück", "0,31 €", 1, "piece"),
    ],
)
def test_a_unit_price_in_a_text_is_no_size(text, money, of, unit):
    pack, [stated], bought = read_text(text)
    assert (stated.money, stated.of, stated.unit) == (money, of, unit)
    assert (pack.status, bought) == ("none", 1)


def test_a_weight_on_a_receipt_is_the_size_and_its_price_is_stated():
    pack, [stated], _ = read_text("BANANES VRAC 1.258KG X 1.99€/KG")
    assert (pack.total, stated.money) == (1258, "1.99€")
    pack, [stated], _ = read_text("CAROTTES 8.62€/KG X 0.302 KG")
    assert (pack.total, stated.money) == (302, "8.62€")


def test_how_many_were_bought_is_told():
    assert read_text("RAVIOLI 800G 2 X 2.97€")[2] == 2
    assert read_text("CREME 1.84 X 3")[2] == 3


def test_a_long_text_of_numbers_takes_no_long_time():
    for text in ("1 x " * 2_000, "1,1.1 " * 2_000, "9" * 10_000, "x1" * 5_000, "kg " * 3_000):
        read_pack(text)
