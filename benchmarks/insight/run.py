"""How honest the figures are that people look at, and how fast they open."""

import dataclasses
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parents[1]), str(ROOT)]

import frozen_sets
import jobs
from reporting import bar

SETS = ("food-terms", "shop-titles-en")
SIMULATED = 200
SIZES = (200, 500, 1_000)
KINDS = ("leaf", "sibling", "department")
RATES = (0.01, 0.03, 0.05)
FOLDS = 5
SEEDS = 5
BATCH = 200  # titles that are labelled before the classifier is trained again
LABELS = 2_000
SPLITS = 200
PLANTED = 40
ROWS, LEVEL = 1_000_000, 0.05


def ngrams(train, validation=None):
    import prodcat

    return prodcat.fit(
        train,
        validation=validation,
        model=prodcat.ModelConfig(encoder=None),
        progress=False,
    )


def known_only(catalog, tree):
    """Rows whose category is in the tree, with their nodes there."""
    place = {own: node for node, own in enumerate(tree.ids)}
    nodes = np.array([place.get(catalog.tree.ids[own], -1) for own in catalog.targets])
    kept = np.flatnonzero(nodes >= 0)
    return catalog.take(kept), nodes[kept]


def unlabelled(catalog):
    return dataclasses.replace(catalog, taxonomy=None, targets=np.full(len(catalog), -1))


# -- assortments ------------------------------------------------------------------


def assortment(options, name):
    """Competitors drawn from the test rows, their departments with other shares."""
    from prodcat.catalog.targets import targets_in
    from prodcat.insight.prevalence import Confusion, at_or_below, gather, prevalence
    from prodcat.insight.report import wilson

    train, validation, test = frozen_sets.read(options.data, name, "all")
    classifier = ngrams(train)  # which has not seen the validation rows
    tree = classifier.taxonomy
    tops = np.array(tree.children())
    test, truth = known_only(test, tree)
    judged = validation.take(validation.labelled)
    evidence = gather(classifier, judged, keep_each=True)
    confusion = Confusion(tree, evidence, targets_in(judged, tree))
    department = tree.chains[truth, 0]
    usual = np.bincount(department, minlength=len(tree))[tops] / len(truth)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(SIMULATED):
        share = rng.dirichlet(8 * usual + 1e-9)
        wanted = rng.multinomial(rng.choice(SIZES), share)
        chosen = []
        for top, count in zip(tops, wanted, strict=True):
            pool = np.flatnonzero(department == top)
            chosen.append(rng.choice(pool, min(count, len(pool)), replace=False))
        chosen = np.concatenate(chosen).astype(np.int64)
        own = gather(classifier, test.take(chosen))
        found = prevalence(tree, own, confusion, seed=number)
        counts = at_or_below(tree, truth[chosen])
        size = len(chosen)
        inside = (found.low <= counts + 1e-9) & (counts <= found.high + 1e-9)
        low, high = wilson(found.naive[tops], np.full(len(tops), size))
        naive = (low <= counts[tops] / size) & (counts[tops] / size <= high)
        seen = found.count >= 0.5
        rows.append(
            {
                "size": size,
                "departments": len(tops),
                "inside": int(inside[tops].sum()),
                "present": int((counts[tops] > 0).sum()),
                "present_inside": int(inside[tops][counts[tops] > 0].sum()),
                "naive_inside": int(naive.sum()),
                "width": float(((found.high - found.low)[tops] / size).mean()),
                "error": float(np.abs(found.count - counts)[tops].sum() / size),
                "naive_error": float(np.abs(found.naive - counts)[tops].sum() / size),
                "below": [
                    [int(inside[a:b][seen[a:b]].sum()), int(seen[a:b].sum())]
                    for a, b in tree.level_bounds[1:]
                ],
            }
        )
    return {"dispersion": confusion.dispersion, "errors": confusion.relative.tolist(), "rows": rows}


