"""The bars and the table of the quality benchmark."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.jobs import read_result, read_result_or_none, result_path
from benchmarks.quality.answers import calibration_error, error_by_chance
from benchmarks.quality.sets import COLUMNS, FOLDS, SETS
from benchmarks.reporting import Bar, Report, Row, bar, grouped

FEWEST = 500  # titles of a level whose calibration is judged
SEEDS = range(3)
DRAWS = range(3)  # of the few whole labels beside partial ones
NAMES = {
    "ngrams": "prodcat, n-grams alone",
    "svm": "TF-IDF + LinearSVC",
    "columns": "prodcat, n-grams alone, with columns",
    "columns_missing": "the same, columns missing in test rows",
    "svm_columns": "TF-IDF + LinearSVC, columns glued",
    "encoder": "prodcat, with encoder",
    "flat": "(b') flat softmax, same encoder and n-grams",
    "mixed": "level 1 of all rows, 10 whole labels a leaf",
    "few": "10 whole labels a leaf alone",
    "level1": "level 1 alone",
    "svm_level1": "TF-IDF + LinearSVC, level 1 alone",
}


def assemble(work: Path) -> Report:
    """The rows of all jobs, and the bars as far as their jobs have run."""
    rows = [row for path in sorted(work.glob("*_*_[0-9].json")) for row in _json(path)]
    bars = [*fold_bars(work), *encoder_bars(work), *calibration_bars(work)]
    bars += [*column_bars(work), *partial_bars(work)]
    checks = read_result_or_none("checks", work)
    return {"rows": rows, "bars": bars + (check_bars(checks) if checks else [])}


def _json(path: Path) -> list[Row]:
    result: list[Row] = read_result(path.stem, path.parent)
    return result


def arrays(
    work: Path, kind: str, data: str, numbers: Sequence[int] | range
) -> dict[str, Any] | None:
    """The single rows of jobs over other test rows, joined; None if one has not run."""
    paths = [result_path(f"{kind}/{data}/{n}", work).with_suffix(".npz") for n in numbers]
    if not all(path.exists() for path in paths):
        return None
    parts = [dict(np.load(path)) for path in paths]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def seeds(work: Path, kind: str, data: str) -> dict[str, Any] | None:
    """The single rows of runs over the same test rows, [rows, run]; None if none has run."""
    parts = [part for seed in SEEDS if (part := arrays(work, kind, data, [seed])) is not None]
    names = [name for name in (parts[0] if parts else {}) if name.endswith(("path", "level1"))]
    stacked = {name: np.stack([part[name] for part in parts], axis=1) for name in names}
    return stacked or None


def gain_bars(
    title: str, pairs: dict[str, tuple[NDArray[Any], NDArray[Any]]], least: float, of: str
) -> Iterator[Bar]:
    """Pooled and single gains with their paired intervals.

    Args:
        title: What is compared.
        pairs: Right answers of ours and theirs, bool [rows] or [rows, run], by set.
        least: The least gain in points.
        of: Which number must reach it: ``"low"``, the lower end, or ``"value"``.
    """
    from prodcat.evaluation.intervals import paired_bootstrap

    def shown(gain: Any) -> str:
        return f"{100 * gain.value:+.2f} points [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}]"

    means = []
    for which in (0, 1):
        sides = [pair[which].reshape(len(pair[which]), -1) for pair in pairs.values()]
        means.append(np.concatenate([side.mean(axis=1) for side in sides]))
    pooled = paired_bootstrap(means[0], means[1])
    where = "lower end" if of == "low" else "value"
    reached = 100 * (pooled.low if of == "low" else pooled.value) >= least
    sets = f"{len(pairs)} of {len(SETS)} sets"
    yield bar(
        f"{title}, pooled over {sets}", shown(pooled), f"{where} at least {least:+.1f}",
        reached and len(pairs) == len(SETS),
    )  # fmt: skip
    for name, (ours, theirs) in pairs.items():
        gain = paired_bootstrap(ours, theirs)
        yield bar(f"{title}, {name}", shown(gain), "not wholly below 0", gain.high >= 0)


def fold_bars(work: Path) -> Iterator[Bar]:
    """n-grams alone against the baseline, five folds."""
    for what, words in (("path", "path"), ("level1", "level 1")):
        pairs = {}
        for data in SETS:
            found = arrays(work, "folds", data, range(FOLDS))
            if found is not None:
                pairs[data] = found[f"ngrams.{what}"], found[f"svm.{what}"]
        if pairs:
            yield from gain_bars(f"n-grams alone over the SVM, {words}", pairs, -0.1, "low")


def encoder_bars(work: Path) -> Iterator[Bar]:
    """The whole model against the baseline and against (b'), frozen test rows."""
    for what, words, least in (("path", "path", 1.0), ("level1", "level 1", 0.7)):
        pairs = {}
        for data in SETS:
            found = seeds(work, "encoder", data)
            if found is not None:
                pairs[data] = found[f"encoder.{what}"], found[f"svm.{what}"]
        if pairs:
            runs = {ours.shape[1] for ours, _ in pairs.values()}
            title = f"with encoder over the SVM, {words} ({min(runs)} to {max(runs)} seeds a set)"
            yield from gain_bars(title, pairs, least, "value")
    pairs = {}
    for data in SETS:
        ours, theirs = seeds(work, "encoder", data), seeds(work, "flat", data)
        if ours is not None and theirs is not None:
            pairs[data] = ours["encoder.path"], theirs["flat.path"]
    if pairs:
        yield next(gain_bars("with encoder over (b'), path", pairs, 0.0, "value"))
    else:
        yield bar("with encoder over (b'), path", "not measured", "at least 0", False)


def calibration_bars(work: Path) -> Iterator[Bar]:
    """Calibration of the path and of every level in both modes."""
    for system, kind, numbers in (("ngrams", "folds", range(FOLDS)), ("encoder", "encoder", [0])):
        cells = []
        for data in SETS:
            found = arrays(work, kind, data, numbers)
            if found is None:
                continue
            confidence, right = found[f"{system}.confidence"], found[f"{system}.right"]
            for level in range(confidence.shape[1]):
                judged = ~np.isnan(confidence[:, level])
                if judged.sum() < FEWEST:
                    continue
                error = calibration_error(confidence[judged, level], right[judged, level])
                chance = error_by_chance(confidence[judged, level])
                last = level == confidence.shape[1] - 1
                cells.append((f"{data} {'path' if last else level + 1}", error, chance))
        if not cells:
            continue
        good = [error <= 0.02 + chance for _, error, chance in cells]
        worst = max(cells, key=lambda cell: cell[1])
        yield bar(
            f"{NAMES[system]}: calibration errors at most .02 + chance",
            f"{sum(good)} of {len(cells)}: "
            + ", ".join(f"{name} {error:.3f} ({chance:.3f})" for name, error, chance in cells),
            "95 % of the cells",
            np.mean(good) >= 0.95,
        )
        yield bar(
            f"{NAMES[system]}: the worst calibration error",
            f"{worst[1]:.3f} ({worst[0]})", "at most .04", worst[1] <= 0.04,
        )  # fmt: skip


def column_bars(work: Path) -> Iterator[Bar]:
    """The gain by further columns, and the loss where they are missing."""
    for data, text in COLUMNS.items():
        found = arrays(work, "columns", data, range(FOLDS))
        if found is None:
            continue
        mean = {
            name: 100 * found[f"{name}.path"].mean() for name in NAMES if f"{name}.path" in found
        }
        ours, theirs = mean["columns"] - mean["ngrams"], mean["svm_columns"] - mean["svm"]
        yield bar(
            f"{data}: gain by {', '.join(text)}", f"{ours:+.2f} points, the SVM {theirs:+.2f}",
            "at least the SVM's", ours >= theirs,
        )  # fmt: skip
        lost = mean["columns_missing"] - mean["ngrams"]
        yield bar(
            f"{data}: columns missing at prediction, against a model without them",
            f"{lost:+.2f} points", "at least -0.3", lost >= -0.3,
        )  # fmt: skip


def partial_bars(work: Path) -> Iterator[Bar]:
    """What partial labels teach."""
    for data in SETS:
        drawn = [draw for draw in DRAWS if arrays(work, "partial", data, [draw]) is not None]
        if not drawn:
            yield bar(f"{data}: partial labels", "not measured", "above 0", False)
            continue
        found = arrays(work, "partial", data, drawn)
        assert found is not None
        level = 100 * (found["mixed.level1"].mean() - found["level1.level1"].mean())
        path = 100 * (found["mixed.path"].mean() - found["few.path"].mean())
        yield bar(
            f"{data}: level 1 from partial labels, against a model of level 1 alone",
            f"{level:+.2f} points", "at least -1.0", level >= -1.0,
        )  # fmt: skip
        yield bar(
            f"{data}: path with partial labels, against whole labels alone ({len(drawn)} draws)",
            f"{path:+.2f} points", "above 0", path > 0,
        )  # fmt: skip


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
    """One line for each kind of job, set and system, the mean over its folds or seeds."""
    lines = [
        "| job | data | system | runs | path | level 1 | train s |",
        "|---|---|---|---|---|---|---|",
    ]
    for (job, data, system), runs in grouped(rows, "job", "data", "system").items():
        path, level, seconds = (
            np.mean([run[name] for run in runs])
            for name in ("path_accuracy", "level1_accuracy", "training_seconds")
        )
        lines.append(
            f"| {job} | {data} | {NAMES[system]} | {len(runs)} | {path:.4f} | {level:.4f} | "
            f"{seconds:.0f} |"
        )
    return "\n".join(lines)
