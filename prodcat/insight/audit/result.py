"""The result of an audit of labels as an HTML page, a table and a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prodcat.catalog.text import readable
from prodcat.insight.audit.audited_labels import AuditedLabels
from prodcat.insight.audit.page import audit_page, page_tables
from prodcat.insight.audit.problems import check_ids
from prodcat.insight.design.texts import check_language
from prodcat.insight.files import HtmlPage, arrow_table
from prodcat.insight.page_language import PageLanguage, ShownInLanguages
from prodcat.insight.page_table import shown
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.notebook import MOST_ROWS, NotebookTable, free_columns, texts_of_rows
from prodcat.taxonomy.paths import join_path

_MOST_LINES = 10  # of labels in the text


@dataclass(frozen=True, eq=False, repr=False)
class Audit(AuditedLabels, ShownInLanguages):
    """The result of an audit of labels, with the attributes of :class:`AuditedLabels`."""

    def with_ids(self, column: str) -> "Audit":
        """The same audit, in which a kept column identifies the rows.

        Args:
            column: Name of the column, such as that of your article numbers.

        Raises:
            CatalogError: The catalog has no such column, or a value in it is missing or is there
                twice.
        """
        check_ids(self.catalog, column)
        return replace(self, id_column=column)

    def in_language(self, language: str) -> "Audit":
        """The same audit, whose page is in another language.

        Args:
            language: ``de``, ``en``, ``es``, ``fr``, ``it``, ``nl``, ``pt`` or ``tr``.

        Raises:
            ConfigError: There are no pages in this language.
        """
        check_language(language)
        return replace(self, language=language)

    def __str__(self) -> str:
        """The numbers and the most suspicious labels, as text."""
        lines = [
            f"{len(self.rows):,} labels, {int(self.contradicted.sum()):,} clearly contradicted",
            *(
                f"  at level {level + 1}: {count:,}"
                for level, count in enumerate(self.by_level.tolist())
            ),
            f"{len(self.conflicts):,} groups of near duplicates with different labels",
        ]
        if self.not_checked:
            lines.append(
                f"{self.not_checked:,} labels are alone in their category and cannot be checked"
            )
        if self.leaks is not None:
            lines.append(
                f"{self.leaks.leaked:,} of {self.leaks.held_out:,} held-out titles have a near "
                "duplicate in the catalog"
            )
        return "\n".join([*lines, *self._problem_lines()])

    def _problem_lines(self) -> Iterator[str]:
        for problem in self.problems(_MOST_LINES):
            row = int(self.catalog.rows[problem.row]) + 1
            label, suggestion = join_path(problem.label), join_path(problem.suggestion)
            name = f"row {row:,}"
            if self.id_column:
                value = self.catalog.columns[self.id_column][problem.row]
                name += f", {self.id_column} {readable(cell_text(value))}"
            yield (
                f"  {name}: {problem.title!r} is {label!r} "
                f"({shown('share', problem.probability)}), probably {suggestion!r} "
                f"({shown('share', problem.suggested)})"
            )

    def table(self) -> Any:
        """The suspicious labels as an Arrow table, which has the columns of the data frame.

        Returns:
            One row for each label that differs from the model's answer or from the label of a near
            duplicate, with the columns rank (from 1), row_number (in the source, from 1), the
            columns that were kept, such as ids, title, label, suggestion, probability (of the
            label), suggested (probability of the suggestion), suspicion, level, contradicted
            (whether the model gives another category at least .9), checked, and conflict (number
            of the group of near duplicates with different labels, or null).  A name that one of
            your columns has gets ``prodcat_`` before it.
        """
        import pyarrow as pa

        columns = dict(self._columns())
        *_, conflict = columns
        columns[conflict] = pa.array(columns[conflict], pa.int64())
        return arrow_table(columns)

    def tables(self) -> dict[str, Any]:
        """The Arrow tables behind the page, by name.

        Returns:
            ``labels`` is :meth:`table`.  ``departments`` has for each department the number of its
            labels, of those that are contradicted, and their share.  ``levels`` has the number of
            contradicted labels by the level at which they first differ.  ``conflicts`` and
            ``leaks`` list near duplicates with different labels and held-out titles with a near
            duplicate in the catalog.
        """
        arrow = {name: table.arrow() for name, table in page_tables(self, PageLanguage()).items()}
        return {"labels": self.table(), **arrow}

    def _columns(self) -> Mapping[str, Any]:
        group, tree, catalog = self.conflict_of_row, self.catalog.tree, self.catalog
        order = self.suspicious
        rows = self.rows[order]
        best = self.probabilities.best[order].tolist()
        kept = catalog.take(rows).row_columns()
        ranks = list(range(1, len(order) + 1))
        columns = free_columns(
            kept,
            {
                "rank": ranks,
                "label": [join_path(tree.paths[node]) for node in catalog.targets[rows].tolist()],
                "suggestion": [join_path(tree.paths[node]) for node in best],
                "probability": self.probabilities.levels[order, -1],
                "suggested": self.probabilities.sure[order],
                "suspicion": self.suspicion[order],
                "level": self.level[order],
                "contradicted": self.contradicted[order],
                "checked": self.checked[order],
                "conflict": [group.get(row) for row in rows.tolist()],
            },
        )
        first = next(name for name in columns if name not in kept)
        return {first: ranks, **columns}

    def _numbers(self) -> Sequence[str]:
        return [f"{value} {name}" for name, value, _ in self.headlines()]

    def _tables(self) -> Sequence[NotebookTable]:
        problems = self.problems(MOST_ROWS)
        columns = self.catalog.take(
            np.array([each.row for each in problems], np.int64)
        ).row_columns()
        cells = free_columns(
            columns,
            {
                "label": [join_path(each.label) for each in problems],
                "suggestion": [join_path(each.suggestion) for each in problems],
                "probability": [shown("share", each.probability) for each in problems],
                "suggested": [shown("share", each.suggested) for each in problems],
            },
        )
        total = int((self.level > 0).sum())
        return [
            NotebookTable(list(cells), texts_of_rows(cells), "the most suspicious labels", total)
        ]

    def headlines(self) -> Iterator[tuple[str, str, str]]:
        """The numbers of the audit: name, value, and a note or an empty string."""
        contradicted, conflicts = int(self.contradicted.sum()), len(self.conflicts)
        yield "labels", f"{len(self.rows):,}", ""
        yield "contradicted", f"{contradicted:,}", "the model gives another category at least 90 %"
        yield "not checked", f"{self.not_checked:,}", "alone in their category"
        yield "conflicts", f"{conflicts:,}", "near duplicates with different labels"
        if self.leaks is not None:
            yield "leaks", f"{self.leaks.leaked:,}", f"of {self.leaks.held_out:,} held-out titles"

    def html(self) -> HtmlPage:
        """A self-contained HTML page, on which all rows of :meth:`table` can be decided."""
        return audit_page(self, PageLanguage(self.language))
