"""Made-up catalogs in eight languages, with the titles that are difficult for a file."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

# For each language: products, what they are like, quantities, and paths of categories.
_WORDS: dict[str, tuple[Sequence[str], Sequence[str], Sequence[str], Sequence[str]]] = {
    "Turkish": (
        (
            "Süt",
            "Şeker",
            "İncir",
            "Sığır eti",
            "Yoğurt",
            "Bisküvi",
            "Çay",
            "Peynir",
            "Fıstık ezmesi",
            "Köfte",
            "Üzüm suyu",
            "Kağıt havlu",
            "Diş fırçası",
            "IŞIK ampul",
        ),
        ("yağlı", "taze", "doğal", "Işıl marka", "büyük", "ince", "%100 meyveli", "acısız"),
        ("1 L", "2,5 kg", "500 g", "6'lı paket", "12 adet", "1/2 kg"),
        ("Gıda > Süt ürünleri > İçecek", "Gıda > Bakliyat", "Ev > Kağıt", "Gıda > Şekerleme"),
    ),
    "Portuguese": (
        (
            "Pão de açúcar",
            "Feijão",
            "Maçã",
            "Café",
            "Óleo de soja",
            "Água",
            "Açaí",
            "Sabão em pó",
            "Limão",
            "Manteiga",
            "Atum",
            "Arroz",
        ),
        (
            "integral",
            "orgânico",
            "torrado",
            "sem glúten",
            "da avó",
            "tradição",
            "leve 3",
            "coração",
        ),
        ("1 L", "2,5 kg", "500 g", "c/ 6 un.", "12 unidades", "½ kg"),
        ("Alimentos > Padaria > Pães", "Alimentos > Grãos", "Casa > Limpeza", "Bebidas > Água"),
    ),
    "German": (
        (
            "Müsli",
            "Brötchen",
            "Käse",
            "Weißbier",
            "Öl",
            "Äpfel",
            "Würstchen",
            "Spülmittel",
            "Möhren",
            "Milch",
            "Füllung",
            "Soße",
        ),
        ("süß", "groß", "ungesüßt", "aus Österreich", "für Kinder", "fettarm", "geräuchert", "Bio"),
        ("1 l", "2,5 kg", "500 g", "6er-Pack", "12 Stück", "3 × 80 g"),
        (
            "Lebensmittel > Backwaren > Brötchen",
            "Lebensmittel > Käse",
            "Haushalt > Spülen",
            "Getränke > Bier",
        ),
    ),
    "French": (
        (
            "Crème fraîche",
            "Pâté",
            "Œufs",
            "Café moulu",
            "Bœuf haché",
            "Gâteau",
            "Thé",
            "Maïs",
            "Pêches",
            "Lait",
            "Jus d'orange",
            "Lessive",
        ),
        (
            "allégé",
            "à l'ancienne",
            "sans sucre",
            "très doux",
            "du Périgord",
            "élevé en plein air",
            "déjà cuit",
            "bio",
        ),
        ("1 L", "2,5 kg", "500 g", "lot de 6", "12 pièces", "3 × 80 g"),
        ("Épicerie > Crémerie > Crèmes", "Épicerie > Thé", "Maison > Entretien", "Frais > Œufs"),
    ),
    "Spanish": (
        (
            "Jamón",
            "Piña",
            "Café molido",
            "Azúcar",
            "Champú",
            "Plátano",
            "Limón",
            "Leche",
            "Atún",
            "Pañales",
            "Salchichón",
            "Zumo",
        ),
        (
            "ecológico",
            "sin azúcar",
            "de la señora",
            "pequeño",
            "extra",
            "tradición",
            "ibérico",
            "en lata",
        ),
        ("1 l", "2,5 kg", "500 g", "paq. de 6", "12 uds.", "3 x 80 g"),
        (
            "Alimentación > Charcutería > Jamón",
            "Alimentación > Café",
            "Bebé > Pañales",
            "Bebidas > Zumos",
        ),
    ),
    "Italian": (
        (
            "Caffè",
            "Tè verde",
            "Ragù",
            "Yogurt",
            "Purè",
            "Pasta",
            "Prosciutto",
            "Latte",
            "Tiramisù",
            "Biscotti",
            "Acqua",
            "Olio",
        ),
        (
            "di qualità",
            "più leggero",
            "senza zucchero",
            "biologico",
            "perché no",
            "della città",
            "intero",
            "novità",
        ),
        ("1 l", "2,5 kg", "500 g", "conf. da 6", "12 pezzi", "3 x 80 g"),
        ("Alimentari > Caffè > Macinato", "Alimentari > Pasta", "Casa > Pulizia", "Bevande > Tè"),
    ),
    "Polish": (
        (
            "Mleko",
            "Śmietana",
            "Żurek",
            "Gęś",
            "Chleb żytni",
            "Masło",
            "Ćwikła",
            "Źródlana woda",
            "Łosoś",
            "Ser żółty",
            "Kiełbasa",
            "Pączek",
        ),
        (
            "świeży",
            "bez cukru",
            "ręcznie robiony",
            "duży",
            "łagodny",
            "wędzony",
            "ekologiczny",
            "mięta",
        ),
        ("1 l", "2,5 kg", "500 g", "6 szt.", "12 sztuk", "3 x 80 g"),
        (
            "Żywność > Nabiał > Masło",
            "Żywność > Pieczywo",
            "Dom > Środki czystości",
            "Napoje > Woda",
        ),
    ),
    "Arabic": (
        ("حليب", "خبز", "جبنة", "شاي", "قهوة", "تمر", "عصير برتقال", "زيت زيتون", "أرز", "سكر"),
        ("طازج", "كامل الدسم", "بدون سكر", "كبير", "طبيعي", "عضوي"),
        ("1 لتر", "2,5 كجم", "500 جم", "٦ قطع", "12 حبة"),
        ("أغذية > ألبان > حليب", "أغذية > مخبوزات", "منزل > تنظيف"),
    ),
}
LANGUAGES = tuple(_WORDS)
_BRANDS = ("Acme", "Nordica", "La Casa", "B&B", "Ünlü", "O'Neil")
COLUMNS = ("sku", "title", "path", "price")


@dataclass(frozen=True)
class Catalog:
    """The rows of a catalog.

    Attributes:
        skus: The number of each product.
        titles: Its title.
        paths: Its category.
        prices: Its price in cents.
    """

    skus: Sequence[int]
    titles: Sequence[str]
    paths: Sequence[str]
    prices: Sequence[int]


def made_catalog(language: str, rows: int, seed: str, *, plain: bool = False) -> Catalog:
    """Make a catalog.

    Args:
        language: One of ``LANGUAGES``.
        rows: The number of rows.
        seed: What the random choices depend on.
        plain: Whether titles have no delimiter and no line break.
    """
    chance = random.Random(f"{language} {rows} {seed}")
    paths = _WORDS[language][3]
    many = chance.random() < 0.3  # commas in all titles
    titles = [_title(language, chance, many) for _ in range(rows)]
    if plain:
        titles = [_without_marks(title) for title in titles]
    return Catalog(
        [100_000 + row for row in range(rows)],
        titles,
        [chance.choice(paths) for _ in range(rows)],
        [chance.choice((99, 149, 1_000, 2_995, 123_450, 250_000)) for _ in range(rows)],
    )


def _title(language: str, chance: random.Random, many: bool) -> str:
    products, kinds, sizes, _ = _WORDS[language]
    product, kind, size = (chance.choice(words) for words in (products, kinds, sizes))
    brand = chance.choice(_BRANDS) if language != "Polish" else "Acme"
    title = chance.choice((f"{brand} {product}", product))
    if many:
        return f"{title}, {kind}, {size}, {chance.choice(kinds)}"
    forms = (
        f"{title} {kind} {size}", f"{title} {kind} {size}", f"{kind} {title}", f"{size} {title}",
        f"{title}, {kind}", f"{title} ({kind}), {size}", f'{title} "{kind}"', f'"{title}" {size}',
        f'{title} 12" {kind}', f"{title}; {kind}", f"{title} | {kind}", f"{title}\n{kind}",
        f"{title}, {size}; {kind}", f"{title}\t{size}", f"{title}: {kind} - {size}",
    )  # fmt: skip
    return chance.choice(forms)


def _without_marks(title: str) -> str:
    return " ".join(title.translate(str.maketrans("\n\t;,|", "     ")).split())
