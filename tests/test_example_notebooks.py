"""The notebooks of the examples run, and are those that their script writes."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NOTEBOOKS = ("quickstart.ipynb", "first_hour.ipynb")


def executed(name, folder):
    shutil.copy(EXAMPLES / "products.csv", folder)
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    settings = {"timeout": 300, "kernel_name": "python3"}
    return NotebookClient(notebook, resources={"metadata": {"path": folder}}, **settings).execute()


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(tmp_path, name):
    outputs = [out for cell in executed(name, tmp_path).cells for out in cell.get("outputs", [])]
    assert any("text/html" in out.get("data", {}) for out in outputs)
    assert not any(out.output_type == "error" for out in outputs)
    if name == "first_hour.ipynb":
        from python_calamine import CalamineWorkbook

        sheet = CalamineWorkbook.from_path(tmp_path / "mistakes.xlsx").get_sheet_by_index(0)
        header, *rows = sheet.to_python()
        assert header[:2] == ["row_number", "Artikelnummer"] and len(rows) > 20
        label, answer = header.index("label"), header.index("answer")
        assert all(row[label] != row[answer] for row in rows)
        assert outputs[-1]["data"]["text/plain"] == "True"


def test_the_first_hour_takes_at_most_40_lines_of_code():
    cells = nbformat.read(EXAMPLES / "first_hour.ipynb", as_version=4).cells
    lines = [line for cell in cells if cell.cell_type == "code" for line in cell.source.split("\n")]
    assert 10 < sum(bool(line.strip()) for line in lines) <= 40


def test_the_notebooks_are_those_that_the_script_writes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.delitem(sys.modules, "make_notebooks", raising=False)
    import make_notebooks

    make_notebooks.write_all(tmp_path)
    for name in (*NOTEBOOKS, "products.csv"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes(), (
            f"run examples/make_notebooks.py, which writes {name}"
        )
