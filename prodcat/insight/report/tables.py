"""The tables of a report in one language; those for programs are the English ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prodcat.evaluation.confusions import ConfusionGroup
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.page_table import Column, Kind, PageTable
from prodcat.insight.report.categories import WORST, CategoryFigures
from prodcat.insight.report.contents import Contents
from prodcat.taxonomy.paths import join_path

_HEADLINES: Mapping[str, Kind] = {
    "path_accuracy": "share",
    "coverage": "share",
    "hierarchical_f1": "share",
    "macro_f1": "share",
    "tail_recall": "share",
    "tree_distance": "figure",
    "ece": "share",
    "risk_coverage_area": "share",
}
# What an evaluation writes in place of a name, and the key of its text.
_NO_NAMES = {"(no path of the tree)": "report.no.path", "(ends here)": "report.ends.here"}


@dataclass(frozen=True, eq=False)
class ReportTables:
    """The tables of a report.

    Attributes:
        contents: The contents of the report.
        language: The language of headings, captions and of words in cells.
    """

    contents: Contents
    language: PageLanguage

    def headlines(self) -> list[tuple[str, str, str]]:
        """The figures of all rows: name, value, and the interval or an empty string."""
        evaluation, language = self.contents.evaluation, self.language
        headlines = [(language("report.evaluated"), language.number(evaluation.rows), "")]
        for metric, kind in _HEADLINES.items():
            value = getattr(evaluation, metric)
            if value is None:
                continue
            interval = evaluation.intervals.get(metric)
            text = "" if interval is None else self.range(kind, interval.low, interval.high)
            headlines.append((self.metric_name(metric), language.shown(kind, value), text))
        return headlines

    def metric_name(self, metric: str) -> str:
        """The name of a metric, such as ``level_2_ece``, for people."""
        if metric.startswith("level_"):
            _, level, of_level = metric.split("_", 2)
            return self.language(
                "report.level.metric", level=level, metric=self.metric_name(of_level)
            )
        return self.language(f"report.metric.{metric}")

    def metrics(self) -> PageTable:
        """A table of the figures of all rows for programs, with the names of their attributes."""
        evaluation = self.contents.evaluation
        rows = []
        for metric in _HEADLINES:
            value, interval = getattr(evaluation, metric), evaluation.intervals.get(metric)
            if value is not None:
                ends = (None, None) if interval is None else (interval.low, interval.high)
                rows.append((metric, value, *ends))
        return PageTable(
            (
                Column("metric", "metric", "text"),
                Column("value", "value", "figure"),
                Column("low", "from", "figure"),
                Column("high", "to", "figure"),
            ),
            rows,
        )

    def differences(self) -> PageTable:
        """The differences from production for programs; without rows if there is no comparison."""
        rows = []
        comparison = self.contents.comparison
        if comparison is not None:
            for metric, difference in comparison.differences.items():
                verdict = comparison.verdict(metric)
                rows.append((metric, difference.value, difference.low, difference.high, verdict))
        return PageTable(
            (
                Column("metric", "metric", "text"),
                Column("difference", "difference", "figure"),
                Column("low", "from", "figure"),
                Column("high", "to", "figure"),
                Column("verdict", "verdict", "text"),
            ),
            rows,
        )

    def shown_differences(self) -> list[tuple[str, str, str, str]]:
        """The differences from production as texts: metric, difference, interval and verdict."""
        texts = []
        for metric, value, low, high, verdict in self.differences().rows:
            kind = kind_of_difference(metric)
            texts.append(
                (
                    self.metric_name(metric),
                    self.language.shown(kind, value),
                    self.range(kind, low, high),
                    self.language(f"report.code.{verdict}"),
                )
            )
        return texts

    def range(self, kind: Kind, low: float, high: float) -> str:
        """Both ends of an interval, with the unit once."""
        language = self.language
        if kind == "share":
            return language.shown("interval", (low, high))
        if kind == "figure":
            ends = language.shown(kind, low), language.shown(kind, high)
            return language("small.interval", low=ends[0], high=ends[1])
        low_end, high_end = (language.signed(100 * end, 1) for end in (low, high))
        return language("report.points", low=low_end, high=high_end)

    def levels(self) -> PageTable:
        """A table of the figures of each level of the tree."""
        language = self.language
        return PageTable(
            (
                Column("level", language("page.level"), "count"),
                Column("rows", language("page.titles"), "count"),
                Column("accuracy", language("report.head.right"), "share"),
                Column("macro_f1", language("report.metric.macro_f1"), "share"),
                Column("ece", language("report.metric.ece"), "share"),
                Column("answers_end", language("report.head.ends"), "share"),
            ),
            [
                (level.level, level.rows, level.accuracy, level.macro_f1, level.ece,
                 level.answers_end)
                for level in self.contents.evaluation.levels
            ],
            language("report.caption.levels"),
        )  # fmt: skip

    def departments(self) -> PageTable:
        """A table of the departments, the costliest wrong answers first."""
        return self._categories(self.contents.departments, "report.caption.departments")

    def categories(self) -> PageTable:
        """A table of the categories with wrong answers, the costliest first."""
        return self._categories(self.contents.worst, "report.caption.categories", most=WORST)

    def _categories(
        self, figures: Sequence[CategoryFigures], caption: str, most: int | None = None
    ) -> PageTable:
        language, has_weights = self.language, self.contents.has_weights
        cost = (Column("cost", language("report.head.cost"), "figure"),) if has_weights else ()
        columns = (
            Column("category", language("page.category"), "text"),
            Column("rows", language("page.titles"), "count"),
            Column("wrong", language("report.head.wrong"), "count"),
            *cost,
            Column("share_of_wrong", language("report.head.share"), "bar"),
            Column("accuracy", language("report.head.right"), "share"),
            Column("accuracy", language("page.interval"), "interval"),
            Column("compared", language("report.head.compared"), "text"),
            Column("usual_answer", language("report.head.usual"), "text"),
        )
        rows = [
            (
                each.path, each.rows, each.wrong, *([each.cost] if has_weights else []),
                each.share, each.accuracy, each.interval,
                language(f"report.code.{each.compared}"), self._usual_answer(each),
            )
            for each in figures
        ]  # fmt: skip
        return PageTable(columns, rows, language(f"{caption}{'.cost' * has_weights}"), most)

    def _usual_answer(self, figures: CategoryFigures) -> str | None:
        if not figures.wrong:
            return None
        answer = figures.answer or self.language("page.no.category")
        return f"{answer} ({self.language.number(figures.answers)})"

    def confusions(self) -> PageTable:
        """A table of the mistakes, grouped by the deepest common ancestor of label and answer."""
        language = self.language
        return PageTable(
            (
                Column("ancestor", language("report.head.within"), "text"),
                Column("level", language("page.level"), "count"),
                Column("mistakes", language("report.head.mistakes"), "count"),
                Column("share", language("report.head.mistakes.share"), "bar"),
                Column("most_common", language("report.head.pairs"), "text"),
            ),
            [
                (
                    group.ancestor if group.level else language("report.root"),
                    group.level,
                    group.rows,
                    group.share,
                    self._pairs(group),
                )
                for group in self.contents.evaluation.confusion_groups
            ],
            language("report.caption.confusions"),
            WORST,
        )

    def _pairs(self, group: ConfusionGroup) -> str:
        """The most common mistakes of a group in one line."""

        def name_of(node: str) -> str:
            return self.language(_NO_NAMES[node]) if node in _NO_NAMES else node

        return "; ".join(
            f"{name_of(truth)} → {name_of(answer)} ({self.language.number(rows)})"
            for truth, answer, rows in group.branches[:3]
        )

    def reliability(self) -> PageTable:
        """A table of the share of correct answers by confidence."""
        language = self.language
        return PageTable(
            (
                Column("confidence", language("report.head.mean"), "share"),
                Column("rows", language("page.titles"), "count"),
                Column("accuracy", language("report.head.right"), "share"),
            ),
            [
                (part.confidence, part.rows, part.accuracy)
                for part in self.contents.evaluation.reliability
            ],
            language("report.caption.reliability"),
        )

    def examples(self) -> PageTable:
        """A table of the examples of wrong answers."""
        language = self.language
        columns = (
            Column("title", language("list.title"), "text"),
            Column("label", language("report.head.label"), "text"),
            Column("answer", language("report.head.answer"), "text"),
            Column("confidence", language("report.head.confidence"), "share"),
            Column("reason", language("report.head.why"), "text"),
            Column("similar", language("report.head.similar"), "text"),
        )
        rows = [
            (
                example.title,
                join_path(example.label),
                join_path(example.answer) or language("page.no.category"),
                example.confidence,
                example.reason(language) or None,
                example.neighbour_text or None,
            )
            for example in self.contents.examples
        ]
        empty = {4: not self.contents.has_reasons, 5: not self.contents.has_neighbours}
        kept = [place for place in range(len(columns)) if not empty.get(place)]
        return PageTable(
            tuple(columns[place] for place in kept),
            [[row[place] for place in kept] for row in rows],
            language("report.caption.examples"),
        )

    def all(self) -> dict[str, PageTable]:
        """All tables of the report that have rows, by name."""
        tables = {
            "metrics": self.metrics(),
            "levels": self.levels(),
            "departments": self.departments(),
            "categories": self.categories(),
            "differences": self.differences(),
            "confusions": self.confusions(),
            "reliability": self.reliability(),
            "examples": self.examples(),
        }
        return {name: table for name, table in tables.items() if table.rows}


def kind_of_difference(metric: str) -> Kind:
    """How the difference of a metric is shown: in points of a hundred, or as a number."""
    return "figure" if "distance" in metric or "loss" in metric else "points"
