"""The bars and the table of the quality benchmark."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.jobs import read_result_or_none
from benchmarks.reporting import Bar, Report, Row, bar, grouped

LANGUAGES = ("de", "en", "es", "fr", "it", "nl")
SYSTEMS = {
    "prodcat": "prodcat",
    "prodcat-encoder": "prodcat, encoder alone",
    "svc": "(a) TF-IDF + LinearSVC",
    "flat-encoder": "(b) flat softmax, same encoder",
    "flat": "(b') flat softmax, same encoder, + n-grams",
    "per_level-encoder": "(c) per-level softmaxes, exact decoding",
    "per_level": "(c') the same, + n-grams",
    "closed": "(d) frozen encoder, closed-form heads",
    "hiclass": "(e) HiClass, per parent node, logistic",
}
Key = tuple[str, str, str]  # set, languages, system


def assemble(work: Path) -> Report:
    """The rows of all jobs and the bars."""
    rows: list[Row] = []
    correct: dict[Key, list[NDArray[Any]]] = {}
    for path in sorted(work.glob("*_*.json")):
        for row in json.loads(path.read_text()):
            rows.append(row)
            key = (row["data"], row["languages"], row["system"])
            single = np.load(path.with_suffix(".npz"))[row["system"]]
            correct.setdefault(key, []).append(single)
    stacked = {key: np.stack(runs, axis=1) for key, runs in correct.items()}
    bars = comparisons(stacked)
    answered = [row for row in rows if row["system"] in ("prodcat", "prodcat-encoder")]
    worst = max((row["inconsistent"] for row in answered), default=None)
    bars.append(bar("inconsistent paths over all test rows", worst, "0", worst == 0))
    checks = read_result_or_none("checks", work)
    if checks is not None:
        bars += check_bars(checks)
    return {"rows": rows, "bars": bars}


def comparisons(correct: dict[Key, NDArray[Any]]) -> list[Bar]:
    """How prodcat compares with the others, as far as both have run, with paired intervals."""
    demands = [
        ("food-terms, all languages: prodcat over (a)", "food-terms", "all", "svc", 0.03),
        ("shop-titles-en: prodcat over (a)", "shop-titles-en", "all", "svc", 0.015),
    ]
    sets = [("food-terms", "all"), ("shop-titles-en", "all")]
    sets += [("food-terms", language) for language in LANGUAGES]
    for data, language in sets:
        for other in ("flat-encoder", "flat"):
            name = f"{data}, {language}: prodcat not below {SYSTEMS[other]}"
            demands.append((name, data, language, other, 0.0))
    bars = []
    for name, data, language, other, least in demands:
        ours, theirs = (correct.get((data, language, s)) for s in ("prodcat", other))
        if ours is not None and theirs is not None:
            bars.append(gain_bar(name, ours, theirs, least))
    return bars


def gain_bar(name: str, ours: NDArray[Any], theirs: NDArray[Any], least: float) -> Bar:
    """Whether the gain in path accuracy is large enough.

    Args:
        name: The bar's name.
        ours: Right answers, bool [title, seed].
        theirs: The same of the other system.
        least: The gain that is demanded; if it is above 0, the interval must be too.
    """
    from prodcat.evaluation.intervals import paired_bootstrap

    gain = paired_bootstrap(ours, theirs)
    met = gain.value >= least and (gain.low > 0 if least > 0 else True)
    value = f"{100 * gain.value:+.2f} points [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}]"
    demand = f"at least {100 * least:+.1f} points" + (", interval above 0" if least > 0 else "")
    return bar(name, value, demand, met)


def check_bars(checks: Row) -> list[Bar]:
    """The bars of the job ``checks``."""
    growth = checks["peak_mib_200000"] - checks["peak_mib_20000"]
    return [
        bar("probabilities for any order of rows", checks["order_difference"], "within 1e-5",
            checks["order_difference"] <= 1e-5),
        bar("probabilities for any batch size", checks["batch_difference"], "within 1e-5",
            checks["batch_difference"] <= 1e-5),
        bar("children's probabilities against the parent's", checks["children_to_parent_gap"],
            "within 1e-6", checks["children_to_parent_gap"] <= 1e-6),
        bar("save, load, predict", checks["save_load_equal"], "equal to the bit",
            checks["save_load_equal"]),
        bar("peak memory at 200,000 titles over the peak at 20,000", f"{growth:.0f} MiB",
            "within 300 MB", growth * 1.048576 <= 300),
    ]  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """One line for each set, languages and system, the mean over its seeds."""
    lines = [
        "| data | system | path acc. | levels | macro F1 | hF1 | train s |",
        "|---|---|---|---|---|---|---|",
    ]
    order = list(SYSTEMS)
    groups = grouped(rows, "data", "languages", "system")
    for (data, language, system), runs in sorted(
        groups.items(), key=lambda item: (*item[0][:2], order.index(item[0][2]))
    ):
        mean = {
            name: np.mean([run[name] for run in runs])
            for name in ("path_accuracy", "macro_f1", "hierarchical_f1", "training_seconds")
        }
        spread = f" ± {np.std([run['path_accuracy'] for run in runs]):.4f}" if len(runs) > 1 else ""
        levels = " / ".join(
            f"{np.mean([run['levels'][i]['accuracy'] for run in runs]):.3f}"
            for i in range(len(runs[0]["levels"]))
        )
        lines.append(
            f"| {data}, {language} | {SYSTEMS[system]} | {mean['path_accuracy']:.4f}{spread} | "
            f"{levels} | {mean['macro_f1']:.4f} | {mean['hierarchical_f1']:.4f} | "
            f"{mean['training_seconds']:.0f} |"
        )
    return "\n".join(lines)
