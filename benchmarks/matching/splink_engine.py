"""Splink on two tables, in a Python of its own environment.

It reads a line of JSON, with the records of both tables and the pairs that are asked for, and
prints a line with a probability for each of them; 0 for pairs that no blocking rule finds.
"""

import json
import re
import sys
from collections import Counter
from typing import Any

_RARE = 20  # the records of one table that may have a word by which pairs are found
_RECALL = 0.7  # of the deterministic rule, as splink's documentation asks for


def records(rows: list[dict[str, Any]], rare: dict[str, int]) -> list[dict[str, Any]]:
    """Rows as splink takes them, with the words of the title and those that look like codes."""
    made = []
    for number, row in enumerate(rows):
        words = words_of(row)
        made.append(
            {
                "unique_id": number,
                "title": " ".join(words),
                "words": words,
                "codes": [word for word in words if any(map(str.isdigit, word))],
                "rare": sorted(rare.keys() & words),
                "rarest": min(
                    rare.keys() & words, key=lambda word: (rare[word], word), default=None
                ),
                "brand": row["brand"].lower() or None,
                "price": row["price"],
            }
        )
    return made


def words_of(row: dict[str, Any]) -> list[str]:
    """The distinct words of a title and a code."""
    return list(dict.fromkeys(re.findall(r"\w+", f"{row['title']} {row['code']}".lower())))


def rare_words(tables: list[list[dict[str, Any]]]) -> dict[str, int]:
    """Words that both tables have and few records of each, with how many have them."""
    counts = [Counter(word for row in rows for word in words_of(row)) for rows in tables]
    common = counts[0].keys() & counts[1].keys()
    return {
        word: sum(count[word] for count in counts)
        for word in common
        if max(count[word] for count in counts) <= _RARE
    }


def probabilities(tables: list[list[dict[str, Any]]], pairs: list[list[int]]) -> list[float]:
    """The probability of each pair, learned without labels."""
    import duckdb
    import pandas as pd
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    rare = rare_words(tables)
    frames = [pd.DataFrame(records(rows, rare)) for rows in tables]
    engine = DuckDBAPI(duckdb.connect())
    shared = "len(list_intersect(words_l, words_r)) / least(len(words_l), len(words_r))"
    levels = [
        {"sql_condition": "words_l IS NULL OR words_r IS NULL", "is_null_level": True},
        *({"sql_condition": f"{shared} >= {least}"} for least in (0.99, 0.8, 0.6, 0.4, 0.2)),
        {"sql_condition": "ELSE"},
    ]
    gap = "abs(price_l - price_r) / greatest(price_l, price_r)"
    prices = [
        {"sql_condition": "price_l IS NULL OR price_r IS NULL", "is_null_level": True},
        *({"sql_condition": f"{gap} <= {most}"} for most in (0.02, 0.1, 0.3)),
        {"sql_condition": "ELSE"},
    ]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.CustomComparison(output_column_name="words", comparison_levels=levels),
            cl.ArrayIntersectAtSizes("codes", [2, 1]),
            cl.ArrayIntersectAtSizes("rare", [3, 2, 1]),
            cl.JaroWinklerAtThresholds("title", [0.9, 0.8, 0.7]),
            cl.JaroWinklerAtThresholds("brand", [0.99, 0.85]),
            cl.CustomComparison(output_column_name="price", comparison_levels=prices),
        ],
        blocking_rules_to_generate_predictions=[block_on("rare", arrays_to_explode=["rare"])],
    )
    names = ("ours", "theirs")
    linker = Linker(
        [engine.register(frame, dataset_display_name=name) for frame, name in
         zip(frames, names, strict=True)], settings, log_level=40,
    )  # fmt: skip
    training = linker.training
    training.estimate_probability_two_random_records_match(
        ["list_sort(l.words) = list_sort(r.words)", "len(list_intersect(l.rare, r.rare)) >= 2"],
        recall=_RECALL,
    )
    training.estimate_u_using_random_sampling(max_pairs=1_000_000, seed=0)
    training.estimate_parameters_using_expectation_maximisation(block_on("rarest"))
    found = linker.inference.predict(threshold_match_probability=0).as_pandas_dataframe()
    known = {
        (one, other): probability
        for one, other, probability in zip(
            found["unique_id_l"], found["unique_id_r"], found["match_probability"], strict=True
        )
    }
    return [float(known.get((one, other), 0.0)) for one, other in pairs]


if __name__ == "__main__":
    asked = json.loads(sys.stdin.readline())
    print(json.dumps(probabilities(asked["tables"], asked["pairs"])))
