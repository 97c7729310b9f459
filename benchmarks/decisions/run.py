"""Are the decisions right, and is the confidence honest?  See README.md here.

    python benchmarks/decisions/run.py --data DIR          # everything; writes results.json
    python benchmarks/decisions/run.py --data DIR --job speed

Every job runs in a process of its own with one thread, two at a time, and leaves its figures
in a work folder; a job that is there already is not run again.  The speed job runs alone.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
TESTS = HERE.parent.parent / "tests"
sys.path[:0] = [str(HERE.parent), str(TESTS / "support")]

from frozen_sets import chain, read
from jobs import main, result_of
from reporting import bar, grouped

SETS = ("food-terms", "shop-titles-en")
SEEDS = (0, 1, 2)
EPOCHS = 3
SIZES = (20, 50, 100, 500)
ALPHAS = (0.05, 0.1)
RESAMPLES = 4_000
POPULATION = 40_000
TREES = 1_000
DRAWS = 400
DRAWN = 1_000
SHOPIFY = (500, 1_000, 2_000, 5_000, 20_000)
STAGES = ("uncalibrated", "temperature", "levels", "adaptive")
OBJECTIVES = ("path", "hierarchical_f1", "tree_distance")
LAWS = ("tests/classifier/test_metamorphic.py", "tests/evaluation", "tests/decisions")


def jobs() -> list[str]:
    names = [f"train/{data}/{seed}" for seed in SEEDS for data in SETS]
    names += [f"judge/{data}/{seed}" for seed in SEEDS for data in SETS]
    return [*names, "exactness", "resamples", "laws"]


def run_job(name: str, options) -> dict:
    kind, *rest = name.split("/")
    if kind == "train":
        return run_train(rest[0], int(rest[1]), options)
    if kind == "judge":
        return run_judge(rest[0], int(rest[1]), options)
    plain = {"exactness": run_exactness, "resamples": run_resamples, "laws": run_laws}
    return run_speed(options) if kind == "speed" else plain[kind]()


# -- models on the frozen sets --------------------------------------------------


def run_train(dataset: str, seed: int, options) -> dict:
    import prodcat

    train, validation, _ = read(options.data, dataset, "all")
    began = time.perf_counter()
    fitted = prodcat.fit(
        train,
        validation=validation,
        model=prodcat.ModelConfig(encoder=str(options.encoder)),
        training=prodcat.TrainingConfig(epochs=EPOCHS, seed=seed),
        progress=False,
    )
    seconds = time.perf_counter() - began
    fitted.save(str(options.work / f"model_{dataset}_{seed}"))
    return {"training_seconds": seconds}


class Judge:
    """Test rows over the tree of training and test labels, so that none is left out."""

    def __init__(self, classifier, test) -> None:
        from prodcat.model.path_model import PathModel

        self.test, self.tree, self.own = test, test.tree, classifier.taxonomy
        place = {chain(self.tree, node): node for node in range(len(self.tree))}
        known = [place[chain(self.own, node)] for node in range(len(self.own))]
        self.place = np.array([*known, -1])  # the last is the root
        self.chains = np.concatenate([self.tree.chains, np.full((1, self.tree.depth), -1)])
        self.paths = PathModel(self.own)

    def nodes(self, answers):
        return self.place[answers.nodes[:, 0].numpy()]

    def evaluate(self, answers, nodes=None, **extra):
        from prodcat.evaluation.metrics import evaluate_nodes

        levels = np.zeros((len(self.test), self.tree.depth))
        found = answers.level_confidence[:, 0].numpy()
        levels[:, : found.shape[1]] = found
        return evaluate_nodes(
            self.tree,
            self.test.targets,
            self.nodes(answers) if nodes is None else nodes,
            answers.confidence[:, 0].numpy(),
            level_confidence=levels,
            exact=answers.exact,
            **extra,
        )


def run_judge(dataset: str, seed: int, options) -> dict:
    import torch

    import prodcat
    from prodcat.catalog.targets import targets_in
    from prodcat.decisions.calibration import Weights, fit_weights
    from prodcat.decisions.conformal import climb_scores, stop
    from prodcat.decisions.decoding import decoder
    from prodcat.decisions.objectives import pick_objective

    _, validation, test = read(options.data, dataset, "all")
    classifier = prodcat.load(str(options.work / f"model_{dataset}_{seed}"), device="cpu")
    judge = Judge(classifier, test)
    titles = list(test.titles)
    counts = np.zeros(len(test.tree), np.int64)
    counts[judge.place[:-1]] = classifier.counts
    own = targets_in(validation, classifier.taxonomy)
    inference = classifier.inference()
    with torch.no_grad():
        scores = {
            "test": inference.evidence(inference.ready(titles)),
            "validation": inference.evidence(inference.ready(list(validation.titles))),
        }
    rows, correct, found = [], {}, {}
    for stage in STAGES:
        if stage == "uncalibrated":
            weights = Weights.neutral(classifier.taxonomy.depth)
        elif stage == "adaptive":
            weights = classifier.weights
        else:
            weights = fit_weights(judge.paths, torch.tensor(own), *scores["validation"], stage)
        log_probs = weights(judge.paths, *scores["test"])
        for objective in OBJECTIVES if stage == "adaptive" else OBJECTIVES[:1]:
            answers = decoder(judge.paths, pick_objective(objective))(log_probs)
            result = judge.evaluate(answers, counts=counts)
            values = result.to_dict()
            for name in ("confusions", "confusion_groups", "risk_coverage"):
                del values[name]
            rows.append(
                {"kind": "evaluation", "data": dataset, "seed": seed, "stage": stage,
                 "objective": objective, **values}
            )  # fmt: skip
            correct[f"{stage}_{objective}"] = result.correct
            found[stage, objective] = answers
            if objective == "path" and stage == "adaptive" and seed == 0:
                result.plot().savefig(HERE / f"{dataset}.png", dpi=70)

    # What was measured on the validation titles, used on the test titles.
    answers = found["adaptive", "path"]
    nodes = judge.nodes(answers)
    chains = judge.chains[nodes]
    departments = [judge.tree.ids[top] for top in chains[:, 0]]
    for by_department in (False, True):
        measured = classifier.with_guarantee(
            validation, by_department=by_department, pool_below=19 if by_department else 0
        )
        for alpha in ALPHAS:
            limits = measured.guarantee.lookup(
                departments if by_department else [""] * len(nodes),
                measured.guarantee.node_thresholds(1 - alpha),
            )
            width = answers.level_confidence.shape[2]
            stopped = stop(answers, chains[:, :width], limits, whole=False)
            result = judge.evaluate(stopped, stopped.nodes[:, 0].numpy())
            ends = [level.answers_end for level in result.levels]
            rows.append(
                {"kind": "validation to test", "data": dataset, "seed": seed, "alpha": alpha,
                 "by_department": by_department, "titles": len(measured.guarantee),
                 "coverage": result.coverage, "answers_end": [result.answers_end_at_root, *ends]}
            )  # fmt: skip

    # The test titles as a population from which calibration titles are drawn.
    scores = climb_scores(answers, judge.chains[test.targets][:, :width], chains[:, :width])
    rows += draws(dataset, seed, measured.guarantee, scores, answers, nodes, judge)
    np.savez(options.work / f"judge_{dataset}_{seed}.npz", **correct)
    return {"rows": rows}


def draws(dataset, seed, guarantee, scores, answers, nodes, judge) -> list[dict]:
    """Draw calibration titles from the test titles; what is true of these is known."""
    from prodcat.decisions.conformal import conformal_threshold, selective_threshold

    rng = np.random.default_rng(seed)
    ordered = np.sort(scores)
    department = judge.chains[nodes, 0]
    levels = answers.level_confidence[:, 0].numpy()
    confidence = answers.confidence[:, 0].numpy().astype(np.float64)
    right = nodes == judge.test.targets
    rows = []
    for alpha in ALPHAS:
        thresholds = [
            conformal_threshold(rng.choice(scores, DRAWN), 1 - alpha) for _ in range(DRAWS)
        ]
        coverage = np.searchsorted(ordered, thresholds, side="right") / len(scores)
        kept = np.mean([(levels > t).sum(axis=1) for t in thresholds[:50]], axis=0)
        ends = [
            float(np.mean([((levels > t).sum(axis=1) == depth).mean() for t in thresholds[:50]]))
            for depth in range(levels.shape[1] + 1)
        ]
        rows.append(
            {"kind": "draws", "data": dataset, "seed": seed, "alpha": alpha, "titles": DRAWN,
             "coverage": float(coverage.mean()),
             "error": float(3 * coverage.std() / np.sqrt(DRAWS)), "answers_end": ends,
             "mean_level": float(kept.mean())}
        )  # fmt: skip
        for group in np.unique(department):
            own = scores[department == group]
            needed = int(np.ceil(1 / alpha - 1 - 1e-9))
            if len(own) < needed:
                continue
            found = []
            for _ in range(DRAWS):
                size = rng.binomial(DRAWN, len(own) / len(scores))
                if size >= needed:
                    limit = conformal_threshold(rng.choice(own, size), 1 - alpha)
                    found.append((own <= limit).mean())
            if len(found) >= DRAWS // 10:
                rows.append(
                    {"kind": "draws by department", "data": dataset, "seed": seed,
                     "alpha": alpha, "department": judge.tree.paths[group][0],
                     "titles": len(own), "coverage": float(np.mean(found)),
                     "error": float(3 * np.std(found) / np.sqrt(len(found)))}
                )  # fmt: skip
    for max_error in (0.02, 0.05):
        risks, shares = [], []
        for _ in range(DRAWS):
            drawn = rng.integers(0, len(scores), DRAWN)
            limit = selective_threshold(
                confidence[drawn], right[drawn], max_error, 0.95, guarantee.reference
            )
            if limit is not None:
                answered = confidence >= limit
                risks.append((answered & ~right).sum() / answered.sum())
                shares.append(answered.mean())
        rows.append(
            {"kind": "error among the answered", "data": dataset, "seed": seed,
             "max_error": max_error, "promised": len(risks) / DRAWS,
             "too_high": float((np.array(risks) > max_error).sum() / DRAWS),
             "share_answered": float(np.mean(shares)) if shares else 0.0}
        )  # fmt: skip
    return rows


# -- exactness, resamples, laws -------------------------------------------------


def run_exactness() -> dict:
    """Every objective on random ragged trees against all nodes."""
    import test_decoding as brute
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st
    from strategies import taxonomies

    from prodcat.decisions.decoding import decoder
    from prodcat.decisions.objectives import ExpectedCost, TreeDistance
    from prodcat.model.path_model import PathModel

    def gaps_of(objective) -> list[float]:
        gaps = []

        @seed(0)
        @given(tree=taxonomies(), number=st.integers(0, 9_999))
        @settings(
            max_examples=TREES, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def check(tree, number):
            size, own = len(tree.outcomes), objective
            if own == "cost":
                own = ExpectedCost(np.random.default_rng(number).normal(size=(size, size)))
            probs = brute.random_probs(tree, number)
            answers = decoder(PathModel(tree), own)(probs.log())
            sign = -1 if isinstance(own, TreeDistance | ExpectedCost) else 1
            for row, p in enumerate(probs.tolist()):
                best = max(brute.worth(tree, own, n, p) for n in brute.candidates(tree, own))
                found = brute.worth(tree, own, int(answers.nodes[row, 0]), p)
                value = sign * float(answers.value[row, 0])
                gaps.append(max(best - found, abs(best - value)))

        check()
        return gaps

    rows = []
    for objective in brute.OBJECTIVES:
        gaps = gaps_of(objective)
        rows.append(
            {"kind": "exactness", "objective": str(objective), "trees": TREES,
             "rows": len(gaps), "largest_gap": max(gaps)}
        )  # fmt: skip
    return {"rows": rows}


def run_resamples() -> dict:
    import torch

    from prodcat.decisions.conformal import climb_scores, conformal_threshold
    from prodcat.decisions.decoding import most_likely_paths
    from prodcat.model.path_model import PathModel
    from prodcat.taxonomy.tree import Taxonomy

    paths = [(f"a{i % 6}", f"b{i % 30}", f"c{i}") for i in range(240)]
    tree = Taxonomy.from_paths(paths)
    model, generator = PathModel(tree), torch.Generator().manual_seed(0)
    log_probs = (torch.randn(POPULATION, 240, generator=generator) * 3.5).log_softmax(1).double()
    truth = tree.outcomes[torch.multinomial(log_probs.exp(), 1, generator=generator)[:, 0]]
    answers = most_likely_paths(model, log_probs)
    nodes = answers.nodes[:, 0].numpy()
    scores = climb_scores(answers, tree.chains[truth], tree.chains[nodes])
    ordered = np.sort(scores)
    rng, rows = np.random.default_rng(0), []
    for n in SIZES:
        for alpha in ALPHAS:
            drawn = [rng.choice(scores, n) for _ in range(RESAMPLES)]
            ours = [conformal_threshold(some, 1 - alpha) for some in drawn]
            plain = np.quantile(drawn, 1 - alpha, axis=1)
            coverage, theirs = (
                np.searchsorted(ordered, limits, side="right") / len(scores)
                for limits in (ours, plain)
            )
            rows.append(
                {"kind": "resamples", "n": n, "alpha": alpha, "resamples": RESAMPLES,
                 "coverage": float(coverage.mean()),
                 "error": float(3 * coverage.std() / np.sqrt(RESAMPLES)),
                 "plain_quantile": float(theirs.mean()), "accuracy": float((scores == 0).mean())}
            )  # fmt: skip
    return {"rows": rows}


def run_laws() -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LAWS],
        cwd=TESTS.parent, capture_output=True, text=True,
    )  # fmt: skip
    counted = re.search(r"(\d+) passed", done.stdout)
    failed = re.search(r"(\d+) failed", done.stdout)
    return {
        "rows": [
            {"kind": "laws", "tests": list(LAWS), "passed": int(counted[1]) if counted else 0,
             "failed": int(failed[1]) if failed else 0, "status": done.returncode}
        ]
    }  # fmt: skip


# -- speed ----------------------------------------------------------------------


def rows_per_second(work, rows: int, repeats: int = 15) -> float:
    """The median of several runs."""
    work()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return rows / float(np.median(seconds))


def hiclass_decode(tree, beliefs):
    """HiClass's own way down the tree, with local classifiers that look their answer up."""
    from hiclass import LocalClassifierPerParentNode
    from scipy.sparse import csr_matrix
    from sklearn.base import BaseEstimator, ClassifierMixin

    class LookUp(ClassifierMixin, BaseEstimator):
        def fit(self, features, labels, sample_weight=None):
            self.classes_ = np.unique(labels)
            # HiClass names a node by its whole path; ours end in the node's number.
            self.columns_ = np.array([int(str(own).rsplit(":", 1)[-1]) for own in self.classes_])
            self.n_features_in_ = features.shape[1]
            return self

        def predict(self, features):
            return self.classes_[features[:, self.columns_].argmax(axis=1)]

    chains = tree.chains[tree.outcomes]
    labels = np.where(chains >= 0, chains.astype(str), "")
    model = LocalClassifierPerParentNode(local_classifier=LookUp(), n_jobs=1)
    model.fit(csr_matrix((len(chains), len(tree))), labels)
    return lambda: model.predict(beliefs)


