"""Figures: what they say, from records to data; and that they can be drawn, whatever the labels and whatever is missing."""

import json
import math
import os
import subprocess
import sys
import warnings
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bench.errors import BenchError
from bench.suite.figures import Figure as Spec
from reports.arms import Trials
from reports.claims import ClaimResult, Part
from reports.collect import collect
from reports.figures import build, draw, render
from reports.figures.marks import ticks
from reports.figures.of_tables import cliques
from reports.figures.ranges import axis_range, is_cut
from reports.figures.style import SMALL, colour
from reports.figures.text import shown, width, wrap
from reports.statistics import Comparison, one_sample, paired
from reports.tables import build as build_table

CLASSES = ("cat", "dog", "class10", "class9")
HARD = ("$x_1^2$ and $\\frac{a}{b}$", "_hidden 100% & #3", "a label that is very much longer than any panel is wide, 雪 ☃ größe")
KINDS = {
    "dots": {"kind": "dots", "table": "t"},
    "forest": {"kind": "forest", "table": "t"},
    "ranks": {"kind": "critical-difference", "table": "t"},
    "curves": {"kind": "curves", "stage": "accuracy", "lines": "model", "panels": "noise"},
    "classes": {"kind": "classes", "stage": "accuracy", "bars": "model", "panels": "noise"},
    "confusion": {"kind": "confusion", "stage": "accuracy", "panels": ["model", "noise"]},
}


class Store:
    """What a tracker would give back, held in memory."""

    def __init__(self):
        self.curves: dict[str, dict[str, list[tuple[int, float]]]] = {}
        self.files: dict[tuple[str, str], bytes] = {}

    def histories(self, run_ids, metrics):
        found = {run_id: {m: self.curves[run_id][m] for m in metrics if m in self.curves[run_id]} for run_id in run_ids}
        return {run_id: curves for run_id, curves in found.items() if curves}

    def artifact(self, run_id, name):
        return self.files.get((run_id, name))


@pytest.fixture
def study_of(make):
    """Return a maker of (records, store): a stage of models and noises, all seeds finished but those that `failed` names."""

    def made(models=("simple", "complex"), noises=("0", "0.04"), seeds=3, failed=lambda model, noise, seed: ""):
        planned, runs, store = [], [], Store()
        for i, noise in enumerate(noises):
            for j, model in enumerate(models):
                for seed in range(seeds):
                    trial = make.expected(noise=noise, model=model, seed=seed)
                    planned.append(trial)
                    outcome = failed(model, noise, seed)
                    if outcome == "missing":
                        continue
                    if outcome:
                        runs.append(make.run(trial, status="FAILED", outcome=outcome))
                        continue
                    accuracy = 0.6 - 0.1 * i + 0.05 * j + 0.01 * math.sin(7 * seed + 3 * j + i)
                    by_class = {f"test__class_accuracy__{name}": accuracy - 0.05 * k for k, name in enumerate(CLASSES)}
                    run = make.run(trial, val__accuracy=accuracy, wall_clock=60.0 * (j + 1) + seed + i, **by_class)
                    runs.append(run)
                    values = [accuracy * (1 - 0.5**epoch) + 0.001 * seed for epoch in range(1, 6)]
                    losses = [2 * (1 - value) for value in values]
                    store.curves[run.run_id] = {
                        "val/accuracy": list(enumerate(values, start=1)),
                        "train/loss": list(enumerate(losses, start=1)),
                    }
                    counts = [[6 + seed if a == b else b for b in range(4)] for a in range(4)]
                    told = {"classes": CLASSES, "test": counts, "val": counts}
                    store.files[run.run_id, "confusion.json"] = json.dumps(told).encode()
        return collect(planned, runs), store

    return made


@pytest.fixture
def drawn(make):
    """Return a maker of figures: drawn(kind, records, store, …, **changes of its spec), None taking a part out of it."""

    def made(kind, records, store=None, claims=(), table=(), **changes):
        values = [{"metric": "val/accuracy", "unit": "%"}, "wall_clock"]
        tables = [build_table(make.spec(**({"values": values} | dict(table))), Trials(records), "t")]
        told = {key: value for key, value in (KINDS[kind] | changes).items() if value is not None}
        return build(kind, TypeAdapter(Spec).validate_python(told), records, tables, claims, store)

    return made


