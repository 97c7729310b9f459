"""The tables behind the page of a drift."""

from collections.abc import Mapping
from typing import Any

from prodcat.insight.drift.differences import Differences
from prodcat.insight.drift.sentences import name_of
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.page_table import Column, PageTable
from prodcat.taxonomy.paths import join_path

_MOST_ROWS = 100  # in a table of the page


def page_tables(drift: Differences, language: PageLanguage) -> dict[str, PageTable]:
    """The tables of the page besides that of all categories, by name.

    Args:
        drift: The differences.
        language: The language of headings, captions and of words in cells; for programs, English.
    """
    return {
        "alarms": _alarms(drift, language),
        "words": _words(drift),
        "products": _products(drift),
        "tree_changes": PageTable(
            (
                Column("change", language("drift.head.change"), "text"),
                Column("before", language("drift.head.before"), "text"),
                Column("after", language("drift.head.after"), "text"),
            ),
            [
                (
                    language(f"drift.kind.{change.kind}"),
                    join_path(change.before) or None,
                    join_path(change.after) or None,
                )
                for change in drift.changes
            ],
            language("drift.caption.tree"),
            _MOST_ROWS,
        ),
    }


def _alarms(drift: Differences, language: PageLanguage) -> PageTable:
    before, after = drift.rows
    evidence = {each.node: each.counts for each in drift.evidence}
    none: Mapping[Any, int] = {}
    return PageTable(
        (
            Column("category", language("page.category"), "text"),
            Column("changed", language("drift.head.changed"), "text"),
            Column("share_before", language("drift.head.share.before"), "share"),
            Column("share_after", language("drift.head.share.after"), "share"),
            Column("titles_before", language("drift.head.titles.before"), "count"),
            Column("titles_after", language("drift.head.titles.after"), "count"),
            Column("new", language("drift.head.new"), "count"),
            Column("gone", language("drift.head.gone"), "count"),
            Column("reworded", language("drift.head.reworded"), "count"),
            Column("p", language("drift.head.chance"), "share"),
            Column("doubtful", language("drift.head.doubtful"), "text"),
        ),
        [
            (
                name_of(drift, alarm.node, language),
                language(f"drift.kind.{'words' if alarm.kind == 'titles' else alarm.kind}"),
                alarm.before,
                alarm.after,
                round(alarm.before * before),
                round(alarm.after * after),
                *(evidence.get(alarm.node, none).get(kind) for kind in ("new", "gone", "reworded")),
                alarm.p,
                language("js.yes" if alarm.doubtful else "page.no"),
            )
            for alarm in drift.alarms
        ],
        language("drift.caption.alarms"),
        _MOST_ROWS,
    )


def _words(drift: Differences) -> PageTable:
    """The words of all alarms, for programs."""
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
    """The products of all alarms, for programs."""
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
