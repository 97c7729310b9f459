"""The report on an evaluation: in a real browser, as Markdown, and the figures behind it."""

import json
import re

import numpy as np
import pytest
from browsing import browser_test, opened, sideways, violations

import prodcat
from prodcat.cli.command import main
from prodcat.errors import ConfigError
from prodcat.insight.page_table import shown
from prodcat.insight.report import node_figures, report_evaluation, wilson
from prodcat.insight.report.categories import departments, to_check, worst_categories


@pytest.fixture(scope="module")
def evaluation(classifier, parts):
    return classifier.evaluate(parts.test)


@pytest.fixture(scope="module")
def report(classifier, parts, evaluation, small):
    other = classifier.calibrate(parts.validation, method="temperature")
    return report_evaluation(
        evaluation,
        classifier.taxonomy,
        titles=parts.test,
        known=parts.train,
        production=other.evaluate(parts.test),
        name="tr <b>@ candidate",
        classifier=classifier,
    )


# -- figures ----------------------------------------------------------------------


def test_figures_of_nodes_are_counted_right(classifier, parts, evaluation):
    tree, judged = classifier.taxonomy, evaluation.judged
    figures = node_figures(judged, len(tree))
    rng = np.random.default_rng(0)
    chains = [set(tree.ancestors(int(node))) for node in judged.targets]
    answers = [set(tree.ancestors(int(node))) if node >= 0 else set() for node in judged.answers]
    for node in rng.choice(len(tree), 40, replace=False).tolist():
        assert figures.rows[node] == sum(node in own for own in chains)
        assert figures.right[node] == sum(
            node in own and node in other for own, other in zip(chains, answers, strict=True)
        )
        assert figures.answered[node] == sum(node in own for own in answers)
        assert figures.exact[node] == sum(
            node in own and right for own, right in zip(chains, judged.correct, strict=True)
        )
    tops = tree.children()
    assert figures.rows[list(tops)].sum() == len(judged)
    share = figures.right[list(tops)].sum() / len(judged)
    assert share == pytest.approx(evaluation.level_accuracy[0])


def test_intervals_of_shares_cover_them():
    from scipy.stats import binom

    for share in (0.02, 0.3, 0.9):
        counts = np.arange(201)
        low, high = wilson(counts, np.full(201, 200))
        inside = (low <= share) & (share <= high)
        assert 0.92 < binom.pmf(counts, 200, share)[inside].sum() < 0.99
    low, high = wilson(np.array([0, 0, 5]), np.array([0, 5, 5]))
    assert (low[0], high[0]) == (0, 1) and low[1] == pytest.approx(0, abs=1e-12)
    assert high[1] < 0.5 and low[2] > 0.5


def test_the_report_says_what_the_evaluation_does(report, evaluation, classifier, parts):
    text = report.markdown
    assert f"| path accuracy | {shown('share', evaluation.path_accuracy)} |" in text
    interval = evaluation.intervals["path_accuracy"]
    assert f"expect {shown('interval', (interval.low, interval.high))}" in text
    assert report.verdict in text and report.verdict.startswith("About ")
    assert "## Against production" in text and "## Worst categories" in text
    wrong = np.flatnonzero(~evaluation.correct)
    surest = wrong[np.argmax(evaluation.judged.confidence[wrong])]
    example = text.partition("## Examples")[2].splitlines()[4]
    assert parts.test.titles[surest].replace("|", "\\|") in example
    worst = text.partition("## Worst categories")[2].splitlines()[4]
    first = report.to_frame("categories").iloc[0]
    assert first.category in worst and f"| {first.wrong} |" in worst


def test_examples_say_by_which_words_they_are_wrong(report, evaluation, classifier, parts):
    head, _, first = report.markdown.partition("## Examples")[2].splitlines()[2:5]
    columns = [cell.strip() for cell in head.strip("|").split("|")]
    cells = [cell.strip() for cell in first.replace("\\|", "").strip("|").split("|")]
    why = cells[columns.index("why")].strip("`")
    wrong = np.flatnonzero(~evaluation.correct)
    surest = int(wrong[np.argmax(evaluation.judged.confidence[wrong])])
    label = parts.test.paths[surest]
    [reasons] = classifier.explain([parts.test.titles[surest]])
    level = next(level for level in reasons.levels if level.path != label[: len(level.path)])
    assert why.startswith(f"{level.name} {level.confidence:.0%}, not {level.runner_up_name}")
    assert f"for it: {level.strongest()[0].word}" in why
    plain = report_evaluation(evaluation, classifier.taxonomy, titles=parts.test.titles)
    assert "| why |" not in plain.markdown


