"""Reasons as text: for each level one line, in which the words of the title have marks."""

from collections.abc import Sequence

from prodcat.classifier.explanation.reasons import LevelReasons
from prodcat.text_encoding import for_terminal

_WIDEST = 44  # letters of the names of a choice and its runner-up


def text_of(
    title: str, answer: str, levels: Sequence[LevelReasons], sentences: Sequence[str]
) -> str:
    """The reasons for one answer as a text of several lines.

    Args:
        title: The title.
        answer: The answer in one line.
        levels: The reasons at each level.
        sentences: Further lines.
    """
    choices = [_choice(level) for level in levels]
    width = min(max(map(len, choices), default=0), _WIDEST)
    rows = [
        f"  {level.level}  {choice:<{width}}  {marked_words(level)}".rstrip()
        for level, choice in zip(levels, choices, strict=True)
    ]
    lines = [f"{title}: {answer}", *rows, *(f"  {sentence}" for sentence in sentences)]
    return "\n".join(map(for_terminal, lines))


def _choice(level: LevelReasons) -> str:
    chosen = f"{level.name} {level.confidence:.0%}"
    if level.runner_up is None:
        return f"{chosen}, the only choice"
    return f"{chosen}, not {level.runner_up_name} {_share(level.runner_up_confidence)}"


def _share(probability: float) -> str:
    return "<1%" if 0 < probability < 0.005 else f"{probability:.0%}"


def marked_words(level: LevelReasons) -> str:
    """The words of a title with up to three marks: ``+`` for the answer, ``-`` against it.

    Args:
        level: The reasons at one level.
    """
    words, column = [], "title"
    for word, strength in zip(level.words, level.strengths(), strict=True):
        if word.column != column:
            column = word.column
            words.append(f"| {column}:")
        words.append(("+" if strength > 0 else "-") * abs(strength) + word.word)
    return " ".join(words)
