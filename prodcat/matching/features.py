"""How alike the two products of a pair are, in many respects."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.matching.comparison import Candidates, Comparison, Side
from prodcat.matching.distinctions import lacked
from prodcat.matching.products import Products
from prodcat.matching.words import CODE, NUMBER, WORD, joined

Features = dict[str, NDArray[np.float64]]
_KINDS = {"words": WORD, "numbers": NUMBER, "codes": CODE}
_SAME_SIZE = 0.02  # relative difference of sizes that are the same but for rounding
_SHORTEST_CODE = 4
_TINY = 1e-9


def pair_features(comparison: Comparison, pairs: Candidates) -> Features:
    """The features of pairs; NaN where something is not known.

    Args:
        comparison: The two tables.
        pairs: The pairs.

    Returns:
        For each feature an array [pairs].  Shares and cosines are from 0 to 1; what is missing or
        contradicts is measured in words, each weighted by how rare it is.
    """
    ours, theirs = comparison.ours, comparison.theirs
    mine, others = pairs.ours, pairs.theirs
    features = {
        "word_cosine": _dots(ours.by_words, theirs.by_words, mine, others),
        "letter_cosine": _dots(ours.by_letters, theirs.by_letters, mine, others),
    }
    features |= _coverage(comparison, pairs)
    if ours.by_texts is not None:
        features["text_cosine"] = _dots(ours.by_texts, theirs.by_texts, mine, others)
        features |= _text_shares(ours, theirs, pairs)
    if ours.products.vectors is not None and theirs.products.vectors is not None:
        products = ours.products.vectors[mine] * theirs.products.vectors[others]
        features["vector_cosine"] = products.sum(1).astype(np.float64)
    features["brand"] = _brands(ours, theirs, pairs)
    features["code"] = _codes(ours, theirs, pairs)
    features["size"] = size_agreement(comparison, pairs)
    features["size_ratio"] = _log_ratio(ours.products.totals, theirs.products.totals, pairs)
    units = _same_units(ours.products.total_units, theirs.products.total_units, pairs)
    features["size_ratio"][~units] = np.nan
    features["price_ratio"] = _log_ratio(ours.products.prices, theirs.products.prices, pairs)
    features["unit_price_ratio"] = _log_ratio(
        ours.products.unit_prices, theirs.products.unit_prices, pairs
    )
    features["unit_price_ratio"][
        ~_same_units(ours.products.units, theirs.products.units, pairs)
    ] = np.nan
    for name in ("price_ratio", "unit_price_ratio"):
        features[name][other_currencies(ours.products, theirs.products, mine, others)] = np.nan
    features["category"] = _categories(ours, theirs, pairs)
    return features


def kind_shares(comparison: Comparison, pairs: Candidates) -> NDArray[np.float64]:
    """How much of what either title says of the kind of goods the other one says, too.

    Args:
        comparison: The two tables.
        pairs: The pairs.

    Returns:
        The share of the words of a title that name neither a brand nor a size and that the other
        title has, each weighted by the root of its rarity; the smaller one of both titles, float
        [pairs], 0 to 1.
    """
    ours, theirs = comparison.ours, comparison.theirs
    brands = ours.brands.sum(axis=0) + theirs.brands.sum(axis=0)
    is_kind = (np.asarray(brands).ravel() == 0).astype(np.float64)
    shares = [
        _shares_of(one.titles.sqrt(), other.covered, is_kind, mine, others)
        for one, other, mine, others in (
            (ours, theirs, pairs.ours, pairs.theirs),
            (theirs, ours, pairs.theirs, pairs.ours),
        )
    ]
    return np.asarray(np.min(shares, axis=0))


def _shares_of(
    titles: Any,
    covered: Any,
    weights: NDArray[np.float64],
    mine: NDArray[np.int64],
    others: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The share of each title's words, with weights, that another one has; 0 where it has none."""
    total = np.asarray(titles @ weights, np.float64).ravel()[mine]
    shared = np.asarray(titles[mine].multiply(covered[others]) @ weights, np.float64).ravel()
    return shared / np.maximum(total, _TINY)


