"""A metric along an axis, and the front of two metrics: what the figures say."""

import re
from xml.etree import ElementTree

import pytest

from bench.grammar.derived import Derived
from bench.reports.figures.build import draw, render
from bench.reports.figures.drawing.labels import spots
from bench.reports.records.collect import collect
from bench.reports.statistics import one_sample


def test_levels_stand_at_their_numbers_with_the_t_interval_of_each_mean(study_of, drawn, by_seed):
    records, _ = study_of(noises=("0.04", "0", "0.01"))
    figure = drawn("along", records)
    assert dict(figure.data.places) == {"0": 0.0, "0.01": 0.01, "0.04": 0.04}
    values = by_seed(records, noise="0.01", model="complex")
    expected, found = one_sample(values, 1.0), figure.data.samples["", "complex", "0.01"]
    assert (found.mean, found.low, found.high) == pytest.approx((expected.difference, expected.ci_low, expected.ci_high))
    assert found.values == tuple(values.values()) and figure.data.notes == ()
    (ax,) = draw(figure).axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "0.01", "0.04"]
    seeds = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in seeds) == 18


def test_levels_that_are_no_numbers_stand_in_the_suites_order(study_of, drawn):
    records, _ = study_of(noises=("strong", "weak", "none"))
    assert dict(drawn("along", records).data.places) == {"strong": 0.0, "weak": 1.0, "none": 2.0}


def test_a_logarithmic_scale_has_equal_steps_for_equal_factors(study_of, drawn):
    records, _ = study_of(noises=("0.1", "0.001", "0.01"))
    data = drawn("along", records, scale="log").data
    low, middle, high = data.places.values()
    assert list(data.places) == ["0.001", "0.01", "0.1"] and middle - low == pytest.approx(high - middle)
    assert data.axis == "noise (logarithmic)"


def test_levels_too_near_each_other_have_a_tick_without_a_name(study_of, drawn):
    records, _ = study_of(noises=("0", "0.001", "0.002", "10"))
    (ax,) = draw(drawn("along", records)).axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "10"]
    assert list(ax.get_xticks(minor=True)) == [0.001, 0.002]


def test_one_line_has_no_key_and_times_under_unlike_conditions_are_not_to_be_compared(make, study_of, drawn):
    records, _ = study_of(models=("a",))
    assert drawn("along", records, lines=None).data.arms[0].label == ""
    planned = [make.expected(noise=noise, model="a", seed=0) for noise in ("0", "1")]
    runs = [make.run(trial, wall_clock=9.0, tags={"device": f"device {i}"}) for i, trial in enumerate(planned)]
    (note,) = drawn("along", collect(planned, runs), metric="wall_clock").data.notes
    assert note.startswith("Not to be compared: timed under unlike conditions") and "device 0" in note


def measured(make, points, tags=lambda name: {}):
    """Return the records of a cell each, name → (seconds, accuracy), of two seeds."""
    planned = [make.expected(noise="0", model=name, seed=seed) for name in points for seed in (0, 1)]
    runs = [
        make.run(
            trial,
            tags=tags(trial.labels["model"]),
            wall_clock=points[trial.labels["model"]][0] + 0.01 * trial.seed,
            val__accuracy=points[trial.labels["model"]][1] + 0.001 * trial.seed,
        )
        for trial in planned
    ]
    return collect(planned, runs)


def test_the_front_has_the_cells_that_no_other_beats_in_both(make, drawn):
    points = {"best": (90.0, 0.9), "slow": (95.0, 0.9), "fast": (10.0, 0.5), "between": (40.0, 0.8), "worse": (41.0, 0.7)}
    figure = drawn("pareto", measured(make, points), panels=None)
    (panel,) = figure.data.panels
    assert [point.name for point in panel.points if point.on_front] == ["fast", "between", "best"]
    assert {point.name for point in panel.points if not point.on_front} == {"slow", "worse"}
    assert figure.data.better == ("lower", "higher") and "lower wall_clock (s)" in figure.caption
    assert not figure.data.log and drawn("pareto", measured(make, points), panels=None, scale="log").data.log


def test_times_under_unlike_conditions_are_not_drawn(make, drawn):
    records = measured(make, {"a": (9.0, 0.5), "b": (5.0, 0.4)}, lambda name: {"device": f"device of {name}"})
    figure = drawn("pareto", records, panels=None)
    (panel,) = figure.data.panels
    assert panel.points == () and "unlike conditions" in panel.why and "Not drawn" in figure.caption
    assert any("unlike conditions" in text.get_text() for ax in draw(figure).axes for text in ax.texts)


