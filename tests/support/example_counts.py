"""How many examples a property test makes: few as a rule, and more for a benchmark."""

import os


def example_count(usual):
    """The number that ``PRODCAT_EXAMPLES`` names, or else the usual one."""
    return int(os.environ.get("PRODCAT_EXAMPLES") or usual)
