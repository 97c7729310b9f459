"""Names that other languages read as commands, and a small world that has no other names."""

import dataclasses

import numpy as np

import prodcat

MARKUP = [
    '<a href="https://evil.example/">Milk</a>',
    "<b>Bread</b><br><sub>2</sub><i>x</i>",
    "&lt;img src=x onerror=alert(1)&gt; &amp; &#60;b&#62;",
    "</script><script>alert(1)</script><!--",
    "\"' onmouseover='alert(1)' x=\"",
    "%{label}%{value:.3s}<extra>x</extra> 50 %",
    "$\\href{javascript:alert(1)}{x}$ \\(y\\)",
    "{{ 7 * 7 }}{% raw %}${8 * 8}`${9}`",
    "2024-01-01",
    "1e5",
]
MARKDOWN = [
    "# Heading\n## Another",
    "![i](https://evil.example/i.png) [l](javascript:alert(1))",
    "https://evil.example/auto www.evil.example a@evil.example @team #1",
    "a | b \\| c \\\\| d",
    "```sh\nrm\n``` `x` ``",
    "`",
    " ` leading and trailing ` ",
    "*a* _b_ ~~c~~ <https://evil.example/> [r]: https://evil.example/",
    "$$x$$ :smile: ***",
]
FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1|x",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    '"=1+1',
    "x;=1+1",
    "x\n=1+1",
    "＝1+1",
    "'=1",
    "''=1",
]
CONTROLS = [
    "red\x1b[2J\x1b]0;title\x07",
    "c1 \x9b31m \x85",
    "bidi \u202egnp.exe\u2066",
    "forged\nprodcat: all is well\r\n",
    "line\u2028and\u2029paragraph",
    "half \ud800 pair",
    "bell\a back\b\b del\x7f nul\x00",
]
NAMES = MARKUP + MARKDOWN + FORMULAS + CONTROLS


def catalog(names, each=12):
    """Titles of categories with these names, below departments with these names."""
    rng = np.random.default_rng(0)
    words = [f"word{number}" for number in range(3 * len(names))]
    rows = []
    for number, name in enumerate(names):
        for copy in range(each):
            drawn = [
                words[3 * number + rng.integers(3)],
                str(copy),
                words[rng.integers(len(words))],
            ]
            title = f"{names[(number + copy) % len(names)]} {' '.join(drawn)}"
            rows.append({"title": title, "path": [name, names[-1 - number]], "price": 1.5})
    return prodcat.read_catalog(rows, keep=["price"], on_error="accept")


def unlabelled(catalog):
    return dataclasses.replace(catalog, taxonomy=None, targets=np.full(len(catalog), -1))
