"""Reasons as HTML: for each level one row, in which the words of the title have colours.

Words for the answer are blue and underlined, words against it orange with a dotted line, so that
they can be told apart without colours and in light and dark notebooks.
"""

from collections.abc import Sequence

from prodcat.classifier.explanation.reasons import LevelReasons, WordReason
from prodcat.taxonomy.notebook import cut, notebook_html
from prodcat.text_encoding import for_html

_MOST_WORDS = 60  # of a title that are shown
_FOR, _AGAINST = "0,114,178", "213,94,0"
_TABLE = "<table><tr><th>level</th><th>answer</th><th>runner-up</th><th>why</th></tr>"


def html_of(titles: Sequence[str], total: int) -> str:
    """The HTML of titles for a notebook, with what the colours mean.

    Args:
        titles: What :func:`title_html` returned for the titles that are shown.
        total: The number of all titles.
    """
    numbers = [f"{total:,} title{'s' * (total != 1)}"]
    if total > len(titles):
        numbers.append(f"the first {len(titles):,} are shown")
    legend = (
        f"<div><small>{_mark('blue, underlined', 2)}: for the answer; "
        f"{_mark('orange, dotted', -2)}: for the runner-up</small></div>"
    )
    return notebook_html("Reasons", numbers, further=legend + "".join(titles))


def title_html(
    title: str, answer: str, levels: Sequence[LevelReasons], sentences: Sequence[str]
) -> str:
    """The reasons for one answer as HTML.

    Args:
        title: The title.
        answer: The answer in one line.
        levels: The reasons at each level.
        sentences: Further lines.
    """
    rows = "".join(map(_row, levels))
    table = f"{_TABLE}{rows}</table>" if rows else ""
    below = "".join(f"<div><small>{for_html(cut(line))}</small></div>" for line in sentences)
    heading = f"<b>{for_html(cut(title))}</b>: {for_html(cut(answer))}"
    return f'<div style="margin-top:.9em">{heading}</div>{table}{below}'


def _row(level: LevelReasons) -> str:
    chosen = f"{level.name} {level.confidence:.1%}"
    other = "none: the only choice"
    if level.runner_up is not None:
        other = f"{level.runner_up_name} {level.runner_up_confidence:.1%}"
    return (
        f'<tr><td class="number">{level.level}</td><td>{for_html(cut(chosen))}</td>'
        f"<td>{for_html(cut(other))}</td><td>{_marked(level)}</td></tr>"
    )


def _marked(level: LevelReasons) -> str:
    """The words of a title, with the colours of what they speak for."""
    parts, column = [], "title"
    strengths = level.strengths()
    for word, strength in list(zip(level.words, strengths, strict=True))[:_MOST_WORDS]:
        if word.column != column:
            column = word.column
            parts.append(f"<small>{for_html(cut(column))}:</small>")
        parts.append(_mark(word.word, strength, _told(word)))
    if len(strengths) > _MOST_WORDS:
        parts.append("…")
    return " ".join(parts)


def _told(word: WordReason) -> str:
    """What a word contributes, as it appears when a reader points at it."""
    if not word.encoder:
        return f"{word.weight:+.2f}"
    return f"{word.weight:+.2f}: n-grams {word.ngrams:+.2f}, encoder {word.encoder:+.2f}"


def _mark(text: str, strength: int, told: str = "") -> str:
    escaped = for_html(cut(text))
    title = f' title="{told}"' if told else ""
    if not strength:
        return f"<span{title}>{escaped}</span>" if told else escaped
    colour = _FOR if strength > 0 else _AGAINST
    line = "solid" if strength > 0 else "dotted"
    return (
        f'<span{title} style="background:rgba({colour},{0.12 * abs(strength):.2f});'
        f'border-bottom:2px {line} rgb({colour})">{escaped}</span>'
    )
