"""Whether parts add up, named words decide and deletions change answers, on titles of one set."""

import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.explain.models import classifier_of, test_titles
from benchmarks.explain.saliency import Saliency
from benchmarks.jobs import Options
from benchmarks.reporting import Row

if TYPE_CHECKING:
    from prodcat import Classifier
    from prodcat.classifier.explanation.explanation import Explanation

TITLES = {"ngrams": 400, "encoder": 120}
FEWEST_WORDS = 3  # of a title of which words are deleted
DRAWS = 5  # of random words


def explain_set(options: Options, kind: str, data: str) -> list[Row]:
    """Explain test titles, and check what is said.

    Args:
        options: Where to read and write.
        kind: ``"ngrams"`` or ``"encoder"``.
        data: The set.

    Returns:
        One row with the sums and deletions, and one for each title and level whose words were
        deleted.
    """
    classifier = classifier_of(options, kind, data)
    titles = test_titles(options, data, 12 if options.quick else TITLES[kind])
    cascade = "off" if kind == "encoder" else "auto"
    began = time.perf_counter()
    explanations = classifier.explain(titles, cascade=cascade)
    seconds = time.perf_counter() - began
    checked = {
        "job": kind, "data": data, "row": "checks", "titles": len(titles),
        "seconds": round(seconds, 2), **sums(classifier, titles, explanations),
        **deletions(classifier, explanations, cascade),
    }  # fmt: skip
    return [checked, *(
        {"job": kind, "data": data, "row": "level", **level}
        for level in level_rows(classifier, explanations)
    )]  # fmt: skip


def sums(classifier: "Classifier", titles: list[str], explanations: "list[Explanation]") -> Row:
    """The largest difference between parts and margins, and between margins and probabilities."""
    nodes = {path: place for place, path in enumerate(classifier.taxonomy.paths)}
    ends = {path: place for place, path in enumerate(classifier.outcomes)}
    # One by one: in other batches, float32 gives the encoder's scores other last bits.
    of_nodes = [classifier.node_probabilities([title])[0].astype(np.float64) for title in titles]
    of_ends = [classifier.predict_proba([title])[0].astype(np.float64) for title in titles]
    parts, margins, levels = 0.0, 0.0, 0
    for row, explanation in enumerate(explanations):
        for level in explanation.levels:
            if level.runner_up is None:
                continue
            levels += 1
            total = level.start + sum(word.weight for word in level.words)
            by_ngrams = level.start + sum(ngram.weight for ngram in level.ngrams)
            by_ngrams += sum(word.encoder for word in level.words)
            parts = max(parts, abs(total - level.margin), abs(by_ngrams - level.margin))
            chosen, other = (
                of_ends[row][ends[path]] if is_end else of_nodes[row][nodes[path]]
                for path, is_end in (
                    (level.path, level.ends), (level.runner_up, level.runner_up_ends)
                )
            )  # fmt: skip
            margins = max(margins, abs(float(np.log(chosen / other)) - level.margin))
    return {"levels": levels, "parts_off": parts, "margins_off": margins}


def deletions(classifier: "Classifier", explanations: "list[Explanation]", cascade: str) -> Row:
    """How many deletions there are, and how many change the answer of a real prediction."""
    with_one = [each for each in explanations if each.deletion is not None]
    after = [
        classifier.predict([each.deletion.title], cascade=cascade)[0][0]
        for each in with_one
        if each.deletion is not None
    ]
    changed = sum(
        answer.path != each.prediction.path for answer, each in zip(after, with_one, strict=True)
    )
    return {
        "deletions": len(with_one),
        "deletions_that_change": changed,
        "surely_smallest": sum(
            each.deletion is not None and each.deletion.is_smallest for each in with_one
        ),
        "none_of_all": sum(each.deletion is None and each.exhaustive for each in explanations),
    }


def level_rows(classifier: "Classifier", explanations: "list[Explanation]") -> list[Row]:
    """How far the level's probability falls without the words named, random ones and salient ones.

    A third of the words of a title is deleted, and at least one.
    """
    saliency = Saliency(classifier)
    random = np.random.default_rng(0)
    texts: dict[str, None] = {}
    asked: list[tuple[Row, str, list[list[str]], tuple[str, ...]]] = []
    for explanation in explanations:
        words = explanation.title.split()
        if len(words) < FEWEST_WORDS or not explanation.levels:
            continue
        if [word.word for word in explanation.levels[0].words] != words:
            continue
        for level in explanation.levels:
            if level.runner_up is None or level.ends:
                continue
            count = max(len(words) // 3, 1)
            named = np.argsort([-word.weight for word in level.words], kind="stable")[:count]
            salient = np.argsort(-saliency(explanation, level), kind="stable")[:count]
            drawn = [random.permutation(len(words))[:count] for _ in range(DRAWS)]
            kept = [
                [" ".join(np.delete(words, chosen).tolist()) for chosen in choices]
                for choices in ([named], [salient], drawn)
            ]
            texts.update(dict.fromkeys(text for part in kept for text in part))
            row: Row = {"level": level.level, "words": len(words), "deleted": count,
                   "before": level.confidence}  # fmt: skip
            asked.append((row, explanation.title, kept, level.path))
    every = list(texts)
    probabilities = classifier.node_probabilities(every)
    place = {text: row for row, text in enumerate(every)}
    rows = []
    for row, title, kept, path in asked:
        node = classifier.taxonomy.find(path)
        after = [
            float(np.mean([probabilities[place[text], node] for text in part])) for part in kept
        ]
        falls = {
            name: row["before"] - probability
            for name, probability in zip(("named", "salient", "random"), after, strict=True)
        }
        rows.append({**row, "title": title, **falls})
    return rows
