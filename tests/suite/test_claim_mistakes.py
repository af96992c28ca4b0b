"""What a claim or a figure may not say: every mistake with its line and its mend."""

import pytest

STAGE = "stages: {s: {axes: {a: {x: {}, y: {}}, b: {path: train.epochs, values: [1, 2, 4]}}}}\n"
CLAIM = STAGE + "claims:\n c:\n"
SAYS = "  says: so\n"
TWO = CLAIM + SAYS + "  metric: val/accuracy\n  stage: s\n"
"""The next line is line 12."""
ARM = TWO + "  of: {a: x, b: 1}\n"
TIME = ARM.replace("val/accuracy", "wall_clock")
SPREAD = ARM.replace("metric:", "spread:")
WAYS_OUT = ("must hold at each: `each: b`", "take the mean: `mean_over: b`", "say which: `of: {b: 1}`")
PERCENT = 'write 0.02, or declare `metrics: {val/accuracy: {unit: "%"}}`'

MISTAKES = {
    "open axis": (
        TWO + "  of: {a: x}\n  higher_than: {a: y}\n",
        12,
        "axis 'b' is open: `of` has cells of all its levels",
        WAYS_OUT,
    ),
    "open axis of no arm": (TWO + "  higher_than: 0.5\n  each: a\n", 8, "axis 'b' is open", WAYS_OUT),
    "axis that the other arm drops": (ARM + "  higher_than: {b: null}\n", 13, "is open: `higher_than` has cells", WAYS_OUT),
    "no such level": (TWO + "  of: {a: z, b: 1}\n  higher_than: {a: y}\n", 12, "axis 'a' has no level 'z'", "known: x, y"),
    "no such level of the other arm": (ARM + "  higher_than: {b: 3}\n", 13, "axis 'b' has no level '3'", "known: 1, 2, 4"),
    "no such level of an arm's arm": (TWO + "  of: {a: x, b: 1, minus: {a: z}}\n  higher_than: 0\n", 12, "no level 'z'", "x, y"),
    "the word all": (
        TWO + "  of: {a: x, b: all}\n  higher_than: {a: y}\n",
        12,
        "axis 'b' has no level 'all'",
        ("all levels together are `mean_over: b`", "must hold at each is `each: b`"),
    ),
    "no such axis": (TWO + "  of: {aa: x, b: 1}\n  higher_than: {a: y}\n", 12, "no axis 'aa'", "did you mean 'a'?"),
    "unknown relation": (ARM + "  greater_than: {a: y}\n", 13, "unknown key 'greater_than'", "did you mean 'higher_than'?"),
    "relation of another grammar": (ARM + "  less_than: {a: y}\n", 13, "unknown key 'less_than'", "did you mean 'lower_than'?"),
    "two relations": (
        ARM + "  higher_than: {a: y}\n  lower_than: 0.9\n",
        8,
        "has two relations, higher_than and lower_than: make two claims",
        "",
    ),
    "no relation": (ARM, 8, "has no relation: add one of higher_than, lower_than, differs_from, at_least", ""),
    "bare label": (ARM + "  higher_than: y\n", 13, "should be an arm, {AXIS: y}, or a number, not 'y'", ""),
    "bare label of the subject": (TWO + "  of: x\n  higher_than: 0.5\n", 12, "should be an arm, {AXIS: LABEL}, not 'x'", ""),
    "level for an axis of an arm": (
        TWO + "  of: {x: a, b: 1}\n  higher_than: 1\n",
        12,
        "no axis 'x'",
        "'x' is a level: write `a: x`",
    ),
    "level for an axis": (TWO + "  of: {b: 1}\n  higher_along: x\n", 13, "no axis 'x'", "'x' is a level: write `a: x`"),
    "level to average": (
        TWO + "  of: {b: 1}\n  higher_than: 0.5\n  mean_over: y\n",
        14,
        "no axis 'y'",
        "'y' is a level: write `a: y`",
    ),
    "spread of a difference": (
        SPREAD.replace("b: 1}", "b: 1, minus: {b: 2}}") + "  higher_than: {a: y}\n",
        8,
        "a spread is that of one arm",
        "take `minus` or `divided_by` out",
    ),
    "margin of a spread": (SPREAD + "  same_as: {a: y}\n  margin: 5\n", 14, "5 is no share", "write one such as 50%"),
    "level that is left out and is none": (
        ARM + "  higher_than: {a: y}\n  exclude: [{b: 3}]\n",
        14,
        "axis 'b' has no level '3'",
        "known: 1, 2, 4",
    ),
    "class without classes": (
        ARM.replace("val/accuracy", "val/f1/*") + "  higher_than: 0.5\n  each: class\n",
        8,
        "`each: class` names its classes",
        "",
    ),
    "any difference within a margin": (
        TWO + "  of: {a: x}\n  differs_along: b\n  margin: 0.1\n",
        14,
        "`differs_along` over 3 levels has no margin",
        "`same_along`",
    ),
    "condition without a margin": (
        ARM + "  higher_than: {a: y}\n  requires: {at_least: 0.5}\n",
        14,
        "`at_least` needs a margin",
        "say it exactly",
    ),
    "chance of what has none": (
        ARM + "  higher_than: {a: y}\n  requires: {metric: val/f1, above_chance: 0.1}\n",
        14,
        "what guessing comes to in val/f1 is not known",
        "take an accuracy",
    ),
    "the same without a margin": (
        ARM + "  same_as: {a: y}\n",
        13,
        "`same_as` needs a margin",
        "add `margin: …`, the largest diff",
    ),
    "the same along without a margin": (
        TWO + "  of: {a: x}\n  same_along: b\n",
        13,
        "`same_along` needs a margin",
        "`margin: …`",
    ),
    "at least without a margin": (
        ARM + "  at_least: 0.9\n",
        13,
        "`at_least` needs a margin",
        ("`margin: …`", "exactly, `higher_than: 0.9`"),
    ),
    "at most without a margin": (
        ARM + "  at_most: 0.9\n",
        13,
        "`at_most` needs a margin",
        ("`margin: …`", "exactly, `lower_than: 0.9`"),
    ),
    "at least an arm without a margin": (ARM + "  at_least: {a: y}\n", 13, "`at_least` needs a margin", "add `margin: …`"),
    "margin of zero": (ARM + "  same_as: {a: y}\n  margin: 0\n", 14, "should be a number above 0, or a share such as 10%", ""),
    "margin in words": (ARM + "  same_as: {a: y}\n  margin: some\n", 14, "should be a number above 0", ""),
    "margin beyond the range": (
        ARM + "  same_as: {a: y}\n  margin: 2\n",
        14,
        "2 is no number for val/accuracy, which is 0 to 1: what is compared is 1 at most",
        PERCENT,
    ),
    "share of an accuracy": (
        ARM + "  same_as: {a: y}\n  margin: 2%\n",
        14,
        "2% is a share, and val/accuracy is compared by its difference",
        "write 0.02",
    ),
    "share of percent": (
        'metrics: {val/accuracy: {unit: "%"}}\n' + ARM + "  same_as: {a: y}\n  margin: 2%\n",
        15,
        "2% is a share, and val/accuracy is compared by its difference",
        "write 2",
    ),
    "margin of a time that is no share": (
        TIME + "  same_as: {a: y}\n  margin: 10\n",
        14,
        "10 is no share",
        "write one such as 10%",
    ),
    "number beyond the range": (ARM + "  higher_than: 95\n", 13, "95 is no number for val/accuracy", "write 0.95"),
    "number below the range": (ARM + "  higher_than: -0.5\n", 13, "-0.5 is no number", "take one that val/accuracy can"),
    "ratio of nothing": (
        TIME.replace("b: 1}", "b: 1, divided_by: {a: y}}") + "  lower_than: 0\n",
        13,
        "0 is no ratio",
        "write a number above 0, such as 1/7",
    ),
    "fraction of nothing": (ARM + "  lower_than: 1/0\n", 13, "should be an arm, {AXIS: 1/0}, or a number", ""),
    "infinite number": (ARM + "  lower_than: .inf\n", 13, "or a number", ""),
    "the best without a subject": (TWO + "  highest_of: a\n", 8, "`highest_of` needs a subject: `of: {AXIS: LABEL}`", ""),
    "the best of another axis": (
        TWO + "  of: {b: 1}\n  lowest_of: a\n",
        8,
        "`lowest_of` over axis 'a' needs the subject's level",
        "",
    ),
    "the best of itself": (ARM + "  highest_of: {a: [x]}\n", 13, "the subject has no rival", "name another axis"),
    "same arms": (ARM + "  higher_than: {a: x}\n", 8, "its arms are the same", "differ in an axis"),
    "same differences": (
        TWO + "  of: {a: x, b: 1, minus: {a: y}}\n  higher_than: {b: 1}\n",
        8,
        "its arms are the same",
        "differ in an axis",
    ),
    "metric and spread": (ARM + "  spread: val/loss\n  higher_than: {a: y}\n", 8, "has a `metric` and a `spread`: keep one", ""),
    "no metric": (
        CLAIM + SAYS + "  stage: s\n  of: {a: x, b: 1}\n  higher_than: {a: y}\n",
        8,
        "needs a `metric` or a `spread`",
        "",
    ),
    "spread against a number": (SPREAD + "  higher_than: 0.1\n", 8, "compared with that of another arm, not with a number", ""),
    "spread along": (SPREAD.replace(", b: 1", "") + "  higher_along: b\n", 8, "`higher_along` cannot be of a spread", ""),
    "test of a spread": (
        SPREAD + "  higher_than: {a: y}\n  test: t\n",
        8,
        "a test of its own (Pitman-Morgan): leave `test` out",
        "",
    ),
    "a number with a test of two samples": (
        ARM + "  higher_than: 0.5\n  test: welch\n",
        8,
        "a number has no seeds of its own: take test t or sign-flip, not welch",
        "",
    ),
    "test of points": (
        ARM + "  higher_than: {a: y}\n  test: pearson\n",
        8,
        "is tested by t or sign-flip or welch or crossed",
        "",
    ),
    "test of images along an axis": (
        TWO + "  of: {a: x}\n  higher_along: b\n  test: crossed\n",
        8,
        "by t or sign-flip, not by",
        "",
    ),
    "unknown test": (ARM + "  higher_than: {a: y}\n  test: anova\n", 14, "not 'anova'", ""),
    "scale of two arms": (ARM + "  higher_than: {a: y}\n  scale: log\n", 8, "`scale` belongs to relations with an axis", ""),
    "scale of words": (
        TWO + "  of: {b: 1}\n  higher_along: a\n  scale: log\n",
        14,
        "x, y are not all different numbers",
        "`scale: order`",
    ),
    "blocks of two arms": (ARM + "  higher_than: {a: y}\n  within: b\n", 8, "`within` belongs to relations with a metric", ""),
    "with a metric over nothing": (
        TWO + "  higher_with: val/loss\n",
        8,
        "needs its points: `across: AXIS`, or `across: class`",
        "",
    ),
    "half a star": (
        TWO.replace("val/accuracy", "test/class_accuracy/*") + "  of: {a: x, b: 1}\n  higher_with: val/loss\n  across: class\n",
        8,
        "metrics that end in /* go with `across: class`",
        "",
    ),
    "blocks of classes": (
        TWO.replace("val/accuracy", "test/class_accuracy/*")
        + "  of: {a: x}\n  higher_with: test/class_accuracy/*\n  across: class\n  within: b\n",
        8,
        "`across: class`, without other axes and without `within`",
        "",
    ),
    "few points": (
        TWO + "  of: {a: x}\n  higher_with: val/loss\n  across: b\n",
        14,
        "over 3 points says nothing",
        "at least four",
    ),
    "margin of a correlation": (
        TWO + "  higher_with: val/loss\n  across: [a, b]\n  margin: 2\n",
        8,
        "the margin of a correlation is below 1, not 2",
        "",
    ),
    "points and blocks of one axis": (
        TWO + "  higher_with: val/loss\n  across: [a, b]\n  within: a\n",
        14,
        "axis 'a' stands in both `across` and `within`",
        "accounted for once",
    ),
    "axis of the subject and of each": (
        ARM + "  higher_than: {a: y}\n  each: b\n",
        14,
        "axis 'b' stands in both `of` and `each`",
        "take it out of one of them",
    ),
    "axis along and averaged": (
        TWO + "  of: {a: x}\n  higher_along: b\n  mean_over: b\n",
        14,
        "axis 'b' stands in both `higher_along` and `mean_over`",
        "take it out of one of them",
    ),
    "each of no axis": (TWO + "  of: {a: x}\n  higher_than: {a: y}\n  each: c\n", 14, "stage 's' has no axis 'c'", "known: a, b"),
    "each of no level": (
        TWO + "  of: {a: x}\n  higher_than: {a: y}\n  each: {b: [1, 3]}\n",
        14,
        "has no level '3'",
        "known: 1, 2, 4",
    ),
    "left out of no axis": (TWO + "  of: {a: x}\n  higher_along: b\n  exclude: [{c: 1}]\n", 14, "no axis 'c'", "known: a, b"),
    "along two axes": (
        TWO + "  higher_along: [a, b]\n",
        8,
        "is along one axis: make a claim for each, or hold the others by `each`",
        "",
    ),
    "along no axis": (TWO + "  of: {a: x}\n  higher_along: z\n", 13, "no axis 'z'", "known: a, b"),
    "along one level": (TWO + "  of: {a: x}\n  higher_along: {b: [1]}\n", 13, "needs two levels of axis 'b'", "name more levels"),
    "levels that are left out": (
        TWO + "  of: {a: x}\n  higher_along: b\n  exclude: [{b: [1, 2]}]\n",
        13,
        "needs two levels of axis 'b'",
        "take it out of `exclude`",
    ),
    "difference and ratio": (
        TWO + "  of: {a: x, b: 1, minus: {b: 2}, divided_by: {b: 4}}\n  higher_than: 0\n",
        12,
        "should have `minus` or `divided_by`, not both",
        "",
    ),
    "difference of nothing": (
        TWO + "  of: {a: x, b: 1, minus: {}}\n  higher_than: 0\n",
        12,
        "`minus` says nothing that differs",
        "{AXIS: LABEL}",
    ),
    "difference of times": (
        TIME.replace("b: 1}", "b: 1, minus: {a: y}}") + "  higher_than: 1\n",
        8,
        "wall_clock is compared by ratios, and a difference is taken",
        "write `divided_by` for `minus`",
    ),
    "a label twice": (TWO + "  of: {a: [x, x], b: 1}\n  higher_than: 0.5\n", 12, "axis 'a' should have different labels", ""),
    "no such cell": (
        "stages:\n s: {axes: {a: {x: {}, y: {}}, b: {p: {}, q: {train: {epochs: 9}}}}, exclude: [{a: x, b: p}]}\n"
        "claims:\n c: {says: so, metric: m, stage: s, of: {a: x, b: p}, higher_than: {a: y}}\n",
        9,
        "stage 's' has no cell a=x, b=p",
        "labels that occur together",
    ),
    "no stage": (
        "stages:\n s: {axes: {a: {x: {}, y: {}}}}\n t: {axes: {a: {x: {}, y: {train: {epochs: 9}}}}}\n"
        "claims:\n c: {says: so, metric: m, of: {a: x}, higher_than: {a: y}}\n",
        10,
        "a claim is of a stage",
        "add `stage: …`, one of s, t",
    ),
    "unknown stage": (ARM.replace("stage: s", "stage: z") + "  higher_than: {a: y}\n", 11, "no stage 'z'", "known: s"),
    "unknown stage of an arm": (ARM + "  higher_than: {stage: z}\n", 13, "no stage 'z'", "known: s"),
    "unknown key": (ARM + "  higher_than: {a: y}\n  margn: 1\n", 14, "unknown key 'margn'", "did you mean 'margin'?"),
    "no sentence": (
        CLAIM + "  metric: val/accuracy\n  stage: s\n  of: {a: x, b: 1}\n  higher_than: 0.5\n",
        8,
        "'says' is missing",
        "add",
    ),
    "old and new": (
        ARM.replace("  metric", "  kind: greater\n  metric") + "  higher_than: {a: y}\n",
        10,
        "'kind' is of the old grammar of claims, 'of' of the new",
        "write the claim in the new grammar",
    ),
    "arms with different looks": (
        "stages:\n s: {axes: {a: {x: {}, y: {}}}}\n t: {axes: {a: {x: {}}}, seeds: {looks: [3, 5]}}\n"
        "claims:\n c: {says: so, metric: m, stage: s, of: {a: y}, lower_than: {stage: t, a: x}}\n",
        10,
        "different looks",
        "the same `seeds:`",
    ),
    **{
        f"axis named {name}": (STAGE.replace("b: {path", f"{name}: {{path"), 6, f"no axis can be named {name!r}", "another name")
        for name in ("stage", "minus", "divided_by", "class")
    },
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
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_line_and_mend(suite, mistake):
    body, line, message, mends = MISTAKES[mistake]
    for mend in (mends,) if isinstance(mends, str) else mends:
        suite.refuses(body, line, message, mend)
