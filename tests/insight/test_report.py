"""The report on an evaluation: in a real browser, as Markdown, and the figures behind it."""

import json

import numpy as np
import pytest
from browsing import browser_test, opened, violations

import prodcat
from prodcat.cli.command import main
from prodcat.errors import ConfigError
from prodcat.insight.report import node_figures, report_evaluation, wilson


@pytest.fixture(scope="module")
def evaluation(classifier, parts):
    return classifier.evaluate(parts.test)


@pytest.fixture(scope="module")
def report(classifier, parts, evaluation, small):
    other = classifier.calibrate(parts.validation, method="temperature")
    return report_evaluation(
        evaluation,
        classifier.taxonomy,
        titles=parts.test.titles,
        known=parts.train,
        production=other.evaluate(parts.test),
        name="tr <b>@ candidate",
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
    assert f"| path accuracy | {evaluation.path_accuracy:.1%} |" in text
    low = evaluation.intervals["path_accuracy"].low
    assert f"{low:.1%} to " in text
    assert "## Against production" in text and "## Worst categories" in text
    wrong = np.flatnonzero(~evaluation.correct)
    surest = wrong[np.argmax(evaluation.judged.confidence[wrong])]
    example = text.partition("## Examples")[2].splitlines()[4]
    assert parts.test.titles[surest].replace("|", "\\|") in example
    worst = text.partition("## Worst categories")[2].splitlines()[4]
    lost = np.bincount(evaluation.judged.targets[wrong])
    path = " > ".join(classifier.taxonomy.paths[int(np.argmax(lost))])
    assert f"{lost.max()}" in worst and path in worst


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
        assert f"{evaluation.path_accuracy:.1%}" in numbers
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
        page.get_by_role("button", name="rows", exact=True).first.click()
        counts = [int(own.replace(",", "")) for own in rows.locator("td.count").all_inner_texts()]
        firsts = counts[::2]  # rows, wrong
        assert firsts == sorted(firsts, reverse=True)


@pytest.mark.system
@browser_test
def test_a_phone_can_show_it(browser, report, tmp_path):
    report.save(str(tmp_path / "report.html"))
    with opened(browser, tmp_path / "report.html", viewport={"width": 390, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
