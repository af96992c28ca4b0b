"""Curves, bars by class and confusion matrices: what they say."""

import json

import numpy as np
import pytest
import scipy.stats
from pydantic import TypeAdapter

from bench.errors import BenchError
from bench.reports.figures.base import FigureSource
from bench.reports.figures.build import build, draw
from bench.reports.figures.kinds import Figure as Spec
from bench.reports.figures.kinds.scatter import least_squares
from bench.reports.records.collect import collect
from bench.reports.statistics import one_sample


def test_learning_curves_are_means_over_the_epochs_that_all_seeds_have(study_of, drawn):
    records, store = study_of(failed=lambda model, noise, seed: "diverged" if (model, noise, seed) == ("complex", "0", 2) else "")
    first = next(r for r in records if r.labels == {"noise": "0", "model": "simple"} and r.seed == 0)
    del store.curves[first.run.run_id]["val/accuracy"][3:]
    figure = drawn("curves", records, store)
    one = figure.data.curves["val/accuracy", "noise = 0", "simple"]
    assert [len(points) for points in one.seeds] == [3, 5, 5] and one.steps == (1, 2, 3)
    for place, step in enumerate(one.steps):
        expected = one_sample({seed: dict(points)[step] for seed, points in enumerate(one.seeds)}, 1.0)
        found = one.mean[place], one.low[place], one.high[place]
        assert found == pytest.approx((expected.difference, expected.ci_low, expected.ci_high))
    assert len(figure.data.curves["val/accuracy", "noise = 0", "complex"].seeds) == 2
    assert figure.data.notes == ("complex, noise = 0: n=2 of 3 seeds (1 diverged).",)
    assert "where the first seed ends" in figure.caption and "n=3 seeds" in figure.caption


def test_trials_without_recorded_epochs_are_noted(study_of, drawn):
    records, store = study_of()
    for record in records:
        if record.stage == "accuracy" and record.labels["model"] == "simple":
            del store.curves[record.run.run_id]["train/loss"]
    data = drawn("curves", records, store, metric=["train/loss", "val/accuracy"]).data
    assert data.notes == ("train/loss: simple: no result (3 without recorded epochs).",)
    assert drawn("curves", records, None).caption.endswith("No trial has recorded epochs.")


def test_bars_by_class_begin_at_zero_and_come_in_natural_order(study_of, drawn, by_seed):
    records, _ = study_of()
    data = drawn("classes", records, where={"noise": "0"}, panels=None).data
    assert data.classes == ("cat", "class9", "class10", "dog")
    assert (data.panels, data.range) == (("",), (0.0, 1.0))
    values = by_seed(records, "test/class_accuracy/dog", noise="0", model="complex")
    expected = one_sample(values, 1.0)
    found = data.samples["", "dog", "complex"]
    assert (found.mean, found.low, found.high) == pytest.approx((expected.difference, expected.ci_low, expected.ci_high))


def test_bars_of_what_is_no_share_begin_at_zero_too(make, drawn):
    planned = [make.expected(noise="0", model=model, seed=seed) for model in "ab" for seed in (0, 1)]
    runs = [make.run(trial, loss__cat=3.0 + i, loss__dog=1.5, val__accuracy=0.5) for i, trial in enumerate(planned)]
    data = drawn("classes", collect(planned, runs), metric="loss", panels=None).data
    assert data.range[0] == 0.0 and data.range[1] > 6.0


def test_a_histogram_of_class_sizes_begins_with_the_largest_and_has_no_chance_in_it(make, drawn, silent):
    planned = [make.expected(model="m", noise="0", seed=seed) for seed in range(3)]
    sizes = {f"train__class_size__c{k}": float(146 + 37 * k % 381) for k in range(91)}
    records = collect(planned, [make.run(trial, **sizes) for trial in planned])
    figure = drawn("classes", records, metric="train/class_size", sorted=True, bars=None, panels=None)
    data = figure.data
    means = [data.samples["", name, ""].mean for name in data.classes]
    assert means == sorted(means, reverse=True) and len(means) == 91
    assert data.arm_title == "" and data.notes == ()
    assert figure.caption.endswith("Bars: the mean over n=3 seeds. The largest mean first.")
    drawing = draw(figure)
    assert len(drawing.axes) == 2 and sum(len(ax.patches) for ax in drawing.axes) == 91


def test_classes_without_a_value_come_last(study_of, drawn):
    records, _ = study_of()
    for record in records:
        record.run.metrics.update({"test/class_accuracy/aaa": float("nan")})
    data = drawn("classes", records, sorted=True, panels=None, where={"noise": "0"}).data
    assert data.classes == ("cat", "dog", "class10", "class9", "aaa")


