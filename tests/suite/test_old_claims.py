"""Claims of the old grammar: what each becomes, and what is told of those that today's cannot say."""

import pytest

from bench.errors import BenchError
from bench.grammar import document as documents
from bench.suite.old_claims import Untranslatable, translated

STAGES = {
    "s": {"model": ["a", "b", "c"], "noise": ["0", "0.01", "0.04"], "kept": ["none", "all"]},
    "t": {"noise": ["0", "0.2"], "vote": ["soft", "hard"]},
    "search": {"trial": ["0", "1", "2", "3"]},
}
HEAD = "says: so, metric: m, stage: s"
FORMS = {
    "greater": ("kind: greater, left: {model: a}, right: {model: b}", "of: {model: a}, higher_than: {model: b}"),
    "less": ("kind: less, left: {model: a}, right: {model: b}, test: t", "of: {model: a}, lower_than: {model: b}"),
    "equivalent": (
        "kind: equivalent, left: {model: a}, right: {model: b}, margin: 1, test: welch",
        "of: {model: a}, same_as: {model: b}, margin: 1, test: welch",
    ),
    "a number": ("kind: greater, left: {model: a}, right: 0.5", "of: {model: a}, higher_than: 0.5"),
    "a number, of all cells": ("kind: less, left: {}, right: 0, each: model", "lower_than: 0, each: model"),
    "what both arms share": (
        "kind: greater, where: {noise: 0}, left: {model: a, kept: none}, right: {model: b, kept: none}",
        "of: {noise: 0, model: a, kept: none}, higher_than: {model: b}",
    ),
    "an arm over what they share": (
        "kind: greater, where: {noise: 0}, left: {model: a}, right: {model: a, noise: 0.04}",
        "of: {noise: 0, model: a}, higher_than: {noise: 0.04}",
    ),
    "what the right arm leaves open": (
        "kind: greater, left: {model: a, noise: 0}, right: {model: b}",
        "of: {model: a, noise: 0}, higher_than: {model: b, noise: null}",
    ),
    "a mean of some labels": (
        "kind: less, left: {noise: [0.01, 0.04]}, right: {noise: 0}",
        "of: {noise: [0.01, 0.04]}, lower_than: {noise: 0}",
    ),
    "the same labels in another order": (
        "kind: less, left: {model: a, noise: [0.01, 0.04]}, right: {model: b, noise: [0.04, 0.01]}",
        "of: {model: a, noise: [0.01, 0.04]}, lower_than: {model: b}",
    ),
    "a mean of all": (
        "kind: greater, where: {noise: all}, left: {model: a}, right: {model: b}",
        "of: {model: a}, higher_than: {model: b}, mean_over: noise",
    ),
    "means of two axes": (
        "kind: greater, where: {noise: all}, left: {model: all, kept: none}, right: {model: all, kept: all}",
        "of: {kept: none}, higher_than: {kept: all}, mean_over: [noise, model]",
    ),
    "a level named all": ("kind: greater, left: {kept: all}, right: {kept: none}", "of: {kept: all}, higher_than: {kept: none}"),
    "a mean of all in one arm": (
        "kind: greater, left: {noise: all}, right: {noise: 0}",
        "of: {noise: [0, 0.01, 0.04]}, higher_than: {noise: 0}",
    ),
    "a label that is written null": (
        "kind: less, left: {kept: null}, right: {kept: all}",
        "of: {kept: none}, lower_than: {kept: all}",
    ),
    "each level": (
        "kind: greater, left: {model: a}, right: {model: b}, each: noise, family: f",
        "of: {model: a}, higher_than: {model: b}, each: noise, family: f",
    ),
    "each of all levels": (
        "kind: greater, where: {noise: all}, left: {model: a}, right: {model: b}, each: noise",
        "of: {model: a}, higher_than: {model: b}, each: noise",
    ),
    "each of some levels": (
        "kind: greater, where: {noise: [0, 0.04], kept: none}, left: {model: a}, right: {model: b}, each: noise",
        "of: {kept: none, model: a}, higher_than: {model: b}, each: {noise: [0, 0.04]}",
    ),
    "a ratio": (
        "kind: less, left: {model: a}, right: {model: b}, each: noise, ratio: 1/7",
        "of: {model: a, divided_by: {model: b}}, lower_than: 1/7, each: noise",
    ),
    "a trend": ("kind: trend, along: noise, direction: increasing", "higher_along: noise"),
    "a trend over some levels": (
        "kind: trend, along: noise, direction: decreasing, where: {noise: [0, 0.04], model: a}",
        "of: {model: a}, lower_along: {noise: [0, 0.04]}",
    ),
    "an interaction": (
        "kind: interaction, direction: greater, where: {kept: all}, "
        "left: [{model: a, noise: 0.04}, {model: a, noise: 0}], right: [{model: b, noise: 0.04}, {model: b, noise: 0}]",
        "of: {kept: all, model: a, noise: 0.04, minus: {noise: 0}}, higher_than: {model: b}",
    ),
    "an interaction on one axis": (
        "kind: interaction, direction: less, left: [{model: a}, {model: b}], right: [{model: c}, {model: a}]",
        "of: {model: a, minus: {model: b}}, lower_than: {model: c, minus: {model: a}}",
    ),
    "an interaction whose differences are of two axes": (
        "kind: interaction, direction: less, left: [{model: a, noise: 0}, {model: b, noise: 0}], "
        "right: [{model: c, noise: 0}, {model: c, noise: 0.01}]",
        "of: {model: a, noise: 0, minus: {model: b}}, lower_than: {model: c, minus: {model: c, noise: 0.01}}",
    ),
    "an interaction from one arm": (
        "kind: interaction, direction: greater, left: [{model: a}, {model: b}], right: [{model: a}, {model: c}]",
        "of: {model: a, minus: {model: b}}, higher_than: {minus: {model: c}}",
    ),
    "a key that neither grammar knows": (
        "kind: less, left: {model: a}, right: {model: b}, margn: 1",
        "of: {model: a}, lower_than: {model: b}, margn: 1",
    ),
}
STAGED = {
    "arms of two stages": (
        "{says: so, kind: greater, metric: m, left: {stage: s, model: a, kept: all}, right: {stage: t, vote: soft}}",
        "{says: so, metric: m, of: {stage: s, model: a, kept: all}, higher_than: {stage: t, vote: soft}}",
    ),
    "arms of one stage": (
        "{says: so, kind: greater, metric: m, left: {stage: s, model: a}, right: {stage: s, model: b}}",
        "{says: so, metric: m, of: {stage: s, model: a}, higher_than: {model: b}}",
    ),
    "another stage takes over the axes that it has": (
        "{says: so, kind: less, metric: m, stage: s, where: {noise: 0}, left: {model: a}, right: {stage: t, vote: soft}}",
        "{says: so, metric: m, stage: s, of: {noise: 0, model: a}, lower_than: {stage: t, vote: soft}}",
    ),
    "another stage leaves open what it would take over": (
        "{says: so, kind: less, metric: m, stage: s, left: {model: a, noise: 0}, right: {stage: t, vote: soft}}",
        "{says: so, metric: m, stage: s, of: {model: a, noise: 0}, lower_than: {stage: t, vote: soft, noise: null}}",
    ),
    "the right arm is of the claim's stage": (
        "{says: so, kind: less, metric: m, stage: t, left: {stage: s, model: a}, right: {vote: soft}}",
        "{says: so, metric: m, of: {stage: s, model: a}, lower_than: {stage: t, vote: soft}}",
    ),
    "a correlation over classes": (
        "{says: so, kind: correlation, x: size/*, y: f1/*, stage: s, where: {model: a}, direction: positive, margin: 0.1}",
        "{says: so, metric: f1/*, stage: s, of: {model: a}, higher_with: size/*, margin: 0.1, across: class}",
    ),
    "a correlation over cells": (
        "{says: so, kind: correlation, x: p, y: q, stage: s, where: {kept: none}, direction: negative, method: spearman}",
        "{says: so, metric: q, stage: s, of: {kept: none}, lower_with: p, across: [model, noise], test: spearman}",
    ),
    "a correlation over some cells, at each level": (
        "{says: so, kind: correlation, x: p, y: q, stage: s, where: {noise: [0, 0.04]}, each: kept, direction: positive}",
        "{says: so, metric: q, stage: s, higher_with: p, each: kept, across: {model: [a, b, c], noise: [0, 0.04]}}",
    ),
    "a correlation over a search": (
        "{says: so, kind: correlation, x: p, y: q, stage: search, direction: positive, method: pearson}",
        "{says: so, metric: q, stage: search, higher_with: p, across: trial}",
    ),
}
ALL = {name: (f"{{{HEAD}, {old}}}", f"{{{HEAD}, {new}}}") for name, (old, new) in FORMS.items()} | STAGED


