"""The page of a drift."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from prodcat.insight.drift.alarms import NodeDrift
from prodcat.insight.drift.differences import Differences
from prodcat.insight.drift.evidence import NodeEvidence, ProductChange
from prodcat.insight.drift.page_tables import page_tables
from prodcat.insight.drift.sentences import details, name_of, sentence_of, verdict
from prodcat.insight.files import HtmlPage
from prodcat.insight.page import Page
from prodcat.insight.page_language import PageLanguage
from prodcat.taxonomy.paths import join_path

_MOST_CARDS = 20
_MOST_NAMES = 8  # of titles in a list of a card


def drift_page(drift: Differences, language: PageLanguage) -> HtmlPage:
    """A self-contained HTML page: the verdict, the alarms with words and products, all figures."""
    before, after = (language.counted("titles", rows) for rows in drift.rows)
    about = language(f"drift.about.{drift.basis}", before=before, after=after)
    if drift.across_trees and drift.by_labels:
        about += " " + language("drift.joined")
    page = Page(language("drift.title"), about, language)
    tables = page_tables(drift, language)
    page.section(language("page.verdict"))
    page.verdict(verdict(drift, language), details(drift, language))
    if drift.alarms:
        cards = list(_cards(drift, language))
        text = language("drift.alarms.text")
        if len(cards) > _MOST_CARDS:
            counts = {"most": str(_MOST_CARDS), "count": language.number(len(cards))}
            text += " " + language("drift.alarms.cut", **counts)
        page.section(language("drift.alarms"), text)
        page.cards(cards[:_MOST_CARDS])
        page.section(language("drift.alarms.all"), language("drift.alarms.all.text"))
        page.show(tables["alarms"])
    if drift.changes:
        key = "drift.tree.table" if drift.across_trees else "drift.tree.ids"
        page.section(language("report.tree"), language(key))
        page.show(tables["tree_changes"])
    _add_categories(page, drift)
    return page.html()


def _cards(drift: Differences, language: PageLanguage) -> Iterator[dict[str, Any]]:
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
        sentences = [sentence_of(drift, alarm, language) for alarm in by_node[node]]
        level = len(tree.paths[node]) if node >= 0 else 0
        inner = [join_path(tree.paths[each][level:]) for each in below[node] if each != node]
        if inner:
            sentences.append(language("drift.within", names="; ".join(inner)))
        lists: list[tuple[str, list[str]]] = []
        if node in evidence:
            lists = list(_lists(evidence[node], language, has_words="titles" in kinds[node]))
        yield {"title": name_of(drift, node, language), "sentences": sentences, "lists": lists}


def _lists(
    evidence: NodeEvidence, language: PageLanguage, *, has_words: bool
) -> Iterator[tuple[str, list[str]]]:
    """The lists of a card, each with its heading."""
    if has_words:
        for key, sign in (("drift.words.rising", 1), ("drift.words.falling", -1)):
            words = _word_texts(evidence, language, sign)
            if words:
                yield language(key), words
    for kind in ("reworded", "relabelled", "new", "gone"):
        products = [product for product in evidence.products if product.kind == kind]
        count = evidence.counts[kind]
        if products:
            key = "drift.named.cut" if count > _MOST_NAMES else "drift.named"
            heading = language(
                key,
                heading=language(f"drift.list.{kind}"),
                titles=language.counted("titles", count),
                most=str(_MOST_NAMES),
            )
            yield heading, [_product_text(product) for product in products[:_MOST_NAMES]]


def _word_texts(evidence: NodeEvidence, language: PageLanguage, sign: int) -> list[str]:
    """The words that became more frequent (``sign`` 1) or less frequent (-1), with numbers."""
    before, after = (language.number(count) for count in evidence.titles)
    return [
        language(
            "drift.word",
            word=word.word,
            n=language.number(word.before),
            before=before,
            m=language.number(word.after),
            after=after,
        )
        for word in evidence.words
        if word.z * sign > 0
    ]


def _product_text(product: ProductChange) -> str:
    if product.kind == "reworded":
        return f"{product.title_before} → {product.title_after}"
    if product.kind == "relabelled":
        paths = f"{join_path(product.path_before)} → {join_path(product.path_after)}"
        return f"{product.title_after}: {paths}"
    return product.title_before or product.title_after


def _add_categories(page: Page, drift: Differences) -> None:
    """Add the tree with the shares of each category to the page."""
    tree, shares, language = drift.taxonomy, drift.shares, page.language
    nodes = np.array(sorted({alarm.node for alarm in drift.alarms} - {-1}), np.int64)
    chains = tree.chains[nodes]
    alarms = np.bincount(chains[chains >= 0], minlength=len(tree))
    titles = (shares * np.array(drift.rows)).round().astype(int)
    page.section(language("drift.categories"), language("drift.categories.text"))
    page.tree(
        language("drift.categories.label"),
        tree,
        [
            {"label": language("drift.head.alarms"), "kind": "count"},
            {"label": language("drift.head.before"), "kind": "share", "extra": True},
            {"label": language("drift.head.after"), "kind": "share"},
            {"label": language("report.head.difference"), "kind": "points"},
            {"label": language("drift.head.titles.before"), "kind": "count", "extra": True},
            {"label": language("drift.head.titles.after"), "kind": "count", "extra": True},
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
        only={language("drift.with.alarms"): 0},
        sort=0,
    )
