"""How good a classifier is that goes on with a new tree, beside one that is trained anew."""

import tempfile
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.jobs import Options
from benchmarks.reporting import Row
from benchmarks.trees.titles import Versions, versions

if TYPE_CHECKING:
    from prodcat import Catalog, Classifier, MigrationReport, Taxonomy
    from prodcat.decisions.answers import Answers
    from prodcat.decisions.guarantee import Guarantee

SEEDS = (21, 22, 23)
QUICK = 400  # rows of each part where everything is as small as it can be
RESAMPLES = 1_000
DRAWN = 1_000  # calibration titles of a resample
MOST_TITLES = 20  # of each category, where titles tell what it has become
MAX_ERRORS = (0.05, 0.1)
GUARANTEES = (0.9, 0.95)


def _versions(options: Options, name: str, seed: int, *kinds: str) -> Versions:
    chosen: dict[str, Any] = {"kinds": kinds} if kinds else {}
    return versions(options.data, name, seed, most=QUICK if options.quick else None, **chosen)


def _fit(options: Options, catalog: "Catalog", encoder: bool = False) -> "Classifier":
    import prodcat

    settings: dict[str, Any] = {"epochs": 0} if options.quick and encoder else {}
    return prodcat.fit(
        catalog,
        model=prodcat.ModelConfig(encoder=str(options.encoder) if encoder else None),
        training=prodcat.TrainingConfig(baseline=False, **settings),
        device="cpu",
        progress=False,
    )


def compare_with_training(options: Options, name: str, seed: int, encoder: bool = False) -> Row:
    """A migrated classifier, and one that is trained anew on the titles with new labels."""
    made = _versions(options, name, seed)
    old, _ = timed_fit(options, made.old["train"], encoder)
    anew, training = timed_fit(options, made.new["train"], encoder)
    began = time.process_time()
    migrated, report = old.migrate(made.changes, made.new["train"])
    seconds = time.process_time() - began
    test = made.new["test"]
    ids = np.array(test.tree.ids, object)[test.targets]
    changed = np.isin(ids, list(made.changed))
    right = {"anew": _right(anew, test), "migrated": _right(migrated, test)}
    without, _ = old.migrate(made.changes)
    right["without titles"] = _right(without, test)
    return {
        "set": name, "seed": seed, "encoder": encoder, "rows": len(test),
        "changed rows": int(changed.sum()), "changes": made.changes.counts,
        "seconds": seconds, "training": training, "learned": report.learned,
        **{f"{key} right": int(rows.sum()) for key, rows in right.items()},
        **{f"{key} right, changed": int(rows[changed].sum()) for key, rows in right.items()},
        "wins": int((right["migrated"] & ~right["anew"]).sum()),
        "losses": int((right["anew"] & ~right["migrated"]).sum()),
    }  # fmt: skip


def timed_fit(options: Options, catalog: "Catalog", encoder: bool) -> "tuple[Classifier, float]":
    """A classifier, and the processor's seconds of its training."""
    began = time.process_time()
    return _fit(options, catalog, encoder), time.process_time() - began


def _right(classifier: "Classifier", test: "Catalog") -> NDArray[np.bool_]:
    answers = [chunk.argmax(dim=1).numpy() for chunk in classifier.reader.log_probs(
        classifier.texts_of(test), cascade="auto")]  # fmt: skip
    return np.asarray(classifier.taxonomy.outcomes[np.concatenate(answers)] == test.targets)


def check_exactness(options: Options, name: str, encoder: bool = False) -> Row:
    """Whether probabilities are the same bits, or the sum, before and after; also when loaded."""
    made = _versions(options, name, SEEDS[0], "renamed")
    fitted = _fit(options, made.old["train"], encoder)
    rows: list[Row] = []
    for seed in SEEDS[: 1 if options.quick else None]:
        moved = _versions(options, name, seed, "renamed", "moved")
        merged = _versions(options, name, seed, "merged")
        rows.append(
            {
                "seed": seed,
                "moved": _compared(fitted, moved, summed=False),
                "merged": _compared(fitted, merged, summed=True),
            }
        )
    promises = _promises(options, name, fitted)
    return {"set": name, "encoder": encoder, "seeds": rows, "promises": promises}


