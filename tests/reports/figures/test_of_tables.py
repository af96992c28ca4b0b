"""Figures of a table: what they say, from records to data."""

import statistics
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reports.figures.drawing.style import colour
from bench.reports.figures.kinds.boxes import box
from bench.reports.figures.kinds.critical_difference import cliques
from bench.reports.records.collect import collect
from bench.reports.statistics import one_sample


def test_dots_are_the_seeds_with_the_t_interval_of_their_mean(study_of, drawn, by_seed):
    records, _ = study_of(failed=lambda model, noise, seed: "diverged" if (model, noise, seed) == ("complex", "0.04", 1) else "")
    data = drawn("dots", records).data
    assert (data.lines, [arm.label for arm in data.arms]) == (("0", "0.04"), ["simple", "complex"])
    accuracy, clock = data.panels
    assert (accuracy.label, clock.label) == ("val/accuracy (%)", "wall_clock (s)")
    found = accuracy.samples["0", "simple"]
    values = {seed: 100 * value for seed, value in by_seed(records, noise="0", model="simple").items()}
    expected = one_sample(values, max(values.values()))
    assert found.values == tuple(values.values()) and found.planned == 3
    assert (found.mean, found.low, found.high) == pytest.approx((expected.difference, expected.ci_low, expected.ci_high))
    assert len(accuracy.samples["0.04", "complex"].values) == 2 and accuracy.samples["0.04", "complex"].planned == 3
    assert all(accuracy.range[0] <= value <= accuracy.range[1] for one in accuracy.samples.values() for value in one.values)


def test_rows_that_compete_are_the_arms(study_of, drawn):
    records, _ = study_of()
    data = drawn("dots", records, table={"arms": "rows"}).data
    assert (data.lines, data.line_title) == (("simple", "complex"), "model")
    assert ([arm.label for arm in data.arms], data.arm_title) == (["0", "0.04"], "noise")


def test_one_seed_has_no_interval_and_the_caption_does_not_speak_of_one(study_of, drawn):
    records, store = study_of(seeds=1)
    dots = drawn("dots", records)
    assert {(one.low, one.high) for panel in dots.data.panels for one in panel.samples.values()} == {(None, None)}
    assert "interval" not in dots.caption and "n=1 seed)" in dots.caption
    curves = drawn("curves", records, store)
    assert {low for one in curves.data.curves.values() for low in one.low} == {None}
    assert "interval" not in curves.caption and "thin" not in curves.caption


def test_an_arm_has_the_same_colour_in_every_figure(study_of, drawn):
    records, store = study_of(models=("a", "b", "c"))
    whole = {arm.label: arm.place for arm in drawn("dots", records).data.arms}
    assert whole == {"a": 0, "b": 1, "c": 2}
    for kind in ("curves", "classes"):
        part = drawn(kind, records, store, where={"model": ["c", "b"]}).data.arms
        assert {arm.label: arm.place for arm in part} == {"b": 1, "c": 2}
    assert len({colour(place) for place in range(8)}) == 8


@settings(deadline=None)  # matplotlib is imported
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12))
def test_a_box_is_matplotlibs(values):
    from matplotlib.cbook import boxplot_stats

    (expected,) = boxplot_stats(values)
    found = box(values)
    ends = [expected[name] for name in ("whislo", "q1", "med", "q3", "whishi")]
    assert [found.low, found.first, found.median, found.third, found.high] == pytest.approx(ends, abs=1e-9)


def test_boxes_are_those_of_the_seeds_of_each_cell(study_of, drawn, by_seed):
    records, _ = study_of(seeds=5, failed=lambda m, n, s: "diverged" if (m, n, s) == ("complex", "0", 4) else "")
    figure = drawn("boxes", records)
    data = figure.data
    assert (data.lines, [arm.label for arm in data.arms], data.line_title) == (("0", "0.04"), ["simple", "complex"], "noise")
    values = [100 * value for value in by_seed(records, noise="0", model="complex").values()]
    assert len(values) == 4 and data.boxes["val/accuracy (%)", "0", "complex"] == box(values)
    assert data.boxes["val/accuracy (%)", "0", "complex"].median == pytest.approx(statistics.median(values))
    assert data.panels[0].samples["0", "complex"].values == tuple(values)
    assert data.notes == ("complex, 0: n=4 of 5 seeds (1 diverged).",)
    assert "the quartiles, with the median" in figure.caption and "n=5 seeds" in figure.caption and "×" not in figure.caption


def test_the_axis_of_boxes_follows_the_seeds_and_not_their_means_interval(study_of, drawn):
    records, _ = study_of(seeds=2)
    (low, high), wider = (drawn(kind, records).data.panels[0].range for kind in ("boxes", "dots"))
    values = [100 * r.value("val/accuracy") for r in records if r.stage == "accuracy"]
    assert low <= min(values) and max(values) <= high and wider[0] < low and high < wider[1]


