"""What each kind of number that the grammar knows adds to the evidence about a pack."""

import re
from collections.abc import Callable, Mapping

from prodcat.offers.amounts import number_in
from prodcat.offers.evidence import Evidence, is_size_of_each, unit_of
from prodcat.offers.grammar import DRAINED, GADGET, GARMENT, MULTIPACK, ZOOM
from prodcat.offers.holders import holds
from prodcat.offers.pack import DOSE, PIECE, WASH, StatedPrice
from prodcat.offers.units import base_unit, factors

_NETWORKS = ("1", "2", "3", "4", "5", "6")  # 4G and 5G
_SUN_FACTOR = re.compile(r"(?:spf|fps|sfp|lsf|ip|fp|uv) ?$")
_YEARS = range(1900, 2100)
_MOST_HYPHENED = 500  # of pieces in "12-pack"; larger numbers are those of models
_SMALLEST_CL = 5.0  # that stands behind its unit
_LARGEST_GARMENT = 200  # "Gr." before a number below is a size of clothes in German
_SMALLEST_GLUED = 10  # that may be grams after "gr"; smaller numbers are sizes of nappies
_LARGEST_GRAMS = 5_000  # with a single "g"; larger numbers are those of models
_BUNDLES = ("pk", "pack", "packs")
_NUMBER_OF = re.compile(r"\b(?:n°|no|nr|num|n|type|typ|t|en|in|em)\.? ?\d{1,3} $")
_GROUP_BEHIND = re.compile(r"[ ']?\d{3}(?:[.,]\d+)? ?[a-z]")
_NOUN_BEHIND = re.compile(r" [a-z]")
_LOOSE_NUMBER = re.compile(r"(?<![a-z0-9.,])\d{1,3}[ ']$")


def _on_multiple(evidence: Evidence, match: re.Match[str]) -> None:
    if match["mu_open"]:
        evidence.hard.append(f"{match[0]!r} may be of one or of all")
    number = match["mu_size"]
    if number in _NETWORKS and match[0].endswith(f"{number}g"):
        evidence.soft.append(f"{match[0]!r} may be the name of a model")
        return
    count = int(match["mu_count"]) * int(match["mu_packs"] or 1)
    evidence.add(match, match["mu_size"], match["mu_unit"], count)


def _on_containers(evidence: Evidence, match: re.Match[str]) -> None:
    evidence.add(match, match["co_size"], match["co_unit"], int(match["co_count"]))


def _on_bottles(evidence: Evidence, match: re.Match[str]) -> None:
    prefix = "bt" if match["bt_size"] else "bb"
    number, unit, count = (match[f"{prefix}_{name}"] for name in ("size", "unit", "count"))
    size = (number_in(number, is_small=True) or 0) * factors()[unit_of(unit)]
    if is_size_of_each(size, unit_of(unit), int(count)):
        evidence.add(match, number, unit, int(count))
    else:
        evidence.add(match, number, unit)
        evidence.count(evidence.bundles, count, match)


def _on_twin(evidence: Evidence, match: re.Match[str]) -> None:
    evidence.count(evidence.bundles, 3 if match["triple"] else 2, match)


def _on_boxes_times(evidence: Evidence, match: re.Match[str]) -> None:
    numbers = evidence.washes if match["bx_wash"] else evidence.doses if match["bx_dose"] else None
    total = int(match["bx_count"]) * int(match["bx_size"])
    evidence.count(evidence.pieces if numbers is None else numbers, total, match)


def _on_count_sum(evidence: Evidence, match: re.Match[str]) -> None:
    word = match["cs_word"] or match["cs_first"]
    total = int(match["cs_one"]) + int(match["cs_two"])
    if word:
        kinds = {WASH: evidence.washes, DOSE: evidence.doses, PIECE: evidence.pieces}
        evidence.count(kinds[unit_of(word)], total, match)
    elif match["cs_free"] or MULTIPACK.search(evidence.text[evidence.before : match.start()]):
        evidence.count(evidence.bundles, total, match)


def _on_sum_times(evidence: Evidence, match: re.Match[str]) -> None:
    total = int(match["sm_one"]) + int(match["sm_two"])
    evidence.add(match, match["sm_size"], match["sm_unit"], total)


def _on_counts_times(evidence: Evidence, match: re.Match[str]) -> None:
    numbers = evidence.washes if match["ct_wash"] else evidence.doses if match["ct_dose"] else None
    total = int(match["ct_count"]) * int(match["ct_size"])
    evidence.count(evidence.pieces if numbers is None else numbers, total, match)


def _on_weighed(evidence: Evidence, match: re.Match[str]) -> None:
    evidence.add(match, match["we_size"], match["we_unit"])
    if match["we_money"]:
        unit = unit_of(match["we_unit"])
        evidence.stated.append(StatedPrice(match["we_money"], 1.0, unit))


