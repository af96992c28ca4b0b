"""A pilot from the suite file to the sizes, and the report that it leaves as it is, through the command line."""

import json
import re

import pytest

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base: {model: {name: simple_cnn}, train: {epochs: 1, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}}
seeds: {pilot: 2, count: 3}
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.05, 0.1]}}}
tables:
  table: {title: Accuracy, stage: s, rows: lr, values: val/accuracy}
claims:
  same: {says: the rate hardly matters, metric: val/loss, stage: s, of: {lr: 0.1}, same_as: {lr: 0.05}, margin: 0.02}
  open: {says: it learns faster, metric: val/loss, stage: s, of: {lr: 0.1}, lower_than: {lr: 0.05}}
"""
RUN = ("run", "tiny.yaml", "--executor", "inline", "--workers", "1", "--pack", "off", "--device", "cpu")
ENDINGS = {"markdown": "md", "latex": "tex", "html": "html", "json": "json", "csv": "csv"}


@pytest.fixture
def piloted(bench, edit):
    """The suite, of which the pilot has run."""
    answer = bench(*RUN, "--pilot")
    assert answer.code == 0, answer.err
    bench.answer = answer
    return bench


def rows(text: str) -> dict[str, list[str]]:
    """Return claim → the cells of its row in the table of the pilot."""
    lines = text.partition("Seeds needed, by the pilot")[2].partition("\n\n")[2].partition("\n\n")[0].splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in found[2:]}


def seeds(runs) -> dict[bool, set[str]]:
    """Return, of runs of a pilot and of others, their seeds."""
    found: dict[bool, set[str]] = {}
    for run in runs:
        found.setdefault(run.tags.get("pilot") == "yes", set()).add(run.tags["seed"])
    return found


def without(report: str, *headings: str) -> str:
    """Return a report without some of its sections, and without the line that says how it was declared."""
    for heading in headings:
        report = re.sub(rf"(?s)\n## {heading}\n.*?(?=\n## )", "", report)
    return re.sub(r"\*\*Declared\*\*.*", "", report)


def test_the_pilot_alone_ends_with_the_sizes(piloted, edit):
    out = piloted.answer.out
    assert seeds(piloted.runs()) == {True: {"1000000", "1000001"}} and len(piloted.runs()) == 4
    assert "s, pilot: 2 cells x 2 seeds = 4 trials (4 todo)" in out and "to do: 4 trials" in out and "# A tiny" not in out
    told = rows(out)
    sd, n, margin, needed, declared = told["same"][1:]
    assert float(sd) > 0 and (n, margin, declared) == ("2", "±0.02", "3")
    assert re.fullmatch(r"\*{0,2}\d+ \(\d+|over 10,000\)\*{0,2}|\*{0,2}\d+ \((\d+|over 10,000)\)\*{0,2}|–.", needed)
    assert told["open"][2:] == ["2", "–", told["open"][4], "3"] and "No margin is declared." in out
    assert "may be changed until the first trial that counts has run" in out and "the study:  bench run tiny.yaml\n" in out

    again = piloted(*RUN, "--pilot")
    assert again.code == 0 and rows(again.out) == told and len(piloted.runs()) == 4
    plan = piloted("plan", "tiny.yaml", "--no-probe")
    assert rows(plan.out) == told and "s, pilot: 2 cells x 2 seeds = 4 trials (4 done)" in plan.out
    assert "s: 2 cells x 3 seeds = 6 trials (6 todo)" in plan.out and "to do: 6 trials" in plan.out
    data = json.loads(piloted("plan", "tiny.yaml", "--no-probe", "--json").out)
    assert [size["claim"] for size in data["pilot"]] == ["same", "open"] and data["pilot"][0]["margin"] == 0.02
    assert [job["pilot"] for job in data["jobs"]].count(True) == 4
    status = piloted("status", "tiny.yaml")
    assert status.code == 3 and "pilot: 2 cells x 2 seeds = 4 trials (4 done)" in status.out
    edit(("margin: 0.02", "margin: 0.05"))
    report = piloted("report", "tiny.yaml").out
    assert "Exploratory, as a term of theirs changed: same." in report, "the sizes alone may change"


def test_the_report_is_the_same_with_and_without_a_pilot(bench, edit):
    """But for what it says of sizes: not a number, and not a count, comes from its trials."""
    words = [word for form in ENDINGS for word in ("--format", form)]
    edit(("{pilot: 2, count: 3}", "3"))
    assert bench(*RUN).code == 0
    bench("report", "tiny.yaml", *words, "-o", "before", "--figures", "svg")
    edit(("seeds: 3", "seeds: {pilot: 2, count: 3}"))
    assert bench(*RUN).code == 0, "without --pilot both run"
    assert seeds(bench.runs()) == {True: {"1000000", "1000001"}, False: {"0", "1", "2"}} and len(bench.runs()) == 10
    done = bench(*RUN, "--pilot")
    assert done.code == 0 and rows(done.out) and "may be changed" not in done.out
    bench("report", "tiny.yaml", *words, "-o", "after", "--figures", "svg")
    before, after = bench.folder / "before", bench.folder / "after"
    plain, told = ((folder / "tiny.default.md").read_text() for folder in (before, after))
    assert "## Pilot" in told and "## Pilot" not in plain
    cut = [without(text, "Pilot", "Declaration") for text in (plain, told)]
    assert cut[0] == cut[1]
    assert (before / "tiny.default.csv").read_text() == (after / "tiny.default.csv").read_text()
    data = [json.loads((folder / "tiny.default.json").read_text()) for folder in (before, after)]
    assert [size["claim"] for size in data[1].pop("pilot")] == ["same", "open"]
    assert "pilot of 2, then 0, 1, 2" in str(data[1].pop("declared")) and data[0].pop("declared")
    assert data[0] == data[1] and data[1]["complete"] and data[1]["exploratory"] == ""
    for image in before.glob("**/*.svg"):
        assert image.read_bytes() == (after / image.relative_to(before)).read_bytes()
    for ending in ENDINGS.values():
        agrees = bench("report", "tiny.yaml", "--check", f"after/tiny.default.{ending}")
        assert agrees.code == 0, agrees.out
    assert len(json.loads(bench("report", "tiny.yaml", "--json").out)["tables"]["table"]["blocks"][0]["cells"][0]["values"]) == 3


def test_the_sizes_may_change_after_the_pilot_and_that_is_no_deviation(piloted, edit):
    assert piloted("lock", "tiny.yaml").code == 0
    edit(("count: 3", "count: 4"))
    assert piloted(*RUN).code == 0
    report = piloted("report", "tiny.yaml").out
    changed = r"\| seeds of stage s +\| pilot of 2, then 0, 1, 2 +\| pilot of 2, then 0, 1, 2, 3 +\|.*set by the pilot"
    assert re.search(changed, report)
    assert "xploratory" not in report and "deviations, without a reason: none." in report

    edit(("count: 4", "count: 5"))
    refused = piloted(*RUN)
    assert refused.code == 1 and "begun with the seeds [pilot of 2, then 0, 1, 2, 3]" in refused.err
    assert "tiny.yaml:5: " in refused.err and len(piloted.runs()) == 12
    report = piloted("report", "tiny.yaml").out
    assert "**Exploratory**" in report and "Exploratory, as a term of theirs changed: open, same." in report
    assert "deviations, without a reason: 1." in report


def test_a_suite_without_a_pilot_has_none_to_run(bench, edit):
    edit(("{pilot: 2, count: 3}", "3"))
    for words in (RUN, ("plan", "tiny.yaml", "--no-probe")):
        answer = bench(*words, "--pilot")
        assert (
            answer.code == 1 and "tiny.yaml:5: no stage has a pilot" in answer.err and "seeds: {pilot: 3, count: 5}" in answer.err
        )
    assert not bench.runs()


def test_what_starts_from_the_best_has_its_pilot_after_that(bench, edit):
    more = "  t: {patch: {start: {stage: s, metric: val/loss}}, axes: {batch: {path: train.batch_size, values: [16, 24]}}}\n"
    edit(("tables:\n", more + "tables:\n"))
    answer = bench(*RUN, "--pilot")
    assert answer.code == 3 and "the pilot of stage t still waits for stage s, of trials that count" in answer.out
    assert len(bench.runs()) == 4
