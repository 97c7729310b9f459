"""``prodcat demo``: show every step on a generated catalog."""

import argparse
import sys
from typing import Any

from prodcat.cli.arrangement import MODEL_FOLDER
from prodcat.cli.destinations import check_demo_folder
from prodcat.cli.parser import add_command


def add_demo(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "demo",
        "show every step on a generated catalog",
        examples={"show every step in German": "demo --country de --titles 300 --folder german"},
    )
    parser.add_argument(
        "--folder",
        default="demo",
        metavar=MODEL_FOLDER,
        help="folder for the files of the demo; default demo",
    )
    parser.add_argument(
        "--country",
        default="tr",
        metavar="COUNTRY",
        help="country of the titles: tr (the default), en, nl, de, fr, es, it or pt",
    )
    parser.add_argument(
        "--titles",
        type=int,
        default=3_000,
        metavar="NUMBER",
        help="number of titles to generate; default 3000",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the demo, and print its steps to the standard output."""
    from prodcat.demo.run import run_demo

    check_demo_folder(options, "--folder", f"catalog-{options.country}.csv")
    run_demo(options.folder, options.country, options.titles, sys.stdout)
