"""Titles over leaves of Shopify's taxonomy, drawn from a seed.

python -m benchmarks.scale.generate --data DIR --rows 270000 --leaves 1355 titles.csv

A title is made of words of its leaf's name, of words of the names above it, of a word that shops
use for the leaf (some of them for its siblings too), of a brand, a size, and words that say
nothing, in any order and with typing errors.  The numbers of titles of leaves have a long tail.
"""

import argparse
import csv
import gzip
import json
import string
from pathlib import Path

import numpy as np

SEED = 20_26
_BRANDS = 4_000
_SYLLABLES = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
_COMMON = [
    "new", "premium", "original", "classic", "set", "pack", "for", "with", "and", "the",
    "black", "white", "red", "blue", "green", "grey", "large", "small", "medium", "mini", "pro",
    "plus", "ultra", "eco", "best", "deluxe", "basic", "home", "portable", "universal", "kids",
    "women", "men", "2024", "soft", "light", "heavy", "duty", "gift", "box", "quality", "steel",
    "cotton", "plastic", "wood", "natural",
]  # fmt: skip
_UNITS = ["ml", "l", "g", "kg", "cm", "mm", "inch", "oz", "pcs", "w"]
_CHANCES = (0.62, 0.3, 0.12, 0.06)  # that a word of the leaf, its parent, ... is in the title
_TYPING_ERRORS = 0.04  # of the words
_WRONG = 0.02  # titles under a leaf next to theirs


def paths_of(data: Path, leaves: int) -> list[tuple[str, ...]]:
    """The paths of leaves of the English tree, drawn from the seed, in the order of the tree."""
    with gzip.open(data / "taxonomy-shopify" / "en.jsonl.gz", "rt", encoding="utf-8") as file:
        paths = [tuple(json.loads(line)["path"]) for line in file]
    inner = {path[:-1] for path in paths}
    all_leaves = [path for path in paths if path not in inner]
    chosen = np.random.default_rng(SEED).choice(len(all_leaves), leaves, replace=False)
    return [all_leaves[number] for number in np.sort(chosen).tolist()]


class _Words:
    """What titles are made of: invented words and brands, and those of each leaf."""

    def __init__(self, paths: list[tuple[str, ...]], rng: np.random.Generator) -> None:
        self.rng = rng
        self.brands = [self.invented() for _ in range(_BRANDS)]
        self.named = {
            name: name.lower().replace("&", " ").replace(",", " ").split()
            for path in paths
            for name in path
        }
        special: dict[tuple[str, ...], list[str]] = {}
        for path in paths:
            for end in (len(path), len(path) - 1):
                if path[:end] not in special:
                    special[path[:end]] = [self.invented() for _ in range(6)]
        self.special = special

    def invented(self) -> str:
        """A word of two or three syllables."""
        count = int(self.rng.integers(2, 4))
        return "".join(_SYLLABLES[n] for n in self.rng.integers(len(_SYLLABLES), size=count))

    def title(self, path: tuple[str, ...], department: int) -> str:
        """One title of a leaf.

        Args:
            path: The leaf.
            department: The number of its department, which has brands of its own.
        """
        rng = self.rng
        draws = iter(rng.random(64).tolist())
        words = [
            word
            for name, chance in zip(reversed(path), _CHANCES, strict=False)
            for word in self.named[name]
            if next(draws, 1.0) < chance
        ]
        numbers = rng.integers(0, 1_000_000, 10).tolist()
        if numbers[0] % 10 < 6:
            place = path if numbers[0] % 2 else path[:-1]
            words.append(self.special[place][numbers[1] % 6])
        if numbers[2] % 10 < 7:
            brand = int(60 * (numbers[3] / 1_000_000) ** 2) + 60 * department
            words.append(self.brands[(brand if numbers[4] % 4 else numbers[3]) % _BRANDS])
        if numbers[5] % 10 < 5:
            words.append(f"{numbers[6] % 97 + 1}{_UNITS[numbers[6] % len(_UNITS)]}")
        words += [_COMMON[numbers[7 + k] % len(_COMMON)] for k in range(numbers[9] % 3 + 1)]
        rng.shuffle(words)
        return " ".join(self.mistyped(word) for word in words)

    def mistyped(self, word: str) -> str:
        """A word, sometimes with a letter missing, another one, or two exchanged."""
        if len(word) < 4 or self.rng.random() > _TYPING_ERRORS:
            return word
        place, kind = int(self.rng.integers(1, len(word) - 1)), int(self.rng.integers(3))
        if kind == 0:
            return word[:place] + word[place + 1 :]
        if kind == 1:
            return (
                word[:place]
                + str(self.rng.choice(list(string.ascii_lowercase)))
                + word[place + 1 :]
            )
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def generate(data: Path, rows: int, leaves: int) -> dict[str, list[str]]:
    """Titles and their paths, the same at every call.

    Args:
        data: The folder of all sets.
        rows: Number of titles.
        leaves: Number of leaves, each of which has at least three titles.

    Returns:
        ``title`` and ``path``, whose levels are divided by `` > ``.
    """
    paths = paths_of(data, leaves)
    rng = np.random.default_rng(SEED + 1)
    words = _Words(paths, rng)
    departments = {name: n for n, name in enumerate(sorted({path[0] for path in paths}))}
    share = 1 / (np.arange(leaves) + 20) ** 0.9
    share = rng.permutation(share / share.sum())
    drawn = rng.choice(leaves, rows - 3 * leaves, p=share)
    leaf = rng.permutation(np.concatenate([np.repeat(np.arange(leaves), 3), drawn]))
    moved = rng.random(rows) < _WRONG
    label = np.where(moved, np.minimum(leaf + 1, leaves - 1), leaf)
    joined = [" > ".join(path) for path in paths]
    titles = [words.title(paths[n], departments[paths[n][0]]) for n in leaf.tolist()]
    return {"title": titles, "path": [joined[n] for n in label.tolist()]}


def main() -> None:
    """Write titles as CSV."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.generate")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--leaves", type=int, required=True)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    columns = generate(arguments.data, arguments.rows, arguments.leaves)
    with arguments.file.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


if __name__ == "__main__":
    main()
