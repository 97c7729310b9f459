"""The map of the tree: areas are titles, colours compare with the accuracy of all titles."""

from typing import Any

import numpy as np

from prodcat.insight.page_language import PageLanguage
from prodcat.insight.report.figures import NodeFigures, wilson
from prodcat.taxonomy.tree import Taxonomy

_MOST_FIELDS = 1_500
_LEVELS = 2  # that are drawn at once
_SMALLEST_LETTERS = 12  # pixels; labels that do not fit at this size are left out
_MUCH = 2.0  # times as many wrong answers as on average, or one part of so many
# Orange for worse and blue for better can be told apart by the colour-blind; each colour has
# letters with a contrast of at least 4.5.
_FIELDS = {
    "much worse": ("#b35806", "#ffffff"),
    "worse": ("#f3b26b", "#1d1d1b"),
    "about average": ("#dcdcd6", "#1d1d1b"),
    "better": ("#92c5de", "#1d1d1b"),
    "much better": ("#2166ac", "#ffffff"),
}


def treemap_legend(average: float, language: PageLanguage) -> list[tuple[str, str]]:
    """What the colours of the map mean: pairs of a colour and a text.

    Args:
        average: The accuracy of all titles.
        language: The language of the texts.
    """
    wrong = language.shown("share", 1 - average)
    return [
        (colour, language(f"report.map.{kind}", share=wrong))
        for kind, (colour, _) in _FIELDS.items()
    ]


def field_kind(average: float, accuracy: float, low: float, high: float) -> str:
    """How a category compares with all titles: a key of the colours.

    Args:
        average: The accuracy of all titles.
        accuracy: That of the category.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.

    >>> field_kind(0.8, 0.5, 0.4, 0.6), field_kind(0.8, 0.7, 0.6, 0.79)
    ('much worse', 'worse')
    >>> field_kind(0.8, 0.7, 0.5, 0.9), field_kind(0.8, 0.95, 0.9, 0.99)
    ('about average', 'much better')
    """
    if high < average:
        return "much worse" if 1 - accuracy > _MUCH * (1 - average) else "worse"
    if low > average:
        return "much better" if 1 - accuracy < (1 - average) / _MUCH else "better"
    return "about average"


def tree_map(
    tree: Taxonomy, figures: NodeFigures, average: float, language: PageLanguage
) -> tuple[Any, Any]:
    """Draw the tree as a treemap, coloured by the comparison with the accuracy of all titles.

    Args:
        tree: The tree.
        figures: Rows and correct answers of each node.
        average: The accuracy of all titles.
        language: The language of what is shown for each field.

    Returns:
        Plotly's traces and layout.
    """
    # Thousands of fields take seconds to lay out. An ancestor has no fewer rows, so it is kept too.
    least = np.sort(figures.rows)[-_MOST_FIELDS - 1] if len(tree) > _MOST_FIELDS else 0
    used = np.flatnonzero(figures.rows > least).tolist()
    accuracy = figures.accuracy
    low, high = wilson(figures.exact, figures.rows)
    kinds = [field_kind(average, accuracy[node], low[node], high[node]) for node in used]
    of_field = language(
        "report.field",
        titles="%{value:,}", right="%{customdata[0]}", interval="%{customdata[1]}",
    )  # fmt: skip
    data = {
        "type": "treemap",
        "ids": [str(node) for node in used],
        "labels": [tree.paths[node][-1] for node in used],
        "parents": [str(tree.parent[node]) if tree.parent[node] >= 0 else "" for node in used],
        "values": figures.rows[used].tolist(),
        "branchvalues": "total",
        "maxdepth": _LEVELS,
        "marker": {
            "colors": [_FIELDS[kind][0] for kind in kinds],
            "line": {"width": 1, "color": "#fbfbf8"},
            "cornerradius": 2,
        },
        "textfont": {"size": 14},
        "texttemplate": "%{label}<br>%{customdata[0]}",
        "customdata": [
            (
                language.shown("share", accuracy[node]),
                language.shown("interval", (low[node], high[node])),
                language(f"report.code.{kind}"),
            )
            for node, kind in zip(used, kinds, strict=True)
        ],
        "hovertemplate": f"%{{label}}<br>{of_field}<br>%{{customdata[2]}}<extra></extra>",
        "pathbar": {"visible": True},
        "tiling": {"pad": 2},
    }
    layout = {
        "margin": {"t": 5, "l": 5, "r": 5, "b": 5},
        "uniformtext": {"minsize": _SMALLEST_LETTERS, "mode": "hide"},
    }
    return [data], layout
