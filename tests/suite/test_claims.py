"""What may be claimed and drawn: the cells that a claim compares, and every mistake with its line and mend."""

import pytest

from bench.errors import BenchError
from bench.reports.claims.kinds import KINDS

STAGE = "stages: {s: {axes: {a: {x: {}, y: {}}, b: {path: train.epochs, values: [1, 2, 4]}}}}\n"
CLAIM = STAGE + "claims:\n c:\n"
SAYS = "  says: so\n"
TWO = CLAIM + SAYS + "  kind: greater\n  metric: val/accuracy\n  stage: s\n"

MISTAKES = {
    "no such level": (TWO + "  left: {a: z, b: 1}\n  right: {a: y, b: 1}\n", 13, "axis 'a' has no level 'z'", "known: x, y"),
    "no such axis": (TWO + "  left: {aa: x, b: 1}\n  right: {a: y, b: 1}\n", 13, "no axis 'aa'", "'a'"),
    "no such cell": (
        "stages:\n s: {axes: {a: {x: {}, y: {}}, b: {p: {}, q: {train: {epochs: 9}}}}, exclude: [{a: x, b: p}]}\n"
        "claims:\n c: {says: so, kind: greater, metric: m, stage: s, left: {a: x, b: p}, right: {a: y, b: p}}\n",
        9,
        "stage 's' has no cell a=x, b=p",
        "labels that occur together",
    ),
    "loose axis": (TWO + "  left: {a: x}\n  right: {a: y, b: 1}\n", 13, "axis 'b' varies within the arm", "`b: all`"),
    "no stage": (TWO.replace("  stage: s\n", "") + "  left: {a: x, b: 1}\n  right: {a: y, b: 1}\n", 12, "of one stage", "add"),
    "unknown stage": (TWO.replace("stage: s", "stage: z") + "  left: {a: x}\n  right: {a: y}\n", 13, "no stage 'z'", "known: s"),
    "margin of zero": (
        TWO + "  left: {a: x, b: 1}\n  right: {a: y, b: 1}\n  margin: 0\n",
        15,
        "claims.c.margin: should be greater than 0",
        "",
    ),
    "equivalence without a margin": (
        TWO.replace("greater", "equivalent") + "  left: {a: x, b: 1}\n  right: {a: y, b: 1}\n",
        8,
        "'margin' is missing in claims.c",
        "add",
    ),
    "no kind": (CLAIM + SAYS, 8, "needs a 'kind'", "known: "),
    "unknown kind": (CLAIM + SAYS + "  kind: greatr\n", 10, "has no kind 'greatr'", "did you mean 'greater'?"),
    "unknown key": (TWO + "  left: {a: x, b: 1}\n  right: {a: y, b: 1}\n  margn: 1\n", 15, "unknown key 'margn'", "'margin'"),
    "ratio of words": (TWO + "  left: {a: x, b: 1}\n  right: {a: y, b: 1}\n  ratio: 1/0\n", 15, "such as 1/7", ""),
    "a number with a test of two samples": (
        TWO + "  left: {a: x, b: 1}\n  right: 0.5\n  test: welch\n",
        8,
        "'right' is a number, which has no seeds of its own",
        "",
    ),
    "no number": (TWO + "  left: {a: x, b: 1}\n  right: half\n", 14, "claims.c.right: should be a valid number", ""),
    "each of no axis": (TWO + "  left: {a: x}\n  right: {a: y}\n  each: c\n", 15, "stage 's' has no axis 'c'", "known: a, b"),
    "each is pinned": (
        TWO + "  left: {a: x}\n  right: {a: y}\n  where: {b: 1}\n  each: b\n",
        16,
        "pinned by `where` already",
        "take it out",
    ),
    "trend along no axis": (
        CLAIM + SAYS + "  kind: trend\n  metric: m\n  stage: s\n  along: z\n  direction: increasing\n",
        13,
        "no axis 'z'",
        "known: a, b",
    ),
    "trend of one level": (
        CLAIM + SAYS + "  kind: trend\n  metric: m\n  stage: s\n  along: b\n  where: {a: x, b: 1}\n  direction: increasing\n",
        13,
        "a trend needs two levels",
        "`where`",
    ),
    "interaction of three": (
        CLAIM + SAYS + "  kind: interaction\n  metric: m\n  stage: s\n  direction: less\n"
        "  left: [{a: x}]\n  right: [{a: x}, {a: y}]\n",
        14,
        "at least 2 items",
        "",
    ),
    "correlation of half a star": (
        CLAIM + SAYS + "  kind: correlation\n  stage: s\n  x: val/loss\n  y: test/class_accuracy/*\n  direction: positive\n",
        12,
        "over classes or over cells",
        "in neither",
    ),
    "correlation of few cells": (
        CLAIM + SAYS + "  kind: correlation\n  stage: s\n  x: m\n  y: l\n  where: {a: x}\n  direction: positive\n",
        8,
        "over 3 cells",
        "at least four",
    ),
    "baseline of no column": (
        STAGE + "tables:\n t:\n  stage: s\n  rows: b\n  columns: a\n  values: m\n  baseline: z\n",
        13,
        "the table has no column 'z'",
        "known: x, y",
    ),
    "figure of no table": (STAGE + "figures:\n f: {kind: dots, table: t}\n", 8, "no table 't'", ""),
    "figure of no axis": (STAGE + "figures:\n f: {kind: curves, stage: s, lines: c}\n", 8, "no axis 'c'", "known: a, b"),
    "figure with a loose axis": (
        STAGE + "figures:\n f: {kind: curves, stage: s, lines: a}\n",
        8,
        "axis 'b' varies within what figure 'f' draws",
        "where: {b: 1}",
    ),
    "figure of no kind": (STAGE + "figures:\n f: {kind: pie}\n", 8, "has no kind 'pie'", "known: "),
    "arms with different looks": (
        "stages:\n s: {axes: {a: {x: {}, y: {}}}}\n t: {axes: {a: {x: {}}}, seeds: {looks: [3, 5]}}\n"
        "claims:\n c: {says: so, kind: less, metric: m, left: {stage: s, a: y}, right: {stage: t, a: x}}\n",
        10,
        "different looks",
        "the same `seeds:`",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_line_and_mend(suite, mistake):
    suite.refuses(*MISTAKES[mistake])


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


def of(suite, claim, stage=STAGE):
    made = suite(f"{stage}claims:\n c: {{says: so, {claim}}}\n")
    return made.spec.claims["c"], made.claims["c"]


def text(claim, contrast):
    return KINDS[claim.kind].text(contrast)


def cells(arm):
    return [cell.name for cell in arm.cells]


def test_two_arms_with_what_they_share(suite):
    claim, (found,) = of(suite, "kind: less, metric: epochs, stage: s, where: {b: 2}, left: {a: x}, right: {a: y}, ratio: 1/7")
    assert claim.ratio == pytest.approx(1 / 7)
    assert [cells(arm) for arm in found.arms] == [["a=x, b=2"], ["a=y, b=2"]]
    assert text(claim, found) == "a=x vs a=y at b=2"


def test_an_arm_may_be_the_mean_of_several_cells(suite):
    claim, (found,) = of(suite, "kind: less, metric: epochs, stage: s, left: {a: x, b: all}, right: {a: y, b: [1, 4]}")
    assert [cells(arm) for arm in found.arms] == [["a=x, b=1", "a=x, b=2", "a=x, b=4"], ["a=y, b=1", "a=y, b=4"]]
    assert text(claim, found) == "a=x, b=all (mean) vs a=y, b=1 and 4 (mean)"


def test_each_level_is_a_contrast(suite):
    _, found = of(suite, "kind: less, metric: epochs, stage: s, left: {a: x}, right: {a: y}, each: b")
    assert [one.label for one in found] == ["b=1", "b=2", "b=4"]
    assert cells(found[2].arms[1]) == ["a=y, b=4"]


def test_each_of_the_levels_that_where_names(suite):
    claim = "kind: less, metric: val/loss, stage: s, where: {b: [4, 1]}, left: {a: x}, right: {a: y}, each: b"
    _, found = of(suite, claim)
    assert [one.label for one in found] == ["b=4", "b=1"]
    assert [cells(arm) for arm in found[0].arms] == [["a=x, b=4"], ["a=y, b=4"]]


def test_the_right_side_may_be_a_number(suite):
    claim, found = of(suite, "kind: greater, metric: val/accuracy, stage: s, left: {a: x}, right: 0.1, each: b")
    assert [cells(arm) for one in found for arm in one.arms] == [["a=x, b=1"], ["a=x, b=2"], ["a=x, b=4"]]
    assert [one.number for one in found] == [0.1] * 3 and text(claim, found[0]) == "b=1, a=x vs 0.1"
    claim, found = of(suite, "kind: less, metric: val/accuracy, stage: s, where: {a: x}, each: b, left: {}, right: 0.1")
    assert text(claim, found[1]) == "a=x, b=2 vs 0.1"
    _, (found,) = of(suite, "kind: equivalent, metric: val/accuracy, stage: s, left: {a: x, b: 1}, right: 1, margin: 0.1")
    assert found.number == 1


def test_a_trend_goes_along_numbers_by_value_and_along_words_by_order(suite):
    claim, (found,) = of(suite, "kind: trend, metric: epochs, stage: s, where: {a: x}, along: b, direction: increasing")
    assert found.scores == (1, 2, 4) and [cells(arm) for arm in found.arms] == [["a=x, b=1"], ["a=x, b=2"], ["a=x, b=4"]]
    assert text(claim, found) == "b=1 → 2 → 4 at a=x"
    _, (found,) = of(suite, "kind: trend, metric: epochs, stage: s, where: {b: 1}, along: a, direction: increasing")
    assert found.scores == (0, 1)


def test_an_interaction_has_four_arms_and_a_correlation_one_a_cell(suite):
    pairs = "left: [{a: x, b: 2}, {a: x, b: 1}], right: [{a: y, b: 2}, {a: y, b: 1}]"
    claim, (found,) = of(suite, f"kind: interaction, metric: epochs, stage: s, direction: less, {pairs}")
    assert [cells(arm)[0] for arm in found.arms] == ["a=x, b=2", "a=x, b=1", "a=y, b=2", "a=y, b=1"]
    assert text(claim, found) == "(a=x, b=2 − a=x, b=1) vs (a=y, b=2 − a=y, b=1)"
    claim, (found,) = of(suite, "kind: correlation, x: val/loss, y: val/accuracy, stage: s, direction: negative")
    assert len(found.arms) == 6 and text(claim, found) == "6 cells"
    over_classes = "kind: correlation, x: test/class_accuracy/*, y: test/class_accuracy/*, direction: negative"
    claim, (found,) = of(suite, f"{over_classes}, stage: s, where: {{a: x, b: 1}}")
    assert [cells(arm) for arm in found.arms] == [["a=x, b=1"]] and text(claim, found) == "classes at a=x, b=1"


@pytest.mark.parametrize(
    ("claim", "message", "mend"),
    [
        ("kind: greater, metric: epochs, left: {a: x, b: 1}, right: {a: x, b: 1}", "its arms are the same", "differ in an axis"),
        ("kind: greater, metric: epochs, left: {a: x}, right: {a: x}, each: b", "its arms are the same", "differ in an axis"),
        (
            "kind: interaction, metric: epochs, direction: less, left: [{a: x, b: 1}, {a: y, b: 1}], "
            "right: [{a: x, b: 1}, {a: y, b: 1}]",
            "its arms are the same",
            "differ in an axis",
        ),
        ("kind: greater, metric: val/accuracy, left: {a: x, b: 1}, right: 95", "95 is no number for val/accuracy", "write 0.95"),
        (
            "kind: less, metric: wall_clock, left: {a: x, b: 1}, right: -1",
            "-1 is no number for wall_clock",
            "that wall_clock can",
        ),
        (
            "kind: equivalent, metric: val/accuracy, left: {a: x, b: 1}, right: {a: y, b: 1}, margin: 2",
            "2 is no number for val/accuracy, which is 0 to 1: what is compared is 1 at most",
            "write 0.02",
        ),
        (
            "kind: trend, metric: f1, where: {a: x}, along: b, direction: increasing, margin: 3",
            "3 is no number for f1",
            "`range:`",
        ),
        (
            "kind: less, metric: val/accuracy, left: {a: x, b: 1}, right: -0.5",
            "-0.5 is no number",
            "take one that val/accuracy can",
        ),
    ],
)
def test_a_claim_that_could_not_be_false(suite, claim, message, mend):
    body = f"{STAGE}metrics: {{f1: {{range: [-1, 1]}}}}\nclaims:\n c: {{says: so, stage: s, {claim}}}\n"
    with pytest.raises(BenchError) as error:
        suite(body)
    assert message in str(error.value) and mend in error.value.mend and "yaml:" in str(error.value)


def test_margins_that_a_metric_can_have(suite):
    arms = "left: {a: x, b: 1}, right: {a: y, b: 1}"
    of(suite, f"kind: equivalent, metric: val/loss, stage: s, {arms}, margin: 2")
    of(suite, f"kind: equivalent, metric: wall_clock, stage: s, {arms}, margin: 2")
    double = "left: [{a: x, b: 2}, {a: x, b: 1}], right: [{a: y, b: 2}, {a: y, b: 1}]"
    trend = "kind: trend, stage: s, where: {a: x}, along: b, direction: increasing"
    of(suite, f"{trend}, metric: val/accuracy, margin: 1.01")  # a line may change by more than its points: 0 1 1 at 1 2 4
    of(suite, f"kind: interaction, metric: val/accuracy, stage: s, direction: less, {double}, margin: 1.5")


def test_a_profile_takes_a_claim_out(suite):
    body = TWO + "  left: {a: x, b: 1}\n  right: {a: y, b: 1}\nprofiles:\n  small: {stages: {s: {axes: {a: {y: null}}}}%s}\n"
    with pytest.raises(BenchError, match="axis 'a' has no level 'y'"):
        suite(body % "", profile="small")
    assert suite(body % ", claims: {c: null}", profile="small").claims == {}
