"""What retailers call the columns with titles and with categories, in eight languages."""

import re

from prodcat.catalog.spellings import accent_key

TITLES = (
    "title", "name", "product", "product_name", "productname", "item", "item_name", "article",
    "designation", "label", "product_title", "item_title", "short_description", "description",
    "titel", "bezeichnung", "artikel", "artikelname", "artikelbezeichnung", "produkt",
    "produktname", "produktbezeichnung", "titre", "nom", "produit", "libelle", "nom_produit",
    "libelle_produit", "intitule", "titulo", "nombre", "producto", "nombre_producto",
    "articulo", "denominacion", "descripcion", "titolo", "nome", "prodotto", "nome_prodotto",
    "denominazione", "articolo", "descrizione", "naam", "omschrijving", "productnaam",
    "artikelnaam", "artikelomschrijving", "nome_produto", "produto", "artigo", "designacao",
    "descricao", "urun", "urun_adi", "urun_ismi", "isim", "ad", "baslik", "urunadi", "stok_adi",
)  # fmt: skip
CATEGORIES = (
    "path", "category", "categories", "category_path", "full_category", "breadcrumb",
    "breadcrumbs", "taxonomy", "product_type", "google_product_category", "product_category",
    "category_name", "department", "section", "aisle", "family", "kategorie", "kategorien",
    "warengruppe", "kategoriepfad", "sortiment", "abteilung", "categorie", "rubrique", "rayon",
    "famille", "arborescence", "chemin", "categoria", "ruta", "categoria_completa", "familia",
    "seccion", "departamento", "categoria_prodotto", "reparto", "percorso", "famiglia",
    "categorie_pad", "productgroep", "afdeling", "pad", "caminho", "seccao",
    "departamento_produto", "kategori", "kategori_yolu", "urun_kategorisi", "reyon",
    "departman",
)  # fmt: skip
_LEVEL = re.compile(r"(?:^|_)(?:l|lvl|level|niveau|nivel|livello|ebene|stufe|seviye|cat|kat)_?\d$")
_LONG = 5  # letters of a word that says what a column is even inside of another word


def key(name: str) -> str:
    """The name of a column as these lists have it: without accents, in small letters."""
    return re.sub(r"[^a-z0-9]+", "_", accent_key(name)).strip("_")


def title_rank(name: str) -> int | None:
    """How well a name suits a column with titles, 0 for the best; None if not at all."""
    plain = key(name)
    return TITLES.index(plain) if plain in TITLES else None


def is_category(name: str) -> bool:
    """Whether a name suits a column with categories, or with one of their levels."""
    plain = key(name)
    inside = any(word in plain for word in CATEGORIES if len(word) >= _LONG)
    return inside or plain in CATEGORIES or bool(_LEVEL.search(plain))
