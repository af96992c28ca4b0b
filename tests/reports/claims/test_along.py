"""Relations along an axis, and the best of an axis: with each verdict that they can have."""

from itertools import permutations

import numpy as np
import pytest

from bench.reports.claims.relations.along import ordered
from tests.reports.claims.study import ALONG, THAN, THREE, Study, accuracy, along, verdict_of

BEST = "metric: val/accuracy, stage: s, of: {model: a, noise: 0}, %s: model"

UP, DOWN, FLAT = ({"0": a, "0.01": b, "0.04": c} for a, b, c in ((0.7, 0.75, 0.9), (0.9, 0.85, 0.7), (0.9, 0.9, 0.9)))
SLIGHT, PEAK = {"0": 0.9, "0.01": 0.91, "0.04": 0.92}, {"0": 0.7, "0.01": 0.9, "0.04": 0.8}


@pytest.mark.parametrize(
    ("relation", "more", "means", "verdict", "holds", "words"),
    [
        ("higher_along", "", UP, "supported", True, "lies above 0."),
        ("higher_along", "", DOWN, "refuted", False, "lies below 0."),
        ("higher_along", "", FLAT, "unresolved", None, "Not significant"),
        ("higher_along", ", margin: 0.05", FLAT, "equivalent", False, "lies within ±0.05."),
        ("higher_along", ", margin: 0.05", SLIGHT, "different but negligible", False, "lies within ±0.05."),
        ("higher_along", ", margin: 0.05", UP, "supported", True, "lies above the margin, 0.05."),
        ("lower_along", "", DOWN, "supported", True, "lies below 0."),
        ("lower_along", "", UP, "refuted", False, "lies above 0."),
        ("lower_along", ", margin: 0.05", DOWN, "supported", True, "lies below the margin, −0.05."),
        ("lower_along", ", test: sign-flip", DOWN, "insufficient seeds", None, "0.0625"),
    ],
)
def test_higher_and_lower_along_an_axis_are_the_change_on_the_line(tmp_path, relation, more, means, verdict, holds, words):
    result = Study(tmp_path, {"c": ALONG % relation + more}, along("noise", means)).one()
    (part,) = result.parts
    assert verdict_of(result) == (verdict, holds) and words in part.why
    value = along("noise", means)
    slopes = [
        0.04 * np.polyfit([0, 0.01, 0.04], [value({"noise": level}, seed)["val/accuracy"] for level in means], 1)[0]
        for seed in range(5)
    ]
    assert list(part.result.deltas.values()) == pytest.approx(slopes)
    assert part.contrast == "noise=0 → 0.01 → 0.04 at model=small" and part.quantity == "change of val/accuracy along the axis"


def test_differs_along_more_than_two_levels_is_the_permutation_test_within_seeds(tmp_path):
    up, flat = (Study(tmp_path, {"c": ALONG % "differs_along"}, along("noise", means)).one() for means in (UP, FLAT))
    assert (
        verdict_of(up) == ("supported", True) and up.test == "permutation" and up.parts[0].why == "At least two of them differ."
    )
    assert up.parts[0].p == pytest.approx(6 / 6**5), "with every seed in the same order"
    assert up.parts[0].contrast == "noise=0, 0.01, 0.04 at model=small"
    assert verdict_of(flat) == ("unresolved", None)
    few = Study(
        tmp_path,
        {"c": ALONG % "differs_along" + ", family: f", "d": ALONG % "same_along" + ", margin: 0.9, family: f"},
        along("noise", UP),
        seeds=3,
    )
    assert few.judge().claims[0].verdict == "insufficient seeds" and "times m=2" in few.judge().claims[0].parts[0].why


def test_differs_along_two_levels_is_their_difference(tmp_path):
    claims = {"c": "metric: val/accuracy, stage: s, of: {noise: 0}, differs_along: model", "d": THAN % "differs_from"}
    along_two, than = Study(tmp_path, claims, accuracy(0.95, 0.9)).judge().claims
    assert verdict_of(along_two) == ("supported", True) and along_two.parts[0].p == pytest.approx(than.parts[0].p)