# -- label errors -----------------------------------------------------------------


def planted(catalog, kind, rate):
    """Labels that were swapped: the catalog, and which rows."""
    tree = catalog.tree
    rng = np.random.default_rng([11, KINDS.index(kind), round(1_000 * rate)])
    targets, used = catalog.targets.copy(), np.unique(catalog.targets)
    department = tree.chains[used, 0]
    rows = []
    for row in rng.permutation(len(catalog)).tolist():
        if len(rows) == round(rate * len(catalog)):
            break
        own = int(targets[row])
        pool = {
            "leaf": used[used != own],
            "sibling": np.intersect1d(tree.siblings(own), used),
            "department": used[department != tree.chains[own, 0]],
        }[kind]
        if len(pool):
            targets[row] = rng.choice(pool)
            rows.append(row)
    return dataclasses.replace(catalog, targets=targets), np.array(rows)


def out_of_fold(options, name, kind, rate, noisy, fold):
    """Probabilities, float32 [rows, outcomes]; kept, as they take minutes."""
    place = options.work / f"swaps-{name}-{kind}-{rate}.npz"
    if place.exists():
        return np.load(place)["probabilities"].astype(np.float32)
    found = np.zeros((len(noisy), len(noisy.tree.outcomes)), np.float16)
    for number in range(FOLDS):
        held = np.flatnonzero(fold == number)
        found[held] = ngrams(noisy.take(fold != number)).predict_proba(noisy.take(held))
    np.savez_compressed(place, probabilities=found)
    return found.astype(np.float32)


