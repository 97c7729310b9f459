"""``prodcat demo``: show every step on a generated catalog."""

import argparse
import sys
from typing import Any


def add_demo(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser("demo", help="show every step on a generated catalog")
    parser.add_argument("--folder", default="demo", help="folder for the files of the demo")
    parser.add_argument("--country", default="tr", help="tr, en, nl, de, fr, es, it or pt")
    parser.add_argument("--titles", type=int, default=3_000, help="number of titles to generate")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the demo, and print its steps to the standard output."""
    from prodcat.demo.run import run_demo

    run_demo(options.folder, options.country, options.titles, sys.stdout)