@pytest.mark.parametrize(
    ("means", "margin", "verdict", "holds"),
    [
        (FLAT, 0.02, "equivalent", True),
        (SLIGHT, 0.05, "different but negligible", True),
        (FLAT, 0.003, "unresolved", None),
        (UP, 0.02, "refuted", False),
        ({"0": 0.9, "0.01": 0.9, "0.04": 0.99}, 0.02, "refuted", False),
    ],
)
def test_the_same_along_an_axis_is_equivalence_of_each_two_levels(tmp_path, means, margin, verdict, holds):
    result = Study(tmp_path, {"c": ALONG % "same_along" + f", margin: {margin}"}, along("noise", means)).one()
    assert verdict_of(result) == (verdict, holds) and result.m == 1
    assert [part.label for part in result.parts] == ["noise=0 vs noise=0.01", "noise=0 vs noise=0.04", "noise=0.01 vs noise=0.04"]


@pytest.mark.parametrize(
    ("relation", "more", "means", "verdict", "holds"),
    [
        ("higher_each_step", "", UP, "supported", True),
        ("higher_each_step", "", DOWN, "refuted", False),
        ("higher_each_step", "", PEAK, "refuted", False),
        ("higher_each_step", ", margin: 0.02", {"0": 0.7, "0.01": 0.9, "0.04": 0.895}, "supported", True),
        ("higher_each_step", "", {"0": 0.7, "0.01": 0.9, "0.04": 0.9}, "unresolved", None),
        ("higher_each_step", ", margin: 0.05", FLAT, "refuted", False),
        ("lower_each_step", "", DOWN, "supported", True),
        ("lower_each_step", "", UP, "refuted", False),
        ("lower_each_step", "", PEAK, "refuted", False),
        ("lower_each_step", ", margin: 0.02", {"0": 0.9, "0.01": 0.7, "0.04": 0.705}, "supported", True),
    ],
)
def test_each_step_goes_the_right_way_and_the_ends_differ(tmp_path, relation, more, means, verdict, holds):
    result = Study(tmp_path, {"c": ALONG % relation + more}, along("noise", means)).one()
    assert verdict_of(result) == (verdict, holds)
    assert [part.label for part in result.parts] == ["noise=0 → noise=0.01", "noise=0.01 → noise=0.04", "the ends"]
    assert "Page's L is " in result.parts[2].why and "Page" not in result.parts[0].why


def test_a_peak_is_no_monotone_trend_though_its_line_rises(tmp_path):
    claims = {"slope": ALONG % "higher_along", "steps": ALONG % "higher_each_step"}
    slope, steps = Study(tmp_path, claims, along("noise", {"0": 0.7, "0.01": 0.9, "0.04": 0.85})).judge().claims
    assert (slope.verdict, steps.verdict) == ("supported", "refuted")
    assert [part.verdict for part in steps.parts] == ["supported", "refuted", "supported"]


def test_some_levels_of_an_axis_and_cells_that_are_left_out(tmp_path):
    some = ALONG.replace(": noise", ": {noise: [0.01, 0.04]}") % "lower_each_step"
    out = ALONG % "lower_each_step" + ", exclude: [{noise: 0}]"
    claims = {"all": ALONG % "lower_each_step", "some": some, "out": out}
    whole, two, left = Study(tmp_path, claims, along("noise", PEAK)).judge().claims
    assert (whole.verdict, two.verdict, left.verdict) == ("refuted", "supported", "supported")
    assert [part.label for part in two.parts] == [part.label for part in left.parts] == ["noise=0.01 → noise=0.04", "the ends"]
    assert [part.result for part in two.parts] == [part.result for part in left.parts]


