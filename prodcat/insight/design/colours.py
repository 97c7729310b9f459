"""The colours of pages in a light and a dark scheme, and the contrast between them.

There is one language of colours: blue with ▲ is more and orange with ▼ is less, which colour-blind
people can tell from each other.  Text never depends on its colour alone.
"""

import re

SCHEMES = {
    "light": {
        "paper": "#ffffff", "panel": "#f4f6f8", "ink": "#1b1e22", "quiet": "#565b62",
        "line": "#d5d9df", "edge": "#7a818a", "accent": "#0b57a4", "on-accent": "#ffffff",
        "more": "#1257a0", "more-tint": "#e2edf9", "less": "#9c4400", "less-tint": "#fcebdf",
        "band-entry": "#cfe0f2", "band-middle": "#7fa8d4", "band-premium": "#1f4e86",
    },
    "dark": {
        "paper": "#15181b", "panel": "#1f2327", "ink": "#eceef1", "quiet": "#b4bac1",
        "line": "#3b4148", "edge": "#8b929a", "accent": "#8cc0ff", "on-accent": "#0d1b2a",
        "more": "#8cc0ff", "more-tint": "#17304c", "less": "#ffb380", "less-tint": "#472a14",
        "band-entry": "#2b4a6b", "band-middle": "#5f8fc2", "band-premium": "#b9d7f7",
    },
}  # fmt: skip
# Text and what it is written on, in both schemes: at least 4.5 as WCAG 2.2 asks for.
TEXT_PAIRS = (
    ("ink", "paper"), ("ink", "panel"), ("quiet", "paper"), ("quiet", "panel"),
    ("accent", "paper"), ("accent", "panel"), ("on-accent", "accent"),
    ("more", "paper"), ("more", "panel"), ("more", "more-tint"), ("ink", "more-tint"),
    ("less", "paper"), ("less", "panel"), ("less", "less-tint"), ("ink", "less-tint"),
    ("quiet", "more-tint"), ("quiet", "less-tint"),
)  # fmt: skip
# Edges of controls and neighbouring bars: at least 3 and 1.5.
EDGE_PAIRS = (("edge", "paper"), ("edge", "panel"))
BAND_PAIRS = (("band-entry", "band-middle"), ("band-middle", "band-premium"))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2.2, from 1 to 21.

    >>> contrast("#ffffff", "#000000")
    21.0
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part, 16) / 255 for part in re.findall("[0-9a-f]{2}", colour)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def variables() -> str:
    """The custom properties of CSS with the colours of both schemes."""
    light, dark = (
        " ".join(f"--{name}: {colour};" for name, colour in SCHEMES[scheme].items())
        for scheme in ("light", "dark")
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {light} }} }}\n"
    )
