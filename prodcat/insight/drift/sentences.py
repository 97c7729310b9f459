"""What a drift says, in sentences."""

from collections.abc import Iterator, Sequence

from prodcat.insight.drift.alarms import NodeDrift
from prodcat.insight.drift.differences import Differences
from prodcat.insight.page_language import PageLanguage

_MOST_NAMES = 3  # of categories or words in a sentence


def name_of(drift: Differences, node: int, language: PageLanguage) -> str:
    """The path of a node as text, or what all titles together are called."""
    return drift.name_of(node) if node >= 0 else language("drift.all.titles")


def verdict(drift: Differences, language: PageLanguage) -> str:
    """What changed, in one sentence.

    Args:
        drift: The differences.
        language: The language of the sentence.
    """
    parts = []
    for key, is_more in (("drift.grew", True), ("drift.shrank", False)):
        nodes = [alarm.node for alarm in _changed(drift) if (alarm.after > alarm.before) == is_more]
        if nodes:
            names = _names(drift, nodes, language)
            parts.append(language.counted(key, len(nodes), names=names))
    words = [alarm.node for alarm in drift.alarms if alarm.kind == "titles"]
    if words:
        nodes = _highest(drift, [node for node in words if node >= 0])
        changed = language("drift.words.all")
        if nodes:
            changed = language("drift.words.in", names=_names(drift, nodes, language))
        parts.append(changed + _named_words(drift, language))
    if drift.changes:
        parts.append(language.counted("drift.tree.changes", len(drift.changes)))
    if not parts:
        return language("drift.nothing")
    return f"{language.capitalised('; '.join(parts))}."


def _highest(drift: Differences, nodes: Sequence[int]) -> list[int]:
    """The nodes that are below none of the others."""
    others = set(nodes)
    ancestors = drift.taxonomy.ancestors
    return [node for node in nodes if not others.intersection(ancestors(node)[:-1])]


def _changed(drift: Differences) -> list[NodeDrift]:
    """The alarms of shares that are not doubtful, without those below one of the same direction."""
    alarms = [alarm for alarm in drift.alarms if alarm.kind == "shares" and not alarm.doubtful]
    kept = {
        node
        for is_more in (True, False)
        for node in _highest(
            drift, [alarm.node for alarm in alarms if (alarm.after > alarm.before) == is_more]
        )
    }
    chosen = [alarm for alarm in alarms if alarm.node in kept]
    return sorted(chosen, key=lambda alarm: -abs(alarm.after - alarm.before))


def _names(drift: Differences, nodes: Sequence[int], language: PageLanguage) -> str:
    """The names of some nodes, and the number of the others."""
    more = len(nodes) - _MOST_NAMES
    names = [drift.taxonomy.paths[node][-1] for node in nodes[:_MOST_NAMES]]
    if more > 0:
        names.append(language("drift.more", n=language.number(more)))
    if len(names) == 1:
        return names[0]
    return language("drift.and", first=", ".join(names[:-1]), last=names[-1])


def details(drift: Differences, language: PageLanguage) -> Iterator[str]:
    """The sentences below the verdict.

    Args:
        drift: The differences.
        language: The language of the sentences.
    """
    for alarm in _changed(drift)[:_MOST_NAMES]:
        name = name_of(drift, alarm.node, language)
        yield f"{_change(drift, alarm, 'drift.change', language, name=name)}."
    doubtful = [name_of(drift, alarm.node, language) for alarm in drift.alarms if alarm.doubtful]
    if doubtful:
        names = doubtful[:_MOST_NAMES]
        more = len(doubtful) - _MOST_NAMES
        if more > 0:
            names.append(language("drift.more", n=language.number(more)))
        yield language.counted("drift.doubtful", len(doubtful), names="; ".join(names))
    if drift.accuracy is not None:
        accuracy = drift.accuracy
        yield language(
            "drift.accuracy.doubtful" if accuracy.doubtful else "drift.accuracy",
            share=language.shown("share", accuracy.value),
            interval=language.shown("interval", (accuracy.low, accuracy.high)),
            before=language.shown("share", accuracy.before),
        )
    yield language("drift.level", share=language.shown("share", drift.level))


def _named_words(drift: Differences, language: PageLanguage) -> str:
    """The words that became more frequent where the words changed most clearly, in brackets."""
    reworded = {alarm.node for alarm in drift.alarms if alarm.kind == "titles"}
    for evidence in drift.evidence:
        more = [word.word for word in evidence.words if word.z > 0]
        if evidence.node in reworded and evidence.node >= 0 and more:
            words = [language("drift.quoted", word=word) for word in more[:_MOST_NAMES]]
            return f" ({language('drift.words.more', words=', '.join(words))})"
    return ""


def sentence_of(drift: Differences, alarm: NodeDrift, language: PageLanguage) -> str:
    """What an alarm says, in one sentence of the card of its category.

    Args:
        drift: The differences.
        alarm: The alarm.
        language: The language of the sentence.
    """
    if alarm.kind == "titles":
        return language("drift.words.changed")
    sentence = _change(drift, alarm, "drift.it", language)
    return language("drift.it.doubtful", sentence=sentence) if alarm.doubtful else f"{sentence}."


def _change(
    drift: Differences, alarm: NodeDrift, key: str, language: PageLanguage, **values: str
) -> str:
    """That a category grew or shrank, with the shares and the numbers of titles."""
    before, after = drift.rows
    direction = "grew" if alarm.after > alarm.before else "shrank"
    return language(
        f"{key}.{direction}",
        low=language.shown("share", alarm.before),
        high=language.shown("share", alarm.after),
        n=language.number(round(alarm.before * before)),
        before=language.counted("drift.of", before),
        m=language.number(round(alarm.after * after)),
        after=language.number(after),
        **values,
    )
