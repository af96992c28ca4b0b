"""Figures can be drawn, whatever the labels and whatever is missing."""

import json
import os
import subprocess
import sys
from itertools import combinations

import pytest

from bench.reports.figures.build import draw, render
from bench.reports.records.collect import collect

HARD = ("$x_1^2$ and $\\frac{a}{b}$", "_hidden 100% & #3", "a label that is very much longer than any panel is wide, 雪 ☃ größe")


def texts(figure):
    """Return (text, its extent in pixels) of everything that a figure says."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    from bench.reports.figures.drawing.style import applied

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


def test_labels_are_literal_whole_and_apart(study_of, drawn, kind, silent):
    records, store = study_of(models=HARD, noises=("0", "$\\sigma^2$ = 0.01_x", "n" * 90))
    told = "".join("".join(check_texts(drawn(kind, records, store))).split())
    assert "".join(HARD[0].split()) in told


def test_missing_trials_are_shown_as_missing(study_of, drawn, kind, silent):
    def failed(model, noise, seed):
        return "oom" if model == "b" or noise == "1" else "diverged" if seed == 0 else ""

    records, store = study_of(models=("a", "b", "c"), noises=("0", "1", "2"), failed=failed)
    told = "\n".join(check_texts(drawn(kind, records, store)))
    assert {
        "dots": "no result (oom)" in told and "n=2 of 3" in told,
        "forest": "Not compared (no finished trial on one side)" in told,
        "boxes": "b (no result)" in told and "n=2 of 3 seeds (1 diverged)" in told,
        "trials": "Without recorded epochs: trial model = a, 0 (diverged); model = b, 0 (oom)" in told
        and "1: 0.720 / 0.770" in told,
        "scatter": "1 / b: no result (3 oom)" in told and "0 / a: n=2 of 3 seeds (1 diverged)" in told,
        "ranks": "Without any result, not ranked: b." in told,
        "curves": "b (no result)" in told and "a, noise = 0; noise = 2: n=2 of 3 seeds (1 diverged)" in told,
        "classes": "b (no result)" in told and "n=2 of 3 seeds (1 diverged)" in told,
        "confusion": "n=2 of 3" in told and "model = b, noise = 0: no result (3 oom)" in told,
        "along": "a, noise = 0: n=2 of 3 seeds (1 diverged)" in told and "b (no result)" in told,
        "pareto": "a, noise = 0; noise = 2: n=2 of 3 seeds (1 diverged)" in told and "noise = 1: no result" in told,
        "importances": "model = b: no result, 0 finished trials (5 without a result, not counted)" in told,
        "images": "with noise" in told and "b: no result (3 oom)" in told and "a, noise = 0; noise = 2: n=2 of 3 seeds" in told,
    }[kind], told


def test_a_figure_of_nothing_says_so(study_of, drawn, kind, silent):
    records, store = study_of(failed=lambda *_: "missing")
    figure = drawn(kind, records, store)
    assert any(word in " ".join(check_texts(figure)) for word in ("no result", "nothing to compare", "no ranks"))
    assert "interval" not in figure.caption
    records, store = study_of(models=())
    check_texts(drawn(kind, records, store))


@pytest.mark.parametrize("seeds", [1, 2])
def test_one_or_two_seeds_can_be_drawn(study_of, drawn, kind, seeds, silent):
    records, store = study_of(seeds=seeds)
    check_texts(drawn(kind, records, store))


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


def test_rendering_is_the_same_every_time_and_whatever_the_users_settings(study_of, drawn, kind, silent):
    import matplotlib

    records, store = study_of(seeds=2)
    figure = drawn(kind, records, store)
    starts = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    first = {form: render(figure, form) for form in starts}
    assert all(content.startswith(starts[form]) and len(content) > 1500 for form, content in first.items())
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "svg.hashsalt": "other", "text.usetex": False}):
        assert {form: render(figure, form) for form in starts} == first
        assert matplotlib.rcParams["font.size"] == 20
    assert drawn(kind, records, store) == figure


SCRIPT = """
import sys
from bench import reports
from bench.reports.figures.build import render
assert "matplotlib" not in sys.modules and "scipy.stats" not in sys.modules
from bench.reports.figures.base import Figure
from bench.reports.figures.parts import PlotArm, Sample
from bench.reports.figures.seeds import DotPanel, TableSeeds
sample = Sample((0.1, 0.2), 3, 0.15, -0.4, 0.7)
data = TableSeeds("noise", ("0",), "model", (PlotArm("a", 0), PlotArm("b", 1)), (DotPanel("m", {("0", "a"): sample}, (0, 1)),))
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
    assert contents[0] == contents[1] and len(contents[0]) > 1500
