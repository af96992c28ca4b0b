"""Tables with a row a class, and tables with a column a metric; against the tables that a report prints."""

import pytest

from bench.errors import BenchError
from bench.grammar.derived import Derived
from bench.reports.layout.comparisons import comparable, comparisons
from bench.reports.layout.outline import sections
from bench.reports.layout.results import results
from bench.reports.records.arms import Records
from bench.reports.records.collect import collect
from bench.reports.statistics import holm, paired
from bench.reports.tables.build import build
from tests.reports.assembling import assemble

METHODS = ("unbalanced", "augmented", "generalized", "combined")
TABLE_V = {  # "AI3607 Deep Learning: Assignment 2", Table V: test accuracy of each class, and of all, by method
    "0": (65.6, 66.6, 67.7, 59.0), "1": (77.4, 69.3, 69.7, 73.3), "2": (38.1, 50.3, 38.3, 55.3), "3": (16.2, 16.8, 29.3, 35.5),
    "4": (44.7, 51.7, 41.4, 47.9), "5": (88.1, 89.4, 84.7, 84.8), "6": (92.7, 92.9, 91.8, 92.4), "7": (91.9, 87.1, 89.3, 86.1),
    "8": (93.9, 93.8, 90.7, 95.4), "9": (93.2, 93.0, 92.0, 91.7),
}  # fmt: skip
TOTAL = (70.18, 71.09, 69.49, 72.14)
GROUPS = {
    "removed": Derived(mean="test/class_accuracy", classes=["0", "1", "2", "3", "4"]),
    "whole": Derived(mean="test/class_accuracy"),
}


@pytest.fixture
def table_v(make):
    """Return (spec, trials): the report's numbers as one seed, a second one a point above."""
    planned, runs = [], []
    for column, method in enumerate(METHODS):
        for seed in (0, 1):
            trial = make.expected(stage="improvement", method=method, seed=seed)
            values = {f"test__class_accuracy__{name}": (row[column] + seed) / 100 for name, row in TABLE_V.items()}
            planned.append(trial)
            runs.append(make.run(trial, test__accuracy=(TOTAL[column] + seed) / 100, **values))
    spec = make.spec(
        stage="improvement", rows="class", columns="method",
        values={"metric": "test/class_accuracy/*", "unit": "%"},
        also={"Total": "test/accuracy", "0-4": "removed", "mean": "whole"},
    )  # fmt: skip
    return spec, Records(collect(planned, runs, GROUPS))


def test_a_row_a_class_in_natural_order_and_the_whole_below(table_v):
    table = build(*table_v)
    assert table.rows == [*map(str, range(10)), "Total", "0-4", "mean"] and tuple(table.columns) == METHODS
    cells = {place: cell for block in table.blocks for place, cell in block.cells.items()}
    for name, row in TABLE_V.items():
        assert [cells[name, method].values[0] for method in METHODS] == pytest.approx(row)
    for i, method in enumerate(METHODS):  # the report's totals are the means of its rows
        assert cells["Total", method].values[0] == pytest.approx(cells["mean", method].values[0], abs=0.0051)
        assert cells["0-4", method].values[0] == pytest.approx(sum(TABLE_V[str(k)][i] for k in range(5)) / 5)


def test_classes_natural_order_is_by_number(make):
    trial = make.expected(model="m")
    run = make.run(trial, val__f1__class10=0.1, val__f1__class9=0.2, val__f1__a=0.3)
    table = build(make.spec(rows="class", columns="model", values="val/f1/*"), Records(collect([trial], [run])))
    assert table.rows == ["a", "class9", "class10"]


