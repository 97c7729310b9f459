"""The page of an audit, and the tables behind it."""

from collections.abc import Iterator

import numpy as np

from prodcat.catalog.text import readable
from prodcat.insight.audit.audited_labels import AuditedLabels
from prodcat.insight.audit.worklist import worklist_data
from prodcat.insight.files import HtmlPage
from prodcat.insight.page import Page
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.page_table import Column, PageTable
from prodcat.taxonomy.paths import join_path

_MOST_ROWS = 200  # of a table on the page; the list of labels shows all its rows


def audit_page(audit: AuditedLabels, language: PageLanguage) -> HtmlPage:
    """A self-contained HTML page on which every suspicious label can be accepted or rejected."""
    page = Page(language("audit.title"), language("audit.about"), language)
    tables = page_tables(audit, language)
    page.section(language("page.verdict"))
    page.verdict(_sentence(audit, language), _details(audit, language))
    page.section(language("audit.list"), language("audit.list.text"))
    page.worklist(worklist_data(audit))
    page.section(language("audit.where"), language("audit.where.text"))
    page.show(tables["departments"])
    page.show(tables["levels"])
    if "conflicts" in tables:
        page.section(language("audit.conflicts"), language("audit.conflicts.text"))
        page.show(tables["conflicts"])
    if "leaks" in tables:
        page.section(language("audit.leaks"), language("audit.leaks.text"))
        page.show(tables["leaks"])
    return page.html()


def _sentence(audit: AuditedLabels, language: PageLanguage) -> str:
    clear, far = int(audit.contradicted.sum()), int(audit.by_level[0])
    if not clear:
        return language.counted("audit.none", len(audit.rows))
    counts = {"clear": language.number(clear), "far": language.number(far)}
    key = "audit.check.far" if 0 < far < clear else "audit.check"
    return language.counted(key, len(audit.rows), **counts)


def _details(audit: AuditedLabels, language: PageLanguage) -> Iterator[str]:
    clear, listed = int(audit.contradicted.sum()), len(audit.suspicious)
    if clear:
        share = language.shown("share", clear / len(audit.rows))
        yield language.counted("audit.clear", clear, share=share)
    if listed > clear:
        yield language.counted("audit.further", listed - clear)
    if audit.conflicts:
        yield language.counted("audit.groups", len(audit.conflicts))
    if audit.not_checked:
        yield language.counted("audit.alone", audit.not_checked)
    if audit.leaks is not None:
        leaked = language.number(audit.leaks.leaked)
        yield language.counted("audit.leaked", audit.leaks.held_out, leaked=leaked)


def page_tables(audit: AuditedLabels, language: PageLanguage) -> dict[str, PageTable]:
    """The tables of the page besides the list of labels, by name.

    Args:
        audit: The audit.
        language: The language of headings and captions.
    """
    tables = {"departments": _departments(audit, language), "levels": _levels(audit, language)}
    if audit.conflicts:
        tables["conflicts"] = _conflicts(audit, language)
    if audit.leaks is not None and audit.leaks.examples:
        tables["leaks"] = PageTable(
            (
                Column("held_out_title", language("audit.head.held"), "text"),
                Column("title", language("audit.head.title"), "text"),
            ),
            [[readable(title) for title in pair] for pair in audit.leaks.examples],
            language("audit.caption.leaks"),
            _MOST_ROWS,
        )
    return tables


def _departments(audit: AuditedLabels, language: PageLanguage) -> PageTable:
    tree = audit.catalog.tree
    department = tree.chains[audit.catalog.targets[audit.rows], 0]
    labels = np.bincount(department, minlength=len(tree))
    clear = np.bincount(department[audit.contradicted], minlength=len(tree))
    order = np.lexsort((-labels, -clear))
    return PageTable(
        (
            Column("department", language("audit.head.department"), "text"),
            Column("labels", language("audit.head.labels"), "count"),
            Column("contradicted", language("audit.head.clear"), "count"),
            Column("share", language("audit.head.share"), "share"),
        ),
        [
            (tree.paths[node][0], int(labels[node]), int(clear[node]), clear[node] / labels[node])
            for node in order.tolist()
            if labels[node]
        ],
        language("audit.caption.departments"),
    )


def _levels(audit: AuditedLabels, language: PageLanguage) -> PageTable:
    return PageTable(
        (
            Column("level", language("page.level"), "count"),
            Column("contradicted", language("audit.head.contradicted"), "count"),
        ),
        [(level + 1, count) for level, count in enumerate(audit.by_level.tolist())],
        language("audit.caption.levels"),
    )


def _conflicts(audit: AuditedLabels, language: PageLanguage) -> PageTable:
    rows = audit.catalog.rows
    return PageTable(
        (
            Column("rows", language("audit.head.rows"), "text"),
            Column("titles", language("page.titles"), "text"),
            Column("labels", language("audit.head.labels"), "text"),
        ),
        [
            (
                ", ".join(f"{int(rows[row]) + 1}" for row in conflict.rows),
                "; ".join(dict.fromkeys(readable(title) for title in conflict.titles)),
                "; ".join(dict.fromkeys(join_path(path) for path in conflict.labels)),
            )
            for conflict in audit.conflicts
        ],
        language("audit.caption.conflicts"),
        _MOST_ROWS,
    )
