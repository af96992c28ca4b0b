"""What may be claimed: the cells that a claim compares, its looks, how it reads back, and what editors are told of it."""

import pytest

from bench.errors import BenchError
from bench.reports.claims.reading import read_back
from bench.reports.claims.relations import RELATIONS, Claim
from bench.suite.jsonschema import json_schema

STAGE = "stages: {s: {axes: {a: {x: {}, y: {}}, b: {path: train.epochs, values: [1, 2, 4]}}}}\n"
ARM = STAGE + "claims:\n c:\n  says: so\n  metric: val/accuracy\n  stage: s\n  of: {a: x, b: 1}\n"


def of(suite, claim, stage=STAGE):
    made = suite(f"{stage}claims:\n c: {{says: so, {claim}}}\n")
    return made.spec.claims["c"], made.claims["c"]


def cells(contrast):
    return [[cell.name for cell in arm.cells] for arm in contrast.arms]


def test_an_arm_takes_over_what_it_does_not_say(suite):
    _, (found,) = of(suite, "metric: epochs, stage: s, of: {a: x, b: 2}, lower_than: {a: y}")
    assert cells(found) == [["a=x, b=2"], ["a=y, b=2"]] and found.wording == "a=x vs a=y at b=2"
    _, (found,) = of(suite, "metric: epochs, of: {a: x, b: 2}, lower_than: {b: 4}")
    assert cells(found) == [["a=x, b=2"], ["a=x, b=4"]] and found.wording == "b=2 vs b=4 at a=x"
    _, (found,) = of(suite, "metric: epochs, of: {a: x, b: 2, minus: {b: 1}}, lower_than: {a: y}")
    assert cells(found) == [["a=x, b=2"], ["a=x, b=1"], ["a=y, b=2"], ["a=y, b=1"]]
    assert found.wording == "(a=x, b=2 − a=x, b=1) vs (a=y, b=2 − a=y, b=1)"
    _, (found,) = of(suite, "metric: epochs, of: {a: x, b: 2, minus: {b: 1}}, lower_than: {a: y, minus: {b: 4}}")
    assert cells(found) == [["a=x, b=2"], ["a=x, b=1"], ["a=y, b=2"], ["a=y, b=4"]]
    _, (found,) = of(suite, "metric: epochs, of: {a: x, b: 2, minus: {b: 1}}, lower_than: {a: y, minus: null}")
    assert cells(found) == [["a=x, b=2"], ["a=x, b=1"], ["a=y, b=2"]]
    _, (found,) = of(suite, "metric: val/loss, of: {a: x, b: 2, divided_by: {a: y}}, lower_than: 1/7")
    assert found.number == pytest.approx(1 / 7) and found.ratio and found.wording == "a=x ÷ a=y vs 0.1429 at b=2"


def test_a_list_in_an_arm_is_its_mean(suite):
    _, (found,) = of(suite, "metric: epochs, stage: s, of: {a: x}, lower_than: {a: y}, mean_over: b")
    assert cells(found) == [["a=x, b=1", "a=x, b=2", "a=x, b=4"], ["a=y, b=1", "a=y, b=2", "a=y, b=4"]]
    assert found.wording == "a=x vs a=y at b=all (mean)"
    _, (found,) = of(suite, "metric: epochs, stage: s, of: {a: x, b: 1}, lower_than: {a: y, b: [1, 4]}")
    assert cells(found) == [["a=x, b=1"], ["a=y, b=1", "a=y, b=4"]]
    assert found.wording == "a=x, b=1 vs a=y, b=1 and 4 (mean)"
    _, (found,) = of(suite, "metric: epochs, stage: s, higher_than: 1, mean_over: [a, b]")
    assert len(found.arms[0].cells) == 6