def test_columns_are_a_family_in_each_row_and_classes_are_not_compared_with_each_other(make):
    values = {"a": [(0.9, 0.8, 0.85), (0.7, 0.75, 0.6), (0.5, 0.52, 0.4)], "b": [(0.1, 0.2, 0.3)] * 3}
    planned, runs = [], []
    for arm, model in enumerate("xyz"):
        for seed in range(3):
            planned.append(trial := make.expected(model=model, seed=seed))
            told = {f"test__class_accuracy__{name}": arms[arm][seed] for name, arms in values.items()}
            runs.append(make.run(trial, test__accuracy=values["a"][arm][seed], **told))
    spec = make.spec(rows="class", columns="model", values="test/class_accuracy/*", also={"Total": "test/accuracy"}, baseline="x")
    table = build(spec, Records(collect(planned, runs)))
    classes, whole = table.blocks
    assert {one.family for one in classes.contrasts} == {"class = a", "class = b"}
    first = [one for one in classes.contrasts if one.family == "class = a"]
    assert [(one.left, one.right) for one in first] == [("y", "x"), ("z", "x"), ("z", "y")]
    assert first[0].result == paired(dict(enumerate(values["a"][1])), dict(enumerate(values["a"][0])), confidence=1 - 0.05 / 3)
    assert [one.holm for one in first] == holm([one.result.p for one in first])
    assert {one.family for one in whole.contrasts} == {"Total"} and [one.holm for one in whole.contrasts] == [
        o.holm for o in first
    ]
    assert classes.best == {("a", "x")}
    assert classes.near == {("a", arm) for arm, one in zip("yz", first, strict=False) if one.holm > 0.05}
    grid = results(table, table.stacks[:1])
    assert [row[0].lines[0] for row in grid.rows] == ["a", "b", "Total"]
    assert [len(grid.rows) for grid in comparisons(table, table.stacks[0])] == [6, 3]


def test_many_classes_are_counted_not_listed(make):
    """Of 91 classes, b is better in 30 by about ten points, worse in one, and equal but for noise in the rest."""
    planned, runs = [], []
    for model in "ab":
        for seed in range(4):
            planned.append(trial := make.expected(model=model, seed=seed))
            shift = {k: 0.1 if k < 30 else -0.1 if k == 30 else 0.0 for k in range(91)}
            noise = {k: 0.01 * ((7 * k + 3 * seed + 5 * seed * (model == "b")) % 4 - 1.5) for k in range(91)}
            told = {f"test__class_accuracy__c{k}": 0.5 + noise[k] + shift[k] * (model == "b") for k in range(91)}
            runs.append(make.run(trial, test__accuracy=0.5 + 0.01 * seed * (model == "b"), **told))
    spec = make.spec(rows="class", columns="model", values="test/class_accuracy/*", also={"Total": "test/accuracy"})
    report = assemble("s", "t", "default", {"t": spec}, collect(planned, runs))
    (table,) = report.tables
    found = {one.family: one for one in table.blocks[0].contrasts}
    up = [family for family, one in found.items() if one.holm is not None and one.holm <= 0.05 and one.result.difference > 0]
    down = [family for family, one in found.items() if one.holm is not None and one.holm <= 0.05 and one.result.difference < 0]
    assert {f"class = c{k}" for k in range(30)} >= set(up[:20]) and "class = c30" in down
    grid = comparisons(table, table.stacks[0])[0]
    assert [row[0].lines[0] for row in grid.rows] == ["Total"]
    (told,) = [remark for remark in grid.remarks if "vs" in remark]
    assert told.startswith(f"b vs a: significantly higher in {len(up)} (c0, c1, c2,") and f"lower in {len(down)} (c30" in told
    assert told.endswith("of 91 classes.") and any("0.05 × 91" in remark for remark in grid.remarks)
    assert len([part for section in sections(report) for part in section.parts]) == 2


def test_a_metric_a_column_and_the_rows_compete(make):
    told = {"cnn": (135.83, 71.94), "vgg": (10.87, 85.34)}  # Table II of the report
    planned, runs = [], []
    for network, (loss, accuracy) in told.items():
        for seed in (0, 1, 2):
            planned.append(trial := make.expected(network=network, seed=seed))
            values = {"test__loss": loss + 0.1 * seed * (1 + (network == "cnn")), "test__accuracy": (accuracy + seed % 2) / 100}
            runs.append(make.run(trial, **values))
    spec = make.spec(
        rows="network", columns=None, values=["test/loss", {"metric": "test/accuracy", "unit": "%"}], baseline="cnn",
        published={"test/loss": {"vgg": 10.87}, "test/accuracy": {"cnn": 71.94, "vgg": None}},
    )  # fmt: skip
    table = build(spec, Records(collect(planned, runs)))
    loss, accuracy = table.blocks
    assert (table.rows, table.columns, table.arms) == (["cnn", "vgg"], [""], "rows")
    assert [(one.family, one.left, one.right) for one in loss.contrasts] == [("network", "vgg", "cnn")]
    assert loss.best == loss.daggers == {("vgg", "")} and accuracy.better == "higher"
    assert (loss.cells["vgg", ""].published, accuracy.cells["cnn", ""].published) == (10.87, 71.94)
    assert accuracy.cells["vgg", ""].published is None
    grid = results(table, table.stacks)
    assert grid.header == ["network ↓", "test/loss", "test/accuracy (%)"]
    assert [cell.lines for cell in grid.rows[1]] == [("vgg",), ("10.97 ± 0.10†", "(report: 10.87)"), ("85.67 ± 0.58",)]
    assert "(lower is better)" in grid.remarks[-2]  # no accuracy is bold: with three such seeds nothing is tested


