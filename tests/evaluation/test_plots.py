import pytest
from answered import evaluate_paths, scored

from prodcat.errors import ConfigError


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