@pytest.mark.parametrize("levels", list(permutations(["0", "0.01", "0.04"])))
def test_a_trend_is_of_the_levels_whatever_their_order_in_the_file(tmp_path, levels):
    value = along("noise", DOWN)
    claims = {"line": ALONG % "lower_along", "steps": ALONG % "lower_each_step"}
    line, steps = Study(tmp_path, claims, value, noise=", ".join(levels)).judge().claims
    assert line.verdict == steps.verdict == "supported" and line.parts[0].contrast == "noise=0 → 0.01 → 0.04 at model=small"
    assert [part.label for part in steps.parts] == ["noise=0 → noise=0.01", "noise=0.01 → noise=0.04", "the ends"]


@pytest.mark.parametrize(
    ("labels", "order", "places"),
    [
        (["64", "32", "16"], ["16", "32", "64"], (16, 32, 64)),
        (["100%", "10%"], ["10%", "100%"], (10, 100)),
        (["low", "high"], ["low", "high"], (0, 1)),
        (["1", "1.0", "2"], ["1", "1.0", "2"], (0, 1, 2)),
        (["1", "inf"], ["1", "inf"], (0, 1)),
    ],
)
def test_levels_stand_where_their_numbers_are_and_words_as_they_are_listed(labels, order, places):
    assert ordered(labels) == dict(zip(order, places, strict=True)) and list(ordered(labels)) == order


def test_a_scale_puts_the_levels_elsewhere():
    assert ordered(["100", "1", "10"], "log") == pytest.approx({"1": 0, "10": np.log(10), "100": np.log(100)})
    assert ordered(["100", "1", "10"], "order") == {"1": 0, "10": 1, "100": 2}
    for labels, scale in ((["a", "b"], "linear"), (["a", "b"], "log"), (["0", "1"], "log")):
        with pytest.raises(ValueError, match=r"scale|logarithmic"):
            ordered(labels, scale)


# ---------------------------------------------------------------- the best


@pytest.mark.parametrize(("relation", "sign"), [("highest_of", 1), ("lowest_of", -1)])
@pytest.mark.parametrize(
    ("more", "b", "c", "verdict", "holds"),
    [
        ("", -0.05, -0.1, "supported", True),
        ("", 0.05, -0.1, "refuted", False),
        ("", 0.05, 0.1, "refuted", False),
        ("", 0.0, -0.1, "unresolved", None),
        (", margin: 0.02", -0.05, -0.1, "supported", True),
        (", margin: 0.02", 0.0, -0.1, "refuted", False),
        (", margin: 0.02", 0.0, 0.0, "equivalent", False),
        (", test: sign-flip", -0.05, -0.1, "insufficient seeds", None),
    ],
)
def test_the_best_is_beyond_each_other_arm(tmp_path, relation, sign, more, b, c, verdict, holds):
    means = {"a": 0.8, "b": 0.8 + sign * b, "c": 0.8 + sign * c}
    result = Study(tmp_path, {"c": BEST % relation + more}, along("model", means), models=THREE).one()
    assert verdict_of(result) == (verdict, holds) and result.m == 1
    assert [part.label for part in result.parts] == ["than model=b", "than model=c"]


def test_the_best_of_several_arms_that_are_listed(tmp_path):
    claim = "metric: val/accuracy, stage: s, of: {model: a, noise: 0}, highest_of: [{model: b}, {model: c, noise: 0.04}]"
    result = Study(tmp_path, {"c": claim}, along("model", {"a": 0.9, "b": 0.8, "c": 0.7}), models=THREE).one()
    assert result.verdict == "supported"
    assert [part.contrast for part in result.parts] == [
        "model=a vs model=b at noise=0",
        "model=a, noise=0 vs model=c, noise=0.04",
    ]


def test_the_best_of_two_axes_has_every_other_cell_for_a_rival(tmp_path):
    claim = "metric: val/accuracy, stage: s, of: {model: a, noise: 0}, highest_of: [model, noise]"
    study = Study(tmp_path, {"c": claim}, along("model", {"a": 0.9, "b": 0.8, "c": 0.7}), models=THREE, noise="0, 0.04")
    assert len(study.one().parts) == 5
