"""Reports about titles in memory, labels and processes."""

import math
import multiprocessing
import pickle
from typing import Any

from benchmarks.files.trials import Bench, Report

_MINUTE = 60


def _empty_texts(bench: Bench) -> str:
    for titles in (["", "Milk", " ", "Milk", ""], [""], ["Milk", ""]):
        answers = bench.model.predict(titles)
        assert len(answers) == len(titles)
        for title, [answer] in zip(titles, answers, strict=True):
            assert bool(answer.path) == bool(title.strip())
    return "answers empty titles with no category, wherever they stand"


def _forked(bench: Bench) -> str:
    bench.model.predict(["Milk"] * 200)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(bench.model, sender))
    child.start()
    try:
        assert receiver.poll(_MINUTE), "the forked process hangs"
        assert receiver.recv() == bench.model.predict(["Bread"])
    finally:
        child.kill()
        child.join()
    return "answers in a forked process as before"


def _answer(model: Any, sender: Any) -> None:
    sender.send(model.predict(["Bread"]))


def _several_processes(bench: Bench) -> str:
    titles = ["Milk", "Bread", "Soap"]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        answers = pool.map_async(pickle.loads(pickle.dumps(bench.model)).predict, [titles] * 2)
        assert answers.get(_MINUTE) == [bench.model.predict(titles)] * 2
    return "gives the same answers from every process of a pool"


def _gaps_in_the_index(bench: Bench) -> str:
    import pandas as pd

    frame = pd.DataFrame({"title": ["Milk", "x", "Bread"]}).drop(index=1)
    wanted = bench.model.predict(["Milk", "Bread"])
    assert bench.model.predict(frame["title"]) == bench.model.predict(frame) == wanted
    return "answers by position, whatever the index"


def _missing_among_titles(bench: Bench) -> str:
    import pandas as pd

    titles = pd.Series(["Milk", math.nan, "Bread"])
    [milk], [missing], [bread] = bench.model.predict(titles)
    assert milk.path and bread.path and not missing.path and missing.confidence == 0
    return "answers NaN with no category and confidence 0, and the others as usual"


def _missing_among_labels(bench: Bench) -> str:
    import pandas as pd

    import prodcat

    frame = pd.DataFrame({"title": ["a", "b", "c"], "path": ["apple", math.nan, "pear"]})
    try:
        prodcat.read_catalog(frame)
    except prodcat.CatalogError as error:
        assert "no category: 1 (row 2" in str(error)
    else:
        raise AssertionError("a missing label was accepted")
    assert prodcat.read_catalog(frame, on_error="aside").titles == ("a", "c")
    return "says that row 2 has no category, and leaves it out with on_error='aside'"


def _numbers_among_labels(bench: Bench) -> str:
    import prodcat

    rows = [{"title": str(label), "path": [label]} for label in (1, 2, "a", "b")]
    taxonomy = prodcat.read_catalog(rows).taxonomy
    assert taxonomy is not None
    names = {path[-1] for path in taxonomy.paths if path}
    assert names == {"1", "2", "a", "b"}
    return "takes labels for names: `1` becomes the category `1`"


def _rare_classes(bench: Bench) -> str:
    import prodcat
    from prodcat.model.config import ModelConfig

    paths = ["Food > Milk"] * 30 + ["Food > Bread"] * 30 + ["Home > Soap"] * 2 + ["Home > Wax"]
    titles = [f"{path.rpartition('> ')[2]} {row % 7}" for row, path in enumerate(paths)]
    catalog = prodcat.read_catalog({"title": titles, "path": paths})
    model = prodcat.fit(catalog, model=ModelConfig(encoder=None))
    shape = model.predict_proba(["Wax"]).shape
    assert shape == (1, 4)
    return "keeps all 4 categories, also those with one and two rows"


def _names_as_labels(bench: Bench) -> str:
    import prodcat
    from prodcat.model.config import ModelConfig

    names = ["dairy_products > whole_milk/1 l", "Ev & Yaşam > A: B", "__label__ > x y"]
    titles = [f"{word} {row}" for row in range(20) for word in ("milk", "ev", "label")]
    catalog = prodcat.read_catalog({"title": titles, "path": names * 20})
    model = prodcat.fit(catalog, model=ModelConfig(encoder=None))
    found = [" > ".join(answer.path) for [answer] in model.predict(["milk 1", "ev 2", "label 3"])]
    assert found == names
    return "answers with the names as they are"


def _short_paths(bench: Bench) -> str:
    import prodcat
    from prodcat.model.config import ModelConfig

    paths = ["Food", "Food > Milk", "Home > Soap > Liquid"] * 20
    titles = [f"{word} {row}" for row in range(20) for word in ("food", "milk", "soap")]
    catalog = prodcat.read_catalog({"title": titles, "path": paths})
    model = prodcat.fit(catalog, model=ModelConfig(encoder=None))
    found = [" > ".join(answer.path) for [answer] in model.predict(["food 1", "milk 2", "soap 3"])]
    assert found == paths[:3]
    return "learns and answers paths of 1, 2 and 3 levels"


MODELS = (
    Report(
        "explosion/spaCy#4030",
        "an empty text ends in an IndexError of the classifier",
        _empty_texts,
    ),
    Report("explosion/spaCy#1615", "a model used in a forked process hangs", _forked),
    Report(
        "explosion/spaCy#4770",
        "with several processes, the categories of texts are missing",
        _several_processes,
    ),
    Report(
        "huggingface/sentence-transformers#3371",
        "a pandas Series with gaps in its index ends in a KeyError",
        _gaps_in_the_index,
    ),
    Report(
        "MaartenGr/BERTopic#525",
        "one NaN among the texts ends in a TypeError",
        _missing_among_titles,
    ),
    Report(
        "scikit-learn/scikit-learn#30338",
        "a missing label ends in `'<' not supported between 'str' and 'float'`",
        _missing_among_labels,
    ),
    Report(
        "scikit-learn/scikit-learn#9285",
        "labels 1, 2, 'a', 'b' come back as texts without a word",
        _numbers_among_labels,
    ),
    Report(
        "autogluon/autogluon#201",
        "only 3 of 5 categories are kept, as two have few rows",
        _rare_classes,
    ),
    Report("flairNLP/flair#2483", "labels with underscores end in an error", _names_as_labels),
    Report(
        "scikit-learn-contrib/hiclass#94",
        "products that belong to an inner category only cannot be learned",
        _short_paths,
    ),
)