def test_precision_and_recall_of_the_classes_of_one_cell_stand_side_by_side(make):
    planned = [make.expected(model=model, seed=seed) for model in "ab" for seed in (0, 1)]
    told = {"val__precision__cat": 0.5, "val__recall__cat": 0.25, "val__precision": 0.6, "val__recall": 0.7}
    spec = make.spec(
        rows="class", columns=None, where={"model": "b"}, values=["val/precision/*", "val/recall/*"],
        also={"macro": ["val/precision", "val/recall"]}, published={"val/precision/*": {"cat": 0.4, "dog": 0.9}},
    )  # fmt: skip
    table = build(spec, Records(collect(planned, [make.run(trial, **told) for trial in planned])))
    grid = results(table, table.stacks)
    assert grid.header == ["class ↓", "val/precision", "val/recall"]
    rows = {row[0].lines[0]: [cell.lines for cell in row[1:]] for row in grid.rows}
    assert rows["macro"] == [("0.600 ± 0.000",), ("0.700 ± 0.000",)] and rows["cat"][0] == ("0.500 ± 0.000", "(report: 0.4)")
    assert rows["dog"][0] == ("not measured¹", "(report: 0.9)")  # a printed class that no run has does not vanish
    assert "no metric 'val/precision/dog'" in grid.footnotes[0]
    assert not any(block.contrasts for block in table.blocks)


def test_a_class_that_is_called_like_a_row_of_the_whole_is_refused(make):
    trial = make.expected(model="m")
    spec = make.spec(rows="class", columns="model", values="val/f1/*", also={"cat": "val/f1"})
    with pytest.raises(BenchError, match="'cat' is a class, and a row below"):
        build(spec, Records(collect([trial], [make.run(trial, val__f1__cat=0.5)])))


def test_before_any_run_the_printed_classes_and_the_whole_are_there(make):
    planned = [make.expected(model="m", seed=seed) for seed in (0, 1)]
    spec = make.spec(
        rows="class", columns="model", values="val/f1/*", also={"macro": "val/f1"}, published={"val/f1/*": {"cat": {"m": 0.5}}}
    )
    grid = results(table := build(spec, Records(collect(planned, []))), table.stacks)
    assert [[cell.lines for cell in row] for row in grid.rows] == [
        [("cat",), ("missing", "(report: 0.5)")],
        [("macro",), ("missing",)],
    ]


def test_sizes_of_classes_are_shown_and_not_compared(make):
    planned = [make.expected(model=model, seed=seed) for model in "ab" for seed in range(3)]
    runs = [make.run(trial, train__class_size__cat=50.0 if trial.labels["model"] == "a" else 500.0) for trial in planned]
    spec = make.spec(rows="class", columns="model", values="train/class_size/*")
    report = assemble("s", "t", "default", {"t": spec}, collect(planned, runs))
    (part,) = [part for section in sections(report) for part in section.parts]
    assert [cell.lines[0] for cell in part.grid.rows[0]] == ["cat", "50 ± 0", "500 ± 0"]
    assert "Not compared, as it is the same for every seed: train/class_size." in part.grid.remarks
    assert not comparable(report.tables[0].stacks[0])


def test_one_seed_a_cell_has_no_spread_no_test_and_no_comparisons(make):
    planned = [make.expected(share=share, vote=vote) for share in ("10%", "50%") for vote in ("soft", "hard")]
    runs = [make.run(trial, test__accuracy=0.9 + 0.001 * i) for i, trial in enumerate(planned)]
    spec = make.spec(rows="share", columns="vote", values="test/accuracy")
    report = assemble("s", "t", "default", {"t": spec}, collect(planned, runs))
    (part,) = [part for section in sections(report) for part in section.parts]
    assert part.grid.caption.endswith("One seed (n=1): no spread and no test.")
    assert [cell.lines for cell in part.grid.rows[0]] == [("10%",), ("0.900",), ("0.901",)]
    assert not any(cell.bold for row in part.grid.rows for cell in row)
