"""An evaluation as one HTML file, and as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import ConfigError
from prodcat.evaluation.metrics import Comparison, Evaluation, ReliabilityBin
from prodcat.insight.files import write_form
from prodcat.insight.neighbours import Neighbours
from prodcat.insight.page import Page, shown
from prodcat.taxonomy.tree import Taxonomy, join_path

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.evaluation.judging import JudgedRows

_HEADLINES = (
    ("path_accuracy", "path accuracy", "share"),
    ("coverage", "truth or an ancestor of it", "share"),
    ("hierarchical_f1", "hierarchical F1", "share"),
    ("macro_f1", "macro F1", "share"),
    ("tail_recall", "recall of the rarest tenth", "share"),
    ("tree_distance", "tree distance", "figure"),
    ("ece", "calibration error", "figure"),
    ("risk_coverage_area", "area under risk and coverage", "figure"),
)
_WORST = 40
_EXAMPLES = 60
_NEIGHBOURS = 3
_FIELDS = 1_500  # of the map
_DEEP = 2  # levels of the map that are drawn at once
_Z = 1.959963984540054
# Blue is right and orange wrong, which the colour-blind tell apart too.
_SCALE = [[0.0, "#b35806"], [0.5, "#f7f7f7"], [1.0, "#2166ac"]]
_LINE = "#2166ac"


@dataclass(frozen=True)
class Report:
    """A report in two forms.

    Attributes:
        html: One file with everything in it; nothing is fetched when it is looked at.
        markdown: The same figures and tables, for a pull request or a wiki.
    """

    html: str
    markdown: str

    def save(self, uri: str) -> None:
        """Write one of the forms, by the name's ending.

        Args:
            uri: At any fsspec URI; ends with ``.html`` or ``.md``.

        Raises:
            ConfigError: It ends otherwise.
            StoreError: It cannot be written.
        """
        write_form(
            uri, {"html": self.html.encode, "htm": self.html.encode, "md": self.markdown.encode}
        )


@dataclass(frozen=True)
class NodeFigures:
    """How the rows of each node went.

    Attributes:
        rows: int64 [nodes]: rows whose label is at or below the node.
        right: int64 [nodes]: those of them whose answer is, too.
        answered: int64 [nodes]: rows whose answer is at or below it.
    """

    rows: NDArray[np.int64]
    right: NDArray[np.int64]
    answered: NDArray[np.int64]

    @property
    def recall(self) -> NDArray[np.float64]:
        """float64 [nodes]: NaN where there are no rows."""
        return _ratio(self.right, self.rows)

    @property
    def precision(self) -> NDArray[np.float64]:
        """float64 [nodes]: NaN where nothing was answered."""
        return _ratio(self.right, self.answered)


def node_figures(judged: "JudgedRows", nodes: int) -> NodeFigures:
    """Count rows at each node of the tree."""

    def count(places: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(places[places >= 0], minlength=nodes).astype(np.int64)

    rows, right, answered = (np.zeros(nodes, np.int64) for _ in range(3))
    for level in range(judged.truth.shape[1]):
        truth, answer = judged.truth[:, level], judged.answer[:, level]
        rows += count(truth)
        right += count(truth[truth == answer])
        answered += count(answer[judged.known[:, level]])
    return NodeFigures(rows, right, answered)


def wilson(right: NDArray[Any], rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The 95 % interval of shares (Wilson, 1927); (0, 1) where there are no rows."""
    n = np.maximum(rows, 1)
    share = right / n
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    nothing = np.asarray(rows) == 0
    return np.where(nothing, 0.0, middle - half), np.where(nothing, 1.0, middle + half)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def report_evaluation(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    *,
    titles: Sequence[str] | None = None,
    known: "Catalog | None" = None,
    production: Evaluation | None = None,
    name: str = "",
) -> Report:
    """Show an evaluation to people.

    Args:
        evaluation: From :meth:`Classifier.evaluate`.
        taxonomy: The tree that it judged in.
        titles: Of its rows, in their order, for examples of mistakes.
        known: Labelled titles, such as those that were trained on: each example is shown with
            those that are most like it.
        production: Another evaluation of the same rows, of what is in production.
        name: What was evaluated, for the title.

    Returns:
        HTML and Markdown.

    Raises:
        ConfigError: The evaluation is of another tree, has no single rows (it was read from a
            file) while titles or production need them, or the titles are not as many; or plotly
            is not installed.
    """
    judged = evaluation.judged
    if judged is None and (titles is not None or production is not None):
        raise ConfigError(
            "This evaluation was read from a file and does not know its single rows; expected one "
            "from Classifier.evaluate(). Leave out titles and production, or evaluate again."
        )
    if judged is not None and judged.tree_hash != taxonomy.hash:
        raise ConfigError(
            "The evaluation is of another tree than the one given; expected the classifier's "
            "own: classifier.taxonomy."
        )
    if titles is not None and len(titles) != evaluation.rows:
        raise ConfigError(
            f"Found {len(titles):,} titles for {evaluation.rows:,} judged rows; expected one for "
            "each labelled row, in order."
        )
    comparison = None if production is None else evaluation.compare(production)
    own = _Report(evaluation, taxonomy, titles, known, comparison, name)
    return Report(own.html(), own.markdown())


