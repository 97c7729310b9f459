"""The tables and bars of classifiers that go on with a new tree."""

from collections.abc import Sequence

from benchmarks.reporting import Bar, Row, bar, grouped

_MOST_LOST = 0.003
_LEAST_TIMES = 50
_CLOSE = 1e-6
_MOST_BROKEN = 0.05  # one minus the certainty of max_error
_PROMISES = ("max_error", "guarantee")


def migration_lines(rows: Sequence[Row]) -> list[str]:
    """The tables as lines of Markdown."""
    migrated = [row for row in rows if row["table"] == "migrated"]
    lines: list[str] = []
    if migrated:
        lines += [
            "",
            "| set | trained | titles | trained anew | migrated | of split and added ones: anew | "
            "migrated | without titles | seconds anew | migrated |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for (name, encoder), of_set in grouped(migrated, "set", "encoder").items():
            total = _totals(of_set)
            trained = "encoder and n-grams" if encoder else "n-grams"
            lines.append(
                f"| {name} | {trained} | {total['rows']:,} | "
                f"{_share(total, 'anew right', 'rows')} | "
                f"{_share(total, 'migrated right', 'rows')} | "
                f"{_share(total, 'anew right, changed', 'changed rows')} | "
                f"{_share(total, 'migrated right, changed', 'changed rows')} | "
                f"{_share(total, 'without titles right, changed', 'changed rows')} | "
                f"{total['training']:.1f} | {total['seconds']:.2f} |"
            )
    exact = [row for row in rows if row["table"] == "exact"]
    if exact:
        lines += ["", "| set | trained | renamed and moved | the same bits | merged | "
                  "largest difference from the sum |", "|---|---|---|---|---|---|"]  # fmt: skip
        for row in exact:
            moved, merged = ([seed[key] for seed in row["seeds"]] for key in ("moved", "merged"))
            same = "yes" if all(each["equal"] for each in moved) else "**no**"
            lines.append(
                f"| {row['set']} | {'encoder and n-grams' if row['encoder'] else 'n-grams'} | "
                f"{sum(each['changed'] for each in moved)} | {same} | "
                f"{sum(each['changed'] for each in merged)} | "
                f"{max(each['worst'] for each in merged):.1e} |"
            )
        lines += _promise_lines(exact)
    return [*lines, *_title_lines(rows)]


def _promise_lines(exact: Sequence[Row]) -> list[str]:
    lines = ["", "| set | changes | promise | given | broken | mean error or coverage |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for row in exact:
        for each in row["promises"]:
            mean = "–" if each["mean"] is None else f"{each['mean']:.2%}"
            broken = f"{each['broken']:,}" if "broken" in each else "–"
            lines.append(
                f"| {row['set']}{', encoder' if row['encoder'] else ''} | {each['kinds']} | "
                f"`{each['promise']}={each['value']:g}` | {each['given']:,} | {broken} | {mean} |"
            )
    return lines


def _title_lines(rows: Sequence[Row]) -> list[str]:
    titled = [row for row in rows if row["table"] == "titles"]
    if not titled:
        return []
    lines = ["", "| tree of | changed | right by names | with titles | sure by names | "
             "of these right | sure with titles | of these right |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in titled:
        lines.append(
            f"| {row['set']} | {row['changed']} | {_share(row, 'right', 'changed')} | "
            f"{_share(row, 'right with titles', 'changed')} | {_share(row, 'sure', 'changed')} | "
            f"{_share(row, 'sure right', 'sure')} | "
            f"{_share(row, 'sure with titles', 'changed')} | "
            f"{_share(row, 'sure right with titles', 'sure with titles')} |"
        )
    return lines


def migration_bars(rows: Sequence[Row]) -> list[Bar]:
    """What was demanded of migrated classifiers, and whether it is met."""
    bars: list[Bar] = []
    every = [row for row in rows if row["table"] == "migrated"]
    for (encoder,), migrated in grouped(every, "encoder").items():
        kind = "encoder and n-grams" if encoder else "n-grams"
        total = _totals(migrated)
        lost = (total["anew right"] - total["migrated right"]) / total["rows"]
        times = total["training"] / total["seconds"]
        bars += [
            bar(f"{kind}: accuracy lost against training anew, pooled",
                f"{100 * lost:.2f} points", "at most 0.3 points", lost <= _MOST_LOST),
            bar(f"{kind}: training anew takes so many times the seconds", f"{times:.0f}",
                "at least 50", times >= _LEAST_TIMES),
        ]  # fmt: skip
    exact = [row for row in rows if row["table"] == "exact"]
    if exact:
        seeds = [seed for row in exact for seed in row["seeds"]]
        worst = max(seed["merged"]["worst"] for seed in seeds)
        promises = [each for row in exact for each in row["promises"]]
        errors = [each for each in promises if each["promise"] == "max_error" and each["given"]]
        most = max((each["broken"] / each["resamples"] for each in errors), default=0.0)
        shares = [each for each in promises if each["promise"] == "guarantee"]
        short = max((each["value"] - each["mean"] - each["error"] for each in shares), default=0.0)
        bars += [
            bar("renamed and moved: all probabilities have the same bits",
                f"{sum(seed['moved']['equal'] for seed in seeds)} of {len(seeds)}", "all",
                all(seed["moved"]["equal"] for seed in seeds)),
            bar("merged: largest difference from the sum", f"{worst:.1e}", "at most 1e-6",
                worst <= _CLOSE),
            bar("kept max_error: largest share of 1,000 draws in which it is broken",
                f"{100 * most:.1f}%", "at most 5%", most <= _MOST_BROKEN),
            bar("kept guarantee: largest shortfall of the mean coverage, beyond chance",
                f"{100 * max(short, 0):.2f} points", "none", short <= 0),
        ]  # fmt: skip
    titled = [row for row in rows if row["table"] == "titles"]
    if titled:
        total = _totals(titled)
        gain = (total["right with titles"] - total["right"]) / total["changed"]
        bars.append(
            bar("comparison of trees: changed categories right thanks to titles",
                f"{100 * gain:+.1f} points", "more than none", gain > 0)
        )  # fmt: skip
    return bars


def _totals(rows: Sequence[Row]) -> Row:
    """The sums of all numbers of rows."""
    names = [name for name, value in rows[0].items()
             if isinstance(value, int | float) and not isinstance(value, bool)]  # fmt: skip
    return {name: sum(row[name] for row in rows) for name in names}


def _share(row: Row, part: str, whole: str) -> str:
    return f"{100 * row[part] / max(row[whole], 1):.1f}%"