def test_each_level_is_a_contrast(suite):
    _, found = of(suite, "metric: epochs, stage: s, of: {a: x}, lower_than: {a: y}, each: b")
    assert [one.label for one in found] == ["b=1", "b=2", "b=4"] and cells(found[2])[1] == ["a=y, b=4"]
    _, found = of(suite, "metric: val/loss, stage: s, of: {a: x}, lower_than: {a: y}, each: {b: [4, 1]}")
    assert [one.label for one in found] == ["b=4", "b=1"] and cells(found[0]) == [["a=x, b=4"], ["a=y, b=4"]]
    _, found = of(suite, "metric: val/loss, lower_than: 3, each: [a, b]")
    assert [one.label for one in found][:2] == ["a=x, b=1", "a=x, b=2"] and len(found) == 6


def test_a_condition_above_chance_needs_no_margin_of_its_own(suite):
    text = "metric: val/accuracy, of: {a: x, b: 2}, at_least: {a: y}, margin: 0.1, requires: {above_chance: 0.05}"
    _, (found,) = of(suite, text)
    assert found.requires[0].above_chance == 0.05


def test_of_combinations_of_levels_only_those_that_there_are(suite):
    stage = STAGE.replace("[1, 2, 4]}}", "[1, 2, 4]}}, exclude: [{a: x, b: 4}]")
    _, found = of(suite, "metric: val/loss, lower_than: 3, each: [a, b]", stage)
    assert len(found) == 5 and "a=x, b=4" not in [one.label for one in found]
    _, (found,) = of(suite, "metric: val/loss, of: {a: x}, lower_along: b", stage)
    assert found.wording == "b=1 → 2 at a=x"


def test_cells_are_left_out_as_of_grids(suite):
    _, (found,) = of(suite, "metric: val/loss, of: {a: x}, lower_along: b, exclude: [{b: 2}, {a: y, b: 1}]")
    assert found.wording == "b=1 → 4 at a=x"
    _, (found,) = of(suite, "metric: val/loss, of: {a: y}, lower_than: 3, mean_over: b, exclude: [{a: y, b: [1, 2]}]")
    assert cells(found) == [["a=y, b=4"]]


def test_the_other_side_may_be_a_number(suite):
    _, found = of(suite, "metric: val/accuracy, stage: s, of: {a: x}, higher_than: 0.1, each: b")
    assert [cells(one) for one in found] == [[["a=x, b=1"]], [["a=x, b=2"]], [["a=x, b=4"]]]
    assert [one.number for one in found] == [0.1] * 3 and found[0].wording == "a=x, b=1 vs 0.1"
    _, (found,) = of(suite, "metric: val/accuracy, stage: s, of: {a: x, b: 1}, same_as: 1, margin: 0.1")
    assert found.number == 1


def test_an_axis_goes_from_its_lowest_number_to_its_highest_and_words_as_they_are_listed(suite):
    _, (found,) = of(suite, "metric: epochs, stage: s, of: {a: x}, higher_along: b")
    assert cells(found) == [["a=x, b=1"], ["a=x, b=2"], ["a=x, b=4"]] and found.wording == "b=1 → 2 → 4 at a=x"
    assert found.weights == pytest.approx((-6 / 7, -3 / 14, 15 / 14))  # the least-squares slope at 1, 2, 4, times 3
    _, (found,) = of(suite, "metric: epochs, stage: s, of: {a: x}, higher_along: b, scale: log")
    assert found.weights == pytest.approx((-1, 0, 1))
    _, (found,) = of(suite, "metric: epochs, stage: s, of: {b: 1}, higher_along: a")
    assert found.weights == pytest.approx((-1, 1)) and found.wording == "a=x → y at b=1"


def test_each_relation_has_its_contrasts(suite):
    _, found = of(suite, "metric: val/loss, of: {a: x}, same_along: b, margin: 1")
    assert [one.label for one in found] == ["b=1 vs b=2", "b=1 vs b=4", "b=2 vs b=4"]
    _, found = of(suite, "metric: val/loss, of: {a: x}, lower_each_step: b")
    assert [one.label for one in found] == ["b=1 → b=2", "b=2 → b=4", "the ends"]
    _, (found,) = of(suite, "metric: val/loss, of: {a: x}, differs_along: b")
    assert found.joint and found.wording == "b=1, 2, 4 at a=x"
    _, found = of(suite, "metric: val/loss, of: {a: x, b: 2}, lowest_of: b")
    assert [one.label for one in found] == ["than b=1", "than b=4"] and cells(found[1]) == [["a=x, b=2"], ["a=x, b=4"]]
    _, found = of(suite, "metric: val/loss, of: {a: x, b: 2}, lowest_of: [{b: 1}, {a: y}]")
    assert [one.label for one in found] == ["than b=1", "than a=y"]
    _, found = of(suite, "metric: val/loss, of: {b: 2}, lowest_of: {b: [1, 2]}, each: a")
    assert [one.label for one in found] == ["a=x; than b=1", "a=y; than b=1"]