class _Report:
    """The parts of one report, in both forms."""

    def __init__(
        self,
        evaluation: Evaluation,
        taxonomy: Taxonomy,
        titles: Sequence[str] | None,
        known: "Catalog | None",
        comparison: Comparison | None,
        name: str,
    ) -> None:
        self.evaluation, self.taxonomy, self.comparison = evaluation, taxonomy, comparison
        self.name = name or "A classifier"
        judged = evaluation.judged
        self.figures = None if judged is None else node_figures(judged, len(taxonomy))
        self.worst = [] if self.figures is None else self._worst_nodes()
        self.examples = [] if titles is None else self._examples(titles, known)

    # -- what is shown ------------------------------------------------------------

    def _headlines(self) -> list[tuple[str, str, str]]:
        found = []
        for key, label, kind in _HEADLINES:
            value = getattr(self.evaluation, key)
            if value is None:
                continue
            interval = self.evaluation.intervals.get(key)
            show: Any = "share" if kind == "share" else "figure"
            small = "" if interval is None else (
                f"{shown(show, interval.low)} to {shown(show, interval.high)}"
            )  # fmt: skip
            found.append((label, shown(show, value), small))
        return [("judged rows", f"{self.evaluation.rows:,}", ""), *found]

    def _path(self, node: int) -> str:
        return join_path(self.taxonomy.paths[node]) if node >= 0 else "(no category)"

    def _worst_nodes(self) -> list[tuple[Any, ...]]:
        """Where products end and most are lost, with what is answered instead."""
        judged, figures = self.evaluation.judged, self.figures
        assert judged is not None and figures is not None
        wrong = ~judged.correct
        size = len(self.taxonomy) + 2  # two answers are no nodes
        pairs, counts = np.unique(
            judged.targets[wrong] * size + judged.ends[wrong] + 2, return_counts=True
        )
        targets, answers = pairs // size, pairs % size - 2
        lost = np.bincount(targets, counts, minlength=len(self.taxonomy)).astype(np.int64)
        rows = np.bincount(judged.targets, minlength=len(self.taxonomy))
        low, high = wilson(rows - lost, rows)
        found = []
        for node in np.argsort(-lost, kind="stable")[:_WORST]:
            if not lost[node]:
                break
            mine = np.flatnonzero(targets == node)
            worst = mine[np.argmax(counts[mine])]
            found.append(
                (
                    self._path(int(node)),
                    int(rows[node]),
                    int(lost[node]),
                    float(1 - lost[node] / rows[node]),
                    (float(low[node]), float(high[node])),
                    f"{self._path(int(answers[worst]))} ({counts[worst]:,})",
                )
            )
        return found

    def _examples(self, titles: Sequence[str], known: "Catalog | None") -> list[dict[str, Any]]:
        """Mistakes: the surest first, each node once before any is there twice."""
        judged = self.evaluation.judged
        assert judged is not None
        rows = np.flatnonzero(~judged.correct)
        if judged.confidence is not None:
            rows = rows[np.argsort(-judged.confidence[rows], kind="stable")]
        seen: dict[int, int] = {}
        turn = []
        for row in rows.tolist():
            turn.append(seen.get(int(judged.targets[row]), 0))
            seen[int(judged.targets[row])] = turn[-1] + 1
        rows = rows[np.argsort(turn, kind="stable")][:_EXAMPLES]
        found: list[dict[str, Any]] = [
            {
                "title": titles[row],
                "label": self._path(int(judged.targets[row])),
                "answer": self._path(int(judged.ends[row])),
                "confidence": None if judged.confidence is None else float(judged.confidence[row]),
                "neighbours": [],
            }
            for row in rows.tolist()
        ]
        if known is not None and found:
            labelled = known.take(known.labelled)
            places, likeness = Neighbours(labelled.titles)(
                [own["title"] for own in found], _NEIGHBOURS
            )
            for own, near, alike in zip(found, places, likeness, strict=True):
                own["neighbours"] = [
                    (labelled.titles[place], join_path(labelled.paths[place] or ()), float(value))
                    for place, value in zip(near.tolist(), alike, strict=True)
                    if value > 0
                ]
        return found

    # -- HTML ---------------------------------------------------------------------

    def html(self) -> str:
        own = self.evaluation
        page = Page(f"{self.name}: evaluation", "Shares with their 95 % intervals in small.")
        page.section("Headline figures")
        page.numbers(self._headlines())
        page.table(
            [("level", "count"), ("rows", "count"), ("accuracy", "share"), ("macro F1", "share"),
             ("calibration error", "figure"), ("answers that end here", "share")],
            [(x.level, x.rows, x.accuracy, x.macro_f1, x.ece, x.answers_end) for x in own.levels],
            "By level of the tree",
        )  # fmt: skip
        if self.comparison is not None:
            page.section("Against production", f"Differences on the same {self.comparison.rows:,} "
                         "rows, above 0 where this one is higher.")  # fmt: skip
            page.table(
                [("metric", "text"), ("difference", "figure"), ("from", "figure"),
                 ("to", "figure"), ("verdict", "text")],
                self._differences(), "Differences with 95 % intervals",
            )  # fmt: skip
        if self.figures is not None:
            self._tree(page)
            page.section("Worst categories", "Where products end and most were answered wrongly.")
            page.table(
                [("category", "text"), ("rows", "count"), ("wrong", "count"),
                 ("accuracy", "share"), ("95 % interval", "interval"),
                 ("commonest wrong answer", "text")],
                self.worst, "Categories by the number of wrong answers",
            )  # fmt: skip
        self._confusions(page)
        if own.reliability:
            self._curves(page)
        if self.examples:
            self._shown_examples(page)
        return page.html()

    def _differences(self) -> list[tuple[Any, ...]]:
        assert self.comparison is not None
        return [
            (name.replace("_", " "), one.value, one.low, one.high, self.comparison.verdict(name))
            for name, one in self.comparison.differences.items()
        ]

    def _tree(self, page: Page) -> None:
        figures, tree = self.figures, self.taxonomy
        assert figures is not None
        low, high = wilson(figures.right, figures.rows)
        recall, precision = figures.recall, figures.precision
        cells = [
            (
                int(figures.rows[node]),
                _or_none(recall[node]),
                (float(low[node]), float(high[node])) if figures.rows[node] else None,
                _or_none(precision[node]),
                int(figures.rows[node] - figures.right[node]),
            )
            for node in range(len(tree))
        ]
        used = np.flatnonzero((figures.rows > 0) | (figures.answered > 0))
        page.section(
            "The tree by accuracy",
            "Of the products below a category, the share that was answered with it or with "
            "something below it. Choose a field to go down, the bar at the top to come back.",
        )
        page.add(page.figure("Categories by size, coloured by accuracy; the table below has all "
                             "of them", *_tree_map(tree, figures), tall=True))  # fmt: skip
        page.tree(
            "Categories with their accuracy",
            tree,
            [
                {"label": "rows", "kind": "count"},
                {"label": "accuracy", "kind": "share", "colour": True},
                {"label": "95 % interval", "kind": "interval"},
                {"label": "precision", "kind": "share", "colour": True},
                {"label": "wrong", "kind": "count"},
            ],
            cells,
            kept=used.tolist(),
            only={"with wrong answers": 4},
        )

    def _confusions(self, page: Page) -> None:
        page.section("Confusions", "Mistakes by the deepest category that truth and answer share: "
                     "the higher it is, the worse the mistake.")  # fmt: skip
        page.table(
            [("they part below", "text"), ("level", "count"), ("mistakes", "count"),
             ("of all", "share"), ("commonest: truth, answer", "text")],
            [
                (group.ancestor, group.level, group.rows, group.share,
                 "; ".join(f"{a} → {b} ({n:,})" for a, b, n in group.branches[:3]))
                for group in self.evaluation.confusion_groups[:_WORST]
            ],
            "Confusions by common ancestor",
        )  # fmt: skip

    def _curves(self, page: Page) -> None:
        own = self.evaluation
        page.section(
            "Confidence",
            "Reliability: of the answers of a confidence, the share that was right; on the line it "
            "is honest. Risk and coverage: the error among the answered, where the least sure are "
            "left out.",
        )
        ticks = {"range": [0, 1.02], "tickformat": ".0%"}
        bins = [("whole path", own.reliability)]
        bins += [(f"level {x.level}", x.reliability) for x in own.levels if x.reliability]
        traces = [_line("honest", [0, 1], [0, 1], dash="dot", colour="#888888")]
        traces += [_reliability(name, some, not place) for place, (name, some) in enumerate(bins)]
        shares, errors, bounds = zip(*own.risk_coverage, strict=True)
        risk = _line("error", shares, errors, text=[f"confidence from {b:.3f}" for b in bounds])
        page.add('<div class="plots">')
        page.add(
            page.figure(
                f"Reliability; calibration error {own.ece:.3f}", traces,
                {"xaxis": {"title": {"text": "confidence"}, **ticks},
                 "yaxis": {"title": {"text": "share right"}, **ticks}},
            )
        )  # fmt: skip
        page.add(
            page.figure(
                f"Risk and coverage; area {own.risk_coverage_area:.4f}", [risk],
                {"xaxis": {"title": {"text": "share answered"}, **ticks}, "showlegend": False,
                 "yaxis": {"title": {"text": "error among the answered"}, "tickformat": ".1%",
                           "rangemode": "tozero"}},
            )
        )  # fmt: skip
        page.add("</div>")
        page.table(
            [("confidence", "share"), ("rows", "count"), ("share right", "share")],
            [(one.confidence, one.rows, one.accuracy) for one in own.reliability],
            "Reliability of the whole path",
        )

    def _shown_examples(self, page: Page) -> None:
        page.section(
            "Examples",
            "Wrong answers, the surest of each category first, with the labelled titles that are "
            "most like them. Some of the labels may be wrong.",
        )
        page.table(
            [("title", "text"), ("label", "text"), ("answer", "text"), ("confidence", "share"),
             ("most like it", "text")],
            [
                (one["title"], one["label"], one["answer"], one["confidence"],
                 "; ".join(f"{title} [{path}]" for title, path, _ in one["neighbours"]) or None)
                for one in self.examples
            ],
            "Wrong answers",
        )  # fmt: skip

    # -- Markdown -----------------------------------------------------------------

    def markdown(self) -> str:
        own = self.evaluation
        lines = [f"# {self.name}: evaluation", ""]
        lines += _table(["", "value", "95 % interval"], self._headlines())
        lines += ["", "## By level", ""]
        lines += _table(
            ["level", "rows", "accuracy", "macro F1", "calibration error"],
            [
                (str(x.level), f"{x.rows:,}", shown("share", x.accuracy),
                 shown("share", x.macro_f1), shown("figure", x.ece))
                for x in own.levels
            ],
        )  # fmt: skip
        if self.comparison is not None:
            lines += ["", f"## Against production, on {self.comparison.rows:,} rows", ""]
            lines += _table(
                ["metric", "difference", "95 % interval", "verdict"],
                [
                    (name, f"{value:+.4f}", f"{low:+.4f} to {high:+.4f}", verdict)
                    for name, value, low, high, verdict in self._differences()
                ],
            )
        if self.worst:
            lines += ["", "## Worst categories", ""]
            lines += _table(
                ["category", "rows", "wrong", "accuracy", "95 % interval",
                 "commonest wrong answer"],
                [
                    (path, f"{rows:,}", f"{lost:,}", shown("share", right),
                     shown("interval", interval), answer)
                    for path, rows, lost, right, interval, answer in self.worst[:20]
                ],
            )  # fmt: skip
        lines += ["", "## Confusions by common ancestor", ""]
        lines += _table(
            ["they part below", "mistakes", "of all", "commonest"],
            [
                (group.ancestor, f"{group.rows:,}", shown("share", group.share),
                 "; ".join(f"{a} → {b} ({n:,})" for a, b, n in group.branches[:2]))
                for group in own.confusion_groups[:20]
            ],
        )  # fmt: skip
        if self.examples:
            lines += ["", "## Examples", ""]
            lines += _table(
                ["title", "label", "answer", "confidence", "most like it"],
                [
                    (one["title"], one["label"], one["answer"], shown("share", one["confidence"]),
                     "; ".join(f"{title} [{path}]" for title, path, _ in one["neighbours"]))
                    for one in self.examples[:20]
                ],
            )  # fmt: skip
        return "\n".join(lines) + "\n"


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _tree_map(tree: Taxonomy, figures: NodeFigures) -> tuple[Any, Any]:
    # Thousands of fields would take seconds to lay out. An ancestor has no fewer rows, so it stays.
    least = np.sort(figures.rows)[-_FIELDS - 1] if len(tree) > _FIELDS else 0
    used = np.flatnonzero(figures.rows > least).tolist()
    recall = figures.recall
    data = {
        "type": "treemap",
        "ids": [str(node) for node in used],
        "labels": [tree.paths[node][-1] for node in used],
        "parents": [str(tree.parent[node]) if tree.parent[node] >= 0 else "" for node in used],
        "values": figures.rows[used].tolist(),
        "branchvalues": "total",
        "maxdepth": _DEEP,
        "marker": {
            "colors": [round(float(recall[node]), 4) for node in used],
            "colorscale": _SCALE,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": {"text": "accuracy"}, "tickformat": ".0%"},
        },
        "hovertemplate": "%{label}<br>%{value:,} rows<br>accuracy %{color:.1%}<extra></extra>",
        "pathbar": {"visible": True},
    }
    return [data], {"margin": {"t": 30, "l": 5, "r": 5, "b": 5}}


def _line(
    name: str,
    x: Sequence[float],
    y: Sequence[float],
    dash: str = "solid",
    colour: str = _LINE,
    text: Sequence[str] | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y),
        "line": {"dash": dash, "color": colour},
    }  # fmt: skip
    return found if text is None else {**found, "text": list(text)}


def _reliability(name: str, bins: Sequence[ReliabilityBin], first: bool) -> dict[str, Any]:
    rows = sum(one.rows for one in bins)
    return {
        "type": "scatter", "mode": "lines+markers", "name": name,
        "x": [one.confidence for one in bins], "y": [one.accuracy for one in bins],
        "text": [f"{one.rows:,} rows" for one in bins],
        "marker": {"size": [6 + 24 * (one.rows / rows) ** 0.5 for one in bins]},
        "visible": True if first else "legendonly",
    }  # fmt: skip


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        safe = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
        return f"| {' | '.join(safe)} |"

    return [line(head), "|" + "---|" * len(head), *(line(row) for row in rows)]
