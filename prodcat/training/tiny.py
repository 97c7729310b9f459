"""A small classifier for tests, trained on the names of its tree; see :mod:`prodcat.testing`."""

import math
from collections.abc import Iterable, Mapping, Sequence

import torch

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.reading import read_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.errors import ConfigError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.storage.containers import described
from prodcat.taxonomy.paths import Path, join_path, split_path
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.fitting import fit

_BRANDS = ("Velmora", "Nordika", "Casalta", "Fresh", "Daily")
_REPEATS = 20  # copies of a given answer, so that generated titles do not outvote it
_CALIBRATION_TITLES = 300  # the least number; enough for a guarantee of 0.99
_GROCERIES = (
    ("Food > Fruit > Apples", "Gıda > Meyve > Elma"),
    ("Food > Fruit > Bananas", "Gıda > Meyve > Muz"),
    ("Food > Fruit > Oranges", "Gıda > Meyve > Portakal"),
    ("Food > Bakery > Bread", "Gıda > Fırın > Ekmek"),
    ("Food > Bakery > Croissants", "Gıda > Fırın > Kruvasan"),
    ("Food > Dairy > Milk", "Gıda > Süt Ürünleri > Süt"),
    ("Food > Dairy > Cheese", "Gıda > Süt Ürünleri > Peynir"),
    ("Drinks > Water", "İçecek > Su"),
    ("Drinks > Juice", "İçecek > Meyve Suyu"),
    ("Home > Cleaning > Soap", "Ev > Temizlik > Sabun"),
    ("Home > Cleaning > Detergent", "Ev > Temizlik > Deterjan"),
    ("Home > Paper > Tissues", "Ev > Kağıt > Mendil"),
)


def tiny_classifier(
    tree: Taxonomy | Sequence[str | Sequence[str]] | None = None,
    *,
    answers: Mapping[str, str | Sequence[str]] | None = None,
) -> Classifier:
    """Train a small classifier for tests, in a fraction of a second and without files or network.

    It is a :class:`prodcat.Classifier` without an encoder, trained on the names of the tree, in all
    its languages, and on titles generated from them; equal arguments give equal answers.  It has a
    guarantee, measured on at least 300 further generated titles, so that ``predict(guarantee=0.9)``
    and ``predict(max_error=0.1)`` work too.  Its accuracy says nothing about a real model's.

    Args:
        tree: The categories: a tree; a list of paths, each as names or as one line such as
            ``"Food > Fruit"``; or None for a small grocery tree in English and Turkish (``"tr"``).
            Training takes longer for more outcomes.
        answers: Titles and the path to answer for each, as names or as one line.

    Returns:
        The classifier, on the CPU.

    Raises:
        TaxonomyError: The paths do not form a tree, or a path in ``answers`` is not in it.
        ConfigError: ``tree`` is a single text, ``answers`` is no mapping, a path in ``answers``
            ends above the outcomes, or titles with the same n-grams have different paths in
            ``answers``.

    >>> tiny_classifier(["Food > Bread", "Home > Soap"]).predict(["fresh bread"])[0][0].path
    ('Food', 'Bread')
    """
    taxonomy = _taxonomy(tree)
    if not isinstance(answers, Mapping | None):
        raise ConfigError(
            f"answers is {described(answers)}; expected a mapping from titles to their paths."
        )
    expected = {title: _outcome(taxonomy, path) for title, path in (answers or {}).items()}
    given = list(expected.items())
    calibration_numbers = range(5, 5 + math.ceil(_CALIBRATION_TITLES / len(taxonomy.outcomes)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more would only wait for each other, so small are the tensors
    try:
        classifier = fit(
            _catalog(taxonomy, [*_generated(taxonomy, range(1, 4)), *given * _REPEATS]),
            validation=_catalog(taxonomy, [*_generated(taxonomy, range(4, 5)), *given]),
            model=ModelConfig(encoder=None),
            training=TrainingConfig(calibration="temperature"),
            device="cpu",
            progress=False,
        )
        _check_answers(classifier, expected)
        calibration = _catalog(taxonomy, _generated(taxonomy, calibration_numbers))
        return classifier.with_guarantee(calibration)
    finally:
        torch.set_num_threads(threads)


def _taxonomy(tree: Taxonomy | Sequence[str | Sequence[str]] | None) -> Taxonomy:
    if isinstance(tree, Taxonomy):
        return tree
    if isinstance(tree, str):
        raise ConfigError(f"tree={tree!r} is one text; expected a list of paths.")
    if tree is not None:
        return Taxonomy.from_paths(tree)
    groceries = [(split_path(english), split_path(turkish)) for english, turkish in _GROCERIES]
    taxonomy = Taxonomy.from_paths(english for english, _ in groceries)
    turkish_names = {
        taxonomy.ids[node]: name
        for english, turkish in groceries
        for node, name in zip(taxonomy.ancestors(taxonomy.find(english)), turkish, strict=True)
    }
    return taxonomy.with_names("tr", turkish_names)


def _path(path: str | Sequence[str]) -> Path:
    return split_path(path) if isinstance(path, str) else tuple(path)


def _outcome(taxonomy: Taxonomy, path: str | Sequence[str]) -> Path:
    """The path of an answer, which must end at an outcome."""
    node = taxonomy.find(_path(path))
    if not taxonomy.terminal[node]:
        raise ConfigError(
            f"answers has the path {join_path(_path(path))!r}, at which no product ends; expected "
            "the path of a leaf or of another outcome."
        )
    return taxonomy.paths[node]


def _generated(taxonomy: Taxonomy, numbers: range) -> list[tuple[str, Path]]:
    """Titles with their paths: for every outcome and language, one for each number."""
    return [
        (f"{_BRANDS[number % 5]} {' '.join(path[-2:])} {number}00 g", taxonomy.paths[node])
        for node in taxonomy.outcomes.tolist()
        for path in dict.fromkeys(
            taxonomy.path(node, language) for language in (None, *taxonomy.translations)
        )
        for number in numbers
    ]


def _catalog(taxonomy: Taxonomy, rows: Iterable[tuple[str, Path]]) -> Catalog:
    records = [{"title": title, "path": list(path)} for title, path in rows]
    return read_catalog(records, taxonomy=taxonomy)


def _check_answers(classifier: Classifier, expected: Mapping[str, Path]) -> None:
    """Check that the classifier gives the answers; raises ConfigError if it does not."""
    predicted = classifier.predict(list(expected))
    for (title, path), [best] in zip(expected.items(), predicted, strict=True):
        if best.path != path:
            raise ConfigError(
                f"answers has {join_path(path)!r} for {title!r}, but titles with the same n-grams "
                f"have {join_path(best.path)!r}. Give titles that differ in letters or digits."
            )
