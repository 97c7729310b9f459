"""Import paths of earlier versions still lead to their names, with a warning."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import prodcat
from prodcat.deprecated import MOVED, RENAMED

HERE = Path(__file__).parent
EARLIER = (HERE / "earlier_paths.txt").read_text(encoding="utf-8").split()


def test_every_earlier_path_leads_to_its_name():
    """In a process of its own, as some modules are those of optional packages."""
    check = (
        "import importlib, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "for path in sys.stdin.read().split():\n"
        "    module, _, name = path.rpartition('.')\n"
        "    getattr(importlib.import_module(module), name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], input="\n".join(EARLIER), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(EARLIER) > 400


def test_the_warning_names_the_way_to_import_it_now():
    with pytest.warns(
        DeprecationWarning, match=r"prodcat\.fitting\.fit .* import it from prodcat\."
    ):
        from prodcat.fitting import fit
    assert fit is prodcat.fit
    message = r"prodcat\.svm\.solve_all has moved: import it from prodcat\.training\.svm\."
    with pytest.warns(DeprecationWarning, match=message):
        from prodcat.svm import solve_all
    assert solve_all.__module__ == "prodcat.training.svm"
    with pytest.warns(DeprecationWarning, match=r"prodcat\.taxonomy\.Taxonomy .* prodcat\."):
        from prodcat.taxonomy import Taxonomy
    assert Taxonomy is prodcat.Taxonomy


def test_a_name_that_changed_is_named_as_it_is_now():
    message = r"prodcat\.gate\.judge has moved: .* prodcat\.pipeline\.gate as compare_candidate\."
    with pytest.warns(DeprecationWarning, match=message):
        from prodcat.gate import judge
    assert judge.__name__ == "compare_candidate"
    assert set(RENAMED) <= set(EARLIER), "names of earlier versions alone"


def test_modules_are_attributes_of_the_package_as_before():
    assert prodcat.decoding.__doc__.startswith("Forwards to prodcat.decisions.")


def test_a_module_of_a_package_is_imported_without_the_others():
    check = (
        "import sys, warnings; warnings.simplefilter('error'); from prodcat.training import svm; "
        "print(svm.__name__, 'prodcat.training.loop' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.stdout == "prodcat.training.svm False\n", done.stderr


def test_unknown_names_are_refused_as_python_does():
    with pytest.raises(AttributeError, match=r"module 'prodcat.svm' has no attribute 'nonesuch'"):
        _ = import_module("prodcat.svm").nonesuch
    with pytest.raises(ModuleNotFoundError):
        import_module("prodcat.nonesuch")


@pytest.mark.parametrize("old", sorted(MOVED))
def test_every_forward_leads_to_a_module(old):
    for place in MOVED[old]:
        path = HERE.parent.joinpath(*place.split("."))
        assert path.is_dir() or path.with_suffix(".py").is_file(), place