def _dots(
    ours: Any, theirs: Any, mine: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The dot product of each pair of rows."""
    products = ours[mine].multiply(theirs[others]).sum(axis=1)
    return np.asarray(products, np.float64).ravel()


def _coverage(comparison: Comparison, pairs: Candidates) -> Features:
    """How much of either title the other one has, and what it lacks."""
    ours, theirs = comparison.ours, comparison.theirs
    one = _covered(ours.titles[pairs.ours], theirs.covered[pairs.theirs], comparison.kinds)
    other = _covered(theirs.titles[pairs.theirs], ours.covered[pairs.ours], comparison.kinds)
    both = np.stack([one["share"], other["share"]])
    largest = np.stack([one["largest_missing"], other["largest_missing"]])
    missing = np.stack([one["missing"], other["missing"]])
    shared = np.maximum(one["common"], other["common"])
    features = {
        "least_share": both.min(0),
        "largest_share": both.max(0),
        "common": shared,
        "jaccard": shared / np.maximum(shared + missing.sum(0), _TINY),
        "both_lack": missing.min(0),
        "one_lacks": missing.max(0),
        "both_lack_rare": largest.min(0),
        "one_lacks_rare": largest.max(0),
    }
    for name in _KINDS:
        features[f"common_{name}"] = np.maximum(one[f"common_{name}"], other[f"common_{name}"])
        lacks = np.stack([one[f"missing_{name}"], other[f"missing_{name}"]])
        features[f"conflict_{name}"] = lacks.min(0)
        features[f"missing_{name}"] = lacks.max(0)
    weights = comparison.distinct
    distinct = np.stack(
        [
            lacked(ours.titles, theirs.covered, weights, pairs.ours, pairs.theirs),
            lacked(theirs.titles, ours.covered, weights, pairs.theirs, pairs.ours),
        ]
    )
    return {**features, "conflict_distinct": distinct.min(0), "missing_distinct": distinct.max(0)}


def _covered(titles: Any, covered: Any, kinds: NDArray[np.int64]) -> Features:
    shared = titles.multiply(covered).tocsr()
    missing = (titles - shared).tocsr()
    total = np.asarray(titles.sum(axis=1), np.float64).ravel()
    sums = {"common": shared, "missing": missing}
    features = {
        name: np.asarray(each.sum(axis=1), np.float64).ravel() for name, each in sums.items()
    }
    features["share"] = features["common"] / np.maximum(total, _TINY)
    features["largest_missing"] = missing.max(axis=1).toarray().ravel().astype(np.float64)
    for name, kind in _KINDS.items():
        weights = (kinds == kind).astype(np.float64)
        features[f"common_{name}"] = shared @ weights
        features[f"missing_{name}"] = missing @ weights
    return features


def _text_shares(ours: Side, theirs: Side, pairs: Candidates) -> Features:
    """How much of either title the other's title and further texts have."""
    one = _share_of(ours.titles, theirs.all_words, pairs.ours, pairs.theirs)
    other = _share_of(theirs.titles, ours.all_words, pairs.theirs, pairs.ours)
    both = np.stack([one, other])
    return {"text_least_share": both.min(0), "text_largest_share": both.max(0)}


def _share_of(
    titles: Any, words: Any, mine: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float64]:
    total = np.asarray(titles.sum(axis=1), np.float64).ravel()[mine]
    return _dots(titles, words, mine, others) / np.maximum(total, _TINY)


def _brands(ours: Side, theirs: Side, pairs: Candidates) -> NDArray[np.float64]:
    """1 if brands agree, 0 if they contradict, between if only one is known; NaN if none is."""
    mine, others = pairs.ours, pairs.theirs
    sizes = [np.asarray(side.brands.sum(axis=1)).ravel() for side in (ours, theirs)]
    one, other = sizes[0][mine], sizes[1][others]
    same = _dots(ours.brands, theirs.brands, mine, others) > 0
    in_theirs = _dots(ours.brands, theirs.covered, mine, others) >= 0.5
    in_ours = _dots(theirs.brands, ours.covered, others, mine) >= 0.5
    named = in_theirs | in_ours
    both = (one > 0) & (other > 0)
    either = (one > 0) | (other > 0)
    result = np.full(len(pairs), np.nan)
    result[either] = np.where(named, 0.8, 0.3)[either]
    result[both] = np.where(same, 1.0, np.where(named, 0.7, 0.0))[both]
    return result


def _codes(ours: Side, theirs: Side, pairs: Candidates) -> NDArray[np.float64]:
    """1 if codes agree or the other title has it, 0 if they contradict; NaN if it is not known."""
    result = np.full(len(pairs), np.nan)
    if not any(ours.products.codes) and not any(theirs.products.codes):
        return result
    codes = [[joined(code) for code in side.products.codes] for side in (ours, theirs)]
    titles = [[joined(title) for title in side.products.titles] for side in (ours, theirs)]
    for number, (one, other) in enumerate(
        zip(pairs.ours.tolist(), pairs.theirs.tolist(), strict=True)
    ):
        mine, their = codes[0][one], codes[1][other]
        long = len(mine) >= _SHORTEST_CODE, len(their) >= _SHORTEST_CODE
        is_named = (long[0] and mine in titles[1][other]) or (long[1] and their in titles[0][one])
        if is_named or (mine and mine == their):
            result[number] = 1.0
        elif all(long) and (mine in their or their in mine):
            result[number] = 0.8
        elif mine and their:
            result[number] = 0.0
    return result


def size_agreement(comparison: Comparison, pairs: Candidates) -> NDArray[np.float64]:
    """1 if both packs have the same size, -1 if they have different ones, 0 if it is not known."""
    ours, theirs = comparison.ours.products, comparison.theirs.products
    units = _same_units(ours.total_units, theirs.total_units, pairs)
    ratio = _log_ratio(ours.totals, theirs.totals, pairs)
    known = units & np.isfinite(ratio)
    counts = ours.counts[pairs.ours] == theirs.counts[pairs.theirs]
    same = (np.nan_to_num(ratio, nan=np.inf) <= _SAME_SIZE) & counts
    return np.where(known, np.where(same, 1.0, -1.0), 0.0)


def _same_units(ours: Any, theirs: Any, pairs: Candidates) -> NDArray[np.bool_]:
    one, other = np.asarray(ours, object)[pairs.ours], np.asarray(theirs, object)[pairs.theirs]
    return np.asarray((one == other) & (one != ""), bool)


def _log_ratio(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], pairs: Candidates
) -> NDArray[np.float64]:
    """The size of the logarithm of a ratio; NaN if one of the two numbers is not known or 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(np.log(ours[pairs.ours]) - np.log(theirs[pairs.theirs]))
    return np.where(np.isfinite(ratio), ratio, np.nan)


def other_currencies(
    ours: Products, theirs: Products, mine: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether both prices of each pair are in known, different currencies, bool [pairs].

    Args:
        ours: Our products.
        theirs: Theirs.
        mine: The row of our table of each pair.
        others: The row of their table of each pair.
    """
    if ours.currencies is None or theirs.currencies is None:
        return np.zeros(len(mine), bool)
    one, other = np.asarray(ours.currencies)[mine], np.asarray(theirs.currencies)[others]
    return np.asarray((one != other) & (one != "") & (other != ""), bool)