def run_speed(options) -> dict:
    import logging

    import torch

    from prodcat.decisions.decoding import decoder
    from prodcat.decisions.objectives import pick_objective
    from prodcat.model.path_model import PathModel
    from prodcat.taxonomy.reading import read_taxonomy
    from prodcat.taxonomy.tree import Taxonomy

    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    even = [(f"a{i % 8}", f"b{i % 40}", f"c{i % 240}", f"d{i}") for i in range(1_200)]
    trees = [("even, 1,200 leaves", Taxonomy.from_paths(even))]
    whole = read_taxonomy(str(options.data / "taxonomy-shopify" / "en.jsonl.gz"))
    departments = sorted(whole.children(), key=lambda n: whole.spans[n, 1] - whole.spans[n, 0])
    for most in SHOPIFY:
        taken, paths = 0, []
        for top in departments:
            own = [p for p in whole.paths if p[0] == whole.names[top]]
            if taken + len(own) <= most:
                taken += len(own)
                paths += own
        small = Taxonomy.from_paths(paths, inner="partial")
        trees.append((f"Shopify, {len(small):,} nodes", small))
    rows = []
    for name, tree in trees:
        model = PathModel(tree)
        count = int(min(8_192, 6_000_000 // len(tree.outcomes)))
        log_probs = (torch.randn(count, len(tree.outcomes)) * 3).log_softmax(1)
        for objective in OBJECTIVES:
            decode = decoder(model, pick_objective(objective))
            speed = rows_per_second(lambda: decode(log_probs), count)  # noqa: B023
            rows.append(
                {"kind": "speed", "tree": name, "nodes": len(tree),
                 "outcomes": len(tree.outcomes), "system": f"prodcat, {objective}",
                 "rows_per_second": speed, "ns_per_node": 1e9 / speed / len(tree)}
            )  # fmt: skip
            print(rows[-1], flush=True)
        few = min(count, 200)
        beliefs = model.node_probs(log_probs[:few].exp()).numpy()
        speed = rows_per_second(hiclass_decode(tree, beliefs), few, repeats=3)
        rows.append(
            {"kind": "speed", "tree": name, "nodes": len(tree), "outcomes": len(tree.outcomes),
             "system": "HiClass, top down", "rows_per_second": speed,
             "ns_per_node": 1e9 / speed / len(tree)}
        )  # fmt: skip
        print(rows[-1], flush=True)
    return {"rows": rows}


# -- the report -----------------------------------------------------------------


def assemble(work: Path) -> dict:
    rows = []
    for path in sorted(work.glob("*.json")):
        rows += json.loads(path.read_text()).get("rows", [])

    def of(kind, **wanted):
        return [
            row
            for row in rows
            if row["kind"] == kind and all(row[name] == value for name, value in wanted.items())
        ]

    bars = []
    exact = of("exactness")
    if exact:
        worst = max(row["largest_gap"] for row in exact)
        name = f"exact on {TREES:,} random ragged trees, {len(exact)} objectives: largest gap"
        bars.append(bar(name, f"{worst:.1e}", "within 1e-9", worst <= 1e-9))
    for objective, wanted in (("path", 100_000), ("hierarchical_f1", 70_000)):
        for row in of("speed", tree="even, 1,200 leaves", system=f"prodcat, {objective}"):
            bars.append(
                bar(f"rows a second at 1,200 leaves, one thread, {objective}",
                    f"{row['rows_per_second']:,.0f}", f"at least {wanted:,}",
                    row["rows_per_second"] >= wanted)
            )  # fmt: skip
    for objective in OBJECTIVES:
        sizes = [r for r in of("speed", system=f"prodcat, {objective}") if "Shopify" in r["tree"]]
        if sizes:
            x, y = (
                np.log([1 / r[name] if name == "rows_per_second" else r[name] for r in sizes])
                for name in ("nodes", "rows_per_second")
            )
            slope = float(np.polyfit(x, y, 1)[0])
            most = max(r["nodes"] for r in sizes)
            bars.append(
                bar(f"cost against nodes up to {most:,}, {objective}: exponent", f"{slope:.2f}",
                    "linear: at most 1.1", slope <= 1.1)
            )  # fmt: skip
    for row in of("resamples"):
        low, high = 1 - row["alpha"], 1 - row["alpha"] + 1 / (row["n"] + 1)
        met = low - row["error"] <= row["coverage"] <= high + row["error"]
        bars.append(
            bar(f"mean coverage over {row['resamples']:,} resamples, n={row['n']}, "
                f"alpha={row['alpha']}", f"{row['coverage']:.4f} ± {row['error']:.4f}",
                f"from {low:.4f} to {high:.4f}, within Monte Carlo error", met)
        )  # fmt: skip
    for data in SETS:
        for alpha in ALPHAS:
            found = of("draws", data=data, alpha=alpha)
            if found:
                value = float(np.mean([row["coverage"] for row in found]))
                error = float(np.mean([row["error"] for row in found]))
                bars.append(
                    bar(f"{data} test titles, mean coverage, alpha={alpha}",
                        f"{value:.4f} ± {error:.4f}", f"at least {1 - alpha:.2f}",
                        value >= 1 - alpha - error)
                )  # fmt: skip
            groups = of("draws by department", data=data, alpha=alpha)
            if groups:
                short = [g for g in groups if g["coverage"] < 1 - alpha - g["error"]]
                least = min(g["coverage"] for g in groups)
                bars.append(
                    bar(f"{data} test titles, by department, alpha={alpha}: least mean coverage "
                        f"of {len(groups)} (departments x seeds)", f"{least:.4f}",
                        f"at least {1 - alpha:.2f} within Monte Carlo error, each", not short)
                )  # fmt: skip
        for row in of("error among the answered", data=data, seed=0):
            found = of("error among the answered", data=data, max_error=row["max_error"])
            value = float(np.mean([r["too_high"] for r in found]))
            error = 3 * np.sqrt(0.05 * 0.95 / DRAWS / len(found))
            bars.append(
                bar(f"{data}: error among the answered above {row['max_error']} in this share of "
                    "draws", f"{value:.3f}", "at most .05, within Monte Carlo error",
                    value <= 0.05 + error)
            )  # fmt: skip
        judged = of("evaluation", data=data, stage="adaptive", objective="path")
        if judged:
            value = float(np.mean([row["ece"] for row in judged]))
            single = ", ".join(f"{row['ece']:.4f}" for row in judged)
            bars.append(
                bar(f"{data}: ECE of the path confidence, {len(judged)} seeds ({single})",
                    f"{value:.4f}", "at most .02", value <= 0.02)
            )  # fmt: skip
    for row in of("laws"):
        bars.append(
            bar("tests of invariance, of hand-worked metrics, of agreement with HiClass",
                f"{row['passed']} passed, {row['failed']} failed", "all pass", row["status"] == 0)
        )  # fmt: skip
    return {"rows": rows, "bars": bars}


def table(rows) -> str:
    mean = lambda runs, name: float(np.mean([run[name] for run in runs]))  # noqa: E731

    def of(kind, *names):
        return grouped([row for row in rows if row["kind"] == kind], *names).items()

    lines = [
        "### Calibration and objectives on the test titles", "",
        "| data | stage | objective | path acc. | hF1 | hF1, mean of rows | tree distance | ECE | "
        "Brier | risk-coverage area | ECE by level |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for (data, stage, objective), runs in of("evaluation", "data", "stage", "objective"):
        levels = " / ".join(
            f"{np.mean([run['levels'][i]['ece'] for run in runs]):.3f}"
            for i in range(len(runs[0]["levels"]))
        )
        lines.append(
            f"| {data} | {stage} | {objective} | {mean(runs, 'path_accuracy'):.4f} | "
            f"{mean(runs, 'hierarchical_f1'):.4f} | {mean(runs, 'macro_hierarchical_f1'):.4f} | "
            f"{mean(runs, 'tree_distance'):.4f} | {mean(runs, 'ece'):.4f} | "
            f"{mean(runs, 'brier'):.4f} | {mean(runs, 'risk_coverage_area'):.4f} | {levels} |"
        )
    lines += ["", "### Guarantee measured on the validation titles, used on the test titles", "",
              "| data | promise | by | coverage | no category / answers that end at each level |",
              "|---|---|---|---|---|"]  # fmt: skip
    for (data, alpha, by), runs in of("validation to test", "data", "alpha", "by_department"):
        ends = " / ".join(f"{x:.1%}" for x in np.mean([r["answers_end"] for r in runs], axis=0))
        lines.append(
            f"| {data} | {1 - alpha:.2f} | {'department' if by else 'all'} | "
            f"{mean(runs, 'coverage'):.4f} | {ends} |"
        )
    lines += ["", "### Calibration titles drawn from the test titles", "",
              "| data | promise | coverage | no category / answers that end at each level |",
              "|---|---|---|---|"]  # fmt: skip
    for (data, alpha), runs in of("draws", "data", "alpha"):
        ends = " / ".join(f"{x:.1%}" for x in np.mean([r["answers_end"] for r in runs], axis=0))
        lines.append(f"| {data} | {1 - alpha:.2f} | {mean(runs, 'coverage'):.4f} | {ends} |")
    lines += ["", "| data | largest error among the answered | answered | above it in |",
              "|---|---|---|---|"]  # fmt: skip
    for (data, most), runs in of("error among the answered", "data", "max_error"):
        lines.append(
            f"| {data} | {most} | {mean(runs, 'share_answered'):.1%} of titles, in "
            f"{mean(runs, 'promised'):.1%} of draws | {mean(runs, 'too_high'):.1%} of draws |"
        )
    lines += ["", "### Draws from a known population", "",
              "| n | alpha | coverage | with the plain quantile |",
              "|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {row['n']} | {row['alpha']} | {row['coverage']:.4f} ± {row['error']:.4f} | "
        f"{row['plain_quantile']:.4f} |"
        for row in rows
        if row["kind"] == "resamples"
    ]
    lines += ["", "### Speed, one thread", "",
              "| tree | system | rows a second | ns a node |", "|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {row['tree']} | {row['system']} | {row['rows_per_second']:,.0f} | "
        f"{row['ns_per_node']:.1f} |"
        for row in rows
        if row["kind"] == "speed"
    ]
    return "\n".join(lines)


def run_any(name: str, options) -> None:
    result_of(name, options.work).write_text(json.dumps(run_job(name, options)))


if __name__ == "__main__":
    main(Path(__file__), jobs(), run_any, assemble, table, alone=["speed"])
