"""What the reader sees: compared with the files in tests/expected/reports (BENCH_UPDATE_EXPECTED=1 writes them anew)."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports import FORMATS, assemble, collect, latex, markdown
from reports.layout import number, probability

EXPECTED = Path(__file__).parents[1] / "expected" / "reports"
ODD = r"a_b 50% & #1 {x} $y$ ~ ^ \z [q] <i>*b*</i> | `c` “é–ß” σ² → 雪 'n' \\[1]"


def report_of(part):
    tables, records = part
    return assemble("noise_vs_complexity", "The bigger, the better?", "default", tables, records)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["study", "finished"])
def test_against_the_expected_file(request, name, format):
    extension, render = FORMATS[format]
    text = render(report_of(request.getfixturevalue(name)))
    path = EXPECTED / f"{name}.{extension}"
    if os.environ.get("BENCH_UPDATE_EXPECTED"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def cells_of(text):
    """Return the rows of all pipe tables of a Markdown text, stripped."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]


def one_column(make, arms, unit="", **changes):
    """Render a table of one column; arms: row label → values, None where the trial is missing."""
    trials, runs = [], []
    for noise, values in arms.items():
        for seed, value in enumerate(values):
            trials.append(trial := make.expected(noise=noise, model="m", seed=seed))
            runs += [] if value is None else [make.run(trial, val__accuracy=value)]
    spec = make.spec(values=[{"metric": "val/accuracy", "unit": unit}], **changes)
    return markdown.render(assemble("suite", "Title", "default", {"t": spec}, collect(trials, runs)))


def test_mean_and_sd_share_the_decimals_of_their_column(make):
    rows = cells_of(one_column(make, {"0": [0.912, 0.905, 0.921], "1": [0.9001, 0.9003, 0.9002]}))
    assert ["0", "0.9127 ± 0.0080"] in rows and ["1", "0.9002 ± 0.0001"] in rows
    rows = cells_of(one_column(make, {"0": [0.912, 0.905, 0.921], "1": [0.90011, 0.90013, 0.90012]}))
    assert ["0", "0.91267 ± 0.00802"] in rows and ["1", "0.90012 ± 0.00001"] in rows  # or it would read as no spread at all
    assert ["0", "0.912 ± 0.064"] in cells_of(one_column(make, {"0": [0.912, 0.848, 0.976]}))
    assert ["0", "91.2 ± 6.4"] in cells_of(one_column(make, {"0": [0.912, 0.848, 0.976]}, unit="%"))


def test_one_seed_has_no_spread_and_its_caption_says_so(make):
    text = one_column(make, {"0": [0.9125], "1": [0.8]})
    assert ["0", "0.912"] in cells_of(text)
    assert "One seed (n=1)" in text and "±" not in text


def test_another_n_is_marked_in_the_cell(make):
    text = one_column(make, {"0": [0.9, 0.8, 0.7], "1": [0.9, None, 0.7], "2": [0.5, None, None], "3": [None] * 3})
    rows = {row[0]: row[1] for row in cells_of(text) if len(row) == 2}
    assert rows["0"] == "0.80 ± 0.10"
    assert rows["1"] == "0.80 ± 0.14<br>(n=2, 1 missing)"
    assert rows["2"] == "0.50<br>(n=1, 2 missing)"
    assert rows["3"] == "missing"


def test_the_caption_names_test_correction_family_size_and_alpha(finished):
    text = FORMATS["markdown"][1](report_of(finished))
    assert "Mean ± sample SD (ddof=1) over n=5 seeds; paired t-test, Holm, m=1 a family, alpha=0.05." in text
    (row,) = [row for row in cells_of(text) if row[0] == "noise = 0" and "−1.08" in row[3]]
    assert row == ["noise = 0", "1", "complex vs simple", "−1.08 (−1.46 to −0.70)", "−7.96", "0.001", "0.001\\*", "5"]


def test_a_complete_report_has_no_ledger(finished):
    report = report_of(finished)
    assert report.complete and report.ledger == []
    for _, render in FORMATS.values():
        assert "Incomplete" not in render(report) and "without a result" not in render(report)


def test_the_ledger_holds_every_trial_without_a_result(study):
    report = report_of(study)
    assert not report.complete
    assert sum(entry.trials for entry in report.ledger) == sum(record.outcome != "finished" for record in study[1]) == 13
    (diverged,) = [entry for entry in report.ledger if entry.outcome == "diverged"]
    assert (diverged.cell, diverged.seeds) == ("noise=0.04, model=simple", (2,))


