"""A committed file against the stored runs: what agrees, what does not, and how that is named."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.grammar.schedule import Schedule
from bench.reports.check import check
from bench.reports.formats import FORMATS
from bench.reports.records.collect import collect
from tests.reports.assembling import assemble

ODD = r"a_b 50% & #1 {x} $y$ ~ ^ \z [q] <i>*b*</i> | `c` “é–ß” σ² → 雪 'n' \\[1] -- %\\ <br> ** &amp; "
BOTH = "model=simple vs model=complex"
PAPERS = ("markdown", "latex", "html")


def render(report, format):
    return FORMATS[format].load().render(report)


def report_of(make, values, title="Accuracy", model="m", says="it is so", suite="suite", **changes):
    """A report of one table and one claim. values: row label → values by seed."""
    trials, stored = [], []
    for noise, found in values.items():
        for seed, value in enumerate(found):
            trials.append(trial := make.expected(noise=noise, model=model, seed=seed))
            stored += [] if value is None else [make.run(trial, val__accuracy=value)]
    records = collect(trials, stored)
    claims = {}
    if len(values) > 1:
        left, right = (make.arm(records, noise=noise) for noise in list(values)[:2])
        claims = {"c": make.claim(left, right, says=says)}
    spec = make.spec(**({"title": title} | changes))
    longest = max(map(len, values.values()))
    schedules = {"accuracy": Schedule([[*range(longest)]], 0.05)}
    return assemble(suite, "Title", "default", {"t": spec}, records, claims=claims, schedules=schedules)


labels = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
accuracies = st.lists(st.one_of(st.none(), st.floats(0.1, 0.99)), min_size=1, max_size=4)


@pytest.mark.parametrize("format", FORMATS)
def test_classes_columns_of_metrics_and_searches_agree_with_themselves(varied, format):
    assert check(varied, render(varied, format), format) == []


@pytest.mark.parametrize(
    ("said", "table", "row", "column"),
    [
        ("| animals             | 47.9", "Accuracy of each class: test/class_accuracy (%)", "animals", "unbalanced"),
        ("| augmented  | 1.82", "Methods: test/loss, test/accuracy (%), gap, wall_clock", "augmented", "test/loss"),
        ("| 2 | 9 | 0.010 | sgd | 0.560", "Search the learning rate", "9", "val/accuracy"),
    ],
)
def test_a_number_changed_in_other_tables_is_the_only_disagreement(varied, said, table, row, column):
    text = render(varied, "markdown")
    assert said in text, text
    (found,) = check(varied, text.replace(said, said[:-1] + "7", 1), "markdown")
    assert (found.table, found.row, found.column) == (table, row, column)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.dictionaries(labels, accuracies, min_size=1, max_size=3), title=labels, model=labels, says=labels)
@example(values={ODD: [0.5, 0.6], "  ": [0.7, 0.9], "": [0.1, None]}, title=ODD, model=ODD, says=ODD)
@example(values={"a|b": [0.5], "a\\|b": [0.6], "**a**": [0.7]}, title="**", model="¹", says="\\")
@example(values={"&": [0.5], "\\": [0.6], "\\\\": [0.7]}, title="{", model="}", says="%")
def test_what_was_just_rendered_agrees(make, format, values, title, model, says):
    report = report_of(make, values, title=title or "T", model=model, says=says or "S")
    assert check(report, render(report, format), format) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_report_agrees_whatever_the_dates_and_commits(claimed, format):
    later = replace(claimed, summary=replace(claimed.summary, commits=["fedcba9"], first=2e9, last=2.1e9, versions=[]))
    assert check(claimed, render(later, format), format) == []


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 3), row=st.sampled_from(["0", ODD]), delta=st.floats(0.01, 0.3))
def test_one_other_value_is_found_and_named(make, format, seed, row, delta):
    before = {"0": [0.5, 0.6, 0.55, 0.58], ODD: [0.3, 0.4, 0.41, 0.42]}
    after = before | {row: [value + delta * (i == seed) for i, value in enumerate(before[row])]}
    said, now = (report_of(make, values, title=f"T {ODD}", model="model") for values in (before, after))
    found = check(now, render(said, format), format)
    results = [one for one in found if one.row.startswith(shown(row, format)) and "comparisons" not in one.table]
    assert any("the stored runs give" in str(one) and shown(f"T {ODD}", format) in one.table for one in results)


def shown(text, format):
    return (FORMATS[format].load().shown or (lambda text: " ".join(text.split())))(text)


@pytest.mark.parametrize(
    ("format", "said", "table", "row", "column", "now"),
    [
        ("markdown", "86.54 ± 0.59", "Table 1. Models on clean & noisy images: val/accuracy (%)", "0.01", "complex", None),
        ("latex", r"86.54 $\pm$ 0.59", "Table 1. Models on clean & noisy images: val/accuracy (%)", "0.01", "complex", None),
        ("html", "86.54 ± 0.59", "Table 1. Models on clean & noisy images: val/accuracy (%)", "0.01", "complex", None),
        ("markdown", "−7.96", "comparisons of val/accuracy (percentage points)", "noise = 0, complex vs simple", "t", "−7.96"),
        ("latex", "$-$7.96", "comparisons of val/accuracy (percentage points)", "noise = 0, complex vs simple", "t", "−7.96"),
        ("html", "−7.96", "comparisons of val/accuracy (percentage points)", "noise = 0, complex vs simple", "t", "−7.96"),
        ("markdown", "0.506", "Claims", f"same-when-noisy, {BOTH} at noise=0.01", "p", "0.506"),
        ("html", "0.506", "Claims", f"same-when-noisy, {BOTH} at noise=0.01", "p", "0.506"),
        ("latex", "0.506", "Claims", f"same-when-noisy, {BOTH} at noise=0.01", "p", "0.506"),
        ("markdown", "(0.0070 to 0.0146)", "Claims at a glance", "close-when-clean", "estimate", None),
        ("latex", "(0.0070 to 0.0146)", "Claims", f"simple-wins, noise=0, {BOTH} at noise=0", "estimate", None),
    ],
)  # fmt: skip
def test_a_number_changed_in_the_file_is_the_only_disagreement(claimed, format, said, table, row, column, now):
    text = render(claimed, format)
    for spelled in (said, said.replace(" to ", "~to~"), said.replace(" to ", " to~"), said.replace(" $\\pm$ ", r"~$\pm$~")):
        if spelled in text:
            text = text.replace(spelled, re.sub(r"\d(?=\D*$)", lambda digit: str((int(digit[0]) + 1) % 10), spelled), 1)
            break
    (found,) = check(claimed, text, format)
    assert table in found.table and (found.row, found.column) == (row, column)
    assert found.said != found.now and (now is None or found.now.startswith(now))
    told = f"{found.table}, row {row}, column {column}: the file says {found.said}, the stored runs give {found.now}"
    assert str(found) == told.replace("\n", " ")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("tables", "table1", "blocks", 0, "cells", 0, "mean"), ["row 0, simple", "column mean", "91.24"]),
        (("tables", "table1", "blocks", 0, "cells", 1, "values", "3"), ["row 0, complex", "column values 3", "90.1"]),
        (("tables", "table1", "blocks", 1, "contrasts", 0, "holm"), ["comparisons", "row noise = 0, complex, simple", "holm"]),
        (("claims", "same-when-noisy", "parts", "", "p"), ["claim same-when-noisy", "column p", "0.50"]),
        (("claims", "faster", "verdict"), ["claim faster", "column verdict", "unresolved"]),
    ],
)
def test_a_value_changed_in_json_is_named(claimed, path, words):
    told = json.loads(render(claimed, "json"))
    place = told
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "supported" if path[-1] == "verdict" else place[path[-1]] * 1.001
    (found,) = check(claimed, json.dumps(told), "json")
    assert all(word in str(found) for word in words)


def test_a_value_changed_in_csv_is_named(claimed):
    lines = render(claimed, "csv").splitlines()
    place = next(
        i for i, line in enumerate(lines) if line.startswith("value,table1,val/accuracy,%,0.01,complex") and ",87.2" in line
    )
    lines[place] = lines[place].replace("87.2", "87.3")
    (found,) = check(claimed, "\n".join(lines), "csv")
    assert str(found).endswith("row 0.01, complex, 1, column value: the file says 87.3, the stored runs give 87.2")


@pytest.mark.parametrize("format", PAPERS)
def test_the_caption_counts_too(claimed, format):
    text = render(claimed, format)
    for said, column in (("over n=5 seeds", "n"), ("m=1 to 3 a family", "m"), ("alpha=0.05 ", "alpha"), ("alpha=0.05.", "alpha")):
        wrong = text.replace(said, said.replace("5", "7").replace("3", "4"), 1)
        if wrong != text:
            (found,) = check(claimed, wrong, format)
            assert found.column == f"{column} in the caption" and found.row == ""
            assert found.said in said.replace("5", "7").replace("3", "4") and found.now in said


@pytest.mark.parametrize("format", PAPERS)
def test_losing_bold_is_a_disagreement(claimed, format):
    text = render(claimed, format)
    bold = {"markdown": "**91.24 ± 0.63**", "latex": r"\textbf{91.24 $\pm$ 0.63}", "html": "<b>91.24 ± 0.63</b>"}[format]
    bold = bold if bold in text else bold.replace(" $\\pm$ ", r"~$\pm$~")
    plain = re.sub(r"\*\*|</?b>|\\textbf\{|\}$", "", bold)
    (found,) = check(claimed, text.replace(bold, plain), format)
    assert (found.row, found.column) == ("0", "simple") and found.now.startswith("**91.24")


@pytest.mark.parametrize("format", FORMATS)
def test_missing_and_extra_rows_and_columns_are_named(make, format):
    few = report_of(make, {"0": [0.5, 0.6], "1": [0.3, 0.5]})
    more = report_of(make, {"0": [0.5, 0.6], "1": [0.3, 0.5], "2": [0.1, 0.2]})
    lacking, extra = check(more, render(few, format), format), check(few, render(more, format), format)
    assert any(one.row.startswith("2") and one.said is None and "is not in the file" in str(one) for one in lacking)
    assert any(one.row.startswith("2") and one.now is None and "stands in the file" in str(one) for one in extra)
    other = report_of(make, {"0": [0.5, 0.6], "1": [0.3, 0.5]}, model="other")
    both = [str(one) for one in check(other, render(few, format), format)]
    assert any("other" in one and "is not in the file" in one for one in both)
    assert any(re.search(r"\bm\b", one) and "stands in the file" in one for one in both)


@pytest.mark.parametrize("format", PAPERS)
def test_a_whole_report_may_lack_no_table_but_another_document_may(claimed, format):
    text = render(claimed, format)
    grid = {
        "markdown": (r"Table 1\. [^\n]*: wall_clock \(min\)\. .*?(?=\n\n¹)", "Some words.\n\n{}\n\nMore | words.\n"),
        "latex": (
            r"\\begin\{table\}(?:(?!\\end).)*: wall\\_clock \(min\)\..*?\\end\{table\}",
            "\\section{{Words}}\n{}\nMore \\& words.\n",
        ),
        "html": (r'<figure class="results" id="tab-table1-wall-clock">.*?</figure>', "<p>Words</p>{}<p>More</p>"),
    }
    pattern, around = grid[format]
    table = re.search(pattern, text, re.DOTALL)[0]
    (found,) = check(claimed, text.replace(table, ""), format)
    assert "wall_clock (min)" in found.table and (found.row, found.column, found.now) == ("", "", None)
    assert str(found).endswith("is not in the file")
    pasted = around.format(table)
    assert check(claimed, pasted, format) == []
    (found,) = check(claimed, pasted.replace("13.30", "13.29"), format)
    assert (found.row, found.column) == ("0", "complex")
    (found,) = check(claimed, pasted.replace("n=5", "n=4"), format)
    assert found.column == "n in the caption"


def test_other_tables_and_prose_do_not_count(claimed):
    text = render(claimed, "markdown").replace(
        "## Provenance",
        "Other numbers:\n\n| noise ↓, model → | simple |\n|---|---|\n| 0 | 1.0 |\n\n| a |\n|--|\n| b |\n\n## Provenance",
    )
    assert check(claimed, text.replace("Bold: the best", "In bold: the best"), "markdown") == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_without_a_table_of_the_suite_is_an_error(claimed, make, format):
    empty = {"json": "{}", "csv": "a,b\n1,2\n"}.get(format, "Nothing here.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    with pytest.raises(BenchError, match=r"no table of suite noise_vs_complexity|no (JSON|CSV) report"):
        check(claimed, empty, format)
    other = report_of(make, {"0": [0.5, 0.6]}, suite="another_suite")
    with pytest.raises(BenchError, match=r"another_suite|no table of suite"):
        check(claimed, render(other, format), format)
    if format != "csv":
        with pytest.raises(BenchError, match="profile quick"):
            check(claimed, render(replace(claimed, profile="quick"), format), format)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"tables": []}', '{"tables": {"a": 1}}', '{"tables": {}, "claims": {}}']
)
def test_broken_json_is_an_error_not_a_traceback(claimed, text):
    with pytest.raises(BenchError):
        check(claimed, text, "json")


@pytest.mark.parametrize("format", ["markdown", "latex", "json", "csv"])
def test_a_run_that_is_gone_is_named_but_a_trial_run_again_is_not(make, format):
    values = {"0": [0.5, 0.6, 0.7], "1": [0.3, 0.5, 0.6]}
    report = report_of(make, values)
    again = render(report, format).replace("run of fingerprint of accuracy 1 m 2", "0123abcd")
    assert "0123abcd" in again and check(report, again, format) == []
    gone = report_of(make, values | {"1": [0.3, 0.5, None]})
    told = [str(one) for one in check(gone, render(report, format), format) if one.why]
    assert any(
        one
        == "Accuracy: val/accuracy, row 1, column m: its run run of fingerprint of accuracy 1 m 2 (seed 2) is no longer stored"
        for one in told
    )
    assert any(one.startswith("claim c: its run run of fingerprint of accuracy 1 m 2 is no longer stored") for one in told)


@pytest.mark.parametrize("format", FORMATS)
def test_an_edited_file_never_gives_a_traceback(claimed, format):
    text = render(claimed, format)

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, len(text)), st.integers(0, 300), st.text(max_size=5))
    def edited(start, length, new):
        try:
            found = check(claimed, text[:start] + new + text[start + length :], format)
        except BenchError:
            return
        assert all(str(one) for one in found)

    edited()


@pytest.mark.parametrize(
    ("format", "cells"),
    [("markdown", r"^\| (?!:?-).*$"), ("html", r"(?<=<details><summary>).*?(?=</summary>)|(?<=<td>)[^<]+")],
)
@pytest.mark.parametrize("name", ["claimed", "varied"])
def test_no_digit_of_a_table_can_be_changed_unnoticed(request, name, format, cells):
    report = request.getfixturevalue(name)
    text = render(report, format)
    end = text.rindex("Trials without a result:")
    digits = [
        found.start() + at.start()
        for found in re.finditer(cells, text[:end], re.MULTILINE)
        for at in re.finditer(r"(?<!&#)(?<!x)\d", found[0])
    ]
    assert len(digits) > 300

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(digits), st.integers(1, 9))
    def changed(place, more):
        wrong = text[:place] + str((int(text[place]) + more) % 10) + text[place + 1 :]
        assert check(report, wrong, format)

    changed()
