"""What is told of each comparison of a table: its interval, what pairing gained, and how often the first is above the second."""

import csv
import io
import json
from dataclasses import replace

import pytest

from bench.reports.check import check
from bench.reports.figures.kinds.forest import of_table
from bench.reports.formats import FORMATS
from bench.reports.layout.comparisons import comparisons
from bench.reports.records.arms import Records
from bench.reports.records.collect import collect
from bench.reports.statistics import interval, paired
from bench.reports.tables.build import build
from tests.reports.assembling import assemble

A, B = [0.912, 0.905, 0.921, 0.908, 0.916], [0.900, 0.896, 0.906, 0.901, 0.905]
K3 = {"a": [0.90, 0.89, 0.91, 0.88, 0.90], "b": [0.92, 0.91, 0.915, 0.905, 0.93], "c": [0.93, 0.915, 0.94, 0.92, 0.925]}


def records(make, arms, metric="val__accuracy"):
    planned, runs = [], []
    for model, values in arms.items():
        for seed, value in enumerate(values):
            planned.append(trial := make.expected(noise="0", model=model, seed=seed))
            runs.append(make.run(trial, **{metric: value}))
    return collect(planned, runs)


def table(make, arms, metric="val__accuracy", **spec):
    return build(make.spec(**spec), Records(records(make, arms, metric)))


def test_five_seeds_show_their_correlation_what_pairing_gained_and_how_often_a_is_above_b(make):
    told = table(make, {"b": B, "a": A}, values=[{"metric": "val/accuracy", "unit": "%"}])
    (contrast,) = told.blocks[0].contrasts
    assert contrast.pairing.r == pytest.approx(0.9247, abs=5e-5) and contrast.pairing.efficiency == pytest.approx(6.152, abs=1e-3)
    assert contrast.superiority == 1.0
    (row,) = (grid := comparisons(told, told.stacks[0])[0]).rows
    assert row[3].lines == (
        "+1.08 (0.70 to 1.46)",
        "+1.20 +0.90 +1.50 +0.70 +1.10",
        "r 0.92, relative efficiency 6.2, P(A > B) 1.00",
    )
    assert grid.header[3] == "difference (percentage points, 95 % CI)" and grid.header[9] == "detectable (pp)"
    assert any("5 pairs" in remark and "1.4" in remark and "relative efficiency" in remark for remark in grid.remarks)


def test_independent_arms_have_no_pairing_and_every_pair_of_their_seeds_counts(make):
    told = table(make, {"b": B, "a": A}, test="welch")
    (contrast,) = told.blocks[0].contrasts
    assert contrast.pairing is None and contrast.superiority == pytest.approx(0.94)
    (row,) = (grid := comparisons(told, told.stacks[0])[0]).rows
    assert row[3].lines[-1] == "P(A > B) 0.94"
    assert "efficiency" not in grid.caption + "".join(grid.remarks)


def test_intervals_of_a_corrected_family_are_bonferronis_and_say_so(make):
    told = table(make, K3)
    for contrast in told.blocks[0].contrasts:
        plain = paired(dict(enumerate(K3[contrast.left])), dict(enumerate(K3[contrast.right])))
        assert (contrast.result.ci_low, contrast.result.ci_high) == pytest.approx(interval(plain, 1 - 0.05 / 3))
        assert contrast.result.confidence == pytest.approx(1 - 0.05 / 3)
        assert contrast.result.p == plain.p
    grid = comparisons(told, told.stacks[0])[0]
    assert "Bonferroni's, at 1 − alpha/m" in grid.caption and "98.33 % CI" in grid.header[3]
    _, caption = of_table(told)
    assert "98.33 % intervals" in caption and "Bonferroni's" in caption
    alone = table(make, {"a": A, "b": B})
    assert "Bonferroni" not in comparisons(alone, alone.stacks[0])[0].caption + of_table(alone)[1]