def test_a_long_ledger_counts_cells(make):
    planned = [make.expected(noise=str(n), model="m", seed=seed) for n in range(500) for seed in (0, 1)]
    report = assemble("suite", "Title", "default", {}, collect(planned, []))
    (entry,) = report.ledger
    assert (entry.cell, entry.trials, entry.seeds) == ("500 cells", 1000, (0, 1))


def odd_report(make):
    trials = [make.expected(noise=n, model=ODD, seed=s) for n in (ODD, "plain") for s in range(3)]
    runs = [make.run(t, val__accuracy=0.1 * t.seed + 0.01 * len(t.labels["noise"])) for t in trials[:5]]
    runs.append(make.run(trials[5], "FAILED", "failed", tags={"message": ODD}))
    spec = make.spec(title=ODD, published={"val/accuracy": {"plain": {ODD: -0.5}}})
    return assemble("suite", ODD, "default", {"t": spec}, collect(trials, runs))


def test_latex_escapes_every_character_of_the_data(make):
    text = latex.render(odd_report(make))
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert r"a\_b 50\% \& \#1 \{x\} \$y\$ \textasciitilde{} \textasciicircum{} \textbackslash{}z {[}q{]}" in body
    assert "σ" not in body and "雪" not in body and "{[}U+96EA{]}" in body


@given(st.text(max_size=30))
@example(ODD)
@example("²¹ ⁰")
def test_latex_escape_leaves_nothing_that_tex_would_obey(text):
    escaped = latex.escape(text)
    without = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum|textasciigrave|ldots)\{\}", "", escaped)
    without = re.sub(r"\\textsuperscript\{\d+\}|\$(\\[A-Za-z]+|\^\\circ|[-<>|])\$|\{[][*]\}|\\[&%$#_{}]", "", without)
    assert not set(without) & set("\\{}$&#%_^~\n")


@given(st.text(st.characters(codec="utf-8"), max_size=30))
@example(ODD)
def test_a_label_never_breaks_a_markdown_row(text):
    escaped = markdown.escape(text)
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)(\\\\)*[|<`*]", escaped.replace("\\\\", "")) or "\\" in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_compiles(make, study, tmp_path):
    (tmp_path / "study.tex").write_text(latex.render(report_of(study)), encoding="utf-8")
    (tmp_path / "odd.tex").write_text(latex.render(odd_report(make)), encoding="utf-8")
    main = "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage{booktabs}",
            r"\begin{document}",
            r"\input{study}",
            r"\input{odd}",
            latex.escape("".join([*latex.MATH, *latex.TEXT, *sorted(latex.LATIN), "¹²³"])),
            r"\end{document}",
        ]
    )
    (tmp_path / "main.tex").write_text(main, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"], cwd=tmp_path, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    log = (tmp_path / "main.log").read_text(errors="replace")
    assert "Missing character" not in log


class Balanced(HTMLParser):
    """Collects text, and asserts that every element is closed in order; nothing may be loaded from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "link", "img", "iframe", "i")  # <i> stands in the data
        assert not any(name in ("src", "href") for name, _ in attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_one_balanced_page_with_the_data_as_text(make):
    parser = Balanced()
    parser.feed(FORMATS["html"][1](odd_report(make)))
    assert parser.open == []
    assert parser.text.count(ODD) >= 4


def test_numbers():
    assert number(-0.00001, 3) == "0.000"
    assert number(-0.00001, 3, sign=True) == "0.000"
    assert number(-1.25, 1) == "−1.2"
    assert number(0.5, 2, sign=True) == "+0.50"
    assert [probability(p) for p in (0.5, 0.001, 0.00099, 1e-30, 1.0)] == ["0.500", "0.001", "9.9e-04", "< 1e-12", "1.000"]


def test_provenance_names_what_produced_the_numbers(study):
    tables, records = study
    later = [replace(records[0], run=replace(records[0].run, tags=records[0].run.tags | {"commit": "fedcba9"})), *records[1:]]
    summary = assemble("suite", "Title", "default", tables, later).summary
    assert summary.commits == ["0123abc", "fedcba9"]
    assert summary.devices == ["Example CPU", "Other GPU"]
    assert summary.outcomes == {"finished": 27, "unavailable": 10, "missing": 2, "diverged": 1}
    assert summary.trials == 40 and summary.first < summary.last
