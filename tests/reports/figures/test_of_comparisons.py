"""Forest plots: what they say."""

import pytest
from pydantic import TypeAdapter

from bench.reports.claims.results import ClaimResult, ContrastResult
from bench.reports.figures.base import FigureSource
from bench.reports.figures.build import build
from bench.reports.figures.kinds import Figure as Spec
from bench.reports.statistics import Comparison, paired


def test_a_forest_holds_the_contrasts_of_the_table(study_of, drawn, by_seed):
    records, _ = study_of()
    figure = drawn("forest", records)
    accuracy, clock = figure.data.panels
    values = [{seed: 100 * v for seed, v in by_seed(records, noise="0", model=m).items()} for m in ("complex", "simple")]
    expected = paired(*values)
    row = accuracy.rows[0]
    assert (row.label, row.group, row.right[0]) == ("complex vs simple", "noise = 0", "3")
    assert (row.estimate, row.low, row.high) == pytest.approx((expected.difference, expected.ci_low, expected.ci_high))
    assert sorted(row.deltas) == pytest.approx(sorted(expected.deltas.values()))
    assert accuracy.label == "difference of val/accuracy (percentage points)" and not accuracy.ratio and row.reference == 0
    assert clock.label == "ratio of wall_clock" and clock.ratio and {one.reference for one in clock.rows} == {1.0}
    assert row.strong == (float(row.right[1]) <= 0.05)
    assert "95 %" in figure.caption and "first divided by second" in figure.caption


def test_contrasts_without_an_estimate_are_named_below_a_forest(study_of, drawn):
    records, _ = study_of(models=("a", "b", "c"), failed=lambda model, noise, seed: "missing" if model == "c" else "")
    data = drawn("forest", records).data
    assert all(row.estimate is not None for panel in data.panels for row in panel.rows)
    (note,) = data.notes
    assert note == (
        "Not compared (no finished trial on one side): c vs a, c vs b within noise = 0, noise = 0.04; any pair within model = c."
    )


def test_a_forest_of_very_many_contrasts_is_thinned_out_and_says_so(study_of, drawn):
    records, _ = study_of(models=[f"m{i}" for i in range(7)], noises=("0", "1", "2"), seeds=2)
    data = drawn("forest", records, table={"baseline": "m3"}).data
    assert {row.group for row in data.panels[0].rows} == {"noise = 0", "noise = 1", "noise = 2"}
    assert all("m3" in row.label for panel in data.panels for row in panel.rows)
    assert len(data.panels[0].rows) == 3 * 6
    assert data.notes == ("For want of room, of all comparisons only those with m3 within rows are drawn.",)


def test_a_forest_of_classes_stands_with_the_whole_and_of_many_classes_alone(study_of, drawn):
    records, _ = study_of(noises=("0",))
    table = {"rows": "class", "values": "test/class_accuracy/*", "also": {"all": "val/accuracy"}}
    (panel,) = drawn("forest", records, table=table).data.panels
    assert [row.group for row in panel.rows] == ["class = cat", "class = class9", "class = class10", "class = dog", "all"]
    for record in records:
        record.run.metrics.update({f"test/class_accuracy/c{k}": 0.5 + 0.001 * ((k + 1) * record.seed % 7) for k in range(70)})
    data = drawn("forest", records, table=table).data
    assert [row.group for row in data.panels[0].rows] == ["all"]
    assert data.notes[-1] == "For want of room, no comparisons of single classes are drawn."


def test_a_forest_of_a_table_of_metrics_has_all_pairs_of_rows(study_of, drawn):
    records, _ = study_of(models=[f"m{i}" for i in range(9)], noises=("0",), seeds=2)
    data = drawn("forest", records, table={"rows": "model", "columns": None, "baseline": "m4"}).data
    assert [len(panel.rows) for panel in data.panels] == [8, 8] and all("m4" in row.label for row in data.panels[0].rows)
    assert {row.group for row in data.panels[0].rows} == {"model"}


def claim(name, result, verdict="supported", parts=1, reference=0.0, quantity="difference of val/accuracy", margin=None):
    one = ContrastResult(
        label="noise=0",
        contrast="a vs b",
        quantity=quantity,
        reference=reference,
        result=result,
        p=result.p,
        holm=result.p,
        verdict=verdict,
        why="why",
        detectable=None,
        seeds_needed=None,
        seeds_at_most=None,
        run_ids=(),
    )
    return ClaimResult(
        name=name,
        says="…",
        relation="higher_than",
        reading="it is higher",
        metric=quantity.split()[-1],
        margin=margin,
        test="t",
        family=name,
        m=1,
        alpha=0.05,
        look="",
        parts=[one] * parts,
        verdict=verdict,
        holds=True,
    )


def test_a_forest_of_claims_shows_margins_claimed_ratios_and_verdicts(study_of, drawn):
    records, _ = study_of()
    difference = paired({0: 0.6, 1: 0.7, 2: 0.65}, {0: 0.5, 1: 0.62, 2: 0.5})
    ratio = paired({0: 10.0, 1: 11.0, 2: 12.0}, {0: 100.0, 1: 105.0, 2: 102.0}, ratio=True)
    claims = [
        claim("better", difference, margin=0.02),
        claim("faster", ratio, quantity="ratio of wall_clock", reference=1 / 7, margin=0.1, parts=2),
        claim("nobody-knows", Comparison(reason="no finished trial"), "insufficient seeds", margin=0.02),
        claim("slower", Comparison(ratio=True, reason="no seed"), "unresolved", quantity="ratio of wall_clock", reference=2.0),
    ]
    figure = build("claims", TypeAdapter(Spec).validate_python({"kind": "forest"}), FigureSource(records, claims=claims))
    accuracy, clock = figure.data.panels
    better, unknown = accuracy.rows
    assert (better.label, better.band, better.right[2]) == ("better", pytest.approx((-0.02, 0.02)), "supported")
    assert (unknown.estimate, unknown.right) == (None, ("0", "–", "insufficient seeds"))
    faster, again, slower = clock.rows
    assert (faster.group, faster.label) == (again.group, again.label) == ("faster", "noise=0")
    assert (faster.reference, faster.band) == (1 / 7, pytest.approx((1 / 7 / 1.1, 1.1 / 7)))
    assert slower.estimate is None and clock.ratio and clock.range[0] > 0
    assert "Upright line" in figure.caption and "margin" in figure.caption