def swaps(options, name, kind):
    """Precision at as many rows as were planted, of prodcat's ranking and of cleanlab's."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    from prodcat.insight.audit import audit_labels, folds_of
    from prodcat.insight.audit import out_of_fold as out_of_fold_of

    train, _, _ = frozen_sets.read(options.data, name, "all")
    tree = train.tree
    place = np.full(len(tree), -1)
    place[tree.outcomes] = np.arange(len(tree.outcomes))
    fold, keys = folds_of(train, FOLDS, 11)
    found = []
    for rate in RATES:
        noisy, rows = planted(train, kind, rate)
        probabilities = out_of_fold(options, name, kind, rate, noisy, fold)
        hits = np.zeros(len(train), bool)
        hits[rows] = True
        own = audit_labels(noisy, out_of_fold_of(probabilities, noisy.targets, tree), keys)
        labels = place[noisy.targets]
        used = np.unique(labels)  # cleanlab wants every class among the labels
        there = np.searchsorted(used, labels)
        seen = probabilities[:, used] / probabilities[:, used].sum(axis=1, keepdims=True)
        k = len(rows)
        precision = {"prodcat": float(hits[own.rows[own.ranked][:k]].mean())}
        for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
            score = get_label_quality_scores(there, seen, method=method)
            worst = np.argsort(score, kind="stable")[:k]
            precision[f"cleanlab, {method}"] = float(hits[worst].mean())
        issues = find_label_issues(there, seen, return_indices_ranked_by="self_confidence")
        precision["cleanlab, find_label_issues"] = float(hits[issues[:k]].sum() / k)
        found.append(
            {
                "rate": rate,
                "planted": k,
                "precision": precision,
                "contradicted": int(own.contradicted.sum()),
            }
        )
        print(kind, found[-1], flush=True)
    return found


# -- review -----------------------------------------------------------------------


def labelling(options, seed):
    """Labels that the queue needs for what random ones reach with 2,000."""
    from prodcat.insight.queue import review_queue

    train, _, test = frozen_sets.read(options.data, "food-terms", "all")
    test, truth = known_only(test, train.tree)
    tree = train.tree

    def accuracy(rows):
        classifier = ngrams(train.take(np.sort(rows)))
        best = classifier.predict_proba(test).argmax(axis=1)
        return classifier, float((tree.outcomes[best] == truth).mean())

    order = np.random.default_rng(seed).permutation(len(train))
    # A pool of its own for each seed.
    order = order[: round(0.8 * len(train))]
    points = [[n, accuracy(order[:n])[1]] for n in range(2 * BATCH, LABELS + 1, 2 * BATCH)]
    wanted = points[-1][1]
    have, queue, classifier = np.zeros(0, np.int64), [], None
    while len(have) < LABELS:
        pool = np.setdiff1d(order, have)
        free = dataclasses.replace(train.take(pool), targets=np.full(len(pool), -1))
        chosen = review_queue(free, classifier, BATCH)
        at = {int(row): place for place, row in enumerate(free.rows)}
        have = np.concatenate([have, pool[[at[own.row] for own in chosen]]])
        classifier, reached = accuracy(have)
        queue.append([len(have), reached])
        print(seed, queue[-1], flush=True)
    return {"seed": seed, "random": points, "queue": queue, "wanted": wanted}


def needed(run):
    """Labels until the wanted accuracy, between two trainings in a straight line."""
    before = [0, 0.0]
    for point in run["queue"]:
        if point[1] >= run["wanted"]:
            rise = point[1] - before[1]
            part = 1.0 if rise <= 0 else (run["wanted"] - before[1]) / rise
            return before[0] + part * (point[0] - before[0])
        before = point
    return None


# -- drift ------------------------------------------------------------------------


def drift(options, kind):
    """Alarms where nothing changed, or where one thing did."""
    from prodcat.insight.drift import find_drift

    train, validation, test = frozen_sets.read(options.data, "food-terms", "all")
    classifier = ngrams(train)  # which has not seen the validation rows
    tree = classifier.taxonomy
    test, truth = known_only(test, tree)
    answered = classifier.predict_proba(test).argmax(axis=1)
    right = tree.outcomes[answered] == truth
    labelled = validation.take(validation.labelled)
    department = tree.chains[truth, 0]
    found = []
    for number in range(SPLITS if kind == "nothing" else PLANTED):
        rng = np.random.default_rng([number, 1])
        order = rng.permutation(len(test))
        first, second = order[:1_500], order[1_500:]
        names, counts = np.unique(department[second], return_counts=True)
        top = int(rng.choice(names[counts >= 0.05 * len(second)]))
        titles = list(test.titles)
        if kind == "shares":
            weight = np.where(department[second] == top, 2.5, 1.0)
            second = rng.choice(second, 1_000, replace=False, p=weight / weight.sum())
        else:
            second = second[:1_000] if kind != "nothing" else second[:1_500]
        if kind == "titles":
            for row in second[department[second] == top].tolist():
                titles[row] = f"{titles[row]} bio 250g"
        own = dataclasses.replace(unlabelled(test), titles=tuple(titles))
        one = find_drift(
            own.take(first), own.take(second), classifier, labelled=labelled, level=LEVEL,
            seed=number,
        )  # fmt: skip
        accuracy = one.accuracy
        true = float(right[second].mean())
        nodes = {alarm.node for alarm in one.alarms if not alarm.doubtful}
        found.append(
            {
                "kinds": list(one.kinds), "alarms": len(one.alarms),
                "at": any(node >= 0 and top in tree.ancestors(node) for node in nodes),
                "accuracy": [true, accuracy.value, accuracy.low, accuracy.high],
            }
        )  # fmt: skip
    return found


def trees(options):
    """Trees with nodes that were moved, renamed, added and removed."""
    import prodcat
    from prodcat.insight.drift import compare_trees

    train, _, _ = frozen_sets.read(options.data, "food-terms", "all")
    rows = train.tree.to_table()
    found = []
    for number in range(PLANTED):
        rng = np.random.default_rng(number)
        table = [dict(row) for row in rows]
        used = {row["parent"] for row in table}
        leaves = [at for at, row in enumerate(table) if row["id"] not in used]
        moved, renamed, gone, beside = rng.choice(leaves, 4, replace=False).tolist()
        other = [row["parent"] for at, row in enumerate(table) if at in leaves]
        other = [own for own in other if own != table[moved]["parent"]]
        planted = {table[moved]["id"]: "moved", table[renamed]["id"]: "renamed"}
        planted |= {table[gone]["id"]: "gone", "new-node": "new"}
        table[moved]["parent"] = other[int(rng.integers(len(other)))]
        table[renamed]["name"] += " (new)"
        table.append({**table[beside], "id": "new-node", "name": "new node"})
        del table[gone]
        new = prodcat.Taxonomy.from_table(table)
        told = {own.node_id: own.kind for own in compare_trees(train.tree, new)}
        found.append({"right": told == planted})
    return found


# -- the report -------------------------------------------------------------------


def large(options):
    """A report over a million rows and more than ten thousand nodes, opened in a browser."""
    import gzip

    from playwright.sync_api import sync_playwright

    import prodcat
    from prodcat.evaluation.metrics import evaluate_nodes
    from prodcat.insight.report import report_evaluation

    with gzip.open(options.data / "taxonomy-shopify/en.jsonl.gz", "rt") as file:
        tree = prodcat.Taxonomy.from_paths([tuple(json.loads(line)["path"]) for line in file])
    rng = np.random.default_rng(0)
    size = len(tree.outcomes)
    odds = 1 / np.arange(2, size + 2)
    truth = rng.permutation(size)[rng.choice(size, ROWS, p=odds / odds.sum())]
    near = np.clip(truth + rng.integers(-3, 4, ROWS), 0, size - 1)
    answer = np.where(rng.random(ROWS) < 0.85, truth, near)
    confidence = np.where(answer == truth, rng.beta(9, 1, ROWS), rng.beta(2, 2, ROWS))
    began = time.perf_counter()
    evaluation = evaluate_nodes(tree, tree.outcomes[truth], tree.outcomes[answer], confidence)
    judged = time.perf_counter() - began
    titles = [f"product {number}" for number in range(ROWS)]
    began = time.perf_counter()
    report = report_evaluation(evaluation, tree, titles=titles, name="a million rows")
    place = options.work / "large.html"
    report.save(str(place))
    made = time.perf_counter() - began
    opened = []
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        for _ in range(5):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            began = time.perf_counter()
            page.goto(place.resolve().as_uri())
            page.wait_for_selector("html[data-ready=yes]")
            page.evaluate("new Promise(requestAnimationFrame)")
            opened.append(time.perf_counter() - began)
            browser.close()
    return {
        "nodes": len(tree), "rows": ROWS, "judged": judged, "made": made,
        "bytes": place.stat().st_size, "opened": sorted(opened),
    }  # fmt: skip


def browser(options):
    """The pages' tests, nothing left out."""
    names = ["insight", "assortment", "drift", "audit", "review"]
    places = [str(ROOT / f"tests/test_{own}.py") for own in names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *places],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    said = done.stdout.strip().splitlines()[-1]
    return {"said": said, "passed": done.returncode == 0 and "skipped" not in said}