@pytest.mark.parametrize("form", ALL)
def test_each_form_has_its_translation(form):
    old, new = map(documents.scalar, ALL[form])
    said = translated(old, STAGES)
    assert said == new
    order = ["says", "metric", "stage", "of", "each", "mean_over", "margin", "across", "test", "family"]
    assert [key for key in said if key in order] == [key for key in order if key in said]


@pytest.mark.parametrize(
    ("old", "path", "message"),
    [
        ("kind: greater, left: {model: a}, right: 1, ratio: 2", ("ratio",), "compare with the product"),
        ("kind: greater, left: {model: a}, right: {model: b}, of: {model: c}", ("kind",), "'kind' is of the old grammar"),
        (
            "left: {model: a}, higher_than: {model: b}",
            ("left",),
            "'left' is of the old grammar",
        ),
        ("kind: greatr, left: {}, right: 1", ("kind",), "no kind 'greatr'"),
        ("kind: greater, left: {}", (), "'right' is missing"),
        ("kind: greater, left: a, right: {model: b}", ("left",), "should be a mapping"),
        ("kind: equivalent, left: {model: a}, right: {model: b}, ratio: 2", ("ratio",), "'equivalent' has no 'ratio'"),
        ("kind: greater, left: {noise: 0}, right: {noise: 0.01}, each: noise", ("left", "noise"), "the axis of `each`"),
        ("kind: greater, left: {}, right: {noise: 0}, each: noise", ("right", "noise"), "the axis of `each`"),
        ("kind: greater, left: {}, right: 0, each: [noise]", ("each",), "one axis"),
        ("kind: trend, along: noise, direction: upwards", ("direction",), "no direction 'upwards'"),
        ("kind: trend, along: [noise], direction: increasing", ("along",), "one axis"),
        ("kind: interaction, direction: less, left: [{model: a}], right: [{}, {}]", ("left",), "two arms"),
        ("kind: correlation, x: p, y: q, direction: positive, where: {model: a, noise: 0, kept: all}", ("stage",), "no axis"),
        ("kind: greater, left: {other: all}, right: {other: x}", (), "no axis 'other'"),
    ],
)
def test_what_cannot_be_said_is_told(old, path, message):
    with pytest.raises(Untranslatable, match=message) as caught:
        translated(documents.scalar(f"{{{HEAD}, {old}}}"), STAGES)
    assert caught.value.path == path