def test_of_parameters_fewer_are_better(make, drawn):
    planned = [make.expected(noise="0", model=name, seed=0) for name in ("small", "large")]
    sizes = {"small": (1e5, 0.5), "large": (2e7, 0.9)}
    runs = [make.run(t, parameters=sizes[t.labels["model"]][0], val__accuracy=sizes[t.labels["model"]][1]) for t in planned]
    figure = drawn("pareto", collect(planned, runs), x="parameters", panels=None)
    assert figure.data.better == ("lower", "higher") and figure.data.log
    labels = [tick.get_text() for tick in draw(figure).axes[0].get_xticklabels()]
    assert any(label.endswith(" k") for label in labels) and any(label.endswith(" M") for label in labels)


def test_names_lie_on_no_other_name_and_no_point():
    points = [(2.0 + 0.02 * i, 1.0 + 0.015 * (i % 3)) for i in range(8)]
    found = spots(points, [(0.6, 0.13)] * 8, (6.0, 2.5))
    assert None not in found
    for i, one in enumerate(found):
        assert 0.3 <= one.x <= 5.7 and 0 < one.y < 2.5
        assert not any(abs(one.x - other.x) < 0.6 and abs(one.y - other.y) < 0.13 for other in found[:i])
        assert not any(abs(one.x - x) < 0.3 and abs(one.y - y) < 0.065 for x, y in points)


@pytest.mark.parametrize("kind", ["along", "curves", "dots", "boxes"])
def test_no_axis_goes_beyond_what_the_metric_can_be(make, drawn, study_of, kind):
    planned = [make.expected(noise=noise, model=model, seed=seed) for noise in "01" for model in "ab" for seed in (0, 1)]
    runs = [make.run(trial, val__accuracy=1.0 - 0.05 * trial.seed, wall_clock=0.1 + 3 * trial.seed) for trial in planned]
    _, store = study_of(models=())
    for run in runs:
        store.curves[run.run_id] = {"val/accuracy": [(1, 0.0), (2, run.metrics["val/accuracy"])]}
    data = drawn(kind, collect(planned, runs), store, table={"values": ["val/accuracy", "wall_clock"]}).data
    ranges = {
        "along": lambda: [data.range],
        "curves": lambda: [data.ranges["val/accuracy"]],
    }.get(kind, lambda: [panel.range for panel in data.panels])()
    assert ranges[0][0] >= 0.0 and ranges[0][1] == 1.0
    assert all(low >= 0 for low, _ in ranges)


@pytest.mark.parametrize("kind", ["along", "curves", "dots", "pareto"])
def test_a_metric_declared_in_percent_is_drawn_in_percent(study_of, drawn, kind):
    records, store = study_of()
    declared = {"val/accuracy": Derived(unit="%")}
    records = [type(record)(**vars(record) | {"derived": declared}) for record in records]
    data = drawn(kind, records, store, table={"values": ["val/accuracy"]}).data
    label, top = {
        "along": lambda: (data.metric, data.range[1]),
        "curves": lambda: (data.labels["val/accuracy"], data.ranges["val/accuracy"][1]),
        "dots": lambda: (data.panels[0].label, data.panels[0].range[1]),
        "pareto": lambda: (data.y, data.ranges[1][1]),
    }[kind]()
    assert label == "val/accuracy (%)" and 50 < top <= 100


def test_a_key_says_what_differs_only(make, drawn):
    planned = [make.expected(noise=noise, model=model, seed=0) for noise in "01" for model in "ab"]
    records = collect(planned, [make.run(trial, val__accuracy=0.5) for trial in planned])
    changed = {"axis": "noise", "lines": ["model"], "where": {"model": ["a"]}}
    assert [arm.label for arm in drawn("along", records, **changed).data.arms] == ["a"]
    data = drawn("curves", records, lines=["model", "noise"], panels=None, where={"noise": ["1"]}).data
    assert (data.arm_title, [arm.label for arm in data.arms]) == ("model", ["a", "b"])


def test_svg_has_its_text_as_text_and_few_bytes(study_of, drawn, kind):
    count = 3 if kind == "images" else 6  # pictures of noise cannot be made small
    records, store = study_of(models=[f"method {i}" for i in range(count)], noises=("0", "0.01", "0.04"), seeds=5)
    image = render(drawn(kind, records, store), "svg")
    assert len(image) < 60_000
    root = ElementTree.fromstring(image)
    assert "method 2" in " ".join(root.itertext())
    text = image.decode()
    assert set(re.findall(r' id="([^"]+)"', text)) == set(re.findall(r"#(i\d+)\b", text))