NAMES = [
    *(f"assortment/{name}" for name in SETS),
    *(f"swaps/{SETS[0]}/{kind}" for kind in KINDS),
    *(f"labelling/{seed}" for seed in range(SEEDS)),
    *(f"drift/{kind}" for kind in ("nothing", "shares", "titles")),
    "trees", "large", "browser",
]  # fmt: skip


def job(name, options):
    kind, *rest = name.split("/")
    run = {
        "assortment": assortment, "swaps": swaps, "drift": drift, "trees": trees, "large": large,
        "browser": browser, "labelling": lambda options, seed: labelling(options, int(seed)),
    }[kind]  # fmt: skip
    jobs.result_of(name, options.work).write_text(json.dumps(run(options, *rest), indent=1))


# -- the figures ------------------------------------------------------------------


def assemble(work):
    def read(name):
        return json.loads(jobs.result_of(name, work).read_text())

    rows, bars = [], []
    for name in SETS:
        _assortments(name, read(f"assortment/{name}"), rows, bars)
    for kind in KINDS:
        _swaps(SETS[0], kind, read(f"swaps/{SETS[0]}/{kind}"), rows, bars)
    runs = [read(f"labelling/{seed}") for seed in range(SEEDS)]
    shares = [needed(run) for run in runs]
    for run, share in zip(runs, shares, strict=True):
        rows.append({"table": "labelling", **run, "needed": share})
    reached = all(own is not None for own in shares)
    mean = np.mean(shares) / LABELS if reached else None
    bars.append(
        bar(
            f"labels for what {LABELS:,} random ones reach, {SEEDS} seeds",
            f"{mean:.0%} ({', '.join(f'{own:,.0f}' for own in shares)})" if reached else "more",
            "at most 60 %",
            reached and mean <= 0.6,
        )
    )
    _drifts({kind: read(f"drift/{kind}") for kind in ("nothing", "shares", "titles")},
            read("trees"), rows, bars)  # fmt: skip
    own = read("large")
    rows.append({"table": "large", **own})
    seconds = own["judged"] + own["made"]
    bars += [
        bar(
            f"a report over {own['rows']:,} rows and {own['nodes']:,} nodes is made",
            f"{seconds:.1f} s ({own['judged']:.1f} to judge, {own['made']:.1f} to write)",
            "under 60 s", seconds < 60,
        ),
        bar("it opens", f"{own['opened'][2]:.2f} s (worst {own['opened'][-1]:.2f})", "under 3 s",
            own["opened"][-1] < 3),
        bar("its file", f"{own['bytes'] / 1e6:.1f} MB", "under 10 MB", own["bytes"] < 10e6),
    ]  # fmt: skip
    own = read("browser")
    bars.append(bar("the pages in Chromium, by keyboard, with axe-core", own["said"],
                    "passes, nothing skipped", own["passed"]))  # fmt: skip
    return {"rows": rows, "bars": bars}


