"""The grammar of pack texts: one pattern that divides a text into what its numbers mean.

At each number the kinds are tried in the order of :data:`NUMBERS`, so that a price per kilogram is
no weight, and ``6 x 33 cl`` is no dimension.  The pattern is compiled once.
"""

import re

from prodcat.offers import words
from prodcat.offers.units import UNIT

_N = r"\d++(?:[.,]\d++)*+"  # a number; without giving digits back
_GAP = r" {0,2}"
# A number is not the rest of a word or of another number.
_FREE = r"(?<![a-z0-9])(?<![a-z]-)(?<!\d[.,])(?<!\d/)(?<!\d /)"
_END = r"(?![a-z0-9])"
_UNIT = rf"(?:{UNIT}){_END}(?!'[a-z])"  # 30 l'eau has no litres
_SIGN = r"(?:€|\$|£|₺|₹|us\$|r\$|zl|eur(?:os?)?|usd|gbp|chf|pln|tl|try|brl|kr)"
_SIGNED = rf"{_SIGN}{_GAP}{_N}"
_PRICED = rf"{_N}{_GAP}{_SIGN}(?![a-z])"
_MONEY = rf"(?:{_SIGNED}|{_PRICED})"
_PER = r"(?:/|per|pro|par|por|le|la|al|il|je)"
_LENGTH = r"(?:mm|cm|m|mt|mts|dm|ft|in|inch(?:es)?|zoll|\"|'')"
_OTHER = (
    r"(?:mg|mcg|ug|iu|ui|ie|me|w|watts?|kw|kwh|wh|v|volts?|va|mah|ah|gb|tb|mb|kb|go|to|mp|hz|khz|"
    r"mhz|ghz|dpi|rpm|gsm|db|dbi|bars?|psi|k|kcal|kj|cal|km|°c|°f|°|lumens?|lm|p?ppm|fps|bit|"
    r"ply|plis?|plys|lagig|capas|sheets|feuilles|hojas|blatt|vellen|yaprak|fogli|folhas|laags|katli|veli|mois|months?|monate?|meses|mesi|maanden|ay|"
    r"ans?|years?|jahre?|anos|anni|jaar|yas|days?|jours?|dias|tage|giorni|dagen|gun|min|mn|minutes?|"
    rf"h|hours?|sec|{_LENGTH})"
)

_PIECE_LIKE = rf"(?:{words.PIECES}|{words.WASHES}|{words.DOSES}){_END}"
_MADE = (
    r"(?:effervescent|chewable|coated|film-?coated|soluble|vegan|veggie|soft|dispersible|laundry|"
    r"dishwasher|washing|coffee|efervesan|cigneme|film)"
)
_COUNTED = rf"(?:{UNIT}|{words.PIECES}|{words.WASHES}|{words.DOSES}|u)"

