"""The page of a drift, and the tables behind it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from prodcat.insight.drift.alarms import NodeDrift
from prodcat.insight.drift.differences import Differences
from prodcat.insight.drift.evidence import NodeEvidence, ProductChange
from prodcat.insight.files import HtmlPage
from prodcat.insight.page import Page
from prodcat.insight.page_table import Column, PageTable, number_of, shown
from prodcat.taxonomy.paths import join_path

_MOST_ROWS = 100  # in a table of the page
_MOST_CARDS = 20
_MOST_NAMES = 8  # of titles in a list of a card
_MOST_SENTENCES = 3  # about alarms, in the verdict


def drift_page(drift: Differences) -> HtmlPage:
    """A self-contained HTML page: the verdict, the alarms with words and products, all figures."""
    before, after = drift.rows
    page = Page(
        "What changed",
        f"{number_of(before, 'title')} before and {number_of(after, 'title')} after, counted by "
        f"{'their labels' if drift.by_labels else 'the answers of the classifier'}.{drift.joined}",
    )
    tables = page_tables(drift)
    page.section("Verdict")
    page.verdict(verdict(drift), _details(drift))
    if drift.alarms:
        cards = list(_cards(drift))
        more = f" The first {_MOST_CARDS} of {len(cards):,} are shown." * (len(cards) > _MOST_CARDS)
        page.section(
            "Alarms",
            "What changed most clearly comes first, with the words and the titles by name." + more,
        )
        page.cards(cards[:_MOST_CARDS])
        page.section(
            "All alarms",
            "The last but one column says how often at least one category shows such a large "
            "difference by chance, if nothing changed. A changed share is doubtful if the words of "
            "the titles changed too, because the classifier may have put these titles into wrong "
            "categories.",
        )
        page.show(tables["alarms"])
    if drift.changes:
        by_table = "The checked table of changes says what became of each category."
        by_id = "Categories with the same id are the same category."
        page.section("The tree", by_table if drift.across_trees else by_id)
        page.show(tables["tree_changes"])
    _add_categories(page, drift)
    return page.html()


def verdict(drift: Differences) -> str:
    """What changed, in one sentence."""
    parts = []
    for verb, is_more in (("grew", True), ("shrank", False)):
        nodes = [alarm.node for alarm in _changed(drift) if (alarm.after > alarm.before) == is_more]
        if nodes:
            parts.append(f"{_names(drift, nodes)} {verb}")
    words = [alarm.node for alarm in drift.alarms if alarm.kind == "titles"]
    if words:
        nodes = _highest(drift, [node for node in words if node >= 0])
        where = f"in {_names(drift, nodes)}" if nodes else "of the titles as a whole"
        parts.append(f"the words changed {where}{_named_words(drift)}")
    if drift.changes:
        parts.append(f"the tree has {number_of(len(drift.changes), 'change')}")
    if not parts:
        return "Nothing changed more than chance explains."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _highest(drift: Differences, nodes: Sequence[int]) -> list[int]:
    """The nodes that are below none of the others."""
    others = set(nodes)
    ancestors = drift.taxonomy.ancestors
    return [node for node in nodes if not others.intersection(ancestors(node)[:-1])]


def _changed(drift: Differences) -> list[NodeDrift]:
    """The alarms of shares that are not doubtful, without those below one of the same direction."""
    alarms = [alarm for alarm in drift.alarms if alarm.kind == "shares" and not alarm.doubtful]
    kept = {
        node
        for is_more in (True, False)
        for node in _highest(
            drift, [alarm.node for alarm in alarms if (alarm.after > alarm.before) == is_more]
        )
    }
    chosen = [alarm for alarm in alarms if alarm.node in kept]
    return sorted(chosen, key=lambda alarm: -abs(alarm.after - alarm.before))


def _names(drift: Differences, nodes: Sequence[int]) -> str:
    """The names of a few nodes, and the number of the others."""
    more = len(nodes) - _MOST_SENTENCES
    names = [drift.taxonomy.paths[node][-1] for node in nodes[:_MOST_SENTENCES]]
    if more > 0:
        names.append(f"{more:,} more")
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def _details(drift: Differences) -> Iterator[str]:
    for alarm in _changed(drift)[:_MOST_SENTENCES]:
        yield f"{drift.name_of(alarm.node)} {_change(drift, alarm)}."
    doubtful = [drift.name_of(alarm.node) for alarm in drift.alarms if alarm.doubtful]
    if doubtful:
        more = len(doubtful) - _MOST_SENTENCES
        names = "; ".join(doubtful[:_MOST_SENTENCES]) + (f"; {more:,} more" if more > 0 else "")
        yield (
            f"Doubtful: the {'share' if len(doubtful) == 1 else 'shares'} of {names} changed, but "
            "the words changed too, so the classifier may be mistaken. Label some of these titles "
            "to find out."
        )
    if drift.accuracy is not None:
        yield (
            f"{shown('share', drift.accuracy.value)} of the answers to the titles after are "
            f"expected to be right ({drift.accuracy.details})."
        )
    yield (
        f"If nothing had changed, such a page would show an alarm in at most "
        f"{shown('share', drift.level)} of all cases."
    )


def _named_words(drift: Differences) -> str:
    """The words that became more frequent where the words changed most clearly, in brackets."""
    reworded = {alarm.node for alarm in drift.alarms if alarm.kind == "titles"}
    for evidence in drift.evidence:
        more = [word.word for word in evidence.words if word.z > 0]
        if evidence.node in reworded and evidence.node >= 0 and more:
            words = ", ".join(f"“{word}”" for word in more[:_MOST_SENTENCES])
            return f" (more titles have {words})"
    return ""


def _change(drift: Differences, alarm: NodeDrift) -> str:
    """That a category grew or shrank, with the shares and the numbers of titles."""
    before, after = drift.rows
    verb = "grew" if alarm.after > alarm.before else "shrank"
    return (
        f"{verb} from {shown('share', alarm.before)} to {shown('share', alarm.after)} "
        f"({round(alarm.before * before):,} of {number_of(before, 'title')} before, "
        f"{round(alarm.after * after):,} of {after:,} after)"
    )


def _cards(drift: Differences) -> Iterator[dict[str, Any]]:
    """A card for each node with alarms, but for those below a node with the same alarms."""
    by_node: dict[int, list[NodeDrift]] = {}
    for alarm in drift.alarms:
        by_node.setdefault(alarm.node, []).append(alarm)
    kinds = {node: {alarm.kind for alarm in alarms} for node, alarms in by_node.items()}
    tree = drift.taxonomy
    below: dict[int, list[int]] = {}
    for node in by_node:
        chain = tree.ancestors(node) if node >= 0 else (node,)
        highest = next(top for top in chain if kinds.get(top, set()) >= kinds[node])
        below.setdefault(highest, []).append(node)
    evidence = {each.node: each for each in drift.evidence}
    for node in sorted(below, key=lambda node: (node < 0, list(by_node).index(node))):
        sentences = [_sentence_of(drift, alarm) for alarm in by_node[node]]
        level = len(tree.paths[node]) if node >= 0 else 0
        inner = [join_path(tree.paths[each][level:]) for each in below[node] if each != node]
        if inner:
            sentences.append(f"The same holds within it for {'; '.join(inner)}.")
        lists: list[tuple[str, list[str]]] = []
        if node in evidence:
            lists = list(_lists(evidence[node], has_words="titles" in kinds[node]))
        yield {"title": drift.name_of(node), "sentences": sentences, "lists": lists}


def _sentence_of(drift: Differences, alarm: NodeDrift) -> str:
    if alarm.kind == "titles":
        return "The words of the titles changed."
    doubt = ", which is doubtful as the words changed too" if alarm.doubtful else ""
    return f"It {_change(drift, alarm)}{doubt}."


def _lists(evidence: NodeEvidence, *, has_words: bool) -> Iterator[tuple[str, list[str]]]:
    """The lists of a card, each with its heading."""
    before, after = evidence.titles
    if has_words:
        for heading, sign in (("More frequent words", 1), ("Less frequent words", -1)):
            words = [
                f"{word.word}: in {word.before:,} of {before:,} titles before, {word.after:,} of "
                f"{after:,} after"
                for word in evidence.words
                if word.z * sign > 0
            ]
            if words:
                yield heading, words
    headings = {
        "reworded": "Probably reworded",
        "relabelled": "With another category",
        "new": "New",
        "gone": "Gone",
    }
    for kind, heading in headings.items():
        products = [product for product in evidence.products if product.kind == kind]
        count = evidence.counts[kind]  # type: ignore[index]
        if products:
            first = f", the first {_MOST_NAMES}" if count > _MOST_NAMES else ""
            texts = [_product_text(product) for product in products[:_MOST_NAMES]]
            yield f"{heading} ({number_of(count, 'title')}{first})", texts


def _product_text(product: ProductChange) -> str:
    if product.kind == "reworded":
        return f"{product.title_before} → {product.title_after}"
    if product.kind == "relabelled":
        paths = f"{join_path(product.path_before)} → {join_path(product.path_after)}"
        return f"{product.title_after}: {paths}"
    return product.title_before or product.title_after


def page_tables(drift: Differences) -> dict[str, PageTable]:
    """The tables of the page besides that of all categories, by name."""
    return {
        "alarms": _alarms(drift),
        "words": _words(drift),
        "products": _products(drift),
        "tree_changes": PageTable(
            (
                Column("change", "change", "text"),
                Column("before", "before", "text"),
                Column("after", "after", "text"),
            ),
            [
                (change.kind, join_path(change.before) or None, join_path(change.after) or None)
                for change in drift.changes
            ],
            "Changes of the tree",
            _MOST_ROWS,
        ),
    }


def _alarms(drift: Differences) -> PageTable:
    before, after = drift.rows
    evidence = {each.node: each.counts for each in drift.evidence}
    none: Mapping[Any, int] = {}
    return PageTable(
        (
            Column("category", "category", "text"),
            Column("changed", "changed", "text"),
            Column("share_before", "share before", "share"),
            Column("share_after", "share after", "share"),
            Column("titles_before", "titles before", "count"),
            Column("titles_after", "titles after", "count"),
            Column("new", "new", "count"),
            Column("gone", "gone", "count"),
            Column("reworded", "reworded", "count"),
            Column("p", "by chance", "share"),
            Column("doubtful", "doubtful", "text"),
        ),
        [
            (
                drift.name_of(alarm.node),
                "words" if alarm.kind == "titles" else alarm.kind,
                alarm.before,
                alarm.after,
                round(alarm.before * before),
                round(alarm.after * after),
                *(evidence.get(alarm.node, none).get(kind) for kind in ("new", "gone", "reworded")),
                alarm.p,
                "yes" if alarm.doubtful else "no",
            )
            for alarm in drift.alarms
        ],
        "Alarms, the clearest first",
        _MOST_ROWS,
    )


def _words(drift: Differences) -> PageTable:
    return PageTable(
        (
            Column("category", "category", "text"),
            Column("word", "word", "text"),
            Column("before", "titles with it before", "count"),
            Column("after", "titles with it after", "count"),
            Column("of_before", "of titles before", "count"),
            Column("of_after", "of titles after", "count"),
            Column("z", "standard deviations", "figure"),
        ),
        [
            (drift.name_of(each.node), word.word, word.before, word.after, *each.titles, word.z)
            for each in drift.evidence
            for word in each.words
        ],
    )


def _products(drift: Differences) -> PageTable:
    return PageTable(
        (
            Column("category", "category", "text"),
            Column("change", "change", "text"),
            Column("title_before", "title before", "text"),
            Column("title_after", "title after", "text"),
            Column("path_before", "category before", "text"),
            Column("path_after", "category after", "text"),
        ),
        [
            (
                drift.name_of(each.node),
                product.kind,
                product.title_before or None,
                product.title_after or None,
                join_path(product.path_before) or None,
                join_path(product.path_after) or None,
            )
            for each in drift.evidence
            for product in each.products
        ],
    )


def _add_categories(page: Page, drift: Differences) -> None:
    """Add the tree with the shares of each category to the page."""
    tree, shares = drift.taxonomy, drift.shares
    nodes = np.array(sorted({alarm.node for alarm in drift.alarms} - {-1}), np.int64)
    chains = tree.chains[nodes]
    alarms = np.bincount(chains[chains >= 0], minlength=len(tree))
    titles = (shares * np.array(drift.rows)).round().astype(int)
    page.section("All categories", "An alarm counts at its category and at those above it.")
    page.tree(
        "Categories with their shares before and after",
        tree,
        [
            {"label": "alarms", "kind": "count"},
            {"label": "before", "kind": "share", "extra": True},
            {"label": "after", "kind": "share"},
            {"label": "difference", "kind": "points"},
            {"label": "titles before", "kind": "count", "extra": True},
            {"label": "titles after", "kind": "count", "extra": True},
        ],
        [
            (
                int(alarms[node]),
                *shares[node].round(6).tolist(),
                round(float(shares[node, 1] - shares[node, 0]), 6),
                *titles[node].tolist(),
            )
            for node in range(len(tree))
        ],
        kept=np.flatnonzero(shares.sum(axis=1) > 0).tolist(),
        only={"with alarms": 0},
        sort=0,
    )