AXES = "stages: {s: {axes: {a: {x: {}, y: {}, z: {}}, b: {path: train.epochs, values: [1, 2]}}}}\n"
OLD = AXES + "claims:\n c:\n  says: so\n  kind: less\n  metric: val/accuracy\n  stage: s\n"


def test_old_claims_load_as_new_ones(suite, caplog):
    old = suite(OLD + "  where: {b: all}\n  left: {a: x}\n  right: {a: [y, z]}\n  test: sign-flip\n")
    assert "claim c is in the old grammar" in caplog.text and "bench migrate" in caplog.text
    caplog.clear()
    said = "metric: val/accuracy, stage: s, of: {a: x}, lower_than: {a: [y, z]}, mean_over: b, test: sign-flip"
    new = suite(AXES + f"claims: {{c: {{says: so, {said}}}}}")
    assert not caplog.text and old.spec.claims == new.spec.claims
    arms = [[[cell.labels for cell in arm.cells] for arm in one.claims["c"][0].arms] for one in (old, new)]
    assert arms[0] == arms[1] and [len(cells) for cells in arms[0]] == [2, 4]


def test_a_swept_stage_has_its_axes(suite):
    body = """\
    axes: {a: {x: {}, y: {train: {epochs: 9}}}}
    stages: {s: {axes: {a: all}, sweep: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}}
    claims:
      c: {says: so, kind: greater, metric: val/accuracy, stage: s-lr, left: {a: all, lr: 0.1}, right: {a: y, lr: 0.2}}
    """
    contrast, *others = suite(body).claims["c"]
    assert [[cell.labels for cell in arm.cells] for arm in contrast.arms] == [
        [{"a": "x", "lr": "0.1"}, {"a": "y", "lr": "0.1"}],
        [{"a": "y", "lr": "0.2"}],
    ] and not others


@pytest.mark.parametrize(
    ("keys", "line", "message", "mend"),
    [
        ("  left: {a: q, b: 1}\n  right: {a: y}\n", 13, "axis 'a' has no level 'q'", "known: x, y, z"),
        ("  left: {a: x, b: 1}\n  right: {a: q}\n", 14, "axis 'a' has no level 'q'", "known: x, y, z"),
        ("  where:\n   b: 3\n  left: {a: x}\n  right: {a: y}\n", 14, "axis 'b' has no level '3'", "known: 1, 2"),
        ("  left: {a: x, b: 1}\n  right: 0.5\n  ratio: 2\n", 15, "a ratio to a number", "write the claim in the new grammar"),
        ("  left: {a: x, b: 1}\n  lower_than: 0.5\n", 10, "'kind' is of the old grammar", "`of: {…}`"),
    ],
)
def test_mistakes_are_told_at_the_line_of_the_old_key(suite, keys, line, message, mend):
    suite.refuses(OLD + keys, line, message, mend)


def test_a_profiles_old_patch_of_a_new_claim_is_told(suite):
    body = """\
    claims: {c: {says: so, metric: val/accuracy, of: {a: x, b: 1}, higher_than: {a: y}}}
    profiles:
      quick:
        claims:
          c: {right: {a: z}}
    """
    with pytest.raises(BenchError, match=r"tiny.yaml:11: 'right' is of the old grammar of claims, 'of' of the new"):
        suite(AXES + "".join(f"{line[4:]}\n" for line in body.splitlines()), profile="quick")