def test_a_scatter_of_cells_has_their_means_the_least_squares_line_and_pearsons_r(study_of, drawn):
    records, _ = study_of(models=[f"m{i}" for i in range(6)], noises=("0", "1"))
    figure = drawn("scatter", records, panels=None)
    (panel,) = figure.data.panels
    cells = {}
    for record in records:
        if record.stage == "accuracy":
            cells.setdefault(record.cell, []).append((record.value("epochs"), record.value("val/accuracy")))
    x, y = np.array([np.mean(points, axis=0) for points in cells.values()]).T
    assert pytest.approx(np.array([x, y])) == np.array(panel.points).T
    assert panel.line == pytest.approx(tuple(np.polyfit(x, y, 1)))
    expected = scipy.stats.pearsonr(x, y)
    low, high = expected.confidence_interval()
    text = f"r = {expected.statistic:.2f} ({low:.2f} to {high:.2f}), p = {expected.pvalue:.3f}, n=12 cells"
    assert panel.correlation == text.replace("-", "−")
    assert figure.caption.startswith("val/accuracy against epochs, stage accuracy. A dot a cell")


def test_a_scatter_of_classes_names_those_farthest_from_the_line(make, drawn):
    planned = [make.expected(model="m", noise="0", seed=seed) for seed in (0, 1)]
    runs = []
    for trial in planned:
        told = {f"val__f1__c{k}": 0.3 + 0.01 * k + 0.02 * trial.seed for k in range(20)} | {
            "val__f1__otter": 0.01,
            "val__f1__alone": 1.0,
        }
        told |= {f"train__class_size__c{k}": 10.0 * k for k in range(20)} | {"train__class_size__otter": 100.0}
        runs.append(make.run(trial, **told))
    figure = drawn("scatter", collect(planned, runs), x="train/class_size/*", y="val/f1/*", panels=None)
    (panel,) = figure.data.panels
    assert (figure.data.x, figure.data.y) == ("train/class_size (images)", "val/f1") and len(panel.points) == 21
    assert (50.0, pytest.approx(0.36)) in panel.points and panel.correlation.endswith("n=21 classes")
    assert "Farthest from the line: otter, " in figure.caption and figure.data.notes == ()


@pytest.mark.parametrize(("seeds", "models", "words"), [(3, ("a",), "needs at least 4 items"), (3, (), "No trial has a result")])
def test_too_few_points_have_no_correlation_and_say_so(study_of, drawn, seeds, models, words):
    records, _ = study_of(models=models, noises=("0", "1"), seeds=seeds)
    figure = drawn("scatter", records, panels=None)
    assert words in " ".join([figure.caption, *(panel.correlation for panel in figure.data.panels)])


def test_equal_x_have_no_line():
    assert least_squares([(1.0, 2.0), (1.0, 3.0)]) is None and least_squares([]) is None
    assert least_squares([(0.0, 1.0), (2.0, 5.0)]) == pytest.approx((2.0, 1.0))


def test_a_confusion_matrix_is_the_mean_of_shares_not_of_counts(study_of, drawn):
    records, store = study_of(seeds=2)
    for record in records:
        scale = 1 if record.seed == 0 else 10
        counts = [[3 * scale, 1 * scale], [0, 0]] if record.seed == 0 else [[1 * scale, 1 * scale], [0, 0]]
        store.files[record.run.run_id, "confusion.json"] = json.dumps({"classes": ["a", "b"], "test": counts}).encode()
    data = drawn("confusion", records, store, where={"noise": "0"}, panels="model").data
    assert [one.label for one in data.panels] == ["model = simple", "model = complex"]
    assert data.panels[0].shares == (pytest.approx((0.625, 0.375)), (None, None))
    assert (data.panels[0].n, data.panels[0].planned) == (2, 2)


@pytest.mark.parametrize("content", [None, b"not json", b"[]", b'{"classes": ["a"]}', b'{"classes": ["a", "b"], "test": [[1]]}'])
def test_a_confusion_matrix_that_cannot_be_read_is_noted(study_of, drawn, content):
    records, store = study_of(seeds=2)
    for record in [record for record in records if record.stage == "accuracy"]:
        if record.labels["model"] == "complex" or record.seed == 1:
            store.files.pop((record.run.run_id, "confusion.json"))
            if content is not None:
                store.files[record.run.run_id, "confusion.json"] = content
    data = drawn("confusion", records, store, where={"noise": "0"}, panels="model").data
    assert [(one.label, one.n, one.planned) for one in data.panels] == [("model = simple", 1, 2)]
    assert data.notes == (
        "model = simple: n=1 of 2 seeds (1 without a stored confusion matrix).",
        "model = complex: no result (2 without a stored confusion matrix).",
    )


def test_two_cells_in_one_place_and_a_table_that_is_not_there_are_refused(study_of, drawn):
    records, store = study_of()
    with pytest.raises(BenchError, match=r"fall on one place \(simple\): noise=0, .* and noise=0\.04, "):
        drawn("curves", records, store, panels=None)
    other = TypeAdapter(Spec).validate_python({"kind": "dots", "table": "other"})
    with pytest.raises(BenchError, match="no table 'other'"):
        build("f", other, FigureSource(records))
