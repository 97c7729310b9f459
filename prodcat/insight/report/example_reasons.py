"""Why a classifier gives the wrong answers that a report shows as examples."""

from collections.abc import Callable, Sequence

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.explanation.explanation import Explanation
from prodcat.classifier.explanation.reasons import LevelReasons, WordReason
from prodcat.classifier.prediction import Prediction
from prodcat.insight.page_language import PageLanguage
from prodcat.taxonomy.paths import Path, join_path
from prodcat.text_encoding import for_terminal

# Returns the reasons for the answers to some rows, given their positions.
ExampleReasons = Callable[[Sequence[int]], Sequence[Explanation]]


def example_reasons(classifier: Classifier, titles: Sequence[str] | Catalog) -> ExampleReasons:
    """A function that explains the answers to titles.

    Args:
        classifier: The classifier that was evaluated.
        titles: The titles of the evaluated rows; a catalog of them if the classifier reads further
            columns.
    """

    def reasons(rows: Sequence[int]) -> Sequence[Explanation]:
        if isinstance(titles, Catalog):
            picked: Catalog | list[str] = titles.take(np.array(rows, np.int64))
        else:
            picked = [titles[row] for row in rows]
        return classifier.explain(picked) if rows else []

    return reasons


def sentence_of(explanation: Explanation, label: Path, language: PageLanguage) -> str:
    """Why an answer is not the label, in one line: the words at the level where the two part.

    Args:
        explanation: The reasons for the answer.
        label: The path of the label.
        language: The language of the line.
    """
    if explanation.path == label:
        return language("why.options")
    level = _parting(explanation, label)
    if level is None:
        return ""
    answer = _choice(language, level.path, level.ends, level.confidence)
    if level.runner_up is None:
        return language("why.only", answer=answer)
    other = _choice(language, level.runner_up, level.runner_up_ends, level.runner_up_confidence)
    parts = [language("why.not", answer=answer, other=other)]
    for key, words in (("why.for", level.strongest()), ("why.against", level.against())):
        if words:
            parts.append(language(key, words=_listed(words)))
    if explanation.deletion is not None:
        removed = repr(" ".join(explanation.deletion.words))
        instead = _prediction(explanation.deletion.prediction, language)
        parts.append(language("why.without", words=removed, answer=instead))
    return "; ".join(parts)


def _parting(explanation: Explanation, label: Path) -> LevelReasons | None:
    """The first level at which the answer is not on the path of the label; or the last one."""
    for level in explanation.levels:
        if level.path != label[: len(level.path)] or (level.ends and level.path != label):
            return level
    return explanation.levels[-1] if explanation.levels else None


def _choice(language: PageLanguage, path: Path, ends: bool, probability: float) -> str:
    """What was chosen at a level, or could have been, with its probability."""
    name = language("why.itself", name=path[-1]) if ends else path[-1]
    return f"{name} {language.whole_percent(probability)}"


def _prediction(prediction: Prediction, language: PageLanguage) -> str:
    """An answer in one line, with its confidence."""
    path = for_terminal(join_path(prediction.path)) or language("page.no.category")
    return f"{path} ({language.number(prediction.confidence, 2)})"


def _listed(words: Sequence[WordReason]) -> str:
    return ", ".join(
        word.word if word.column == "title" else f"{word.word} ({word.column})" for word in words
    )