def test_a_table_of_metrics_has_a_place_for_each_row(study_of, drawn):
    records, _ = study_of()
    table = {"rows": "model", "columns": None, "where": {"noise": "0"}}
    for kind in ("boxes", "dots"):
        data = drawn(kind, records, table=table).data
        assert (data.lines, [arm.label for arm in data.arms], data.arm_title) == (("",), ["simple", "complex"], "model")
        assert [panel.label for panel in data.panels] == ["val/accuracy (%)", "wall_clock (s)"]
        assert set(data.panels[1].samples) == {("", "simple"), ("", "complex")}


def test_a_table_of_classes_has_a_line_for_each_and_for_the_whole(study_of, drawn):
    records, _ = study_of()
    table = {"rows": "class", "where": {"noise": "0"}, "values": "test/class_accuracy/*", "also": {"all": "val/accuracy"}}
    data = drawn("dots", records, table=table).data
    (panel,) = data.panels
    assert data.lines == ("cat", "class9", "class10", "dog", "all") and panel.label == "test/class_accuracy"
    assert set(panel.samples) == {(line, arm) for line in data.lines for arm in ("simple", "complex")}


DEMSAR = """.763 .768 .771 .798; .599 .591 .590 .569; .954 .971 .968 .967; .628 .661 .654 .657; .882 .888 .886 .898;
.936 .931 .916 .931; .661 .668 .609 .685; .583 .583 .563 .625; .775 .838 .866 .875; 1 1 1 1; .940 .962 .965 .962;
.619 .666 .614 .669; .972 .981 .97501 .975; .957 .978 .946 .970"""


@pytest.fixture
def demsar(make):
    """The data of Demsar (2006), table 6: 14 data sets, four variants of C4.5."""
    planned, runs = [], []
    for task, line in enumerate(DEMSAR.replace("\n", " ").split(";")):
        for method, value in zip(("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"), line.split(), strict=True):
            trial = make.expected(noise=f"set {task}", model=method, seed=0)
            planned.append(trial)
            runs.append(make.run(trial, val__accuracy=float(value)))
    return collect(planned, runs)


def test_the_critical_difference_diagram_of_the_paper(demsar, drawn):
    figure = drawn("ranks", demsar, table={"values": "val/accuracy"})
    (panel,) = figure.data.panels
    assert [(name, round(rank, 3)) for name, rank in panel.ranks] == [
        ("C4.5+m+cf", 1.964), ("C4.5+m", 2.0), ("C4.5+cf", 2.893), ("C4.5", 3.143),
    ]  # fmt: skip
    assert panel.critical == pytest.approx(1.2536, abs=1e-4) and panel.tasks == 14
    assert panel.cliques == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)  # the paper's figure: at .05 nothing differs
    for told in ("chi-squared(3) = 9.28", "F(3, 39) = 3.69", "CD=1.25", "N=14 tasks"):
        assert told in figure.caption
    assert "ow power" not in figure.caption and "against" not in figure.caption
    caption = drawn("ranks", demsar, table={"values": "val/accuracy", "baseline": "C4.5"}).caption
    told = "C4.5+m z = +2.34, p = 0.047, C4.5+cf z = +0.51, p = 0.608, C4.5+m+cf z = +2.42, p = 0.047"
    assert f"against C4.5 (above 0: better; Holm, m=3): {told}" in caption


def test_few_tasks_are_said_to_have_low_power_and_what_is_incomplete_is_left_out(study_of, drawn):
    records, _ = study_of(
        models=("a", "b", "c"),
        noises=("0", "1", "2"),
        failed=lambda model, noise, seed: "diverged" if model == "c" or (model, noise) == ("a", "2") else "",
    )
    figure = drawn("ranks", records)
    accuracy, clock = figure.data.panels
    assert [name for name, _ in accuracy.ranks] == ["b", "a"] and [name for name, _ in clock.ranks] == ["a", "b"]
    assert accuracy.tasks == 2 and "Low power: fewer than 10 tasks" in figure.caption
    assert figure.data.notes == ("Without any result, not ranked: c.", "Without a result of every method, left out: 2.")


@pytest.mark.parametrize(
    "table, reason", [({"values": "epochs"}, "which way is better"), ({"where": {"noise": "0"}}, "two rows")]
)
def test_what_cannot_be_ranked_says_why(study_of, drawn, table, reason):
    records, _ = study_of()
    figure = drawn("ranks", records, table=table)
    assert all(panel.ranks == () and reason in panel.note for panel in figure.data.panels)


@given(st.lists(st.floats(1, 9), min_size=2, max_size=9), st.floats(0.1, 5))
def test_cliques_join_exactly_the_neighbours_closer_than_the_critical_difference(ranks, critical):
    order = [(f"m{i}", rank) for i, rank in enumerate(sorted(ranks))]
    rank = dict(order)
    found = cliques(order, critical)
    joined = {frozenset(pair) for clique in found for pair in combinations(clique, 2)}
    assert joined == {frozenset((a, b)) for a, b in combinations(rank, 2) if abs(rank[a] - rank[b]) < critical}
    assert not any(set(a) < set(b) for a in found for b in found)
