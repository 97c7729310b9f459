"""The documents: their code runs, their commands and links exist, nothing public is left out."""

import argparse
import ast
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import structure
import yaml

import prodcat
from prodcat.cli import command
from prodcat.pipeline.countries import read_countries

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/*/README.md",
                    ".github/**/*.md")
    for path in ROOT.glob(pattern)
)  # fmt: skip
LANGUAGES = {"python", "sh", "json", "toml", "text"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LEVELS = ["department", "category", "subcategory", "type"]


def name_of(path):
    return str(path.relative_to(ROOT))


def read(path):
    return path.read_text(encoding="utf-8")


def blocks(path, language):
    """The fenced blocks of a page that are in a language."""
    return [code for found, code in FENCE.findall(read(path)) if found == language]


def prose(path):
    """A page without its fenced blocks."""
    return FENCE.sub("", read(path))


def run_python(path):
    """Run all Python of a page, in its order and with the names of the blocks before."""
    names = {"__name__": "document"}
    for code in blocks(path, "python"):
        exec(compile(code, name_of(path), "exec"), names)


# -- code ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def tutorial_folder(tmp_path_factory):
    """What the tutorial leaves behind: the other pages go on from there."""
    folder = tmp_path_factory.mktemp("tutorial")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_python(DOCS / "tutorial.md")
    return folder


@pytest.mark.slow
def test_the_tutorial_leaves_what_other_pages_go_on_from(tutorial_folder):
    assert (tutorial_folder / "model" / "manifest.json").is_file()
    for name in ("titles.csv", "later.csv"):
        assert len(prodcat.read_catalog(str(tutorial_folder / name), path=LEVELS)) > 500


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for path in PAGES if blocks(path, "python") and path.stem != "tutorial"],
    ids=name_of,
)  # fmt: skip
def test_code_in_documents_runs(path, tutorial_folder, tmp_path, monkeypatch):
    home = tmp_path / "home"
    if path == ROOT / "README.md":
        home.mkdir()  # it needs nothing but itself
    else:
        shutil.copytree(tutorial_folder, home)
    monkeypatch.chdir(home)
    run_python(path)


def test_guides_have_code_that_runs():
    """Those without say so here: tests/cli/test_session.py runs the page on the command line."""
    without = {path.stem for path in DOCS.glob("*.md") if not blocks(path, "python")}
    assert without == {"glossary", "command-line"}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_all_code_is_fenced_and_says_its_language(path):
    openings = re.findall(r"^ *```(.*)$", read(path), re.MULTILINE)[::2]
    assert set(openings) <= LANGUAGES
    indented = re.findall(r"\n\n( {4,}\S.*)", prose(path))
    assert [line for line in indented if not line.lstrip().startswith(("- ", "* "))] == []


def test_the_readme_shows_working_code_within_thirty_lines():
    lines = read(ROOT / "README.md").splitlines()
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    assert lines[fences[0]] == "```python" and fences[1] < 30


def test_json_and_toml_in_documents_can_be_read(tmp_path):
    for path in PAGES:
        for code in blocks(path, "json"):
            json.loads(code)
        for code in blocks(path, "toml"):
            file = tmp_path / "countries.toml"
            file.write_text(code, encoding="utf-8")
            assert read_countries(str(file)).countries


# -- commands -----------------------------------------------------------------


