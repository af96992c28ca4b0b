from dataclasses import replace

import pytest

from bench.errors import BenchError
from reports import collect
from reports.statistics import holm, paired_t
from reports.tables import build


def arms(make, values, metric="val__accuracy", tags=None):
    """Return records: {(noise, model): [value by seed]} on the stage accuracy."""
    planned = {
        make.expected(noise=noise, model=model, seed=seed).fingerprint: (
            make.expected(noise=noise, model=model, seed=seed),
            value,
        )
        for (noise, model), column in values.items()
        for seed, value in enumerate(column)
    }
    runs = [
        make.run(trial, tags=(tags or {}).get(trial.labels["model"], {}), **{metric: value})
        for trial, value in planned.values()
        if value is not None
    ]
    return collect([trial for trial, _ in planned.values()], runs)


SIMPLE = [0.912, 0.905, 0.921, 0.908, 0.916]
COMPLEX = [0.900, 0.896, 0.906, 0.901, 0.905]


def test_rows_columns_and_families(make):
    values = {
        (noise, model): column for noise in ("0", "0.1") for model, column in {"s": SIMPLE, "c": COMPLEX, "t": SIMPLE}.items()
    }
    table = build(make.spec(), arms(make, values))
    assert (table.rows, table.columns, table.planned) == (["0", "0.1"], ["s", "c", "t"], 5)
    (block,) = table.blocks
    by_family = {}
    for contrast in block.contrasts:
        by_family.setdefault(contrast.family, []).append((contrast.left, contrast.right))
    pairs = [("c", "s"), ("t", "s"), ("t", "c")]
    assert by_family == {
        "noise = 0": pairs, "noise = 0.1": pairs,
        "model = s": [("0.1", "0")], "model = c": [("0.1", "0")], "model = t": [("0.1", "0")],
    }  # fmt: skip
    first = [contrast for contrast in block.contrasts if contrast.family == "noise = 0"]
    assert first[0].result == paired_t(dict(enumerate(COMPLEX)), dict(enumerate(SIMPLE)))
    assert first[1].result.p is None  # s and t are identical
    assert [contrast.holm for contrast in first] == holm([contrast.result.p for contrast in first])
    assert block.family_sizes == [2]


def test_another_row_changes_no_other_family(make):
    few = build(make.spec(), arms(make, {("0", "s"): SIMPLE, ("0", "c"): COMPLEX}))
    more = build(
        make.spec(), arms(make, {("0", "s"): SIMPLE, ("0", "c"): COMPLEX, ("1", "s"): COMPLEX, ("1", "c"): SIMPLE[::-1]})
    )
    (contrast,) = few.blocks[0].contrasts
    assert contrast in more.blocks[0].contrasts


def test_units_and_published_numbers(make):
    spec = make.spec(
        values=[{"metric": "val/accuracy", "unit": "%"}, {"metric": "wall_clock", "unit": "min"}],
        published={"val/accuracy": {"0": {"s": 64.9, "c": None}}},
    )
    accuracy, time = build(spec, arms(make, {("0", "s"): [0.5, 0.75], ("0", "c"): [0.25, 0.5]})).blocks
    assert accuracy.cells["0", "s"].values == {0: 50.0, 1: 75.0}
    assert (accuracy.cells["0", "s"].published, accuracy.cells["0", "c"].published) == (64.9, None)
    assert accuracy.contrasts[0].result.difference == -25.0
    assert time.cells["0", "s"].without == {"not measured": 2}
    minutes = build(
        make.spec(values=[{"metric": "wall_clock", "unit": "min"}]), arms(make, {("0", "s"): [90.0, 150.0]}, "wall_clock")
    )
    assert minutes.blocks[0].cells["0", "s"].values == {0: 1.5, 1: 2.5}


def test_no_seed_disappears(study):
    tables, records = study
    table = build(tables["table1"], records)
    for block in table.blocks:
        for cell in block.cells.values():
            assert len(cell.values) + sum(cell.without.values()) == cell.planned
        assert block.cells["0.04", "simple"].without == {"diverged": 1}
        assert block.cells["0.04", "complex"].without == {"missing": 2}
        assert block.cells["0", "pretrained_50%"].without == {"unavailable": 5}
        assert block.cells["0", "pretrained_50%"].why.startswith("weights of resnet50")
    assert ("0.04", "pretrained_50%") not in table.blocks[0].cells


def test_every_value_knows_its_run(study):
    tables, records = study
    runs = {record.run.run_id: record.run for record in records if record.run}
    for cell in build(tables["table1"], records).blocks[0].cells.values():
        assert cell.run_ids.keys() == cell.values.keys()
        for seed, value in cell.values.items():
            assert value == pytest.approx(100 * runs[cell.run_ids[seed]].metrics["val/accuracy"])


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"c": {"device": "GPU"}}, ["Example CPU (2 × 1)", "GPU (2 × 1)"]),
        ({"c": {"workers": "1"}}, ["(1 × 1)", "(2 × 1)"]),
        ({"c": {"threads": "4"}}, ["(2 × 1)", "(2 × 4)"]),
        ({"c": {"device": ""}}, ["do not say on what device"]),
    ],
)
def test_times_are_compared_only_under_like_conditions(make, tags, words):
    values = {("0", "s"): [100.0, 110.0, 120.0], ("0", "c"): [300.0, 320.0, 310.0]}
    spec = make.spec(values="wall_clock")
    (refused,) = build(spec, arms(make, values, "wall_clock", tags)).blocks[0].contrasts
    assert refused.result.p is None and refused.result.difference is None
    assert all(word in refused.result.reason for word in words)
    (compared,) = build(spec, arms(make, values, "wall_clock")).blocks[0].contrasts
    assert compared.result.p < 0.01
    (accuracy,) = build(make.spec(), arms(make, values, tags=tags)).blocks[0].contrasts
    assert accuracy.result.p is not None


def test_where_pins_an_axis_and_other_stages_stay_out(make):
    planned = [make.expected(noise="0", model=m, optimizer=o, seed=s) for m in "sc" for o in ("sgd", "adam") for s in (0, 1)]
    planned += [replace(trial, stage="other") for trial in planned]
    runs = [make.run(t, val__accuracy=0.5 if t.labels["optimizer"] == "sgd" else 0.9) for t in planned[:8]]
    records = collect(planned, runs)
    table = build(make.spec(where={"optimizer": "adam"}), records)
    assert {seed: v for cell in table.blocks[0].cells.values() for seed, v in cell.values.items()} == {0: 0.9, 1: 0.9}
    with pytest.raises(BenchError, match=r"two cells fall on row '0', column 's'.*\n.*`where`"):
        build(make.spec(), records)


def test_several_axes_make_joined_labels_and_an_absent_axis_a_dash(make):
    planned = [
        make.expected(model="s", noise="0", filter="none"),
        make.expected(model="s", noise="1", filter="mean"),
        make.expected(model="c", noise="0"),
    ]
    spec = make.spec(rows=["noise", "filter"], columns="model", published={"val/accuracy": {"1 / mean": {"s": 0.7}}})
    table = build(spec, collect(planned, []))
    assert table.rows == ["0 / none", "1 / mean", "0 / –"]
    assert table.blocks[0].cells["1 / mean", "s"].published == 0.7


def test_a_table_of_nothing(make):
    table = build(make.spec(), [])
    assert (table.rows, table.columns, table.planned, table.blocks[0].contrasts) == ([], [], 0, [])