def _on_unit_price(evidence: Evidence, match: re.Match[str]) -> None:
    prefix = "up" if match.lastgroup == "unit_price" else "sp"
    number = match[f"{prefix}_of"]
    of = number_in(number, is_small=True) if number else 1.0
    if of:
        unit = unit_of(match[f"{prefix}_unit"])
        evidence.stated.append(StatedPrice(match[f"{prefix}_money"], of, unit))


def _on_unit_equals(evidence: Evidence, match: re.Match[str]) -> None:
    if of := number_in(match["ue_of"], is_small=True):
        unit = unit_of(match["ue_unit"])
        evidence.stated.append(StatedPrice(match["ue_money"], of, unit))


def _on_purchase(evidence: Evidence, match: re.Match[str]) -> None:
    evidence.purchased *= max(int(match["pu_count"] or match["pu_times"]), 1)


def _on_range(evidence: Evidence, match: re.Match[str]) -> None:
    low, high = number_in(match["ra_low"]), number_in(match["ra_high"])
    unit = match["ra_unit"].strip()
    is_loose = match["ra_dash"].startswith(" ") and "-" in match["ra_dash"]
    is_mass = unit_of(unit) != PIECE and base_unit(unit_of(unit)) == "g"
    if is_mass and (match["ra_first"] or "/" in match["ra_dash"]) and DRAINED.search(evidence.text):
        evidence.add(match, match["ra_low"], match["ra_first"] or unit)
        evidence.add(match, match["ra_high"], unit)
    elif is_loose and not match["ra_first"] and low and high and not low < high <= 3 * low:
        if unit_of(unit) == PIECE:
            evidence.count(evidence.pieces, match["ra_high"], match)
        else:
            evidence.add(match, match["ra_high"], match["ra_unit"])
    elif unit_of(unit) != PIECE:
        evidence.soft.append(f"{match[0]!r} is a range")


def _on_sum(evidence: Evidence, match: re.Match[str]) -> None:
    one, two = number_in(match["su_one"]), number_in(match["su_two"])
    other = unit_of(match["su_other"])
    unit = unit_of(match["su_unit"]) if match["su_unit"] else other
    before = evidence.text[max(match.start() - 5, 0) : match.start()]
    if _SUN_FACTOR.search(before) and not match["su_unit"]:
        evidence.add(match, match["su_two"], match["su_other"])
    elif one and two and base_unit(unit) == base_unit(other) and (match["su_unit"] or one >= two):
        size = one + two * factors()[other] / factors()[unit]
        evidence.add(match, f"{size:.6f}".rstrip("0").rstrip("."), unit)
    else:
        evidence.hard.append(f"{match[0]!r} are two amounts")


def _on_sized_times(evidence: Evidence, match: re.Match[str]) -> None:
    if base_unit(unit_of(match["st_unit"])) == "ml" and holds(evidence.text):
        evidence.count(evidence.pieces, match["st_count"], match)
    else:
        evidence.add(match, match["st_size"], match["st_unit"], int(match["st_count"]))


def _on_dimension(evidence: Evidence, match: re.Match[str]) -> None:
    ends_with_digit = match[0].rstrip()[-1:].isdigit()
    if ends_with_digit and _GROUP_BEHIND.match(evidence.text, match.end()):  # 6 x 12 000 ml
        evidence.hard.append(f"{match[0]!r} may go on with thousands")


def _on_fraction(evidence: Evidence, match: re.Match[str]) -> None:
    size = int(match["fr_whole"] or 0) + int(match["fr_top"]) / int(match["fr_bottom"])
    evidence.add(match, f"{size:.6f}", match["fr_unit"])


def _on_glued(evidence: Evidence, match: re.Match[str]) -> None:
    written = match["gl_unit"] or match["gd_unit"]
    start = match.start()
    if len(written) < 2 or evidence.text[:start].endswith(("x", " x-")):
        evidence.soft.append(f"{_word(evidence.text, match)!r} may be the name of a model")
    else:
        evidence.add(match, match["gl_size"] or match["gd_size"], written)


def _word(text: str, match: re.Match[str]) -> str:
    """The whole word of which the match is the end."""
    return text[text.rfind(" ", 0, match.start()) + 1 : match.end()]


def _on_amount(evidence: Evidence, match: re.Match[str]) -> None:
    gap, written, number = match["am_gap"], match["am_unit"], match["am_size"]
    if match["am_times"]:
        evidence.hard.append(f"it is not clear how often {match[0]!r} counts")
    elif gap == "-" and len(written) < 2:
        return
    elif written == "g" and (
        (gap == "" and number in _NETWORKS)
        or (number_in(number) or 0) > _LARGEST_GRAMS
        or GADGET.search(evidence.text) is not None
    ):
        evidence.soft.append(f"{match[0]!r} may be the name of a model")
    elif written == "l" and gap == "" and number in _NETWORKS[1:] and GARMENT.search(evidence.text):
        evidence.soft.append(f"{match[0]!r} may be a size of clothes")
    elif (thousands := _thousands(evidence, match)) is None:
        evidence.hard.append(f"a number stands before {match[0]!r}")
    else:
        evidence.add(match, thousands + number, written)


