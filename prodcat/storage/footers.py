"""Recognises lines that are no rows of a table: sums, notes and remarks below it, and rules."""

import re
from collections.abc import Collection, Sequence

MOST_BELOW = 20  # lines below a table
_MOST_RULE = 1_000  # letters of a line by which it is recognised
_MOST_SHOWN = 100  # letters by which words are recognised
# What the first field of a line with sums says, in the languages of many files.
_SUMS = frozenset(
    {
        *("total", "totals", "sum", "gesamt", "summe", "gesamtsumme", "gesamtergebnis", "toplam"),
        *("genel toplam", "totale", "totaal", "totalt", "yhteensä", "suma", "razem", "celkem"),
        *("összesen", "somme", "sous-total", "итого", "всего", "σύνολο"),
        *("grand total", "subtotal", "sub-total", "total general", "ara toplam", "total général"),
    }
)
SUM_STARTS = frozenset(start for word in _SUMS for start in (word[0], word[0].upper()))
_NUMBERS = re.compile(r"[\d\s.,]*")
# How notes begin.  Most have two words, as products' names may begin with one of them.
_NOTE = re.compile(
    r"(?:end of (?:the |this )?(?:list|file|report|table|data|document|export|price list)\b"
    r"|ende (?:der|des) (?:preis)?(?:liste|datei|tabelle|berichts?|dokuments?|exports?|reports?)\b"
    r"|fin (?:de la |du |de l['’]|del |de )(?:liste|fichier|rapport|tableau|document|lista|archivo)"
    r"|fine (?:della |del |dell['’])?(?:lista|elenco|file|documento|rapporto)\b"
    r"|(?:final|fim) (?:de la |del |da |do )(?:lista|archivo|arquivo|documento|relatório)\b"
    r"|koniec |listenin sonu|liste sonu"
    r"|(?:as of|stand|au|al|en fecha)\W{1,3}\d"
    r"|(?:generated|printed|created|exported|prepared|downloaded|produced|last updated|updated"
    r"|compiled|retrieved) (?:by|on|at|from|with|in|using)\b"
    r"|(?:generated|printed|created|exported|updated|erstellt|gedruckt|exportiert) ?(?:[:,]|\d)"
    r"|(?:erstellt|gedruckt|exportiert|erzeugt|generiert|aktualisiert) (?:von|am|mit|durch|um)\b"
    r"|(?:généré|imprimé|exporté|créé|édité) (?:par|le|avec)\b"
    r"|(?:generado|impreso|exportado|creado|gerado|impresso|criado) (?:por|el|em|con)\b"
    r"|(?:generato|stampato|esportato|creato) (?:da|il|con)\b"
    r"|(?:oluşturulma|oluşturan|yazdırma|hazırlayan|rapor tarihi|güncelleme)\b"
    r"|wygenerowan\w*\b|utworzon\w*\b"
    r"|(?:note|notes|source|remark|hinweis|anmerkung|quelle|nota|fuente|fonte|kaynak|not|źródło"
    r"|legend|legende|disclaimer|copyright|confidential|vertraulich)(?:\W*:|\W*$)"
    r"|(?:copyright|page|seite|página|pagina|sayfa|strona|sheet) \W?\d"
    r"|(?:all|alle|tous les|todos los|tutti i|todos os|tüm|wszystkie) "
    r"(?:prices|preise|prix|precios|prezzi|preços|fiyatlar|ceny|angaben|rights|rechte)\b"
    r"|\(?[\d.,\s]{1,12}(?:rows?|records?|items?|entries|lines|zeilen|datensätze|einträge|lignes"
    r"|filas|registros|righe|linhas|satır|kayıt|wierszy)"
    r"(?: selected| found| exported| in total| affected)?\W*$"
    r"|©|\*\)|\*{2,} |-{2,}|={2,}|#{2,} )",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?:\S+\s+){4,}[^\W\d_]{4,}[.!]")  # at least five words and a full stop

END_OF_FILE = "\x1a"  # the last character of texts of DOS
RULE_STARTS = (END_OF_FILE, "---", "===", "___", "+--", "+==", ":--", "--+")
_DRAWN = "-=_+:|* \t"
_RULES = ("---", "===", "___", ":--", "--:")


def is_rule(row: Sequence[str]) -> bool:
    """Whether a line is drawn between the rows of a table, as in lists of SAP and in Markdown.

    >>> is_rule(["------"]), is_rule(["", "-----", ":---:", ""]), is_rule(["-", "-", "-"])
    (True, True, False)
    """
    filled = [cell[:_MOST_RULE] for cell in row if cell and not cell.isspace()]
    return bool(filled) and all(
        not cell.strip(_DRAWN) and any(mark in cell for mark in _RULES) for cell in filled
    )


def is_sum(cell: str) -> bool:
    """Whether the first field of a line says that the line has sums, such as "Total: 60".

    >>> is_sum("Toplam: 60 adet"), is_sum("SUMME 12,50"), is_sum("Total 0% yoghurt")
    (True, True, False)
    """
    text = cell.strip()[:_MOST_SHOWN].lower()
    word = text.partition(":")[0].strip()
    return word in _SUMS or any(
        text.startswith(word) and _NUMBERS.fullmatch(text, len(word)) for word in _SUMS
    )


def has_sums(row: Sequence[str], needed: Collection[int]) -> bool:
    """Whether a row has sums, and is no product of a brand such as Total.

    Args:
        row: The fields of the row; it may be too short.
        needed: The positions of the columns that are read; with none, all columns count.

    >>> has_sums(["Total", "", "12.50"], [1]), has_sums(["Total", "Oil 5W-40", ""], [1])
    (True, False)
    """
    if not is_sum(row[0]):
        return False
    others = range(1, len(row)) if not needed else [p for p in needed if 0 < p < len(row)]
    return not any(map(str.isalpha, "".join(row[place] for place in others)))


def is_note(cell: str) -> bool:
    """Whether the first field of a line says what stands below a table, and names no product.

    >>> is_note("End of the list"), is_note("Printed by Max"), is_note("Rice"), is_note("2 rows")
    (True, True, False, True)
    """
    text = cell.strip()[:_MOST_SHOWN]
    return (
        is_sum(text)
        or bool(_NOTE.match(text))
        or bool(_SENTENCE.fullmatch(cell.strip()[: 4 * _MOST_SHOWN]))
    )


def has_words(cell: str) -> bool:
    """Whether a field has letters that form words, as a remark has and a number has not.

    >>> has_words("Delivery in May"), has_words("4711"), has_words("A-4711")
    (True, False, False)
    """
    text = cell.strip()[:_MOST_SHOWN]
    return any(map(str.isalpha, text)) and not any(map(str.isdecimal, text.partition(" ")[0]))


def lacks_needed(row: Sequence[str], needed: Collection[int]) -> bool:
    """Whether a row has words or sums, and nothing in the columns that are read.

    Args:
        row: The fields of the row; it may be too short.
        needed: The positions of the columns that are read; with none, nothing is known.

    >>> lacks_needed(["Delivery in May", "", ""], [1]), lacks_needed(["", "Rice", ""], [1])
    (True, False)
    """
    if not needed or any(row[place].strip() for place in needed if place < len(row)):
        return False
    if row[0].strip():
        return has_words(row[0]) or is_note(row[0])
    return not any(map(str.isalpha, "".join(row)))
