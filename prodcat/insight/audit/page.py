"""The page of an audit, and the tables behind it."""

from collections.abc import Iterator

import numpy as np

from prodcat.catalog.text import readable
from prodcat.insight.audit.audited_labels import AuditedLabels
from prodcat.insight.audit.worklist import worklist_data
from prodcat.insight.files import HtmlPage
from prodcat.insight.page import Page
from prodcat.insight.page_table import Column, PageTable, number_of
from prodcat.taxonomy.paths import join_path

_MOST_ROWS = 200  # of a table on the page; the list of labels shows all its rows


def audit_page(audit: AuditedLabels) -> HtmlPage:
    """A self-contained HTML page on which every suspicious label can be accepted or rejected."""
    page = Page(
        "Labels that are probably wrong",
        "Each label was checked by a model that was not trained on it.",
    )
    tables = page_tables(audit)
    page.section("Verdict")
    page.verdict(_sentence(audit), _details(audit))
    page.section(
        "The list",
        "The most suspicious label comes first; of two that are equally suspicious, the one in a "
        "wrong department. Accept a suggestion that is right, and reject it if the label is right. "
        "Keys: arrows move, a accepts, r rejects, u takes a decision back. The download has your "
        "decisions and the category that each title should have; prodcat reads it as a catalog.",
    )
    page.worklist(worklist_data(audit))
    page.section("Where they are", "Departments with the most contradicted labels first.")
    page.show(tables["departments"])
    page.show(tables["levels"])
    if "conflicts" in tables:
        page.section(
            "Duplicates with different labels",
            "Titles that differ only in case, diacritics, pack size or word order, and have "
            "different labels. At most one label of each group is right.",
        )
        page.show(tables["conflicts"])
    if "leaks" in tables:
        page.section("Leaks", "Examples of held-out titles with a near duplicate in the catalog.")
        page.show(tables["leaks"])
    return page.html()


def _sentence(audit: AuditedLabels) -> str:
    clear = int(audit.contradicted.sum())
    if not clear:
        return f"None of {number_of(len(audit.rows), 'label')} is clearly contradicted."
    far = int(audit.by_level[0])
    where = f", first the {far:,} in a wrong department" if 0 < far < clear else ""
    return f"Check {clear:,} of {number_of(len(audit.rows), 'label')}{where}."


def _details(audit: AuditedLabels) -> Iterator[str]:
    clear, listed = int(audit.contradicted.sum()), len(audit.suspicious)
    if clear:
        yield (
            f"{number_of(clear, 'label')} ({100 * clear / len(audit.rows):.1f} %) "
            f"{'is' if clear == 1 else 'are'} clearly contradicted: a model that never saw the "
            "label is at least 90 % sure of another category."
        )
    if listed > clear:
        yield (
            f"{number_of(listed - clear, 'further label')} in the list "
            f"{'differs' if listed - clear == 1 else 'differ'} from the model's answer or from a "
            "duplicate's label, but less clearly. Most of these may be right."
        )
    if audit.conflicts:
        groups = number_of(len(audit.conflicts), "group")
        yield f"{groups} of near duplicates have different labels."
    if audit.not_checked:
        alone = number_of(audit.not_checked, "label")
        yield f"{alone} could not be checked: nothing else has the category in the other parts."
    if audit.leaks is not None:
        yield (
            f"{audit.leaks.leaked:,} of {audit.leaks.held_out:,} held-out titles have a near "
            "duplicate in the catalog."
        )


def page_tables(audit: AuditedLabels) -> dict[str, PageTable]:
    """The tables of the page besides the list of labels, by name."""
    tables = {"departments": _departments(audit), "levels": _levels(audit)}
    if audit.conflicts:
        tables["conflicts"] = _conflicts(audit)
    if audit.leaks is not None and audit.leaks.examples:
        tables["leaks"] = PageTable(
            (
                Column("held_out_title", "held-out title", "text"),
                Column("title", "title in the catalog", "text"),
            ),
            [[readable(title) for title in pair] for pair in audit.leaks.examples],
            "Held-out titles with a near duplicate in the catalog",
            _MOST_ROWS,
        )
    return tables


def _departments(audit: AuditedLabels) -> PageTable:
    tree = audit.catalog.tree
    department = tree.chains[audit.catalog.targets[audit.rows], 0]
    labels = np.bincount(department, minlength=len(tree))
    clear = np.bincount(department[audit.contradicted], minlength=len(tree))
    order = np.lexsort((-labels, -clear))
    return PageTable(
        (
            Column("department", "department", "text"),
            Column("labels", "labels", "count"),
            Column("contradicted", "clearly contradicted", "count"),
            Column("share", "share contradicted", "share"),
        ),
        [
            (tree.paths[node][0], int(labels[node]), int(clear[node]), clear[node] / labels[node])
            for node in order.tolist()
            if labels[node]
        ],
        "Departments by the number of contradicted labels",
    )


def _levels(audit: AuditedLabels) -> PageTable:
    return PageTable(
        (
            Column("level", "level", "count"),
            Column("contradicted", "contradicted labels", "count"),
        ),
        [(level + 1, count) for level, count in enumerate(audit.by_level.tolist())],
        "Contradicted labels by the first level at which label and suggestion differ (1 is the "
        "department)",
    )


def _conflicts(audit: AuditedLabels) -> PageTable:
    rows = audit.catalog.rows
    return PageTable(
        (
            Column("rows", "rows", "text"),
            Column("titles", "titles", "text"),
            Column("labels", "labels", "text"),
        ),
        [
            (
                ", ".join(f"{int(rows[row]) + 1}" for row in conflict.rows),
                "; ".join(dict.fromkeys(readable(title) for title in conflict.titles)),
                "; ".join(dict.fromkeys(join_path(path) for path in conflict.labels)),
            )
            for conflict in audit.conflicts
        ],
        "Near duplicates with different labels",
        _MOST_ROWS,
    )
