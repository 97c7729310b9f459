import pickle

import numpy as np
import pytest
from answered import evaluate_paths, scored
from IPython.core.formatters import DisplayFormatter

from prodcat.errors import ConfigError
from prodcat.evaluation.evaluation import Evaluation
from prodcat.evaluation.metrics import evaluate_nodes
from prodcat.evaluation.plots import plot_shares
from prodcat.taxonomy.tree import Taxonomy


def test_plots_show_what_the_evaluation_holds(tmp_path):
    result, before = scored(), scored(seed=5, skill=0.5)
    figure = result.plot()
    assert [ax.get_title() for ax in figure.axes] == [
        "whole path",
        "each level",
        "risk and coverage",
    ]
    figure.savefig(tmp_path / "evaluation.png")
    assert (tmp_path / "evaluation.png").stat().st_size > 10_000
    ax = result.plot_reliability(before=before)
    lines = {line.get_label(): line for line in ax.get_lines()}
    after = lines[f"after, ECE {result.ece:.3f}"]
    assert list(after.get_ydata()) == [one_bin.accuracy for one_bin in result.reliability]
    assert f"before, ECE {before.ece:.3f}" in lines
    assert result.plot_risk_coverage(ax) is ax
    nothing = evaluate_paths((("Baby", "Food"), ("Baby", "Care")))
    for plot in (nothing.plot, nothing.plot_reliability, nothing.plot_risk_coverage):
        with pytest.raises(ConfigError, match="has no probabilities, so there is nothing to plot"):
            plot()


def test_without_matplotlib_a_plot_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"pip install 'prodcat\[plot\]'"):
        scored(50).plot()


def test_levels_have_bars_with_their_intervals():
    result = scored()
    ax = result.plot_levels()
    assert [bar.get_height() for bar in ax.patches] == list(result.level_accuracy)
    assert len(ax.collections) == 3
    ends = ax.collections[0].get_segments()[0][:, 1].tolist()
    interval = result.intervals["level_1_accuracy"]
    assert ends == [interval.low, interval.high]
    assert result.plot_levels(ax) is ax


def test_the_worst_categories_have_bars():
    result = scored()
    ax = result.plot_categories(most=4)
    frame = result.to_frame("category")[:4]
    assert [bar.get_width() for bar in ax.patches[:4]] == frame["wrong"].tolist()
    assert [bar.get_width() for bar in ax.patches[4:]] == frame["right"].tolist()
    assert [label.get_text() for label in ax.get_yticklabels()] == frame["path"].tolist()
    assert result.plot_categories(ax) is ax
    with pytest.raises(ConfigError, match="most=0 is out of range"):
        result.plot_categories(most=0)


def test_a_plot_of_categories_reads_names_as_text():
    paths = [("$x^2$" * 30, "\x1b[2J"), ("b",)]
    tree = Taxonomy.from_paths(paths)
    nodes = np.array([tree.find(path) for path in paths])
    ax = evaluate_nodes(tree, nodes, nodes[::-1]).plot_categories()
    _, last = ax.get_yticklabels()
    assert last.get_text().startswith("…") and last.get_text().endswith(r"\x1b[2J")
    assert not last.get_parse_math() and ax._repr_png_()


@pytest.mark.parametrize(
    "plot",
    [
        Evaluation.plot,
        Evaluation.plot_reliability,
        Evaluation.plot_risk_coverage,
        Evaluation.plot_levels,
        Evaluation.plot_categories,
        lambda _: plot_shares([("Food", 0.25, 0.5)], title="shares"),
    ],
)
def test_a_notebook_shows_a_plot_without_a_command(plot):
    shown = DisplayFormatter().format(plot(scored(400)))[0]
    assert shown["image/png"].startswith(b"\x89PNG")


def test_a_figure_can_be_pickled():
    assert pickle.loads(pickle.dumps(scored(400).plot()))._repr_png_().startswith(b"\x89PNG")
