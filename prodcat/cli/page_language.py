"""The option of commands that write pages: the language of their texts and numbers."""

import argparse

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt", "tr")


def page_language_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--page-language``.

    Args:
        parser: The parser of the command.
        what: What is written in this language, for the help.
    """
    parser.add_argument(
        "--page-language", default="en", choices=LANGUAGES, help=f"{what}; default en"
    )