def by_seed(records, metric="val/accuracy", **labels):
    return {r.seed: r.value(metric) for r in records if labels.items() <= r.labels.items() and r.value(metric) is not None}


# ------------------------------------------------------------ what the data say


def test_dots_are_the_seeds_with_the_t_interval_of_their_mean(study_of, drawn):
    records, _ = study_of(failed=lambda model, noise, seed: "diverged" if (model, noise, seed) == ("complex", "0.04", 1) else "")
    data = drawn("dots", records).data
    assert (data.lines, [arm.label for arm in data.arms]) == (("0", "0.04"), ["simple", "complex"])
    accuracy, clock = data.panels
    assert (accuracy.label, clock.label) == ("val/accuracy (%)", "wall_clock")
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


def test_a_forest_holds_the_contrasts_of_the_table(study_of, drawn):
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


def claim(name, result, verdict="supported", parts=1, **changes):
    one = Part("noise=0", "a vs b", result, result.p, result.p, None, verdict, "why", None, None, ())
    told = {"says": "…", "kind": "greater", "metric": "val/accuracy", "margin": None, "test": "t", "family": name}
    told |= {"m": 1, "alpha": 0.05, "look": "", "parts": [one] * parts, "verdict": verdict, "holds": True}
    return ClaimResult(name=name, **told | changes)


def test_a_forest_of_claims_shows_margins_claimed_ratios_and_verdicts(study_of, drawn):
    records, _ = study_of()
    difference = paired({0: 0.6, 1: 0.7, 2: 0.65}, {0: 0.5, 1: 0.62, 2: 0.5})
    ratio = paired({0: 10.0, 1: 11.0, 2: 12.0}, {0: 100.0, 1: 105.0, 2: 102.0}, ratio=True)
    claims = [
        claim("better", difference, margin=0.02),
        claim("faster", ratio, kind="less", metric="wall_clock", ratio=1 / 7, margin=0.1, parts=2),
        claim("nobody-knows", Comparison(reason="no finished trial"), "insufficient seeds", margin=0.02),
        claim("slower", Comparison(reason="no finished trial"), "insufficient seeds", metric="wall_clock", ratio=2.0),
    ]
    figure = build("claims", TypeAdapter(Spec).validate_python({"kind": "forest"}), records, [], claims, None)
    accuracy, clock = figure.data.panels
    better, unknown = accuracy.rows
    assert (better.label, better.band, better.right[2]) == ("better", pytest.approx((-0.02, 0.02)), "supported")
    assert (unknown.estimate, unknown.right) == (None, ("0", "–", "insufficient seeds"))
    faster, again, slower = clock.rows
    assert (faster.group, faster.label) == (again.group, again.label) == ("faster", "noise=0")
    assert (faster.reference, faster.band) == (1 / 7, pytest.approx((1 / 7 / 1.1, 1.1 / 7)))
    assert slower.estimate is None and clock.ratio and clock.range[0] > 0
    assert "Upright line" in figure.caption and "margin" in figure.caption


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
        if record.labels["model"] == "simple":
            del store.curves[record.run.run_id]["train/loss"]
    data = drawn("curves", records, store, metric=["train/loss", "val/accuracy"]).data
    assert data.notes == ("train/loss: simple: no result (3 without recorded epochs).",)
    assert drawn("curves", records, None).caption.endswith("No trial has recorded epochs.")


def test_bars_by_class_begin_at_zero_and_come_in_natural_order(study_of, drawn):
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
    for record in records:
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


def test_two_cells_in_one_place_and_a_table_that_is_not_there_are_refused(study_of, drawn):
    records, store = study_of()
    with pytest.raises(BenchError, match=r"drawn as one: noise=0, .* and noise=0\.04, "):
        drawn("curves", records, store, panels=None)
    other = TypeAdapter(Spec).validate_python({"kind": "dots", "table": "other"})
    with pytest.raises(BenchError, match="no table 'other'"):
        build("f", other, records, [], [], None)