def parsers(parser, name="prodcat"):
    """Every parser of the command line by its words, such as ``prodcat models publish``."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, below in action.choices.items():
                yield from parsers(below, f"{name} {verb}")


PARSERS = dict(parsers(command._parser()))
OPTIONS = {
    option for parser in PARSERS.values() for option in parser._option_string_actions
}  # of any command
FOREIGN = {"--summary", "--data"}  # of prodcat.aws.batch, and of the benchmarks


def commands(path):
    """The words of each call of prodcat in the shell blocks of a page."""
    for code in blocks(path, "sh"):
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            for entry in ("prodcat", "prodcat.aws.batch"):
                if entry in words and (words[0] == "prodcat" or "-m" in words):
                    yield words[words.index(entry) + 1 :]


COMMANDS = [(name_of(path), words) for path in PAGES for words in commands(path)]


def test_there_are_commands_to_check():
    assert len(COMMANDS) > 30 and {words[0] for _, words in COMMANDS} >= {"train", "models"}


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda value: str(value)[:60])
def test_commands_in_documents_can_be_parsed(page, words):
    command._parser().parse_args(words)


def unknown_in(span):
    """Verbs and options of an inline ``prodcat …`` that the command line does not know."""
    words = span.split()
    verb, known = "", OPTIONS | FOREIGN
    if words[0] == "prodcat":
        verb = next(" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in PARSERS)
        if verb == "prodcat" and re.fullmatch(r"[a-z][a-z-]*", words[1]):
            return [words[1]]
        known = PARSERS[verb]._option_string_actions
    return [word for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in known]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_options_and_verbs_that_a_text_names_exist(path):
    spans = re.findall(r"`([^`\n]+)`", prose(path))
    named = [span for span in spans if span.startswith(("prodcat ", "--"))]
    assert [span for span in named if unknown_in(span)] == []


def test_a_verb_or_option_that_does_not_exist_is_told():
    assert unknown_in("prodcat nonesuch") == ["nonesuch"]
    assert unknown_in("prodcat predict --checkpoints") == ["--checkpoints"]
    assert unknown_in("--nonesuch") == ["--nonesuch"]
    assert unknown_in("prodcat models publish --alias") == []
    with pytest.raises(SystemExit):
        command._parser().parse_args(["train", "x.csv", "--output", "y", "--nonesuch"])


# -- links and form -----------------------------------------------------------


def anchors(path):
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_between_documents_hold(path):
    text = prose(path)
    targets = re.findall(r"\]\(([^)\s:]+)\)", text)
    targets += re.findall(r"^\[[^\]]+\]: ([^\s:]+)$", text, re.MULTILINE)
    targets += re.findall(r"(?:src|srcset)=\"([^\":]+)\"", text)
    for target in targets:
        file, _, anchor = target.partition("#")
        place = path.parent / file if file else path
        assert place.exists(), f"{name_of(path)} links to {target}"
        assert not anchor or anchor in anchors(place), f"{name_of(path)} links to {target}"


def exists(span, page):
    """Whether a text that looks like a file of the project, or like a name of it, is one."""
    if span.endswith(".py"):
        return any((base / span).is_file() for base in (ROOT, ROOT / "prodcat", page.parent))
    parts = span.split(".")
    for count in range(len(parts), 0, -1):
        module = ROOT.joinpath(*parts[:count])
        file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
        if file.is_file():
            rest = parts[count:]
            return not rest or re.search(rf"\b{rest[0]}\b", read(file)) is not None
    return False


@pytest.mark.parametrize("path", [path for path in PAGES if path.stem != "CHANGELOG"], ids=name_of)
def test_files_and_names_that_a_text_names_exist(path):
    spans = re.findall(r"`(\w+(?:/\w+)+\.py|prodcat(?:\.\w+)+)`", read(path))
    in_archives = {"code/inference.py"}
    assert [span for span in {*spans} - in_archives if not exists(span, path)] == []


def test_a_file_or_name_that_does_not_exist_is_told():
    page = ROOT / "README.md"
    names = ["prodcat.fit", "prodcat.model.untrusted.ENCODERS", "prodcat.aws.sagemaker"]
    assert all(exists(name, page) for name in [*names, "decisions/decoding.py"])
    for name in ("prodcat.nonesuch", "prodcat.model.untrusted.NONESUCH", "decisions/nonesuch.py"):
        assert not exists(name, page)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_line_of_a_document_is_longer_than_100(path):
    written = read(path).split("<!-- written by run.py -->")[0]  # the rest is tables of results
    lines = enumerate(written.splitlines(), 1)
    assert [number for number, line in lines if len(line) > 100] == []


def test_the_packages_are_listed_from_top_to_ground():
    [picture] = [code for code in blocks(ROOT / "CONTRIBUTING.md", "text") if "errors" in code]
    listed = re.findall(r"^ (\w+) ", picture, re.MULTILINE)
    place = {name: number for number, layer in enumerate(structure.LAYERS) for name in layer}
    assert set(listed) == set(place) - {"_version", "deprecated"}
    assert [place[name] for name in listed] == sorted((place[n] for n in listed), reverse=True)


def test_every_decision_is_in_the_index():
    index = read(DOCS / "decisions" / "README.md")
    files = sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
    rows = re.findall(r"^\| \[(\d+)\] \| (.+\S) \|$", index, re.MULTILINE)
    links = dict(re.findall(r"^\[(\d+)\]: (\S+)$", index, re.MULTILINE))
    assert [number for number, _ in rows] == [str(int(name[:4])) for name in files]
    assert list(links.values()) == files and list(links) == [number for number, _ in rows]
    for number, sentence in rows:
        title = read(DOCS / "decisions" / links[number]).splitlines()[0]
        assert title.startswith(f"# {number}. ") and sentence[-1] in ".?"


# -- the reference ------------------------------------------------------------


def public_names_of(module):
    """What a module lists in ``__all__``; of one that lists nothing, what it defines."""
    place = ROOT.joinpath("prodcat", *module.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    body = ast.parse(read(file)).body
    for node in body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in body if isinstance(node, kinds) and node.name[0] != "_"]


def public_names():
    """The names of ``prodcat`` and of the modules that users import beside it."""
    names = {f"prodcat.{name}" for name in prodcat.__all__}
    for module in ("scoring.spark", "aws.batch", "aws.nodes", "aws.json_logs", "aws.sagemaker",
                   "aws.ray_serve", "insight.report", "insight.assortment", "insight.prevalence",
                   "insight.audit", "insight.queue", "insight.decisions",
                   "insight.decisions.pairs", "insight.review",
                   "insight.drift", "insight.first_look", "insight.migration", "insight.reasons",
                   "insight.overlap", "insight.review_reasons", "testing", "offers", "matching",
                   "classifier.explanation.reasons",
                   "classifier.explanation.node_explanation"):  # fmt: skip
        names |= {f"prodcat.{module}.{name}" for name in public_names_of(module)}
    inner = {"Floats", "Ints", "Kind", "EDGES"}  # types of annotations, and edges of bins
    return {name for name in names if name.split(".")[-1] not in inner}


def test_every_module_of_the_adapters_and_reports_is_in_the_reference_or_internal():
    modules = {
        f"{package}.{path.stem}"
        for package in ("aws", "insight")
        for path in (ROOT / "prodcat" / package).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    documented = {".".join(name.split(".")[1:3]) for name in public_names()}
    internal = {"arrays", "choice", "columns", "empty_titles", "files", "neighbours", "numbers", "page",
                "page_language", "page_table", "sheets", "design", "templates", "__init__"}  # fmt: skip
    assert {name for name in modules - documented if name.split(".")[1] not in internal} == set()


def test_the_reference_has_every_public_name_once():
    pages = sorted((DOCS / "reference").glob("*.md"))
    listed = [name for path in pages for name in re.findall(r"^::: (\S+)$", read(path), re.M)]
    assert len(listed) == len(set(listed))
    assert set(listed) == public_names()


def test_every_page_of_the_reference_is_in_its_table():
    index = read(DOCS / "reference" / "index.md")
    pages = {path.name for path in (DOCS / "reference").glob("*.md")} - {"index.md"}
    assert set(re.findall(r"\((\w+\.md)\)", index)) == pages


# -- forms and records --------------------------------------------------------


def test_issue_forms_are_whole():
    forms = ROOT / ".github" / "ISSUE_TEMPLATE"
    for path in forms.glob("*.yml"):
        form = yaml.safe_load(read(path))
        if path.name != "config.yml":
            assert {"name", "description", "body"} <= set(form)
            kinds = {"markdown", "input", "textarea", "dropdown", "checkboxes"}
            assert all(field["type"] in kinds and "attributes" in field for field in form["body"])
    assert len(list(forms.glob("*.yml"))) >= 3


def test_the_citation_names_this_version():
    citation = yaml.safe_load(read(ROOT / "CITATION.cff"))
    assert citation["version"] == prodcat.__version__ and citation["license"] == "Apache-2.0"


def test_the_local_hooks_fetch_nothing():
    hooks = yaml.safe_load(read(ROOT / ".pre-commit-config.yaml"))
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    assert all(hook["language"] == "system" for hook in hooks["repos"][0]["hooks"])