def _assortments(name, own, rows, bars):
    total = {
        key: sum(row[key] for row in own["rows"])
        for key in ("departments", "inside", "present", "present_inside", "naive_inside")
    }
    covered = total["inside"] / total["departments"]
    below = [
        [sum(row["below"][level][which] for row in own["rows"]) for which in (0, 1)]
        for level in range(len(own["rows"][0]["below"]))
    ]
    row = {
        "table": "assortment", "set": name, "competitors": len(own["rows"]), "covered": covered,
        "covered_present": total["present_inside"] / total["present"],
        "naive": total["naive_inside"] / total["departments"],
        **{key: float(np.mean([one[key] for one in own["rows"]]))
           for key in ("width", "error", "naive_error")},
        "below": [inside / max(count, 1) for inside, count in below],
        "dispersion": own["dispersion"],
    }  # fmt: skip
    rows.append(row)
    bars.append(
        bar(
            f"{name}: {row['competitors']} competitors, intervals of 95 % hold the share",
            f"{covered:.1%} ({row['covered_present']:.1%} of those that are there); by answers "
            f"{row['naive']:.1%}",
            "93 to 97 %",
            0.93 <= covered <= 0.97,
        )
    )


def _swaps(name, kind, own, rows, bars):
    for one in own:
        rows.append({"table": "swaps", "set": name, "kind": kind, **one})
        mine = one["precision"]["prodcat"]
        other, best = max(
            ((n, p) for n, p in one["precision"].items() if n != "prodcat"), key=lambda x: x[1]
        )
        usual = one["precision"]["cleanlab, find_label_issues"]
        better = kind == "department"
        bars.append(
            bar(
                f"{one['rate']:.0%} of labels swapped, {kind}: precision at {one['planted']}",
                f"{mine:.3f} against {usual:.3f} (find_label_issues), at best {best:.3f} "
                f"({other.removeprefix('cleanlab, ')})",
                "better than find_label_issues" if better else "at least find_label_issues",
                mine > usual if better else mine >= usual,
            )
        )