def test_a_correlation_has_one_arm_a_point_and_over_classes_one(suite):
    _, (found,) = of(suite, "metric: val/accuracy, stage: s, lower_with: val/loss, across: [a, b]")
    assert len(found.arms) == 6 and found.wording == "6 points"
    _, (found,) = of(suite, "metric: val/accuracy, stage: s, lower_with: val/loss, across: b, within: a")
    assert len(found.arms) == 6
    claim = "metric: test/class_accuracy/*, lower_with: test/class_accuracy/*, across: class, stage: s, of: {a: x, b: 1}"
    base = "base: {model: {name: simple_cnn}, train: {epochs: 2, class_metrics: [accuracy]}}\n"
    made = suite(f"{STAGE}claims:\n c: {{says: so, {claim}}}\n", head=f"suite: t\ntitle: T\ndata: {{source: digits}}\n{base}")
    (found,) = made.claims["c"]
    assert cells(found) == [["a=x, b=1"]] and found.wording == "classes at a=x, b=1"


def test_margins_that_a_metric_can_have(suite):
    arms = "stage: s, of: {a: x, b: 1}, same_as: {a: y}"
    of(suite, f"metric: val/loss, {arms}, margin: 2")
    of(suite, f"metric: wall_clock, {arms}, margin: 250%")
    of(suite, f"metric: wall_clock, {arms}, margin: 0.5")
    # a line may change by more than its points (0 1 1 at 1 2 4), a difference of differences by twice as much
    of(suite, "metric: val/accuracy, stage: s, of: {a: x}, higher_along: b, margin: 1.01")
    of(suite, "metric: val/accuracy, stage: s, of: {a: x, b: 2, minus: {b: 1}}, lower_than: {a: y}, margin: 1.5")
    percent = STAGE + 'metrics: {val/accuracy: {unit: "%", margin: 2}}\n'
    claim, _ = of(suite, f"metric: val/accuracy, {arms}", percent)
    assert claim.margin is None, "the metric's own"
    of(suite, "metric: val/accuracy, of: {a: x, b: 1}, at_least: 90", percent)
    with pytest.raises(BenchError, match="900 is no number for val/accuracy, which is 0 to 100"):
        of(suite, "metric: val/accuracy, of: {a: x, b: 1}, at_least: 900", percent)


def test_a_metric_of_ones_own_has_the_range_that_is_declared(suite):
    stage = STAGE + "metrics: {f1: {range: [-1, 1]}}\n"
    with pytest.raises(BenchError, match="3 is no number for f1") as error:
        of(suite, "metric: f1, of: {a: x}, higher_along: b, margin: 3", stage)
    assert "`range:`" in error.value.mend
    of(suite, "metric: f1, of: {a: x}, higher_along: b, margin: 1.5", stage)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("of: {a: x, b: 1}, higher_than: {a: y}", ["with a=x, b=1", "is higher than", "with a=y"]),
        ("of: {a: x}, lower_than: {a: y}, each: b, margin: 0.02", ["is lower than", ", for each b", "(margin 0.02)"]),
        ("of: {a: x}, at_least: 0.9, mean_over: b, margin: 0.01", ["is at least", "0.9", ", on average over b"]),
        ("of: {a: x, b: 2, minus: {b: 1}}, higher_than: 0.01", ["a=x, b=2", "minus", "b=1", "0.01"]),
        ("of: {a: x}, lower_each_step: b, exclude: [{b: 4}]", ["is lower with each step along b", "leaving out b=4"]),
        ("of: {a: x, b: 1}, highest_of: [a, b]", ["is the highest of a, b"]),
        ("higher_with: val/loss, across: b, within: a", ["is higher where val/loss is higher, across b, within a"]),
    ],
)
def test_a_claim_reads_back_as_a_sentence(suite, claim, words):
    spec, _ = of(suite, f"metric: val/accuracy, stage: s, {claim}")
    text = read_back(spec)
    assert text.startswith("val/accuracy in stage s") and [word for word in words if word not in text] == []


