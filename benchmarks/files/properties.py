"""The property tests of types, dialects and containers, with many examples each."""

import os
import re
import subprocess
import sys
import time

from benchmarks.jobs import ROOT
from benchmarks.reporting import Row

EXAMPLES = 2_000
_SETTING = "PRODCAT_EXAMPLES"
TESTS = {
    "types": "tests/scoring/test_columns_unchanged.py::test_every_type_comes_out",
    "folders": "tests/scoring/test_folder_types.py::test_every_value_of_a_folder_comes_out",
    "containers": "tests/test_containers.py::"
    "test_equal_titles_have_equal_answers_whatever_holds_them",
    "dialects": "tests/storage/test_dialects.py::test_what_is_written_is_read_or_refused",
}
_COUNTS = re.compile(r"(\d+) passing, (\d+) failing, and (\d+) invalid")


def measure(name: str) -> Row:
    """Run a property test with many examples, and count those that were really tried."""
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-cov", "-p", "no:cacheprovider",
         "--hypothesis-show-statistics", TESTS[name]],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, _SETTING: str(EXAMPLES)},
    )  # fmt: skip
    counts = [tuple(map(int, found)) for found in _COUNTS.findall(done.stdout)]
    if done.returncode:
        print(done.stdout[-6_000:], flush=True)
    return {
        "job": "property",
        "test": TESTS[name],
        "examples": sum(passing for passing, _, _ in counts),
        "failing": sum(failing for _, failing, _ in counts),
        "invalid": sum(invalid for _, _, invalid in counts),
        "passed": done.returncode == 0,
        "seconds": round(time.time() - began),
    }
