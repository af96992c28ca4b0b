"""Axes and text: what any data come to."""

import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.reports.figures.drawing import slots
from bench.reports.figures.drawing.marks import ticks
from bench.reports.figures.drawing.style import SMALL
from bench.reports.figures.drawing.text import shown, width, wrap
from bench.reports.figures.parts import PlotArm
from bench.reports.figures.ranges import axis_range, is_cut


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


@settings(deadline=None)  # the first letters load fonts
@given(st.text(max_size=80), st.floats(0.5, 4), st.integers(1, 4))
def test_wrapped_text_is_as_narrow_as_asked_for(text, inches, most):
    lines = wrap(text, inches, SMALL, most).split("\n")
    assert len(lines) <= most
    assert all(width(line, SMALL) <= inches + 1e-9 for line in lines)
    if not lines[-1].endswith("…"):
        assert "".join("".join(lines).split()) == "".join(shown(text).split())


def test_a_letter_that_no_font_can_draw_is_shown_by_its_number():
    assert shown("a\tb\n\x00\ue000 ☃") == "a b <0000><E000> ☃"


def test_names_lie_flat_where_they_fit_whatever_they_contain():
    panels, arms = [slots.Panel("", "m", (0.0, 1.0))], [PlotArm("x", 0)]
    for name, upright in (("a…", False), ("word" * 30, True)):
        (ax,) = slots.draw([name, "b"], panels, arms, None, (), 1.0, lambda *_: None).axes
        assert {label.get_rotation() for label in ax.get_xticklabels()} == {90.0 if upright else 0.0}