def test_a_spread_reads_back_as_one(suite):
    spec, _ = of(suite, "spread: val/accuracy, of: {a: x, b: 1}, higher_than: {a: y}")
    assert read_back(spec).startswith("the standard deviation of val/accuracy over the seeds with a=x, b=1 is higher than")


def test_a_profile_takes_a_claim_out(suite):
    body = ARM + "  higher_than: {a: y}\nprofiles:\n  small: {stages: {s: {axes: {a: {y: null}}}}%s}\n"
    with pytest.raises(BenchError, match="axis 'a' has no level 'y'"):
        suite(body % "", profile="small")
    assert suite(body % ", claims: {c: null}", profile="small").claims == {}


def test_a_profile_changes_a_claim(suite):
    body = ARM + "  higher_than: {a: y}\nprofiles:\n  other: {claims: {c: {higher_than: null, lower_than: {b: 2}}}}\n"
    assert suite(body).spec.claims["c"].relation.name == "higher_than"
    (found,) = suite(body, profile="other").claims["c"]
    assert found.wording == "b=1 vs b=2 at a=x"


def test_an_old_claim_is_read_as_a_new_one_and_told(suite, caplog):
    old = STAGE + "claims: {c: {says: so, kind: less, metric: val/loss, stage: s, left: {a: x}, right: {a: y}, each: b}}\n"
    new = STAGE + "claims: {c: {says: so, metric: val/loss, stage: s, of: {a: x}, lower_than: {a: y}, each: b}}\n"
    assert suite(old).spec.claims == suite(new).spec.claims and len(caplog.messages) == 1
    assert "claim c is in the old grammar" in caplog.messages[0] and "`bench migrate" in caplog.messages[0]


def test_the_json_schema_of_a_claim_is_flat():
    """One object with all keys: editors complete relations, and need not find out which form is meant."""
    claim = json_schema()["$defs"]["Claim"]
    assert claim["type"] == "object" and claim.keys().isdisjoint({"anyOf", "oneOf", "allOf", "if", "discriminator"})
    assert list(claim["properties"]) == [*Claim.model_fields, "drop"] and claim["additionalProperties"] is False
    assert claim["required"] == ["says"] and [name for name in RELATIONS if name not in claim["properties"]] == []
    assert not claim["properties"].keys() & {"kind", "left", "right", "where", "along", "direction", "ratio", "x", "y", "method"}


@pytest.mark.parametrize("looks", ["[5]", "[5, 5]", "[8, 5]", "[0, 3]", "5", "[3, x]"])
def test_looks_grow(suite, looks):
    with pytest.raises(BenchError, match=r"tiny.yaml:6: .*(seeds|looks)"):
        suite(STAGE.replace("stages: {s: {", f"stages: {{s: {{seeds: {{looks: {looks}}}, "))


def test_looks_share_out_alpha(suite):
    made = suite(
        "alpha: 0.1\nstages:\n  s: {axes: {a: {x: {}}}, seeds: {looks: [2, 4, 5], alpha: 0.03}}\n"
        "  t: {axes: {a: {y: {}}}, seeds: {looks: [2, 3]}}\n  u: {axes: {a: {z: {}}}}\n"
    )
    s, t, u = (made.schedule(stage) for stage in "stu")
    assert s.looks == [[0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4]] and s.alpha == pytest.approx(0.01)
    assert t.alpha == pytest.approx(0.05) and u.alpha == 0.1
    assert (s.text, u.text) == ("looks 2, 4, 5 at alpha 0.03", "0, 1")
    assert made.seeds("s") == [0, 1]