# ------------------------------------------------------------ axes and text


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=6),
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0, 1e9)), max_size=4),
    st.booleans(),
)
@example([5e-324], [], False)
def test_an_axis_shows_every_value_and_leaves_them_room(values, intervals, ratio):
    values = [abs(value) + 1e-3 for value in values] if ratio else values
    low, high = axis_range(values, [(middle - half, middle + half) for middle, half in intervals], ratio)
    assert math.isfinite(low) and math.isfinite(high) and low < high and (low > 0 or not ratio)
    assert all(low <= value <= high for value in values)
    if not ratio and values and max(values) - min(values) > 1e-3:
        assert max(values) - min(values) >= 0.25 * (high - low)


def test_an_interval_that_would_squeeze_the_values_is_cut():
    axis = axis_range([1.0, 2.0], [(-50.0, 60.0), (0.9, 2.1)])
    assert -2 < axis[0] < 1 and 2 < axis[1] < 5
    assert is_cut(axis, -50.0, 60.0) and not is_cut(axis, 0.9, 2.1) and not is_cut(axis, None, None)


@given(st.floats(-6, 6), st.floats(0.001, 8))
def test_a_logarithmic_axis_has_a_few_ticks_inside_it(start, decades):
    axis = 10**start, 10 ** (start + decades)
    found = ticks(axis)
    assert found == sorted(set(found)) and 1 <= len(found) <= 12
    assert all(axis[0] * (1 - 1e-6) <= tick <= axis[1] * (1 + 1e-6) for tick in found)


@given(st.text(max_size=80), st.floats(0.5, 4), st.integers(1, 4))
def test_wrapped_text_is_as_narrow_as_asked_for(text, inches, most):
    lines = wrap(text, inches, SMALL, most).split("\n")
    assert len(lines) <= most
    assert all(width(line, SMALL) <= inches + 1e-9 for line in lines)
    if not lines[-1].endswith("…"):
        assert "".join("".join(lines).split()) == "".join(shown(text).split())


def test_a_letter_that_no_font_can_draw_is_shown_by_its_number():
    assert shown("a\tb\n\x00\ue000 ☃") == "a b <0000><E000> ☃"


# ------------------------------------------------------------ what is drawn


