"""The notebook, the session of the documentation, and the examples of the help pages."""

import json

from benchmarks.jobs import ROOT, run_tests
from benchmarks.reporting import Row

NOTEBOOK = "examples/first_hour.ipynb"
TESTS = {
    "notebook": "tests/test_example_notebooks.py",
    "session": "tests/cli/test_session.py",
    "help": "tests/cli/test_examples.py",
}


def lines_of_code() -> int:
    """The number of lines of code in the notebook, without comments and empty lines."""
    cells = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in cell["source"]]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)


def run_examples() -> Row:
    """Run the tests of the examples."""
    return {"lines": lines_of_code(), **{name: run_tests(test) for name, test in TESTS.items()}}