def _thousands(evidence: Evidence, match: re.Match[str]) -> str | None:
    """The digits before a blank that belong to the number; None if that is not clear."""
    number = match["am_size"]
    gap = evidence.text[evidence.before : match.start()]
    if len(number) < 3 or not number[:3].isdigit() or number[3:4].isdigit():
        return ""
    if not (before := _LOOSE_NUMBER.search(gap)):
        return ""
    if (
        before[0].endswith("'")
        or number.startswith("0")
        or (evidence.before == 0 and gap == before[0])
    ):
        return before[0]
    return "" if _NUMBER_OF.search(gap) else None


def _on_doses(evidence: Evidence, match: re.Match[str]) -> None:
    if not match[0].endswith("tablet") or not GADGET.search(evidence.text.replace("tablet", "")):
        evidence.count(evidence.doses, match["do"], match)


def _on_pieces(evidence: Evidence, match: re.Match[str]) -> None:
    number = int(match["pi"])
    if number in _YEARS or (match["pi_gap"] == "-" and number > _MOST_HYPHENED):
        return
    before = evidence.text[evidence.before : match.start()]
    is_bundle = match["pi_word"] in _BUNDLES or MULTIPACK.search(before) is not None
    evidence.count(evidence.bundles if is_bundle else evidence.pieces, number, match)


def _on_short_pieces(evidence: Evidence, match: re.Match[str]) -> None:
    evidence.count(evidence.pieces, match["sp"] or match["sp_glued"], match)


def _on_bundle(evidence: Evidence, match: re.Match[str]) -> None:
    number = match["bu"] or match["bu_per"] or match["bo"] or match["bo_bare"]
    evidence.count(evidence.bundles, number, match)


def _on_times(evidence: Evidence, match: re.Match[str]) -> None:
    number = match["ti"] if match.lastgroup == "times" else match["ta"]
    text = evidence.text
    if match.start() == 0 and _NOUN_BEHIND.match(text, match.end()):
        evidence.hard.append(f"{match[0]!r} may be how many were bought")
    elif int(number) > 1 and not ZOOM.search(text) and not GADGET.search(text):
        evidence.count(evidence.pieces, number, match)


def _on_equation(evidence: Evidence, match: re.Match[str]) -> None:
    for number in (match["eq_one"], match["eq_two"]):  # 2 = 4: two rolls are as long as four
        evidence.count(evidence.pieces, number, match)


def _on_prefixed(evidence: Evidence, match: re.Match[str]) -> None:
    size = number_in(match["pr_size"])
    unit = match["pr_unit"]
    is_glued = match["pr_gap"] == ""
    if unit == "g" and (is_glued or size is None or size > _LARGEST_GRAMS):
        evidence.soft.append(f"{match[0]!r} may be the name of a model")
    elif unit in ("cl", "ml") and (size is None or size < _SMALLEST_CL):
        return
    elif unit in ("gr", "grs") and (size is None or size < _LARGEST_GARMENT):
        may_be_grams = is_glued and size is not None and size >= _SMALLEST_GLUED
        doubts = evidence.hard if may_be_grams and evidence.pieces else evidence.soft
        doubts.append(f"{match[0]!r} may be a size of clothes")
    else:
        evidence.add(match, match["pr_size"], unit)


HANDLERS: Mapping[str, Callable[[Evidence, re.Match[str]], None]] = {
    "multiple": _on_multiple,
    "containers": _on_containers,
    "bottles": _on_bottles,
    "boxes_times": _on_boxes_times,
    "twin": _on_twin,
    "counts_times": _on_counts_times,
    "count_sum": _on_count_sum,
    "sum_times": _on_sum_times,
    "weighed": _on_weighed,
    "unit_price": _on_unit_price,
    "sign_price": _on_unit_price,
    "unit_equals": _on_unit_equals,
    "purchase": _on_purchase,
    "range": _on_range,
    "sum": _on_sum,
    "sized_times": _on_sized_times,
    "dimension": _on_dimension,
    "fraction": _on_fraction,
    "amount": _on_amount,
    "glued": _on_glued,
    "washes": lambda evidence, match: evidence.count(evidence.washes, match["wa"], match),
    "doses": _on_doses,
    "pieces": _on_pieces,
    "short_pieces": _on_short_pieces,
    "turkish": lambda evidence, match: evidence.count(evidence.bundles, match["tu"], match),
    "bundle": _on_bundle,
    "bundle_of": _on_bundle,
    "times": _on_times,
    "times_after": _on_times,
    "prefixed": _on_prefixed,
    "equation": _on_equation,
}