def _drifts(own, trees, rows, bars):
    nothing = own["nothing"]
    alarmed = sum(bool(one["alarms"]) for one in nothing)
    rate = alarmed / len(nothing)
    # Of 200 splits at 5 % so many alarm with 97.5 % probability.
    bars.append(
        bar(
            f"{len(nothing)} splits in which nothing changed: alarms at a level of {LEVEL:.0%}",
            f"{rate:.1%} ({alarmed})", "5 %; by chance at most 8.5 %", rate <= 0.085,
        )
    )  # fmt: skip
    for kind in ("shares", "titles"):
        told = [one["kinds"] == [kind] for one in own[kind]]
        seen = [bool(one["kinds"]) for one in own[kind]]
        there = [one["at"] for one in own[kind]]
        rows.append({"table": "drift", "kind": kind, "splits": len(told), "found": np.mean(seen),
                     "right": np.mean(told), "place": np.mean(there)})  # fmt: skip
        bars.append(
            bar(
                f"planted in one department: {kind}",
                f"{np.mean(seen):.0%} found, {np.mean(told):.0%} with their kind alone, "
                f"{np.mean(there):.0%} at the department or below",
                "found, their kind told right", np.mean(told) >= 0.9,
            )
        )  # fmt: skip
    right = [one["right"] for one in trees]
    bars.append(bar("planted in the tree: moved, renamed, new and gone nodes",
                    f"{np.mean(right):.0%} of {len(right)} trees told right", "all",
                    all(right)))  # fmt: skip
    held = [one["accuracy"] for one in nothing + own["shares"]]
    inside = np.mean([low <= true <= high for true, _, low, high in held])
    error = np.mean([abs(true - value) for true, value, _, _ in held])
    rows.append({"table": "accuracy", "splits": len(held), "covered": inside, "error": error})


def table(rows):
    lines = ["| set | departments held | where there are products | by answers | width | "
             "error | error by answers | below, by level |", "|---" * 8 + "|"]  # fmt: skip
    for row in rows:
        if row["table"] == "assortment":
            below = ", ".join(f"{own:.1%}" for own in row["below"])
            lines.append(
                f"| {row['set']} | {row['covered']:.1%} | {row['covered_present']:.1%} | "
                f"{row['naive']:.1%} | {row['width']:.3f} | {row['error']:.3f} | "
                f"{row['naive_error']:.3f} | {below} |"
            )
    methods = list(next(row for row in rows if row["table"] == "swaps")["precision"])
    lines += ["", f"| set | swapped | {' | '.join(methods)} |", "|---" * (2 + len(methods)) + "|"]
    lines += [
        f"| {row['set']} | {row['rate']:.0%}, {row['kind']} | "
        + " | ".join(f"{row['precision'][own]:.3f}" for own in methods)
        + " |"
        for row in rows
        if row["table"] == "swaps"
    ]
    lines += ["", "| labels | random | queue |", "|---|---|---|"]
    runs = [row for row in rows if row["table"] == "labelling"]
    for labels, _ in runs[0]["random"]:
        random, queue = (np.mean([dict(run[key])[labels] for run in runs]) for key in
                         ("random", "queue"))  # fmt: skip
        lines.append(f"| {labels:,} | {random:.3f} | {queue:.3f} |")
    own = next(row for row in rows if row["table"] == "accuracy")
    lines += ["", f"Accuracy without labels, {own['splits']} sets: the interval of 95 % holds the "
              f"true one in {own['covered']:.1%}; mean error {own['error']:.4f}."]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    jobs.main(HERE, NAMES, job, assemble, table, alone=["large"])
