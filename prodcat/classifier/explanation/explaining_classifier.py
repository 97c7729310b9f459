"""The methods by which a classifier explains its answers and its categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.classifier.evaluating import groups_of
from prodcat.classifier.explanation.explaining import Explainer
from prodcat.classifier.explanation.explaining_node import explain_node
from prodcat.classifier.explanation.explanations import Explanations
from prodcat.classifier.explanation.node_explanation import NodeExplanation
from prodcat.classifier.migration.migrating import Migrating
from prodcat.classifier.titles import Titles, given_titles, title_columns
from prodcat.decisions.options import AnswerOptions, EvaluationKeywords
from prodcat.errors import (
    CatalogError,
    ConfigError,
    check_keywords,
    check_whole,
    takes_keywords,
)
from prodcat.model.neighbours import LabelledTitles
from prodcat.storage.containers import described
from prodcat.taxonomy.paths import split_path


class ExplanationKeywords(EvaluationKeywords, total=False):
    """Keyword arguments of an explanation, which is about one answer for each title."""

    language: str | None


@dataclass(frozen=True, eq=False, repr=False)
class Explaining(Migrating):
    """A classifier that can say why it answers as it does."""

    @takes_keywords(ExplanationKeywords, certainty=0.95)
    def explain(
        self,
        titles: Titles,
        *,
        neighbours: Catalog | LabelledTitles | None = None,
        count: int = 3,
        options: AnswerOptions | None = None,
        **named: Unpack[ExplanationKeywords],
    ) -> Explanations:
        """Explain the answers that :meth:`predict` gives to titles.

        At each level of an answer, the words of the title, and the n-grams that they consist of,
        add up to the margin between what was answered and the runner-up.  A title also gets the
        fewest words without which its answer is another one, and the labelled titles that are most
        similar to it.  It takes some milliseconds for each title, and some hundred where the
        encoder reads it, once for each word and once without it.

        Args:
            titles: Product titles, as for :meth:`predict`.
            neighbours: A catalog whose labelled titles are searched for similar ones, or a
                :class:`prodcat.LabelledTitles` made of one, which is faster for
                several calls; None to search none.
            count: The number of similar titles for each title.
            options: The options of the answers.
            named: Options by name, which override ``options``, as for :meth:`predict`; without
                ``top_k``.

        Returns:
            A list with the reasons for the answer to each title.

        Raises:
            CatalogError: There are no titles in it, one is not text, the groups are missing, or
                ``neighbours`` is something else.
            ConfigError: The options contradict each other, the guarantee cannot be given, or
                ``count`` is not a whole number from 1.
            TaxonomyError: The tree has no names in ``language``.
        """
        check_keywords(Explaining.explain, named)
        check_whole("count", count, 1)
        asked = AnswerOptions.of(options, **named)
        if asked.top_k > 1:
            raise ConfigError(
                f"top_k={asked.top_k} is not allowed in explain, which explains one answer for "
                "each title; expected 1. Leave top_k out."
            )
        decider = self.decider.with_options(asked)
        given = given_titles(titles, self.text_columns, decider.group_column(asked.promises))
        texts = self.reader.texts_of(given)
        groups = groups_of(self.decider, given, asked.groups, asked.promises)
        explainer = Explainer(self.reader, decider, asked, labelled_titles(neighbours), count)
        return Explanations(explainer(texts, groups), title_columns(given))

    def explain_node(
        self, path: str | Sequence[str], *, catalog: Catalog | None = None, most: int = 15
    ) -> NodeExplanation:
        """Say what speaks for a category and against it, and which others are like it.

        Args:
            path: The path of the category, as names or in one line such as ``"Food > Fish"``.
            catalog: Labelled titles, best those of the training: the words of their titles are
                tried, and those of the category are listed whose label is doubtful.  The
                classifier has learned the labels of its training titles, so wrong ones among them
                are less conspicuous; see :func:`prodcat.insight.audit.audit` for a search with
                classifiers that did not learn them.  None to try the names of the tree and the
                words of the encoder's vocabulary.
            most: The largest number of words for it, and of words against it.

        Returns:
            What the classifier knows of the category.

        Raises:
            TaxonomyError: The tree has no such category.
            CatalogError: ``catalog`` is something else, has no categories, or has others.
            ConfigError: ``most`` is not a whole number from 1.
        """
        check_whole("most", most, 1)
        if catalog is not None:
            check_catalog(catalog)
            _ = catalog.tree  # raises if there are no categories
        names = split_path(path) if isinstance(path, str) else path
        return explain_node(self, self.taxonomy.find(names), catalog, most)


def labelled_titles(given: object) -> LabelledTitles | None:
    """The labelled titles of a catalog, or those that are given already, or None.

    Raises:
        CatalogError: It is something else, or the catalog has no categories.
    """
    if given is None or isinstance(given, LabelledTitles):
        return given
    if not isinstance(given, Catalog):
        raise CatalogError(
            f"neighbours is {described(given)}; expected a Catalog, such as the one that the "
            "classifier was trained on. Make one with prodcat.read_catalog(table)."
        )
    _ = given.tree  # raises if there are no categories
    return LabelledTitles(given)