def texts(figure):
    """Return (text, its extent in pixels) of everything that a figure says."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    from reports.figures.style import applied

    with applied():
        drawing = draw(figure)
        FigureCanvasAgg(drawing).draw()
        outside = set()
        for ax in drawing.axes:
            for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
                for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                    if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                        outside |= {tick.label1, tick.label2}
        found = [one for one in drawing.findobj(Text) if one.get_visible() and one.get_text().strip() and one not in outside]
        found = [one for one in found if one.axes is None or one.axes.get_visible()]
        return drawing.bbox, [(one.get_text(), one.get_window_extent()) for one in found], found


def check_texts(figure):
    """No text is cut off, none lies on another, and none is taken for mathematics."""
    page, placed, found = texts(figure)
    assert not any(one.get_parse_math() for one in found)
    for text, box in placed:
        assert page.x0 - 1 <= box.x0 and box.x1 <= page.x1 + 1 and page.y0 - 1 <= box.y0 and box.y1 <= page.y1 + 1, text
    for (one, a), (other, b) in combinations(placed, 2):
        across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1 or down <= 1, f"{one!r} lies on {other!r}"
    return [text for text, _ in placed]


@pytest.fixture
def silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_literal_whole_and_apart(study_of, drawn, kind, silent):
    records, store = study_of(models=HARD, noises=("0", "$\\sigma^2$ = 0.01_x", "n" * 90))
    told = "".join("".join(check_texts(drawn(kind, records, store))).split())
    assert "".join(HARD[0].split()) in told


@pytest.mark.parametrize("kind", KINDS)
def test_missing_trials_are_shown_as_missing(study_of, drawn, kind, silent):
    def failed(model, noise, seed):
        return "oom" if model == "b" or noise == "1" else "diverged" if seed == 0 else ""

    records, store = study_of(models=("a", "b", "c"), noises=("0", "1", "2"), failed=failed)
    told = "\n".join(check_texts(drawn(kind, records, store)))
    assert {
        "dots": "no result (oom)" in told and "n=2 of 3" in told,
        "forest": "Not compared (no finished trial on one side)" in told,
        "ranks": "Without any result, not ranked: b." in told,
        "curves": "b (no result)" in told and "a, noise = 0; noise = 2: n=2 of 3 seeds (1 diverged)" in told,
        "classes": "b (no result)" in told and "n=2 of 3 seeds (1 diverged)" in told,
        "confusion": "n=2 of 3" in told and "model = b, noise = 0: no result (3 oom)" in told,
    }[kind], told


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_of_nothing_says_so(study_of, drawn, kind, silent):
    records, store = study_of(failed=lambda *_: "missing")
    figure = drawn(kind, records, store)
    assert any(word in " ".join(check_texts(figure)) for word in ("no result", "nothing to compare", "no ranks"))
    assert "interval" not in figure.caption
    records, store = study_of(models=())
    check_texts(drawn(kind, records, store))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seeds", [1, 2])
def test_one_or_two_seeds_can_be_drawn(study_of, drawn, kind, seeds, silent):
    records, store = study_of(seeds=seeds)
    check_texts(drawn(kind, records, store))


@pytest.mark.parametrize("kind", KINDS)
def test_many_arms_and_equal_values_can_be_drawn(make, study_of, drawn, kind, silent):
    records, store = study_of(models=[f"method {i}" for i in range(11)], seeds=2)
    check_texts(drawn(kind, records, store))
    planned = [make.expected(noise=noise, model=model, seed=seed) for noise in "01" for model in "ab" for seed in range(3)]
    runs = [make.run(trial, val__accuracy=0.5, wall_clock=0.0, test__class_accuracy__x=0.0) for trial in planned]
    for run in runs:
        store.curves[run.run_id] = {"val/accuracy": [(1, 0.5)], "train/loss": [(1, 0.0), (2, 0.0)]}
    check_texts(drawn(kind, collect(planned, runs), store))


def test_many_classes_go_on_below_and_a_large_matrix_has_a_colour_bar(study_of, drawn, silent):
    records, store = study_of(seeds=2, noises=("0",))
    names = [f"class number {i}" for i in range(60)]
    for record in records:
        record.run.metrics.update({f"test/class_accuracy/{name}": 0.5 for name in names})
        counts = [[int(a == b) for b in range(60)] for a in range(60)]
        told = {"classes": names, "test": counts}
        store.files[record.run.run_id, "confusion.json"] = json.dumps(told).encode()
    bars = draw(drawn("classes", records, store))
    assert len(bars.axes) == 4 and all(ax.get_ylim() == (0, 1) for ax in bars.axes)
    assert "share of the true class (%)" in check_texts(drawn("confusion", records, store))


@pytest.mark.parametrize("kind", KINDS)
def test_rendering_is_the_same_every_time_and_whatever_the_users_settings(study_of, drawn, kind, silent):
    import matplotlib

    records, store = study_of(seeds=2)
    figure = drawn(kind, records, store)
    starts = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    first = {form: render(figure, form) for form in starts}
    assert all(content.startswith(starts[form]) and len(content) > 3000 for form, content in first.items())
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "svg.hashsalt": "other", "text.usetex": False}):
        assert {form: render(figure, form) for form in starts} == first
        assert matplotlib.rcParams["font.size"] == 20
    assert drawn(kind, records, store) == figure


SCRIPT = """
import sys
import reports
from reports.figures import render
assert "matplotlib" not in sys.modules and "scipy.stats" not in sys.modules
from reports.figures.data import Arm, DotPanel, Dots, Figure, Sample
sample = Sample((0.1, 0.2), 3, 0.15, -0.4, 0.7)
data = Dots("noise", ("0",), "model", (Arm("a", 0), Arm("b", 1)), (DotPanel("m", {("0", "a"): sample}, (0, 1)),))
content = render(Figure("f", "t", "c", "dots", data), sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules
sys.stdout.buffer.write(content)
"""


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_other_processes_draw_the_same_bytes_without_pyplot(root, form):
    command = [sys.executable, "-W", "error", "-c", SCRIPT, form]
    contents = [
        subprocess.run(command, cwd=root, env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True).stdout
        for seed in ("1", "2")
    ]
    assert contents[0] == contents[1] and len(contents[0]) > 3000
