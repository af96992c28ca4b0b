"""What stands first in a report for people, what is folded, and how a browser shows it."""

import re
import shutil
from dataclasses import replace

import pytest

from bench.grammar.schedule import Schedule
from bench.reports.check import check
from bench.reports.figures.base import Figure
from bench.reports.formats import FORMATS
from bench.reports.layout import outline
from bench.reports.layout.facts import facts
from bench.reports.layout.summary import counts, summary
from bench.reports.records.collect import collect
from tests.reports.assembling import assemble


def render(report, format):
    return FORMATS[format].load().render(report)


def test_each_claim_has_a_row_with_its_verdict_and_its_estimate(claimed):
    found = summary(claimed)
    rows = {row[0].lines[0]: (row[1].lines[0], row[2].lines[0]) for row in found.grid.rows}
    assert rows.keys() == {claim.name for claim in claimed.claims}
    assert rows["close-when-clean"] == ("different but negligible", "+0.0108 (0.0070 to 0.0146)")
    several = next(claim for claim in claimed.claims if len(claim.parts) > 1)
    low, high = (
        end(part.result.difference for part in several.parts if part.result.difference is not None) for end in (min, max)
    )
    told = re.fullmatch(r"([−\d.]+) to ([−\d.]+) \(.*\)", rows[several.name][1])
    assert [float(text.replace("−", "-")) for text in told.groups()] == pytest.approx([low, high], abs=0.0006)
    assert not found.groups[0].ratio and found.groups[-1].ratio, "times have an axis of their own"
    assert sum(count for _, count in counts(claimed)) == len(claimed.claims)


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_the_summary_stands_before_all_else_and_is_checked(claimed, format):
    text = render(claimed, format)
    assert (
        text.index(f"{counts(claimed)[0][1]} {counts(claimed)[0][0]}")
        < text.index("Claims at a glance")
        < text.index("Claims of the report")
        < text.index("91.24")
    )
    wrong = text.replace("+0.0108 (0.0070 to 0.0146)", "+0.0109 (0.0070 to 0.0146)", 1)
    (found,) = check(claimed, wrong, format)
    assert (found.table, found.row, found.column) == ("Claims at a glance", "close-when-clean", "estimate")


def test_what_it_is_stands_in_a_few_words(claimed):
    known = dict(facts(replace(claimed, data="cifar10 (all images)")))
    assert known["data"] == "cifar10 (all images)" and known["seeds"] == "5 a cell" and known["device"]
    assert "data" not in dict(facts(claimed)), "not known"
    assert "<dt>seeds</dt><dd>5 a cell</dd>" in render(claimed, "html") and "\n- seeds: 5 a cell\n" in render(claimed, "markdown")


def test_each_row_links_to_its_claim(claimed):
    text = render(claimed, "html")
    targets = re.findall(r'<a href="#(claim-[^"]*)">([^<]*)</a>', text)
    assert [name for _, name in targets] == [row[0].lines[0] for row in summary(claimed).grid.rows]
    for target, name in targets:
        assert f'id="{target}"><b>{name}</b>' in text


def test_comparisons_that_nobody_asks_for_stand_apart(varied):
    parts = {part.name: part for section in outline.sections(varied) for part in section.parts}
    asked, others = (parts[f"by-metric-test-loss-{which}"] for which in ("comparisons", "other-comparisons"))
    assert [row[2].lines[0] for row in asked.grid.rows] == ["augmented vs unbalanced", "combined vs unbalanced"]
    assert [row[2].lines[0] for row in others.grid.rows] == ["combined vs augmented"]
    assert others.extra and not asked.extra and asked.folded and others.folded
    assert {row[1].lines for row in (*asked.grid.rows, *others.grid.rows)} == {("3",)}, "one family all the same"
    html, markdown = render(varied, "html"), render(varied, "markdown")
    assert '<details class="fold extra"><summary>All other comparisons of test/loss (1)</summary>' in html
    assert "combined vs augmented" in html and "combined vs augmented" not in markdown
    assert "4 comparisons that are not listed here stand in the HTML, JSON and CSV reports." in markdown