def _compared(fitted: "Classifier", made: Versions, summed: bool) -> Row:
    """The largest difference of a probability, and whether any bit differs."""
    import prodcat

    migrated, _ = fitted.migrate(made.changes)
    titles = list(made.new["test"].titles)
    place = {key: number for number, key in enumerate(migrated.taxonomy.ids)}
    position = migrated.taxonomy.outcome_positions
    targets = [
        int(position[place[made.changes.rows[node].new_ids[0]]])
        for node in fitted.taxonomy.outcomes.tolist()
    ]
    with tempfile.TemporaryDirectory() as folder:
        migrated.save(f"{folder}/model")
        loaded = prodcat.load(f"{folder}/model", device="cpu")
    worst, equal = 0.0, True
    for precision in fitted.reader.accuracies or {"float32": 1.0}:
        before = fitted.predict_proba(titles, precision=precision)
        expected = np.zeros((len(titles), len(migrated.outcomes)), np.float64)
        for column, target in enumerate(targets):
            expected[:, target] += before[:, column]
        for classifier in (migrated, loaded):
            after = classifier.predict_proba(titles, precision=precision)
            worst = max(worst, float(np.abs(after - expected).max()))
            equal = equal and (summed or bool((after[:, targets] == before).all()))
    return {"changed": sum(row.kind != "same" for row in made.changes.rows), "worst": worst,
            "equal": equal, "titles": len(titles)}  # fmt: skip


def _promises(options: Options, name: str, fitted: "Classifier") -> list[Row]:
    """How often promises are broken that a migrated guarantee makes, over draws of its titles."""
    made = _versions(options, name, SEEDS[0], "renamed")
    measured = fitted.with_guarantee(_joined(made.old["validation"], made.old["test"]))
    assert measured.guarantee is not None
    limits = _drawn_limits(options, measured.guarantee)
    rows = []
    for kinds in (("renamed",), ("renamed", "moved"), ("merged",), ("renamed", "moved", "merged")):
        made = _versions(options, name, SEEDS[0], *kinds)  # the old tree is the same in all
        pool = _joined(made.new["validation"], made.new["test"])
        migrated, report = measured.migrate(made.changes)
        rows += [
            {"kinds": " and ".join(kinds), "state": report.guarantee, **row}
            for row in _judged(limits, migrated, pool, report)
        ]
    return rows


def _drawn_limits(options: Options, guarantee: "Guarantee") -> dict[tuple[str, float], list[Any]]:
    """The thresholds that draws of calibration titles with old labels give, by promise."""
    from prodcat.decisions.conformal import conformal_threshold, selective_threshold

    rng, count = np.random.default_rng(0), RESAMPLES // (50 if options.quick else 1)
    limits: dict[tuple[str, float], list[Any]] = {}
    for _ in range(count):
        drawn = rng.integers(0, len(guarantee), DRAWN)
        for max_error in MAX_ERRORS:
            limits.setdefault(("max_error", max_error), []).append(
                selective_threshold(
                    guarantee.confidence[drawn], guarantee.right[drawn], max_error, 0.95,
                    guarantee.reference,
                )
            )  # fmt: skip
        for share in GUARANTEES:
            limits.setdefault(("guarantee", share), []).append(
                conformal_threshold(guarantee.scores[drawn], share)
            )
    return limits


def _joined(first: "Catalog", second: "Catalog") -> "Catalog":
    """The rows of two catalogs of one tree."""
    import prodcat

    tree = first.tree
    rows = [
        {"title": title, "path": list(tree.paths[target])}
        for part in (first, second)
        for title, target in zip(part.titles, part.targets.tolist(), strict=True)
    ]
    return prodcat.read_catalog(rows, taxonomy=tree)