def test_reports_are_asked_for_on_the_command_line(classifier, parts, tmp_path, capsys):
    classifier.save(str(tmp_path / "model"))
    rows = [
        {"title": title, "path": list(path)}
        for title, path in zip(parts.test.titles, parts.test.paths, strict=True)
    ]
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(own) + "\n" for own in rows))
    place = str(tmp_path / "report")
    command = ["evaluate", str(tmp_path / "test.jsonl"), "--model", str(tmp_path / "model")]
    command += ["--device", "cpu"]
    more = ["--known", str(tmp_path / "test.jsonl"), "--production", str(tmp_path / "model")]
    reports = ["--report", f"{place}.html", "--report", f"{place}.md"]
    assert main([*command, *more, *reports]) == 0
    assert (tmp_path / "report.html").stat().st_size < 10_000_000
    assert "Against production" in (tmp_path / "report.md").read_text()
    capsys.readouterr()
    assert main([*command, "--report", f"{place}.pdf"]) == 2
    assert "expected a name ending with .html or .md" in capsys.readouterr().err
    assert main([*command, *more]) == 2
    assert "add --report" in capsys.readouterr().err


def test_what_does_not_go_together_is_refused(classifier, parts, evaluation, tmp_path):
    read = prodcat.Evaluation.from_dict(json.loads(evaluation.to_json()))
    tree = classifier.taxonomy
    assert "Worst" not in report_evaluation(read, tree).markdown
    with pytest.raises(ConfigError, match="does not contain individual rows"):
        report_evaluation(read, tree, titles=parts.test.titles)
    with pytest.raises(ConfigError, match="Found 1 titles for"):
        report_evaluation(evaluation, tree, titles=["a"])
    other = prodcat.Taxonomy.from_paths([("a", "b")])
    with pytest.raises(ConfigError, match="of another tree"):
        report_evaluation(evaluation, other)
    with pytest.raises(ConfigError, match=r"does not end with \.html or \.htm or \.md"):
        report_evaluation(read, tree).save(str(tmp_path / "report.pdf"))


# -- in a browser -----------------------------------------------------------------


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_from_the_file_system(browser, report, tmp_path, scheme, evaluation):
    report.save(str(tmp_path / "report.html"))
    with opened(browser, tmp_path / "report.html", color_scheme=scheme) as page:
        assert page.title() == "tr <b>@ candidate: evaluation"
        numbers = page.locator("dl.numbers").inner_text()
        assert shown("share", evaluation.path_accuracy) in numbers
        assert page.locator(".verdict").inner_text() == report.verdict
        assert page.locator(".plot .main-svg").count() >= 3
        assert page.locator("table[role=treegrid] tbody tr").count() >= 5
        assert not violations(page)


@pytest.mark.system
@browser_test
def test_the_tree_opens_filters_and_sorts_by_keyboard(browser, report, tmp_path, classifier):
    report.save(str(tmp_path / "report.html"))
    with opened(browser, tmp_path / "report.html") as page:
        rows = page.locator("table[role=treegrid] tbody tr")
        tops = rows.count()
        rows.first.focus()
        name = rows.first.locator("td").first.inner_text().lstrip("▸▾ ")
        page.keyboard.press("ArrowRight")
        inside = [
            classifier.taxonomy.names[n]
            for n in classifier.taxonomy.children(classifier.taxonomy.find((name,)))
        ]
        assert rows.count() > tops
        assert rows.first.get_attribute("aria-expanded") == "true"
        page.keyboard.press("ArrowRight")
        focused = page.evaluate("document.activeElement.cells[0].innerText").lstrip("▸▾ ")
        assert focused in inside
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert rows.count() == tops
        page.keyboard.press("End")
        assert page.evaluate("document.activeElement.rowIndex") == tops
        # Filters.
        wanted = inside[0]
        page.locator("input[type=search]").fill(wanted)
        page.wait_for_function("document.querySelector('[role=status]').innerText != ''")
        shown = [own.lstrip("▸▾ ") for own in rows.locator("td:first-child").all_inner_texts()]
        assert wanted in shown and name in shown and len(shown) < 20
        page.locator("input[type=search]").fill("no such category")
        page.wait_for_function("document.querySelector('[role=status]').innerText.startsWith('0')")
        assert rows.count() == 0
        page.locator("input[type=search]").fill("")
        page.wait_for_function("document.querySelector('[role=status]').innerText == ''")
        # Sorts.
        page.get_by_role("button", name="titles", exact=True).first.click()
        counts = [int(own.replace(",", "")) for own in rows.locator("td.count").all_inner_texts()]
        firsts = counts[::2]  # titles, wrong
        assert firsts == sorted(firsts, reverse=True)


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("width", [1_440, 1_024, 390])
def test_no_screen_is_too_narrow(browser, report, tmp_path, width):
    report.save(str(tmp_path / "report.html"))
    size = {"width": width, "height": 800}
    with opened(browser, tmp_path / "report.html", viewport=size) as page:
        assert sideways(page) == []
        assert not violations(page)


@pytest.mark.system
@browser_test
def test_the_figures_on_the_page_are_those_of_the_tables(browser, report, tmp_path):
    report.save(str(tmp_path / "report.html"))
    with opened(browser, tmp_path / "report.html") as page:
        for name, caption in (("departments", "Departments by"), ("categories", "Categories by")):
            table = report.to_frame(name)
            region = page.locator(f".scroll[aria-label^='{caption}'] tbody tr")
            rows = [row.locator("td").all_inner_texts() for row in region.all()]
            assert len(rows) == min(len(table), 40)
            for cells, row in zip(rows, table.itertuples(), strict=False):
                ends = (row.accuracy_low, row.accuracy_high)
                assert cells == [
                    row.category, f"{row.rows:,}", f"{row.wrong:,}",
                    shown("bar", row.share_of_wrong), shown("share", row.accuracy),
                    shown("interval", ends), row.compared, row.usual_answer if row.wrong else "–",
                ]  # fmt: skip


