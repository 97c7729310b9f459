"""Sentences about an assortment in the language of the page, with figures and how sure they are."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from prodcat.insight.assortment.products import title_key
from prodcat.insight.assortment.tables import BuyingTables
from prodcat.insight.design.page import DesignPage

_NAMED = 2  # categories of each side in the answer about prices


class Sentences:
    """The sentences about one other retailer.

    Args:
        page: The page, whose language and number formats are used.
        ours: Our name.
        tables: The tables about the other retailer.
    """

    def __init__(self, page: DesignPage, ours: str, tables: BuyingTables) -> None:
        self.page, self.ours, self.tables = page, ours, tables
        self.theirs = tables.versus.name
        self.text, self.numbers = page.text, page.numbers

    def thin(self, row: Mapping[str, Any]) -> str:
        """How much larger their share of a category is than ours, with the interval."""
        values = {
            "theirs": self.theirs,
            "category": last_name(row),
            "n": self.numbers.number(row["their_products"]),
            "m": self.numbers.number(row["our_products"]),
        }
        if not row["our_products"] or row["times"] is None:
            return self.text("thin.none", **values)
        times = self.numbers.number(row["times"], 1)
        low, high = (self.numbers.number(row[f"times_{end}"], 1) for end in ("low", "high"))
        key = "thin.twice" if round(row["times"], 1) == 2 else "thin.times"
        sentence = self.text(key, times=times, **values)
        if low == high:
            return f"{sentence}."
        return sentence + self.text("thin.interval", low=low, high=high)

    def opportunity(self, row: Mapping[str, Any], listed: int) -> str:
        """What is said above the products of an opportunity.

        Args:
            row: The opportunity.
            listed: The number of products that are named.
        """
        sentences = [self.thin(row)]
        tree, level = self.tables.versus.tree, self.tables.versus.level
        node = tree.node(row["node_id"])
        if tree.level[node] - 1 < level and tree.children(node):
            sentences.append(self.text("thin.whole", category=last_name(row)))
        sentences.append(
            self.text(
                "answer.missing", missing=self.numbers.number(row["missing_products"]),
                listed=self.numbers.number(listed),
            )
        )  # fmt: skip
        return f"{' '.join(sentences)} {self.code(row['sure'])}."

    def counted_one_by_one(self, shows_changes: bool = False) -> str:
        """Why the numbers of a table differ from those of shares; empty if nothing is estimated.

        Args:
            shows_changes: Whether the table is that of changed categories, which has an example.
        """
        if not self._is_estimated():
            return ""
        sentence = self.text("counts.single", shares=self.text("section.shares"))
        example = self._other_count() if shows_changes else None
        if example is None:
            return sentence
        row, count = example
        values = {
            "n": self.numbers.number(count),
            "m": self.numbers.number(row["products_now"]),
        }
        return f"{sentence} " + self.text(
            "counts.example", theirs=self.theirs, category=last_name(row), **values
        )

    def corrected(self) -> str:
        """That the numbers of shares allow for mistakes; empty if nothing is estimated."""
        if not self._is_estimated():
            return ""
        return self.text(
            "counts.corrected", brands=self.text("section.brands"),
            changes=self.text("section.changes"),
        )  # fmt: skip

    def _is_estimated(self) -> bool:
        retailers = (self.tables.versus.ours, self.tables.versus.theirs)
        return any(retailer.labelled < retailer.counts.rows for retailer in retailers)

    def _other_count(self) -> tuple[Mapping[str, Any], int] | None:
        """The first changed category whose number of products is another one among the shares."""
        counts = {row["node_id"]: row["their_products"] for row in self.tables.rows["categories"]}
        for row in self.tables.rows["changed_categories"]:
            count = counts.get(row["node_id"])
            if count is not None and count != row["products_now"]:
                return row, count
        return None

    def headline(self) -> tuple[str, str]:
        """The sentence of the page, and how sure it is."""
        opportunities = self.tables.rows["opportunities"]
        if not opportunities:
            return self.text("headline.none", theirs=self.theirs), ""
        first = opportunities[0]
        return self.thin(first), self.sure(first["sure"])

    def sure(self, code: str) -> str:
        """What the word for how sure a figure is means."""
        return self.text(f"sure.{code}")

    def category_card(self) -> tuple[str, str, str]:
        """Which category first."""
        rows = self.tables.rows["opportunities"]
        question = self.text("q.category")
        if not rows:
            return question, self.text("answer.no.category"), ""
        first = rows[0]
        shares = self.text(
            "answer.shares", ours=self.ours, theirs=self.theirs,
            our_share=self.numbers.share(first["our_share"]),
            their_share=self.numbers.share(first["their_share"]),
            missing=self.numbers.number(first["missing_products"]),
        )  # fmt: skip
        return question, first["category"], f"{shares} {self.code(first['sure'])}."

    def code(self, code: str) -> str:
        """The word for how sure a figure is, with a capital letter."""
        word = self.text(f"code.{code}")
        return word[:1].upper() + word[1:]

    def product_card(self) -> tuple[str, str, str]:
        """Which product to list first."""
        rows = self.tables.rows["products_to_list"]
        question = self.text("q.product")
        if not rows:
            return question, self.text("answer.no.product"), ""
        first = rows[0]
        brand = first["brand"]
        is_named = brand is None or title_key(brand) in title_key(first["title"])
        answer = [first["title"] if is_named else f"{first['title']} ({brand})"]
        if first["price"] is not None:
            answer.append(self.price(first["price"]))
        note = self.text(
            "answer.product", category=first["category"], sure=self.text(f"code.{first['sure']}")
        )
        return question, ", ".join(answer), note

    def price(self, value: float) -> str:
        """A price in the currency of the page."""
        return self.numbers.price(value, self.page.currency)

    def price_card(self) -> tuple[str, str, str]:
        """Who is cheaper at what."""
        question = self.text("q.cheaper")
        rows = self.tables.rows["price_comparison"]
        certain = [row for row in rows if row["sure"] != "uncertain"]
        if not rows:
            return question, self.text("answer.no.prices"), self.text("need.prices")
        label = self.text("head.our.price")
        label = label[:1].lower() + label[1:]
        answers = []
        for side, name in (("theirs", self.theirs), ("ours", self.ours)):
            cheaper = [row for row in certain if row["cheaper"] == side][:_NAMED]
            if cheaper:
                listed = ", ".join(
                    f"{last_name(row)} ({label} {self.numbers.change(row['difference'])}, "
                    f"{self.text('code.' + row['sure'])})"
                    for row in cheaper
                )
                answers.append(self.text("answer.side", name=name, list=listed))
        counted = Counter(row["cheaper"] for row in certain)
        note = self.text(
            "answer.cheaper", ours=self.ours, theirs=self.theirs,
            m=self.numbers.number(counted["ours"]), n=self.numbers.number(counted["theirs"]),
            count=self.numbers.number(len(rows)),
        )  # fmt: skip
        return question, " ".join(answers) or self.text("answer.alike"), note

    def change_card(self) -> tuple[str, str, str]:
        """What changed since the earlier catalog."""
        question = self.text("q.changed")
        if self.tables.versus.before is None:
            return question, self.text("answer.no.before"), self.text("need.before")
        kinds = Counter(self.tables.column("changes", "kind"))
        answer = self.text(
            "answer.changed", theirs=self.theirs,
            **{kind: self.numbers.number(kinds[kind]) for kind in ("new", "gone", "price")},
        )  # fmt: skip
        rows = self.tables.rows["changed_categories"]
        most = max(rows, key=lambda row: row["new_products"], default=None)
        if most is None or not most["new_products"]:
            return question, answer, ""
        count = self.numbers.number(most["new_products"])
        return question, answer, self.text("answer.most.new", category=most["category"], n=count)

    def certainty_card(self, judged: int) -> tuple[str, str, str]:
        """How sure the figures are; ``judged`` titles measured the classifier's mistakes."""
        counted = Counter(row["sure"] for row in self.tables.rows["opportunities"])
        parts = [
            f"{self.numbers.number(counted[code])} {self.text(f'code.{code}')}"
            for code in ("almost certain", "likely", "uncertain")
            if counted[code]
        ]
        retailers = (self.tables.versus.ours, self.tables.versus.theirs)
        estimated = sum(retailer.counts.rows - retailer.labelled for retailer in retailers)
        note = self.text("answer.counted")
        if estimated:
            note = self.text(
                "answer.estimated", n=self.numbers.number(estimated),
                count=self.numbers.number(judged),
            )  # fmt: skip
        answer = self.text("answer.sure", parts=", ".join(parts) or "0")
        return self.text("q.sure"), answer, note

    def send_card(self) -> tuple[str, str, str]:
        """Where the list to send is."""
        count = self.numbers.number(len(self.tables.rows["products_to_list"]))
        return self.text("q.send"), self.text("answer.send", n=count), self.text("answer.send.note")


def last_name(row: Mapping[str, Any]) -> str:
    """The name of a row's category without those above it."""
    return str(row["category"]).rpartition(" > ")[2]
