"""The pages of an evaluation, an audit and a drift in eight languages."""

import ast
import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browsing import browser_test, opened, sideways, violations

import prodcat
import prodcat.insight
from prodcat.cli.command import main
from prodcat.errors import ConfigError
from prodcat.insight.audit import audit
from prodcat.insight.design.texts import LANGUAGES, text_table
from prodcat.insight.drift import find_drift
from prodcat.insight.page_language import PageLanguage
from prodcat.insight.page_table import shown
from prodcat.insight.report import Report, report_evaluation
from prodcat.insight.report.verdict import rough_share

OTHERS = [language for language in LANGUAGES if language != "en"]
# What code adds to the beginning of a key.
ENDINGS = re.compile(
    r"(\.(one|cost|all|none|about|most|least|grew|shrank|even|better|worse|doubtful|answers|labels))+"
)
PLACE = re.compile(r"\{\w+\}")


# -- the table --------------------------------------------------------------------


def sources(*endings):
    folder = Path(prodcat.insight.__file__).parent
    return [path for ending in endings for path in folder.rglob(f"*{ending}")]


def named_keys():
    """The texts in code that may be keys, and patterns of those with a place in them."""
    names, patterns = set(), set()
    for path in sources(".py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    re.escape(p.value) if isinstance(p, ast.Constant) else "[^.]+"
                    for p in node.values
                ]
                patterns.add("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    for path in sources(".js", ".html"):
        text = path.read_text("utf-8")
        names |= set(re.findall(r'"([\w. ]+)"', text))
        patterns |= {
            re.sub(r"\$\{[^}]+\}", "[^.]+", part) for part in re.findall(r"`([^`]+)`", text)
        }
    # A pattern says something if it begins with the first part of a key.
    return names, [pattern for pattern in patterns if re.match(r"[a-z]+\\?\.", pattern)]


def test_every_text_of_the_table_is_used():
    names, patterns = named_keys()
    unused = [
        key
        for key in text_table()
        if key not in names
        and not any(ENDINGS.fullmatch(key, len(name)) for name in names if key.startswith(name))
        and not any(re.fullmatch(pattern, key) for pattern in patterns)
    ]
    assert unused == []


def test_every_text_in_the_singular_has_a_plural_with_the_same_places():
    table = text_table()
    singular = [key for key in table if key.endswith(".one")]
    assert len(singular) > 15
    for key in singular:
        plural = table[key.removesuffix(".one")]
        for language in LANGUAGES:
            places = [set(PLACE.findall(texts[language])) for texts in (table[key], plural)]
            assert places[0] - {"{n}"} == places[1] - {"{n}"}, (key, language)


def calls_with_keys():
    """The calls that ask for a text: the keys that it may be, and the names of the values."""
    names, _ = named_keys()
    for path in sources(".py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [keyword.arg for keyword in node.keywords]
            if name not in ("language", "counted", "text") or None in given:
                continue
            keys = keys_of(node.args[0], names)
            if keys:
                yield keys, {*given, *(["n"] if name == "counted" else [])}, path.name, node.lineno


def keys_of(node, names):
    """The keys of the table that an expression may be; a key that code names is of no pattern."""
    if isinstance(node, ast.Constant):
        pattern = re.escape(str(node.value))
    elif isinstance(node, ast.JoinedStr):
        parts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".+" for p in node.values]
        pattern = "".join(parts) if re.match(r"[a-z]", parts[0]) else "(?!)"
    elif isinstance(node, ast.IfExp):
        return keys_of(node.body, names) + keys_of(node.orelse, names)
    else:
        return []
    named = names if isinstance(node, ast.JoinedStr) else ()
    return [key for key in text_table() if re.fullmatch(pattern, key) and key not in named]


def test_every_place_of_a_text_gets_a_value():
    calls = list(calls_with_keys())
    assert len(calls) > 150
    for keys, given, file, line in calls:
        for key in keys:
            places = {place.strip("{}") for place in PLACE.findall(text_table()[key]["en"])}
            assert places <= given, (key, file, line)


# -- the numbers ------------------------------------------------------------------

VALUES = [
    *[("share", value) for value in (0, 0.0001, 0.0995, 0.25, 0.9999, 1)],
    *[("points", value) for value in (-0.0345, -0.0001, 0, 0.12)],
    *[("count", value) for value in (0, 999, 1_234_567)],
    *[("figure", value) for value in (-1234.567, 0.126)],
    ("price", 1234.5), ("interval", (0.1, 0.25)), ("text", "1.5"), ("share", None),
]  # fmt: skip


def test_numbers_of_english_pages_are_those_of_other_texts():
    language = PageLanguage()
    for kind, value in VALUES:
        assert language.shown(kind, value) == shown(kind, value)
    assert (language.signed(0.01, 1), language.signed(-3, 0)) == ("+0.0", "-3")


@pytest.mark.parametrize(
    "name, texts",
    [
        ("de", ["25,0\xa0%", "< 0,1\xa0%", "> 99,9\xa0%", "−3,5 Punkte", "1.234.567"]),
        ("fr", ["25,0\u202f%", "< 0,1\u202f%", "> 99,9\u202f%", "−3,5 points",
                "1\u202f234\u202f567"]),
        ("tr", ["%25,0", "< %0,1", "> %99,9", "−3,5 puan", "1.234.567"]),
    ],
)  # fmt: skip
def test_numbers_follow_the_language(name, texts):
    language = PageLanguage(name)
    shares = [language.shown("share", value) for value in (0.25, 0.0001, 0.9999)]
    rest = [language.shown("points", -0.0345), language.shown("count", 1_234_567)]
    assert shares + rest == texts
    assert language.shown("share", None) == "–"


def test_shares_are_said_as_people_say_them():
    said = PageLanguage("de")
    for share, text in (
        (0.794, "Etwa 4 von 5 Antworten sind richtig"), (0.2, "Etwa 1 von 5 Antworten ist richtig"),
        (1.0, "Alle Antworten sind richtig"), (0.0, "Keine Antwort ist richtig"),
        (0.999, "Mehr als 99 von 100 Antworten sind richtig"),
        (0.004, "Weniger als 1 von 100 Antworten ist richtig"),
    ):  # fmt: skip
        ending, part, whole = rough_share(share)
        assert said(f"report.right.{ending}", part=str(part), whole=str(whole)) == text


# -- the pages --------------------------------------------------------------------


def rows_of(seed, number, extra=""):
    """Titles of made-up words, so that no text of a page is one of them by chance."""
    rng = np.random.default_rng(seed)
    paths = [(f"D{n % 3}", f"D{n % 3}K{n % 6}", f"L{n}") for n in range(12)]
    rows = []
    for row in range(number):
        at = int(rng.integers(12)) if not extra or row % 3 else 4
        words = [f"{'bcdfghjklmnp'[at]}o{letter}uz" for letter in rng.choice([*"vwxz"], 2)]
        label = at if rng.random() > 0.1 else int(rng.integers(12))
        title = " ".join([*words, f"z{'aeiou'[int(rng.integers(5))]}q", extra]).strip()
        rows.append({"title": f"{title} q{row % 97}x", "path": list(paths[label])})
    return rows


@pytest.fixture(scope="module")
def catalogs():
    first = prodcat.read_catalog(rows_of(1, 240))
    alone = {"title": "yoyyoy yuy", "path": ["D9", "D9K9", "L99"]}
    audited = prodcat.read_catalog([*rows_of(1, 240), alone])
    later = rows_of(2, 240, "vovvov")
    return first, audited, prodcat.read_catalog(later, taxonomy=first.taxonomy), later


@pytest.fixture(scope="module")
def results(catalogs):
    """A report with everything, one without weights, an audit and two drifts."""
    first, audited, later, _ = catalogs
    classifier = prodcat.fit(first, model=prodcat.ModelConfig(encoder=None), progress=False)
    evaluation = classifier.evaluate(later)
    tree = classifier.taxonomy
    full = report_evaluation(
        evaluation, tree, titles=later, known=first, name="k7", classifier=classifier,
        production=classifier.calibrate(first, method="temperature").evaluate(later),
        weights=[1.0 + row % 4 for row in range(len(later))],
    )  # fmt: skip
    plain = report_evaluation(evaluation, tree)
    found = audit(audited, held_out=later, folds=3, progress=False)
    unlabelled = [dataclasses.replace(each, taxonomy=None, targets=np.full(len(each), -1))
                  for each in (first, later)]  # fmt: skip
    other = prodcat.Taxonomy.from_paths([("D0", "D0K0", "L0"), ("D0", "X"), ("D1", "Y")])
    by_answers = find_drift(*unlabelled, classifier, labelled=later, trees=(tree, other))
    by_labels = find_drift(first, later, classifier)
    return {
        "full": full,
        "plain": plain,
        "audit": found,
        "answers": by_answers,
        "labels": by_labels,
    }


class Strings(HTMLParser):
    """What a reader of a page sees or hears, and all texts in the data of its scripts."""

    def __init__(self, source):
        super().__init__()
        self.tag, self.strings, self.shown = "", [], []
        self.feed(re.sub(r"<script>.*?</script>|<style>.*?</style>", "", source, flags=re.DOTALL))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        self.strings += [
            value for name, value in attrs
            if name in ("aria-label", "placeholder", "data-heading", "title")
        ]  # fmt: skip

    def handle_data(self, data):
        if self.tag == "script" and data.strip():
            self.strings += strings_in(json.loads(data))
        elif data.strip():
            self.strings.append(data.strip())
            self.shown.append(data.strip())


def strings_in(value, key=""):
    """The texts in data, without those that no page shows."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        hidden = ("type", "mode", "line", "marker", "tickformat", "kind", "exported", "key", "ids",
                  "branchvalues", "textfont", "uniformtext", "rangemode", "orientation", "texttemplate",
                  "visible")  # fmt: skip
        return [s for name, each in value.items() if name not in hidden for s in strings_in(each)]
    if isinstance(value, list):
        return [s for each in value for s in strings_in(each)]
    return []


def english_left(language, strings):
    """The English texts of the table that are among strings, but in no text of the language."""
    table = text_table()
    written = "\n".join(texts[language] for texts in table.values()).lower()
    page = "\n".join(re.sub(r"%\{[^}]+\}|<[^>]+>", " ", text) for text in strings).lower()
    left = set()
    for texts in table.values():
        for part in PLACE.split(texts["en"].lower()):
            part = part.strip(' .,;:()/“”…→"')
            word = rf"(?<!\w){re.escape(part)}(?!\w)"
            if len(part) > 3 and re.search(word, page) and not re.search(word, written):
                left.add(part)
    return left


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_text_is_left(results, language):
    for name, result in results.items():
        html = result.in_language(language).html
        source = str(html if isinstance(result, Report) else html())
        assert f'<html lang="{language}">' in source
        page = Strings(source)
        assert len(page.strings) > 60, name
        assert english_left(language, page.strings) == set(), name
        assert not [text for text in page.shown if PLACE.search(text)], name
    for name in ("full", "plain"):
        assert english_left(language, [results[name].in_language(language).markdown]) == set()


def test_english_texts_are_recognized(results):
    """The test above would see them: the English page has many."""
    for result in results.values():
        page = result.html if isinstance(result, Report) else result.html()
        assert len(english_left("de", Strings(str(page)).strings)) > 15


def test_the_scripts_have_no_text_that_the_table_has():
    english = {texts["en"] for texts in text_table().values() if len(texts["en"]) > 4}
    for path in sources("page.js", "worklist.js"):
        literals = re.findall(r'"([^"\n]+)"|`([^`]+)`', path.read_text("utf-8"))
        written = {part for pair in literals for part in pair if part}
        keys = {"title", "label", "decision", "suggestion", "count", "search", "change"}
        assert english & written <= keys, path.name


@pytest.mark.parametrize("language", OTHERS)
def test_programs_get_the_same_tables_in_every_language(results, language):
    for result in results.values():
        other = result.in_language(language).tables()
        for name, table in result.tables().items():
            assert table.equals(other[name]), name


def test_a_page_is_saved_in_the_language_that_is_asked_for(results, tmp_path):
    for name, result in results.items():
        place = tmp_path / f"{name}.html"
        result.save(place, language="tr")
        assert '<html lang="tr">' in place.read_text("utf-8")
        result.save(place)
        assert '<html lang="en">' in place.read_text("utf-8")
        result.in_language("pt").save(str(place))
        assert '<html lang="pt">' in place.read_text("utf-8")
        with pytest.raises(ConfigError, match="no pages in the language 'xx'. Expected one of de"):
            result.save(place, language="xx")
    results["full"].save(tmp_path / "report.md", language="it")
    assert "# `k7`: valutazione" in (tmp_path / "report.md").read_text("utf-8")
    with pytest.raises(ConfigError, match="expected one of report_evaluation"):
        Report("<p>", "# x").save(tmp_path / "x.html", language="de")


def test_the_command_line_takes_the_language(catalogs, tmp_path, capsys, monkeypatch):
    first, _, _, rows = catalogs
    monkeypatch.chdir(tmp_path)  # the path of the model is in the title of its report
    small = prodcat.fit(first, model=prodcat.ModelConfig(encoder=None), progress=False)
    small.save("k7")
    for name, each in (("first", rows_of(1, 240)), ("later", rows)):
        lines = "".join(json.dumps(row) + "\n" for row in each)
        Path(f"{name}.jsonl").write_text(lines)
    files = ["first.jsonl", "later.jsonl"]
    model = ["--model", "k7", "--device", "cpu"]
    page = Path("page.html")
    commands = {
        "nl": ["evaluate", files[1], *model, "--report", str(page)],
        "fr": ["audit", files[0], "--folds", "2", "--output", str(page)],
        "es": ["drift", *files, *model, "--output", str(page)],
    }
    for language, command in commands.items():
        assert main([*command, "--page-language", language, "--overwrite"]) == 0
        source = page.read_text("utf-8")
        assert f'<html lang="{language}">' in source
        assert english_left(language, Strings(source).strings) == set()
    capsys.readouterr()
    assert main(["evaluate", files[1], *model, "--page-language", "de"]) == 2
    assert "--page-language are for a report; add --report FILE" in capsys.readouterr().err


# -- in a browser -----------------------------------------------------------------


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("language", ["en", "de", "fr", "tr"])
def test_the_scripts_write_texts_and_numbers_of_the_language(browser, results, tmp_path, language):
    results["audit"].save(tmp_path / "audit.html", language=language)
    said = PageLanguage(language)
    with opened(browser, tmp_path / "audit.html") as page:
        for kind, value in VALUES:
            value = list(value) if isinstance(value, tuple) else value
            assert page.evaluate("([kind, value]) => shown(kind, value)", [kind, value]) == (
                said.shown(kind, value)
            )
        page.locator(".worklist tbody button[data-kind=accept]").first.click()
        told = page.locator(".worklist [role=status]").inner_text()
        assert told.endswith("; " + said("list.decided", accepted="1", rejected="0"))
        heads = page.locator(".worklist thead th").all_inner_texts()
        assert heads == [
            said(f"list.{name}") for name in ("row", "title", "paths", "sure", "decision")
        ]
        assert page.get_by_role("button", name=said("list.csv")).is_enabled()
        if language != "en":
            texts = [page.locator("body").inner_text()]
            assert english_left(language, texts) == set()
        assert not violations(page)


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("language", ["de", "tr"])
@pytest.mark.parametrize("name", ["full", "answers"])
def test_pages_with_longer_words_fit_a_phone(browser, results, tmp_path, language, name):
    results[name].save(tmp_path / "page.html", language=language)
    size = {"width": 390, "height": 800}
    with opened(browser, tmp_path / "page.html", viewport=size) as page:
        assert sideways(page) == []
        search = page.locator("input[type=search]")
        search.fill("L1")
        page.wait_for_function("document.querySelector('[role=status]').innerText != ''")
        said = PageLanguage(language)("script.matches", count="\0").split("\0")
        assert page.locator("[role=status]").inner_text().endswith(said[1])
        assert english_left(language, [page.locator("body").inner_text()]) == set()
