"""Public reports of other libraries, each as a small trial of prodcat."""

import tempfile
import traceback
from pathlib import Path

from benchmarks.files.reports_of_files import FILES
from benchmarks.files.reports_of_models import MODELS
from benchmarks.files.trials import Bench, Report
from benchmarks.reporting import Row

REPORTS: tuple[Report, ...] = (*FILES, *MODELS)


def measure() -> Row:
    """Try what each report says."""
    import prodcat.testing

    model = prodcat.testing.tiny_classifier()
    return {"job": "reports", "reports": [_tried(report, model) for report in REPORTS]}


def _tried(report: Report, model: object) -> Row:
    row: Row = {"report": report.number, "happened": report.happened}
    with tempfile.TemporaryDirectory() as folder:
        try:
            return row | {"prodcat": report.trial(Bench(Path(folder), model)), "right": True}
        except Exception as error:  # whatever happens is the result of the trial
            traceback.print_exc()
            said = str(error).splitlines() or [""]
            return row | {"prodcat": f"{type(error).__name__}: {said[0][:200]}", "right": False}