# What begins with a number.
NUMBERS: tuple[tuple[str, str], ...] = (
    ("rate", rf"{_N}{_GAP}(?=[ucutgroidvs])(?:u|umdr\.?|umdrehungen|tr|tours?|giri|rpm|"
             rf"omw|devir|dev|vueltas|rev|rot|toeren|t|strokes)\.?{_GAP}"
             rf"(?:/|par |pro |per |por |a ){_GAP}(?:min|mn|dk|dak)\w*"
             rf"|{_N}{_GAP}(?:devir|toeren|upm|omw|giri){_END}"),
    ("all_in_one", rf"\d{{1,2}}{_GAP}-?{_GAP}(?:in|en|em|'?[sl]?[iu]|x)?{_GAP}-?{_GAP}1 arada"
                   rf"|\d{{1,2}}{_GAP}-?{_GAP}(?:in|en|em){_GAP}-?{_GAP}1(?![\d.,])"
                   rf"(?!{_GAP}(?:{UNIT}|x){_END})"),
    ("persons", rf"\d{{1,2}}(?:{_GAP}(?:-|a|/){_GAP}\d{{1,2}})?{_GAP}(?:{words.PERSONS}){_END}"),
    # 3,98 €/kg and 1 kg = 3,98 €
    ("unit_price", rf"(?P<up_money>{_PRICED}){_GAP}{_PER}{_GAP}(?:(?P<up_of>{_N}){_GAP})?"
                   rf"(?P<up_unit>{_COUNTED}){_END}"),
    ("unit_equals", rf"(?P<ue_of>{_N}){_GAP}(?P<ue_unit>{_COUNTED}){_GAP}={_GAP}"
                    rf"(?P<ue_money>{_MONEY})"),
    # 0,348 kg x 2,25 €/kg, as on a receipt
    ("weighed", rf"(?P<we_size>{_N}){_GAP}(?P<we_unit>{UNIT}){_GAP}x{_GAP}"
                rf"(?:(?P<we_money>{_MONEY})(?:{_GAP}/(?:{_GAP}{_UNIT})?)?|"
                rf"\d++[.,]\d{{2,3}}(?!\d))"),
    # 2 x 2,97 €, also where a cashier typed no sign
    ("purchase", rf"(?P<pu_count>\d++){_GAP}x{_GAP}\(?(?:{_MONEY}|\d++[.,]\d{{2}}(?!\d)"
                 rf"(?!{_GAP}(?:{UNIT}|{_LENGTH}|x){_END}))(?:\)|{_GAP}e{_END})?"
                 rf"|\d++[.,]\d{{2}}{_GAP}(?:{_SIGN}{_GAP})?x{_GAP}(?P<pu_times>\d++)"
                 rf"(?![\d.,])(?!{_GAP}(?:{UNIT}|{_LENGTH}){_END})"),
    ("money", rf"{_PRICED}(?:\d{{2}}\b)?"),
    ("percent", rf"{_N}(?:{_GAP}-{_GAP}{_N})?{_GAP}(?:%|°(?:{_GAP}(?:alc|gl))?|(?:alc|vol)\b)"),
    ("multiple", rf"(?:(?P<mu_packs>\d{{1,3}}){_GAP}x{_GAP})?(?P<mu_count>\d{{1,4}}){_GAP}"
                 rf"x{_GAP}(?P<mu_open>\()?(?P<mu_size>{_N}){_GAP}(?P<mu_unit>{_UNIT})"),
    ("containers", rf"(?P<co_count>\d{{1,3}}) (?:{words.CONTAINERS}|{words.BOXES}) "
                   rf"(?:x|of|de|da|di|a|von|van|je|con|mit|met) ?(?P<co_size>{_N}){_GAP}"
                   rf"(?P<co_unit>{_UNIT})"),
    ("bottles", rf"(?P<bt_count>\d{{1,3}}) (?:{words.BOTTLES}) (?P<bt_size>{_N}){_GAP}"
                rf"(?P<bt_unit>{_UNIT})"
                rf"|(?P<bb_size>{_N}){_GAP}(?P<bb_unit>{UNIT})(?:,? \(?| ?- ?)(?:(?:{words.PACKS}) "
                rf"(?:(?:de|of|von|van|da|di) )?)?(?P<bb_count>\d{{1,3}}) "
                rf"(?:{words.BOTTLES}){_END}"),
    ("boxes_times", rf"(?P<bx_count>\d{{1,3}}) (?=[a-z'.]+ ?[a-z]* ?\d)"
                    rf"(?:{words.BOXES}) ?"
                    rf"(?:x|de|of|a|da|von|van|je|di|con|mit|met) ?(?P<bx_size>\d{{1,3}}+)"
                    rf"(?![.,]?\d)(?!{_GAP}(?:{UNIT}|{_OTHER}|x|%|{_SIGN}|/){_END})(?!{_GAP}[%x€/-])"
                    rf"(?:{_GAP}(?:(?P<bx_wash>{words.WASHES})|(?P<bx_dose>{words.DOSES})|"
                    rf"(?:{words.PIECES})){_END})?"),
    ("counts_times", rf"(?P<ct_count>\d{{1,3}}){_GAP}x{_GAP}(?P<ct_size>\d{{1,4}}){_GAP}"
                     rf"(?:(?P<ct_wash>{words.WASHES})|(?P<ct_dose>{words.DOSES})|"
                     rf"(?:{words.PIECES})){_END}"),
    ("fraction", rf"(?:(?P<fr_whole>\d) )?(?P<fr_top>[1-3])/(?P<fr_bottom>[2-4]){_GAP}"
                 rf"(?:de )?(?P<fr_unit>{_UNIT})"),
    ("range", rf"(?P<ra_low>{_N}){_GAP}(?P<ra_first>{UNIT})?(?P<ra_dash>{_GAP}[-/]{_GAP}"
              rf"| (?:a|to|bis|tot|ile|jusqu'?a) )(?P<ra_high>{_N}){_GAP}"
              rf"(?P<ra_unit>{_UNIT}|(?:{words.PIECES}){_END})"),
    ("sum_times", rf"(?P<sm_one>\d{{1,3}})(?= ?\+)(?: \+ |\+)(?P<sm_two>\d{{1,3}}){_GAP}x{_GAP}"
                  rf"(?P<sm_size>{_N}){_GAP}(?P<sm_unit>{_UNIT})"),
    ("sum", rf"(?P<su_one>{_N}){_GAP}(?P<su_unit>{UNIT})?(?: \+ |(?<! )\+)(?P<su_two>{_N})"
            rf"{_GAP}(?P<su_other>{_UNIT})"),
    ("count_sum", rf"(?P<cs_one>\d{{1,3}})(?=[^+\d]{{0,20}}\+){_GAP}"
                  rf"(?P<cs_first>{_PIECE_LIKE})?{_GAP}\+{_GAP}"
                  rf"(?P<cs_two>\d{{1,3}}+)(?![.,]\d)(?:{_GAP}(?P<cs_free>{words.FREE}){_END})?"
                  rf"(?:{_GAP}(?P<cs_word>{_PIECE_LIKE}){_END})?(?:{_GAP}(?:{words.FREE}){_END})?"
                  rf"(?!{_GAP}(?:{UNIT}|x|%){_END})(?![a-z])"),
    ("over", rf"{_N}{_GAP}(?:\+{_GAP})?{_UNIT}{_GAP}\+(?!{_GAP}\d)|{_N}{_GAP}\+{_GAP}{_UNIT}"
             rf"|{_N}{_GAP}{_UNIT} (?:{words.MORE}){_END}"),
    ("density", rf"{_N}{_GAP}(?:{UNIT}){_GAP}(?:(?:/|par |pro |per |por ){_GAP}"
                rf"(?:m\^?2|m|mq|qm|metrekare|min|h|s|l|km)|m\^?2|mq|qm){_END}"),
    ("nutrient", rf"{_N}{_GAP}g(?:ram(?:s|mes|os|m)?)? (?:de |d'|of |di )?"
                 rf"(?:{words.NUTRIENTS}){_END}"),
    ("sized_times", rf"(?P<st_size>{_N}){_GAP}(?P<st_unit>{UNIT})(?:[ ,-]{{0,2}}{_N} ?[%°]"
                    rf"(?: ?vol\.?)?[ ,-]{{0,2}})?{_GAP}x{_GAP}"
                    rf"(?P<st_count>\d{{1,3}}+)(?![.,]\d)(?![a-z])(?!{_GAP}(?:x|{_LENGTH}|"
                    rf"{_SIGN}){_END})"),
    ("amount", rf"(?P<am_size>{_N})(?P<am_gap>{_GAP}|-)"
               rf"(?P<am_unit>{_UNIT})(?P<am_times>{_GAP}x{_GAP}\d)?"),
    ("equation", rf"(?P<eq_one>\d{{1,2}}){_GAP}={_GAP}(?P<eq_two>\d{{1,3}}+)(?![.,%€])"),
    ("ratio", rf"\d{{1,2}}/\d{{1,2}}(?![\d/])(?!{_GAP}{_LENGTH}{_END})"),
    ("dimension", rf"{_N}{_GAP}{_LENGTH}?{_GAP}x{_GAP}[hlb]?{_N}"
                  rf"(?:{_GAP}x{_GAP}{_N})?{_GAP}(?:{_LENGTH}{_END})?"),
    ("washes", rf"(?P<wa>\d{{1,4}}){_GAP}(?:{words.WASHES}){_END}"),
    ("doses", rf"(?P<do>\d{{1,4}}){_GAP}(?:{_MADE} )?(?:{words.DOSES}){_END}"),
    ("pieces", rf"(?P<pi>\d{{1,4}})(?P<pi_gap>{_GAP}|-)(?P<pi_word>{words.PIECES}){_END}"),
    ("short_pieces", rf"(?P<sp>\d{{1,4}}){_GAP}(?:{words.SHORT_PIECES})(?={_GAP}(?:$|[.,;)/]))"
                     rf"|(?P<sp_glued>\d{{1,3}})st{_END}"),
    ("turkish", rf"(?P<tu>\d{{1,4}}) ?'? ?(?:li|lu)(?: paket)?{_END}"),
    ("bundle", rf"(?P<bu>\d{{1,3}})(?:er|x)?[ -](?:pack(?:ung)?|pak|paket|set|lot){_END}(?! of )"
               rf"|(?P<bu_per>\d{{1,4}})(?: per |/)(?:{words.PACKS}){_END}"),
    ("times_after", rf"(?P<ta>\d{{1,3}}){_GAP}x(?=$|{_GAP}[,;)])"),
    ("other", rf"{_N}(?:{_GAP}|-)?{_OTHER}{_END}"),
)  # fmt: skip
# What begins with a word or a sign.
WORDS: tuple[tuple[str, str], ...] = (
    ("sign_price", rf"(?P<sp_money>{_SIGNED}){_GAP}{_PER}{_GAP}(?:(?P<sp_of>{_N}){_GAP})?"
                   rf"(?P<sp_unit>{_COUNTED}){_END}"),
    ("sign_money", _SIGNED),
    ("twin", rf"(?:{words.TWINS}){_END}|(?P<triple>{words.TRIPLES}){_END}"),
    ("sun_factor", rf"(?:spf|lsf|fps|sfp|ip|fp|faktor|factor|facteur|fattore|fator|faktoru)"
                   rf"(?: ?:| ?-)?{_GAP}\d{{1,3}}(?:{_GAP}\+)*+(?![\d.,]\d)(?![\da-z])"
                   rf"(?!{_GAP}(?:{UNIT}){_END})"),
    ("for_persons", rf"(?:pour|for|fur|per|para|voor|serves) \d{{1,2}}(?:{_GAP}(?:-|a|/){_GAP}"
                    rf"\d{{1,2}})?(?=$|[ ,;)])(?! ?(?:{UNIT}|{_OTHER}|{_SIGN}|x|%){_END})"
                    rf"(?: (?:{words.PERSONS}|{words.PIECES}){_END})?"),
    ("per_hundred", rf"(?:/|(?:per|pro|je|par|por|pour|auf|na) ){_GAP}100{_GAP}(?:g|gr|ml){_END}"),
    ("limit", rf"(?:[+<>]{_GAP}|(?:{words.LIMITS})\.? )(?:(?:de|of|zu|to) )?{_N}{_GAP}{_UNIT}"),
    ("bundle_of", rf"(?:{words.PACKS}) ?(?:(?:of|de|d'|da|di|van|von|mit|met|con|x) ?)"
                  rf"(?:x ?)?(?P<bo>\d{{1,4}}+)(?![.,]\d)(?![a-z%°])(?! ?[x+])"
                  rf"(?!{_GAP}(?:{UNIT}|{_OTHER}){_END})"
                  rf"(?! (?:{words.BOTTLES}|{words.BOXES}|{words.WASHES}|{words.DOSES}){_END})"
                  rf"|(?:lot|set|pack|caja|case|carton|doos|caixa|kutu) (?P<bo_bare>\d{{1,3}}+)"
                  rf"(?=$| [a-z(]|[,;)])(?! (?:x|{_COUNTED}|{words.BOTTLES}|"
                  rf"{words.BOXES}|{_OTHER}){_END})"),
    ("prefixed", rf"(?P<pr_unit>kg|grs?|g|ml|cl|lt)(?P<pr_gap>[.:]? ?)"
                 rf"(?P<pr_size>{_N})(?!{_GAP}(?:{UNIT}|x|%){_END})(?![a-z0-9%/-])"),
    ("times", rf"x{_GAP}(?P<ti>\d{{1,4}}+)(?![.,]\d)(?![a-z%°])"
              rf"(?!{_GAP}(?:x|=|{UNIT}|{_LENGTH}|{_SIGN}){_END})"),
)  # fmt: skip
# A number right after letters or "a-" is one only with a unit.
_GLUED = (
    rf"(?<=[a-z])(?P<gl_size>{_N})(?P<gl_unit>{_UNIT})|"
    rf"(?<=[a-z]-)(?P<gd_size>{_N}){_GAP}(?P<gd_unit>{_UNIT})"
)


