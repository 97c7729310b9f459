"""The tests of invariance, of hand-worked metrics, and of agreement with HiClass."""

import re
import subprocess
import sys

from benchmarks.jobs import ROOT
from benchmarks.reporting import Row

LAWS = ("tests/classifier/test_metamorphic.py", "tests/evaluation", "tests/decisions")


def run_laws() -> Row:
    """How many of them pass and fail."""
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LAWS],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip

    def counted(word: str) -> int:
        match = re.search(rf"(\d+) {word}", finished.stdout)
        return int(match[1]) if match else 0

    return {
        "rows": [
            {"kind": "laws", "tests": list(LAWS), "passed": counted("passed"),
             "failed": counted("failed"), "status": finished.returncode}
        ]
    }  # fmt: skip