def _judged(
    limits: dict[tuple[str, float], list[Any]],
    migrated: "Classifier",
    pool: "Catalog",
    report: "MigrationReport",
) -> list[Row]:
    """What thresholds promise of a migrated classifier, judged by the new labels of all titles."""
    from prodcat.decisions.conformal import climb_scores

    answers, nodes = _promised_answers(migrated, pool)
    confidence = answers.confidence[:, 0].numpy().astype(np.float64)
    right, tree = nodes == pool.targets, migrated.taxonomy
    scores = climb_scores(answers, tree.chains[pool.targets], tree.chains[nodes])
    rows: list[Row] = []
    for (promise, value), drawn in limits.items():
        row: Row = {"promise": promise, "value": value, "resamples": len(drawn)}
        if promise == "max_error":
            answered = [confidence >= limit for limit in drawn if limit is not None]
            risks = [float((~right[each]).mean()) if each.any() else 0.0 for each in answered]
            row |= {"given": len(risks), "broken": sum(risk > value for risk in risks),
                    "mean": float(np.mean(risks)) if risks else None}  # fmt: skip
        elif report.guarantee != "kept":
            continue
        else:
            covered = [float((scores <= limit).mean()) for limit in drawn]
            row |= {"given": len(covered), "mean": float(np.mean(covered)),
                    "error": float(3 * np.std(covered) / np.sqrt(len(covered)))}  # fmt: skip
        rows.append(row)
    return rows


def _promised_answers(
    migrated: "Classifier", pool: "Catalog"
) -> "tuple[Answers, NDArray[np.int64]]":
    """The most likely paths, as answers with a guarantee are chosen."""
    from prodcat.decisions.answers import join_answers
    from prodcat.decisions.decoding import most_likely_paths

    texts = migrated.texts_of(pool)
    chunks = migrated.reader.log_probs(texts, promised=True, cascade="auto")
    answers = join_answers([most_likely_paths(migrated.decider.paths, c, 1) for c in chunks])
    return answers, answers.nodes[:, 0].numpy()


def diff_with_titles(options: Options, name: str) -> Row:
    """What titles add to the comparison of two trees by their names and places."""
    counts = {"changed": 0, "right": 0, "right with titles": 0, "sure": 0, "sure with titles": 0,
              "sure right": 0, "sure right with titles": 0}  # fmt: skip
    for seed in SEEDS[: 1 if options.quick else None]:
        made = _versions(options, name, seed)
        changes = made.changes
        truth = [set(row.new_ids) for row in changes.rows]
        picked = [node for node, row in enumerate(changes.rows) if row.kind != "same"]
        titles = _titles_of(made.old["train"]), _titles_of(made.new["validation"])
        counts["changed"] += len(picked)
        for ending, given in (("", None), (" with titles", titles)):
            tree: Taxonomy = made.old["train"].tree
            compared = tree.diff(made.new["train"].tree, ids="ignore", titles=given)
            for node in picked:
                row = compared.rows[node]
                is_right = (not row.new_ids and not truth[node]) or bool(
                    set(row.new_ids[:1]) & truth[node]
                )
                counts[f"right{ending}"] += is_right
                counts[f"sure{ending}"] += row.sure
                counts[f"sure right{ending}"] += row.sure and is_right
    return {"set": name, **counts}


def _titles_of(catalog: "Catalog") -> dict[str, Sequence[str]]:
    """Some titles of each category, by its id."""
    titles: dict[str, list[str]] = {}
    for title, target in zip(catalog.titles, catalog.targets.tolist(), strict=True):
        listed = titles.setdefault(catalog.tree.ids[target], [])
        if len(listed) < MOST_TITLES:
            listed.append(title)
    return dict(titles)