@pytest.mark.system
@browser_test
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_labels_in_the_map_can_be_read(browser, report, tmp_path, scheme):
    report.save(str(tmp_path / "report.html"))
    with opened(browser, tmp_path / "report.html", color_scheme=scheme) as page:
        fields = page.evaluate(FIELDS)
        assert len(fields) > 8
        for field in fields:
            assert field["size"] >= 12 and field["inside"], field
            assert contrast(field["letters"], field["colour"]) >= 4.5, field
        colours = [swatch["colour"] for swatch in page.evaluate(SWATCHES)]
        assert {field["colour"] for field in fields} <= set(colours)


# The visible labels of the map: their size, whether they lie in their fields, and both colours.
FIELDS = """[...document.querySelectorAll('.treemap .slice, .treemaplayer .slice')].map(slice => {
  const text = slice.querySelector('text'), path = slice.querySelector('path');
  if (!text || !text.textContent.trim() || getComputedStyle(text).display === 'none') return null;
  const box = text.getBoundingClientRect(), field = path.getBoundingClientRect();
  if (!box.width) return null;
  return {
    text: text.textContent, size: parseFloat(getComputedStyle(text).fontSize),
    inside: box.left >= field.left - 1 && box.right <= field.right + 1
      && box.top >= field.top - 1 && box.bottom <= field.bottom + 1,
    colour: getComputedStyle(path).fill, letters: getComputedStyle(text).fill,
  };
}).filter(Boolean)"""
SWATCHES = """[...document.querySelectorAll('.swatch')].map(
  own => ({colour: getComputedStyle(own).backgroundColor}))"""


def contrast(one, other):
    """The contrast of two colours such as rgb(0, 0, 0), by WCAG 2."""

    def light(colour):
        channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


# -- what is costly comes first ---------------------------------------------------


def test_departments_come_by_wrong_answers_and_what_they_cost(classifier, parts, evaluation):
    tree, judged = classifier.taxonomy, evaluation.judged
    plain = report_evaluation(evaluation, tree).to_frame("departments")
    assert list(plain.wrong) == sorted(plain.wrong, reverse=True)
    assert plain.rows.sum() == evaluation.rows
    assert plain.wrong.sum() == (~judged.correct).sum()
    assert plain.share_of_wrong.sum() == pytest.approx(1)
    last = plain[plain.wrong > 0].category.iloc[-1]
    weights = [100.0 if path[0] == last else 1.0 for path in parts.test.paths]
    costly = report_evaluation(evaluation, tree, weights=weights).to_frame("departments")
    assert costly.category.iloc[0] == last
    assert costly.cost.iloc[0] == 100 * costly.wrong.iloc[0]
    assert sorted(costly.wrong) == sorted(plain.wrong)
    with pytest.raises(ConfigError, match="expected the weight of each labelled row"):
        report_evaluation(evaluation, tree, weights=[1.0])
    with pytest.raises(ConfigError, match="expected a number of at least 0"):
        report_evaluation(evaluation, tree, weights=[-1.0] * evaluation.rows)
    read = prodcat.Evaluation.from_dict(json.loads(evaluation.to_json()))
    with pytest.raises(ConfigError, match="Leave out weights"):
        report_evaluation(read, tree, weights=weights)
    with pytest.raises(ConfigError, match="no table 'categories'"):
        report_evaluation(read, tree).to_frame("categories")


def test_the_categories_of_the_verdict_hold_half_of_the_mistakes_or_are_twelve(
    classifier, evaluation
):
    judged, tree = evaluation.judged, classifier.taxonomy
    ones = np.ones(len(judged))
    worst = worst_categories(judged, tree, ones)
    checks = to_check(worst)
    assert 0 < len(checks) <= 12 and checks == worst[: len(checks)]
    share = sum(check.wrong for check in checks) / (~judged.correct).sum()
    assert share >= 0.5 or len(checks) == 12
    assert all(check.compared != "better" for check in checks)
    wrong = [one.wrong for one in worst if one.compared != "better"]
    assert wrong == sorted(wrong, reverse=True)
    for one in departments(judged, tree, ones):
        average = judged.correct.mean()
        low, high = one.interval
        assert (one.compared == "worse") == (high < average)
        assert (one.compared == "better") == (low > average)


def test_a_right_classifier_has_nothing_to_check(classifier, parts):
    from prodcat.evaluation.metrics import evaluate_nodes

    tree = classifier.taxonomy
    right = evaluate_nodes(tree, tree.outcomes[:9], tree.outcomes[:9])
    report = report_evaluation(right, tree)
    assert report.verdict == "All answers are right."
    assert "categories" not in report.tables() and "Check these first" not in report.html