def test_where_holm_rejects_and_the_interval_holds_zero_a_note_says_why(make):
    first = [0.5, 0.52, 0.51, 0.53, 0.515]
    middle = [v + d for v, d in zip(first, (0.008, 0.002, 0.012, 0.004, 0.006), strict=True)]
    far = [v + 0.1 + d for v, d in zip(first, (0.001, -0.002, 0.003, 0.0, 0.002), strict=True)]
    told = table(make, {"s": first, "m": middle, "f": far})
    grid = comparisons(told, told.stacks[0])[0]
    rows = {row[2].lines[0]: row for row in grid.rows}
    assert rows["m vs s"][6].lines[0].endswith("*")
    assert rows["m vs s"][3].lines[0].endswith("¹") and "¹" not in rows["f vs s"][3].lines[0]
    (note,) = grid.notes
    assert "Holm" in note and "alpha/m" in note and "zero" in note


def test_a_sign_flip_test_says_whose_its_intervals_are(make):
    told = table(make, {"a": [*A, 0.91, 0.9, 0.92], "b": [*B, 0.9, 0.91, 0.9]}, test="sign-flip")
    assert "intervals are Student's" in comparisons(told, told.stacks[0])[0].caption


def test_times_say_what_ratio_is_above_one(make):
    told = table(make, {"b": [100, 101, 104, 99, 103], "a": [120, 118, 131, 125, 122]}, "wall_clock", values="wall_clock")
    (row,) = (grid := comparisons(told, told.stacks[0])[0]).rows
    assert row[3].lines[0] == "1.214 (1.162 to 1.270)" and row[3].lines[-1].endswith("P(A > B) 1.00")
    assert grid.header[3] == "ratio (95 % CI)" and grid.header[9] == "detectable (factor)"


def report(make, **spec):
    return assemble("s", "T", "default", {"t": make.spec(baseline="a", **spec)}, records(make, K3))


def test_json_and_csv_hold_all_of_it(make):
    made = report(make)
    block = json.loads(FORMATS["json"].load().render(made))["tables"]["t"]["blocks"][0]
    lines = list(csv.DictReader(io.StringIO(FORMATS["csv"].load().render(made))))
    contrasts = made.tables[0].blocks[0].contrasts
    compared = [line for line in lines if line["kind"] == "contrast"]
    for contrast, told, line in zip(contrasts, block["contrasts"], compared, strict=True):
        expected = {
            "r": contrast.pairing.r,
            "relative_efficiency": contrast.pairing.efficiency,
            "superiority": contrast.superiority,
            "against_baseline": contrast.against_baseline,
            "confidence": contrast.result.confidence,
        }
        assert {name: told[name] for name in expected} == expected and told["m"] == 3
        assert {name: float(line[name]) if line[name] else None for name in expected} == expected
    cells = {cell["column"]: (cell["best"], cell["near_best"], cell["differs_from_baseline"]) for cell in block["cells"]}
    assert cells == {"a": (False, False, False), "b": (False, True, True), "c": (True, False, True)}
    marks = {line["column"]: line["marks"] for line in lines if line["kind"] == "summary"}
    assert marks == {"a": "", "b": "near dagger", "c": "best dagger"}


@pytest.mark.parametrize("format", FORMATS)
def test_a_mark_that_is_lost_or_moved_is_named(make, format):
    made = report(make)
    (table_,) = made.tables
    (block,) = table_.blocks
    other = replace(made, tables=[replace(table_, stacks=[(replace(block, near=block.best, best=block.near),)])])
    text = FORMATS[format].load().render(other)
    assert check(other, text, format) == []
    places = " ".join(str(one) for one in check(made, text, format))
    assert ("b" in places and "c" in places) and places


def test_files_from_before_these_fields_are_read(make):
    made = report(make)
    told = json.loads(FORMATS["json"].load().render(made))
    for block in told["tables"]["t"]["blocks"]:
        for contrast in block["contrasts"]:
            for name in ("r", "relative_efficiency", "superiority", "against_baseline", "m"):
                del contrast[name]
        for cell in block["cells"]:
            del cell["near_best"]
    found = check(made, json.dumps(told), "json")
    assert {one.column for one in found} == {"r", "relative_efficiency", "superiority", "against_baseline", "m", "near_best"}
    lines = list(csv.DictReader(io.StringIO(FORMATS["csv"].load().render(made))))
    older = io.StringIO()
    kept = [name for name in lines[0] if name not in ("r", "relative_efficiency", "superiority", "against_baseline", "marks")]
    writer = csv.DictWriter(older, kept, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    found = check(made, older.getvalue(), "csv")
    assert {one.column for one in found} == {"r", "relative_efficiency", "superiority", "against_baseline", "marks"}