def test_a_figure_stands_beside_its_table_or_its_search_else_at_the_end(varied):
    named = [("d", {"table": "votes"}), ("t", {"stage": "tuning"}), ("c", {"stage": "improvement"}), ("x", {"stage": "else"})]
    figures = [Figure(name, name, name, "trials" if name == "t" else "dots", None, **of) for name, of in named]
    placed = {
        section.name: [figure.name for figure in section.figures]
        for section in outline.sections(replace(varied, figures=figures))
    }
    assert {name: found for name, found in placed.items() if found} == {
        "by-class": ["c"], "votes": ["d"], "search-tuning": ["t"], "figures": ["x"],
    }  # fmt: skip


def test_runs_are_links_only_where_they_have_addresses(claimed):
    here = replace(claimed, run_url=None, open_runs="mlflow ui --backend-store-uri sqlite:///mlflow.db")
    text = render(here, "html")
    assert "http://127" not in text and "<code>mlflow ui --backend-store-uri sqlite:///mlflow.db</code>" in text
    assert "mlflow ui" not in render(claimed, "html") and "http://127" in render(claimed, "html")


def test_a_table_has_headers_for_screen_readers_and_headings_in_order(claimed):
    text = render(claimed, "html")
    assert len(re.findall(r"<th(?: class=\S+)? scope=", text)) == text.count("<th ") == len(re.findall(r"<th\b", text))
    assert all('role="img" aria-label="' in one or 'aria-hidden="true"' in one for one in re.findall(r"<svg[^>]*>", text))
    levels = [int(level) for level in re.findall(r"<h(\d)", text)]
    assert levels[0] == 1 and set(levels[1:]) == {2}


@pytest.fixture
def hundred(make):
    """A report of a hundred trials: two tables with five arms of ten seeds, and five claims."""
    arms, seeds = ("plain", "crop", "mixup", "cutmix", "all"), range(10)
    planned, stored = [], []
    for noise in ("0", "0.1"):
        for i, model in enumerate(arms):
            for seed in seeds:
                planned.append(trial := make.expected(noise=noise, model=model, seed=seed))
                value = 0.6 + 0.02 * i - 0.1 * (noise == "0.1") + 0.004 * ((seed * (i + 3)) % 7)
                stored.append(make.run(trial, val__accuracy=value, wall_clock=60.0 + 5 * i + seed))
    records = collect(planned, stored)
    both = {model: make.arm(records, noise="0", model=model) for model in arms}
    tables = {
        "accuracy": make.spec(title="Accuracy", baseline="plain", values=[{"metric": "val/accuracy", "unit": "%"}]),
        "time": make.spec(title="Time", baseline="plain", values=[{"metric": "wall_clock", "unit": "s"}]),
    }
    claims = {f"{arm}-helps": make.claim(both[arm], both["plain"], says=f"{arm} helps") for arm in arms[1:]}
    return assemble(
        "hundred",
        "A hundred trials",
        "default",
        tables,
        records,
        claims=claims,
        schedules={"accuracy": Schedule([[*seeds]], 0.05)},
    )


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_a_report_of_a_hundred_trials_is_short(hundred, format):
    text = render(hundred, format)
    assert len(text.encode()) < {"markdown": 40_000, "html": 600_000}[format]
    assert check(hundred, text, format) == []


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


DEAD = "() => [...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById(a.hash.slice(1))).length"


def opened(browser, path, width, height):
    page, said = browser.new_page(viewport={"width": width, "height": height}), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    return page, said


def test_in_a_browser_it_is_three_screens_without_a_dead_link_and_no_wider_than_a_phone(browser, hundred, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(render(hundred, "html"), encoding="utf-8")
    for width, height, most in ((1280, 900, 2700), (360, 740, None)):
        page, said = opened(browser, path, width, height)
        assert said == [] and page.evaluate(DEAD) == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert most is None or page.evaluate("document.documentElement.scrollHeight") <= most
        assert page.locator("#summary").bounding_box()["y"] < height, "the answer stands on the first screen"
        page.close()


def test_a_link_opens_what_is_folded_and_paper_shows_it(browser, hundred, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(render(hundred, "html"), encoding="utf-8")
    page, _ = opened(browser, path, 1280, 900)
    target = "claim-crop-helps"
    assert not page.locator(f"#{target}").is_visible()
    page.click(f'a[href="#{target}"]')
    assert page.locator(f"#{target}").is_visible()
    page.reload()
    page.emulate_media(media="print")
    assert page.locator("#tab-claims").bounding_box()["height"] > 100
    assert not page.locator(".extra").first.is_visible()
    page.close()