def _alternatives(kinds: tuple[tuple[str, str], ...]) -> str:
    return "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds)


PATTERN = re.compile(
    rf"(?=\d)(?:{_FREE}(?:{_alternatives(NUMBERS)})|(?P<glued>{_GLUED}))"
    rf"|(?<![a-z0-9])(?=[^ \d])(?:{_alternatives(WORDS)})"
)
DIGIT = re.compile(r"\d")
DRAINED = re.compile(rf"(?<![a-z])(?:{words.DRAINED})")
NAPPY = re.compile(rf"\b(?:{words.NAPPIES})\b")
SQUARE_METRE = re.compile(rf"\b(?:{words.PAPER}|{words.CLOTH})\b")
GARMENT = re.compile(rf"\b(?:{words.GARMENTS})\b")
ABOUT = re.compile(rf"\b(?:{words.ABOUT})|~")
GADGET = re.compile(rf"\b(?:{words.GADGETS})\b")
BOTTLE = re.compile(rf"\b(?:{words.BOTTLES}|fles|blik|lata|latta|lattina|bottiglia)\b")
MULTIPACK = re.compile(r"\b(?:multi)?(?:pack|lot|set) $")
# Behind an amount that each of several things has.
EACH = re.compile(
    r" ?,? ?(?:each|ea\.|chacune?s?|chaque|cada un[oa]|c/u|ciascun[oa]|cadauno|elk|per stuk|"
    r"pro stuck|je stuck|tanesi|her biri|cada)(?![a-z])"
)
EXTRA = re.compile(r" ?\+ ?\d++(?! ?%)")
ZOOM = re.compile(r"zoom|magnif|speed|dvd|cd-r")
# More of a product, such as "2 x Soap 250 g": of how many the amount is, nobody can tell.
LOOSE = re.compile(r"(?<![a-z0-9.,])(?:[2-9]|\d\d) ?x ?(?=[a-z(])")
# Sold by the kilogram or by the piece: the whole text, or its end.
BARE_UNIT = re.compile(
    rf"(?P<whole>{UNIT}|(?:{words.PIECE_UNITS})|un|u|st)\.?|\D+ (?P<last>kg|adet)\.?"
)
