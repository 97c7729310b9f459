"""A notebook shows every result as a small table, and plots without a command."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

# Each result of a cell, with the words that a reader sees first.
RESULTS = {
    "catalog": "<b>Catalog</b> 400 titles",
    "catalog.tree": "<b>Taxonomy</b>",
    "catalog.report": "<b>Catalog report</b> 400 rows read, 0 wrong",
    "catalog.migrate(catalog.tree.diff(catalog.tree))[1]": "<b>LabelMigration</b> 400 labels",
    "classifier": "<b>Classifier</b> n-grams alone",
    "classifier.history": "<b>Training</b>",
    "classifier.predict(catalog)": "<b>Predictions</b> 400 titles, 400 with a category",
    "evaluation": "<b>Evaluation</b> 400 rows, path accuracy",
    "evaluation.compare(evaluation)": "<b>Comparison</b> 400 rows",
    "drift": "<b>Drift</b> 400 titles before, 100 after",
    "report": "<b>Report</b> All answers are right, an HTML page of",
    "report.html": "an HTML page of",
    'report.save("report.html")': '<a href="report.html" target="_blank">report.html</a>',
    'evaluation.to_frame("category")': 'class="dataframe"',
}
PLOTS = ["evaluation.plot()", "evaluation.plot_levels()", "drift.plot()"]
BEGINNING = """
import prodcat
from prodcat.demo.quick_commerce import generate
from prodcat.insight.drift import find_drift
from prodcat.insight.report import report_evaluation

rows = [{"title": row.title, "path": list(row.path)} for row in generate(400, "de")]
catalog = prodcat.read_catalog(rows)
classifier = prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=None), progress=False)
evaluation = classifier.evaluate(catalog)
drift = find_drift(catalog, prodcat.read_catalog(rows[:100]), classifier)
report = report_evaluation(evaluation, classifier.taxonomy, titles=catalog.titles)
"""


@pytest.mark.slow
def test_a_notebook_shows_every_result(tmp_path):
    cells = [new_code_cell(text) for text in (BEGINNING, *RESULTS, *PLOTS)]
    done = NotebookClient(
        new_notebook(cells=cells), timeout=300, kernel_name="python3",
        resources={"metadata": {"path": tmp_path}},
    ).execute()  # fmt: skip
    assert len(nbformat.writes(done)) < 400_000, "a notebook stays small"
    shown = [
        output["data"]
        for cell in done.cells[1:]
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    assert len(shown) == len(RESULTS) + len(PLOTS)
    for words, data in zip(RESULTS.values(), shown, strict=False):
        assert words in data["text/html"]
        assert len(data["text/html"]) < 40_000 and len(data["text/plain"]) < 10_000
    assert all("image/png" in data for data in shown[len(RESULTS) :])
    assert (tmp_path / "report.html").stat().st_size > 4_000_000
