"""The comparison of several retailers as an HTML page, a table and a text."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from prodcat.errors import ConfigError
from prodcat.insight.assortment.contents import PageContents
from prodcat.insight.assortment.gaps import Gap, gaps_of, lacking
from prodcat.insight.assortment.page import buying_page
from prodcat.insight.assortment.prices import Prices
from prodcat.insight.assortment.retailer import Retailer
from prodcat.insight.assortment.table_columns import COLUMNS
from prodcat.insight.assortment.tables import BuyingTables, arrow_rows
from prodcat.insight.assortment.versus import Versus
from prodcat.insight.files import HtmlPage, Shown, spreadsheet_csv, write_form
from prodcat.insight.prevalence.counts import shares
from prodcat.storage.containers import path_text
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import parquet_bytes
from prodcat.taxonomy.notebook import NotebookTable
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_terminal

_MOST_LINES = 10  # of gaps in the text


@dataclass(frozen=True, eq=False, repr=False)
class Assortment(Shown):
    """The assortments of several retailers, counted in one tree of categories.

    Attributes:
        taxonomy: The tree.
        retailers: The retailers, your own first.
        judged: Number of labelled titles that the classifier's mistakes were measured on.
        language: The language of the page.
        matches: The matched products of each other retailer by the retailer's name.
        before: The earlier assortment of each other retailer by the retailer's name.
    """

    taxonomy: Taxonomy
    retailers: tuple[Retailer, ...]
    judged: int
    language: str = "en"
    matches: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    before: Mapping[str, Retailer] = field(default_factory=dict)

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Categories that another retailer has and the first one lacks, largest first."""
        return gaps_of(self.taxonomy, self.retailers)

    def table(self) -> Any:
        """The figures of all retailers as an Arrow table, for business intelligence tools.

        Returns:
            One row for each retailer and node, with the columns retailer, node_id, parent_id, path,
            level, products (all products of the retailer), count, count_low, count_high, share,
            share_low, share_high, naive_count, naive_share, categories and gap (whether this
            retailer has the category and the first one lacks it); with prices also price_rows,
            price_25, price_50, price_75, price_low_share, price_middle_share and price_high_share.
        """
        import pyarrow as pa

        tree = self.taxonomy
        nodes = {
            "node_id": list(tree.ids),
            "parent_id": [tree.ids[parent] if parent >= 0 else None for parent in tree.parent],
            "path": [join_path(path) for path in tree.paths],
            "level": tree.level.tolist(),
        }
        priced = any(retailer.prices is not None for retailer in self.retailers)
        parts = []
        for retailer in self.retailers:
            columns = {"retailer": [retailer.name] * len(tree), **nodes}
            columns |= self._figures(retailer)
            if priced:
                columns |= (retailer.prices or Prices.none(len(tree))).columns()
            parts.append(pa.table(columns))
        return pa.concat_tables(parts)

    def _figures(self, retailer: Retailer) -> dict[str, Any]:
        """The columns with the counts of one retailer; each has a value for each node."""
        counts, share = retailer.counts, shares(retailer.counts)
        return {
            "products": [counts.rows] * len(self.taxonomy),
            "count": counts.count,
            "count_low": counts.low,
            "count_high": counts.high,
            "share": share["count"],
            "share_low": share["low"],
            "share_high": share["high"],
            "naive_count": counts.naive,
            "naive_share": share["naive"],
            "categories": retailer.leaves,
            "gap": lacking(self.retailers[0].counts, counts),
        }

    @cached_property
    def comparisons(self) -> Mapping[str, BuyingTables]:
        """What a buyer is told about each other retailer, by the retailer's name."""
        first = self.retailers[0]
        return {
            other.name: BuyingTables(
                Versus(
                    self.taxonomy, first, other,
                    self.matches.get(other.name), self.before.get(other.name),
                )
            )
            for other in self.retailers[1:]
        }  # fmt: skip

    def tables(self) -> dict[str, Any]:
        """The tables behind the page as Arrow tables, for business intelligence tools.

        Returns:
            A table for each part of the page by its name: categories, opportunities,
            products_to_list, shared_products, price_comparison, price_bands, brands, only_theirs,
            changes and changed_categories.  Their columns are described in the documentation, and
            are the same for every comparison.
        """
        return {name: self._arrow_table(name) for name in COLUMNS}

    def _arrow_table(self, name: str) -> Any:
        """One of the tables behind the page, about all other retailers."""
        import pyarrow as pa

        comparisons = self.comparisons.values()
        parts = [arrow_rows(name, each.rows[name]) for each in comparisons]
        return pa.concat_tables([arrow_rows(name, []), *parts])

    def save_tables(self, folder: str | os.PathLike[str], form: str = "parquet") -> None:
        """Write the tables behind the page into a folder, a file for each.

        Args:
            folder: The folder, at any fsspec URI.
            form: The ending of the files: ``parquet``, ``csv`` or ``xlsx``.

        Raises:
            ConfigError: The form is none of these, or a package is not installed.
            StoreError: A file cannot be written.
        """
        place = path_text(folder, "folder", "the path or URI of a folder", ConfigError)
        for name in COLUMNS:  # one table at a time, as all of them together may be large
            table = self._arrow_table(name)
            forms: dict[str, Callable[[], bytes]] = {
                "parquet": partial(parquet_bytes, table),
                "csv": partial(spreadsheet_csv, table),
                "xlsx": partial(sheet_bytes, table, name),
            }
            write_form(f"{place.rstrip('/')}/{name}.{form}", forms)

    def html(self) -> HtmlPage:
        """A self-contained HTML page, in the language of the comparison."""
        contents = PageContents(
            self.taxonomy, self.retailers, self.comparisons, self.judged, self.language
        )
        return buying_page(contents)

    def _numbers(self) -> Sequence[str]:
        products = [f"{each.name}: {each.counts.rows:,} products" for each in self.retailers]
        return [*products, f"{len(self.gaps):,} gaps"]

    def _tables(self) -> Sequence[NotebookTable]:
        names = [retailer.name for retailer in self.retailers]
        departments = ["department", *names]
        gaps = [
            (join_path(self.taxonomy.paths[gap.node]), gap.retailer, f"{gap.count:,.0f}")
            for gap in self.gaps
        ]
        return [
            NotebookTable(departments, self._department_rows(), "shares with 95 % intervals"),
            NotebookTable(["category", "retailer", "products"], gaps, f"missing: {names[0]}"),
        ]

    def _department_rows(self) -> list[list[str]]:
        """The name of each department, and its share of each retailer's products, as texts."""
        retailer_shares = [shares(retailer.counts) for retailer in self.retailers]
        rows = [[self.taxonomy.paths[node][0]] for node in self.taxonomy.children()]
        for row, node in zip(rows, self.taxonomy.children(), strict=True):
            row += [
                f"{share['count'][node]:.1%} ({share['low'][node]:.1%} – {share['high'][node]:.1%})"
                for share in retailer_shares
            ]
        return rows

    def __str__(self) -> str:
        """The numbers of products, the shares of the departments and the largest gaps, as text."""
        names = [for_terminal(retailer.name) for retailer in self.retailers]
        products = [
            f"{name}: {retailer.counts.rows:,} products"
            for name, retailer in zip(names, self.retailers, strict=True)
        ]
        lines = [
            "; ".join(products),
            "  ".join(["share of each department with its 95 % interval", *names]),
            *self._department_lines(),
            f"{len(self.gaps):,} categories that {names[0]} lacks and others have",
            *self._gap_lines(),
        ]
        return "\n".join(lines)

    def _department_lines(self) -> Iterator[str]:
        for department, *cells in self._department_rows():
            yield f"  {for_terminal(department)}: {'  '.join(cells)}"

    def _gap_lines(self) -> Iterator[str]:
        for gap in self.gaps[:_MOST_LINES]:
            path = join_path(self.taxonomy.paths[gap.node])
            yield for_terminal(f"  {path}: {gap.retailer} has about {gap.count:.0f}")
