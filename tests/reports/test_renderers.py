"""What the reader sees: compared with the files in tests/expected/reports (BENCH_UPDATE_EXPECTED=1 writes them anew)."""

import io
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.reports.check import check
from bench.reports.figures.base import Figure
from bench.reports.formats import FORMATS
from bench.reports.formats import run_ids as runs
from bench.reports.formats.latex import text as latex_text
from bench.reports.formats.latex import write as latex
from bench.reports.formats.markdown import write as markdown
from bench.reports.numbers import number, probability, shortened
from bench.reports.records.collect import collect
from tests.reports.assembling import assemble

EXPECTED = Path(__file__).parents[1] / "expected" / "reports"
ODD = r"a_b 50% & #1 {x} $y$ ~ ^ \z [q] <i>*b*</i> | `c` “é–ß” σ² → 雪 'n' \\[1]"


def report_of(part):
    tables, records = part
    return assemble("noise_vs_complexity", "The bigger, the better?", "default", tables, records)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["study", "finished", "claimed", "varied"])
def test_against_the_expected_file(request, name, format):
    extension, render = FORMATS[format].extension, FORMATS[format].load().render
    part = request.getfixturevalue(name)
    text = render(part if name in ("claimed", "varied") else report_of(part))
    path = EXPECTED / f"{name}.{extension}"
    if os.environ.get("BENCH_UPDATE_EXPECTED"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def cells_of(text):
    """Return the rows of all pipe tables of a Markdown text, stripped, and none bold."""
    lines = [line.replace("**", "") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


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
    assert ["0", "0.9127 ± 0.0080"] in rows and ["1", "0.9002 ± 0.0001≈"] in rows
    rows = cells_of(one_column(make, {"0": [0.912, 0.905, 0.921], "1": [0.90011, 0.90013, 0.90012]}))
    assert ["0", "0.91267 ± 0.00802"] in rows and ["1", "0.90012 ± 0.00001≈"] in rows  # or it would read as no spread at all
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
    text = FORMATS["markdown"].load().render(report_of(finished))
    assert "Mean ± sample SD (ddof=1) over n=5 seeds; paired t-test, Holm, m=1 a family, alpha=0.05." in text
    (row,) = [row for row in cells_of(text) if row[0] == "noise = 0" and "−1.08" in row[3]]
    told = "−1.08 (−1.46 to −0.70)<br>−1.20 −0.90 −1.50 −0.70 −1.10<br>r 0.92, relative efficiency 6.2, P(A > B) 0.00"
    assert row[3:7] == [told, "−7.96", "0.001", "0.001\\*"]
    assert row[:3] == ["noise = 0", "1", "complex vs simple"]


def test_the_order_is_claims_tables_ledger_provenance(claimed):
    for format, heading in (("markdown", r"^## (.*)$"), ("html", r"<h2>(.*?)</h2>")):
        found = re.findall(heading, FORMATS[format].load().render(claimed), re.MULTILINE)
        assert found == ["Claims", markdown_or_html(claimed.tables[0].title, format), "Trials without a result", "Provenance"]


def markdown_or_html(text, format):
    return text.replace("&", "&amp;") if format == "html" else text


def test_an_exploratory_report_says_so_before_its_numbers(claimed):
    report = replace(claimed, exploratory="the seeds were declared as [0, 1, 2] before")
    for format in ("markdown", "latex", "html"):
        text = FORMATS[format].load().render(report)
        assert 0 < text.lower().index("exploratory") < text.index("simple-wins")
        assert "the seeds were declared as" in text.replace("{[}", "[")
        assert "Exploratory" not in FORMATS[format].load().render(claimed)


def test_a_complete_report_has_no_ledger(finished):
    report = report_of(finished)
    assert report.complete and report.ledger == []
    for form in FORMATS.values():
        text = form.load().render(report)
        assert "Incomplete" not in text and "without a result" not in text


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
@example("a to 5 ± 3")
def test_latex_escape_leaves_nothing_that_tex_would_obey(text):
    escaped = latex_text.escape(text)
    for one in (escaped, latex_text.breakable(escaped, True), latex_text.breakable(escaped, False)):
        left = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum|textasciigrave|ldots|allowbreak)\{\}", "", one)
        left = re.sub(r"\\textsuperscript\{\d+\}|\$(\\[A-Za-z]+|\^\\(circ|d?dagger)|[-<>|])\$|\{[][*]\}|\\[&%$#_{}]", "", left)
        assert not set(left.replace("~", "" if one != escaped else "~")) & set("\\{}$&#%_^~\n")


@given(st.text(max_size=30))
@example(ODD)
@example("²¹ ⁰ 5 ± 3 to −4 a_b/c")
def test_what_latex_shows_can_be_read_back(text):
    escaped = latex_text.escape(text)
    shown = latex_text.unescape(escaped)
    assert latex_text.unescape(latex_text.breakable(escaped, True)) == shown
    plain = "".join(
        c for c in " ".join(text.split()) if (c.isascii() and c.isprintable() and c not in "\"'`-,?!") or c in "±−σ²†"
    )
    assert [c for c in shown if c in plain] == list(plain) or not plain or "[U+" in shown


@given(st.text(st.characters(codec="utf-8"), max_size=30))
@example(ODD)
def test_a_label_never_breaks_a_markdown_row(text):
    escaped = markdown.escape(text)
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)(\\\\)*[|<`*]", escaped.replace("\\\\", "")) or "\\" in text
    assert markdown.unescape(escaped) == " ".join(text.split())


@pytest.mark.parametrize("title", ["# one", "- one", "+ one", "1. one", "12) one", "> one", "--- one", "=== one"])
def test_a_caption_begins_no_heading_list_or_quotation(make, title):
    markdown_it = pytest.importorskip("markdown_it")
    text = one_column(make, {"0": [0.5, 0.6]}, title=title)
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(text)
    kinds = [token.type for token in tokens if token.nesting == 1]
    assert kinds.count("heading_open") == 3  # title, table, provenance
    assert kinds.count("bullet_list_open") == 2 and "ordered_list_open" not in kinds and "blockquote_open" not in kinds


def test_markdown_renders_bold_cells_lines_and_no_comment(claimed):
    markdown_it = pytest.importorskip("markdown_it")
    html = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown.render(claimed))
    assert '<td style="text-align:left"><strong>91.24 ± 0.63</strong><br>(report: 64.9)</td>' in html
    shown = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
    assert "run of fingerprint" in html and "run of fingerprint" not in shown


def test_comments_name_the_run_of_every_number_and_can_be_read_back(claimed):
    cells = {
        (table.name, block.metric, row, column): {str(seed): run for seed, run in cell.run_ids.items()}
        for table in claimed.tables
        for block in table.blocks
        for (row, column), cell in block.cells.items()
        if cell.run_ids
    }
    for format in ("markdown", "latex"):
        told = runs.read(FORMATS[format].load().render(claimed))
        found = {(one["table"], one["metric"], one["row"], one["column"]): one["runs"] for one in told if "table" in one}
        assert found == cells
        claims = {(one["claim"], one["part"]): tuple(one["runs"]) for one in told if "claim" in one}
        assert claims == {(c.name, p.label): p.run_ids for c in claimed.claims for p in c.parts if p.run_ids}


def test_no_label_ends_the_comment(make):
    odd = "--> --- <!-- -- >"
    trials = [make.expected(noise=odd, model=f"{ODD} {odd}", seed=seed) for seed in range(2)]
    report = assemble("s", "T", "default", {"t": make.spec()}, collect(trials, [make.run(t, val__accuracy=0.5) for t in trials]))
    text = markdown.render(report)
    inside = text[text.index("<!-- runs") + 4 :]
    assert inside.index("--") == inside.index("-->") == len(inside) - 4
    assert runs.read(text)[0]["row"] == odd


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_compiles_and_stays_within_the_line(make, claimed, tmp_path):
    figure = Figure("dots_1", ODD, ODD, "dots", None)
    (tmp_path / "dots_1.pdf").write_bytes(drawing("pdf"))
    written = {"study": replace(claimed, figures=[figure]), "odd": odd_report(make), "wide": wide_report(make)}
    for name, report in written.items():
        (tmp_path / f"{name}.tex").write_text(latex.render(report, {"dots_1": "dots_1.pdf"}), encoding="utf-8")
    main = "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage{booktabs}",
            r"\usepackage{graphicx}",
            r"\begin{document}",
            *(rf"\input{{{name}}}\clearpage" for name in written),
            r"\begin{sloppypar}",
            latex_text.escape(" ".join([*latex_text.MATH, *latex_text.TEXT, *sorted(latex_text.LATIN), "¹²³"])),
            r"\end{sloppypar}",
            r"\end{document}",
        ]
    )
    (tmp_path / "main.tex").write_text(main, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"], cwd=tmp_path, capture_output=True, timeout=500
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    log = (tmp_path / "main.log").read_text(errors="replace")
    assert "Missing character" not in log
    assert "Float too large" not in log
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(wide, default=0) < 2, log
    assert "dots_1.pdf" in log


def drawing(format):
    """A small drawing, as the figures make them."""
    from matplotlib.figure import Figure

    file, figure = io.BytesIO(), Figure((2, 1))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], clip_on=True)
    axes.set_title('id="x" url(#y) <b>', parse_math=False)
    figure.savefig(file, format=format)
    return file.getvalue()


def wide_report(make):
    """Twelve columns and nine rows: results wider than a line, comparisons longer than a page."""
    trials = [make.expected(noise=f"row {n}", model=f"model-{m}", seed=s) for n in range(9) for m in range(12) for s in range(2)]
    stored = [make.run(t, val__accuracy=0.5 + 0.01 * t.seed + 0.001 * len(t.fingerprint)) for t in trials]
    return assemble("wide", "Wide", "default", {"t": make.spec()}, collect(trials, stored))


def test_a_table_too_wide_for_a_line_or_too_long_for_a_page_goes_on_in_further_floats(make):
    text = latex.render(wide_report(make))
    floats = re.findall(r"\\begin\{table\}.*?\\end\{table\}", text, re.DOTALL)
    others = [one for one in floats if "other comparisons of" in one]
    comparisons = [one for one in floats if "comparisons of" in one and one not in others]
    results = [one for one in floats if one not in (*comparisons, *others)]
    for pieces in (results, comparisons, others):
        assert len(pieces) > 1 and "(continued)" not in pieces[0] and all("(continued)" in one for one in pieces[1:])
    assert all(one.count("row 8") == 1 for one in results)
    assert [sum(one.count(f"model-{m} ") for one in results) for m in range(12)] == [1] * 12
    assert text.count(r"\label{tab:t-val-accuracy}") == text.count(r"\label{tab:t-val-accuracy-comparisons}") == 1


class Balanced(HTMLParser):
    """Collects text, ids and links, and asserts that every element is closed in order; nothing may be loaded from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.ids, self.links = [], "", [], []

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "link", "img", "iframe", "i", "image")  # <i> stands in the data
        told = dict(attrs)
        assert "src" not in told
        self.ids += [told["id"]] if "id" in told else []
        self.links += [value for name, value in attrs if name in ("href", "xlink:href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(text):
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    assert {link[1:] for link in parser.links if link.startswith("#")} <= set(parser.ids)
    return parser


def test_html_is_one_balanced_page_with_the_data_as_text(make):
    page = parsed(FORMATS["html"].load().render(odd_report(make)))
    assert page.text.count(ODD) >= 4
    assert all(link.startswith("#") for link in page.links)


def test_html_links_each_number_to_its_runs(claimed):
    text = FORMATS["html"].load().render(claimed)
    page = parsed(text)
    linked = {link for link in page.links if not link.startswith("#")}
    used = {
        run
        for table in claimed.tables
        for block in table.blocks
        for cell in block.cells.values()
        for run in cell.run_ids.values()
    }
    assert linked == {claimed.run_url(run) for run in used}
    cell = re.search(r"<details><summary><b>91.24 ± 0.63</b></summary>(.*?)</details>", text)[1]
    assert re.findall(r">(\d)</a>", cell) == ["0", "1", "2", "3", "4"]
    unknown = FORMATS["html"].load().render(replace(claimed, run_url=lambda run_id: None))
    assert all(link.startswith("#") for link in parsed(unknown).links) and "0: run of f" in unknown


def test_html_tells_verdicts_by_colour_and_sign_and_word(claimed):
    clear = next(claim for claim in claimed.claims if claim.name == "pretraining-helps")
    supported = replace(clear, parts=[replace(part, verdict="supported") for part in clear.parts])
    text = FORMATS["html"].load().render(replace(claimed, claims=[supported, *claimed.claims]))
    told = [("yes", "✓", "supported"), ("no", "✗", "refuted"), ("open", "?", "unresolved"), ("open", "†", "survivors only")]
    for kind, sign, word in [*told, ("few", "…", "insufficient seeds"), ("same", "≈", "different but negligible")]:
        assert f'<span class="verdict {kind}"><span aria-hidden="true">{sign}</span> {word}</span>' in text


def test_drawings_within_a_page_keep_their_ids_and_styles_apart(claimed):
    from bench.reports.formats.html.svg import inline

    first, second = (inline(drawing("svg"), name, 'Title "a" <b> & c') for name in ("fig-a", "fig-b"))
    page = parsed(f"<main>{first}{second}</main>")
    assert len(page.ids) > 20 and all(name.startswith(("fig-a-", "fig-b-")) for name in page.ids)
    assert set(re.findall(r"url\(#([^)]*)\)", first)) <= set(page.ids)
    assert "<style" not in first and "stroke-linejoin" in first.split(">")[0]
    assert first.startswith("<svg") and 'role="img"' in first.split(">")[0] and "Title &quot;a&quot; &lt;b&gt; &amp; c" in first


def test_images_are_referenced_only_where_they_were_written(claimed):
    figures = [Figure(name, f"Title of {name}", f"Caption of {name} [x]", "dots", None) for name in "ab"]
    report = replace(claimed, figures=figures)
    told = {"a": "figures/a dots_1.svg"}
    text = markdown.render(report, told)
    assert "![Title of a](<figures/a%20dots_1.svg>)\n\nCaption of a \\[x\\]" in text and "Title of b" not in text
    assert "## Figures" not in markdown.render(report)
    text = latex.render(report, {"a": "a.pdf"})
    assert "{a.pdf}" in text and r"\caption{Caption of a {[}x{]}\label{fig:a}}" in text and "Caption of b" not in text
    assert "graphicx" in text.splitlines()[0] and "graphicx" not in latex.render(report)
    assert json.loads(FORMATS["json"].load().render(report, told))["figures"]["a"]["file"] == told["a"]
    assert json.loads(FORMATS["json"].load().render(report))["figures"]["b"]["file"] is None


def test_csv_is_read_by_pandas_in_one_call(claimed):
    frame = pd.read_csv(io.StringIO(FORMATS["csv"].load().render(claimed)), dtype={"row": str, "column": str})
    values = frame[frame.kind == "value"]
    cells = claimed.tables[0].blocks[0].cells
    one = values[(values.metric == "val/accuracy") & (values.row == "0.01") & (values.column == "complex")]
    assert dict(zip(one.seed.astype(int), one.value, strict=True)) == cells["0.01", "complex"].values
    assert list(one.run_id) == list(cells["0.01", "complex"].run_ids.values())
    summaries = frame[(frame.kind == "summary") & (frame.metric == "val/accuracy")]
    assert len(summaries) == len(cells) and summaries.published.dropna().tolist() == [64.9, 60.2]
    assert summaries.value.max() == max(cell.summary.mean for cell in cells.values() if cell.values)
    contrasts = frame[(frame.kind == "contrast") & (frame.metric == "val/accuracy")]
    assert contrasts.holm.dropna().tolist() == [c.holm for c in claimed.tables[0].blocks[0].contrasts if c.holm is not None]
    claims = frame[frame.kind == "claim"]
    assert claims.verdict.tolist() == [part.verdict for claim in claimed.claims for part in claim.parts]


def test_an_infinite_end_of_an_interval_is_null_in_json_and_empty_in_csv(claimed):
    claim = claimed.claims[0]
    part = replace(claim.parts[0], result=replace(claim.parts[0].result, ci_high=float("inf")))
    report = replace(claimed, claims=[replace(claim, parts=[part])])
    told = json.loads(FORMATS["json"].load().render(report), parse_constant=lambda name: pytest.fail(name))
    assert told["claims"][claim.name]["parts"][part.label]["result"]["ci_high"] is None
    frame = pd.read_csv(io.StringIO(FORMATS["csv"].load().render(report)))
    assert frame[frame.kind == "claim"].ci_high.isna().all()
    for format in ("json", "csv"):
        assert check(report, FORMATS[format].load().render(report), format) == []


def test_numbers():
    assert number(-0.00001, 3) == "0.000"
    assert number(-0.00001, 3, sign=True) == "0.000"
    assert number(-1.25, 1) == "−1.2"
    assert number(0.5, 2, sign=True) == "+0.50"
    assert [probability(p) for p in (0.5, 0.001, 0.00099, 1e-30, 1.0)] == ["0.500", "0.001", "9.9e-04", "< 1e-12", "1.000"]


def test_long_decimal_fractions_are_shortened_and_nothing_else():
    told = {"lr=0.013429752998994269, n=12": "lr=0.01343, n=12", "1.00000001e-07": "1e-07", "0.0001 1234567 v1.123456.7": ""}
    for text, expected in told.items():
        assert shortened(text) == (expected or text)


def test_provenance_names_what_produced_the_numbers(study):
    tables, records = study
    tags = {"commit": "fedcba9", "pack": "4", "backend": "grouped"}
    later = [replace(records[0], run=replace(records[0].run, tags=records[0].run.tags | tags)), *records[1:]]
    summary = assemble("suite", "Title", "default", tables, later).summary
    assert summary.commits == ["0123abc", "fedcba9"]
    assert summary.devices == ["Example CPU", "Other GPU"]
    assert summary.packs == ["1 trials in packs of 4 (grouped)"]
    assert summary.outcomes == {"finished": 27, "unavailable": 10, "missing": 2, "diverged": 1}
    assert summary.trials == 40 and summary.first < summary.last