def foreign_pairs(
    ours: Products, theirs: Products, mine: Sequence[int], others: Sequence[int]
) -> list[tuple[str, str]]:
    """Both currencies of each pair of rows whose prices are in known, different currencies.

    Args:
        ours: Our products.
        theirs: Theirs.
        mine: The row of our table of each pair.
        others: The row of their table of each pair.
    """
    if ours.currencies is None or theirs.currencies is None:
        return []
    pairs = [
        (ours.currencies[one], theirs.currencies[other])
        for one, other in zip(mine, others, strict=True)
    ]
    return [(one, other) for one, other in pairs if one and other and one != other]


def _categories(ours: Side, theirs: Side, pairs: Candidates) -> NDArray[np.float64]:
    """How sure it is that both have the same category (1) or different ones (-1); NaN if unknown.

    The answer is that of the first level at which the paths part, weighted by the confidence of
    both, so that doubtful categories separate nothing.
    """
    mine, others = ours.products.paths, theirs.products.paths
    if mine is None or others is None:
        return np.full(len(pairs), np.nan)
    known: dict[tuple[Any, Any], float] = {}
    result = np.empty(len(pairs))
    for number, (one, other) in enumerate(
        zip(pairs.ours.tolist(), pairs.theirs.tolist(), strict=True)
    ):
        key = mine[one], others[other]
        if key not in known:
            known[key] = _category(*key)
        result[number] = known[key]
    return result


def _category(
    one: tuple[tuple[str, ...], tuple[float, ...]], other: tuple[tuple[str, ...], tuple[float, ...]]
) -> float:
    agreement = np.nan
    for mine, theirs, sure, certain in zip(*one[:1], *other[:1], one[1], other[1], strict=False):
        if mine != theirs:
            return -sure * certain
        agreement = sure * certain
    return float(agreement)
