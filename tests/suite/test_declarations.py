"""What a suite declares, what counts as a change of it, and which claims that touches."""

import json

import pytest

from bench.grammar.declaration import changes, digest
from bench.suite.declaration import declaration, touched

BODY = """\
alpha: 0.05
metrics:
  test/accuracy: {unit: "%", margin: 2}
  gap: {minus: [train/accuracy, test/accuracy]}
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1, 0.2]}, noise: {path: data.noise.variance, values: [0, 0.04]}}}
  t: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}}
claims:
  more: {says: more is better, metric: test/accuracy, stage: s, of: {lr: 0.1}, higher_than: {lr: 0.01}, mean_over: noise}
  gaps: {says: it overfits, metric: gap, stage: s, of: {lr: 0.1}, higher_than: {lr: 0.01}, each: noise}
  loss: {says: it learns, metric: val/loss, stage: t, of: {lr: 0.1}, lower_than: {lr: 0.01}, family: f}
  time: {says: as fast, metric: wall_clock, stage: t, of: {lr: 0.1}, same_as: {lr: 0.01}, margin: 10%, family: f}
"""


def changed(suite, *edits, head=""):
    """Return the changes from BODY to an edited one, and the claims that they touch."""
    before, text = declaration(suite(BODY)), BODY
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    after = suite(text)
    found = changes(before, declaration(after))
    return [(change.item, *change.texts) for change in found], touched(after, found)


def test_it_holds_what_was_fixed_as_plain_data(suite):
    declared = declaration(suite(BODY))
    assert declared == json.loads(json.dumps(declared))
    assert declared["alpha"] == 0.05 and declared["seeds"] == {"s": "0, 1", "t": "0, 1"}
    split = {"source": "digits", "split": {"val": 0.2, "test": 0.2, "seed": 0}}
    assert declared["splits"] == {"s": split, "t": split}
    assert declared["metrics"]["gap"] == {"minus": ["train/accuracy", "test/accuracy"]}
    more = {"says": "more is better", "metric": "test/accuracy", "stage": "s", "of": {"lr": "0.1"}, "mean_over": "noise"}
    assert declared["claims"]["more"] == {**more, "higher_than": {"lr": "0.01"}}
    assert declared["claims"]["time"]["margin"] == "10%"


def test_the_same_said_in_other_words_is_the_same(suite):
    other = BODY.replace("mean_over: noise", "mean_over: [noise]").replace("of: {lr: 0.1}", "of: {lr: [0.1]}")
    before, after = declaration(suite(BODY)), declaration(suite(other))
    assert not changes(before, after) and digest(before) == digest(after) == digest(dict(reversed(before.items())))
    assert digest(before) != digest(declaration(suite(BODY.replace("alpha: 0.05", "alpha: 0.01"))))


@pytest.mark.parametrize(
    "edit, told, claims",
    [
        (("more is better", "more helps"), ("claim more: says", "more is better", "more helps"), set()),
        (("margin: 10%", "margin: 20%"), ("claim time: margin", "10%", "20%"), {"time"}),
        (("margin: 2}", "margin: 5}"), ("metric test/accuracy: margin", "2.0", "5.0"), {"more", "gaps"}),
        (("minus: [train", "minus: [val"), None, {"gaps"}),
        (("alpha: 0.05", "alpha: 0.1"), ("alpha", "0.05", "0.1"), {"more", "gaps", "loss", "time"}),
        (("metric: gap", "metric: test/accuracy"), ("claim gaps: metric", "gap", "test/accuracy"), {"gaps"}),
        (("of: {lr: 0.1}, higher", "of: {lr: 0.2}, higher"), ("claim more: of", "{lr: '0.1'}", "{lr: '0.2'}"), {"more"}),
        (("  t: {axes", "  t: {seeds: 3, axes"), ("seeds of stage t", "0, 1", "0, 1, 2"), {"loss", "time"}),
        (("  t: {axes", "  t: {seeds: [1, 0], axes"), ("seeds of stage t", "0, 1", "1, 0"), set()),
        (("  t: {axes", "  t: {patch: {data: {split: {seed: 1}}}, axes"), None, {"loss", "time"}),
        (("lower_than", "test: sign-flip, lower_than"), ("claim loss: test", "–", "sign-flip"), {"loss"}),
    ],
)
def test_a_change_is_told_from_what_to_what_and_touches_the_claims_whose_terms_it_is(suite, edit, told, claims):
    items, touches = changed(suite, edit)
    assert len(items) == 1 and (told is None or items == [told])
    assert touches == claims


def test_claims_that_come_and_go(suite):
    line = "  new: {says: new, metric: val/loss, stage: t, of: {lr: 0.1}, lower_than: {lr: 0.01}}\n"
    dropped = BODY[BODY.index("  time:") :]
    items, touches = changed(suite, (dropped, line))
    assert items == [("claim time", "declared", "dropped"), ("claim new", "–", "added")]
    assert touches == {"new", "loss"}, "a family from which a claim was dropped is corrected less"


def test_a_relation_that_became_another_touches_its_claim(suite):
    items, touches = changed(suite, ("higher_than: {lr: 0.01}, mean_over", "at_least: {lr: 0.01}, mean_over"))
    assert items == [("claim more: higher_than", "{lr: '0.01'}", "–"), ("claim more: at_least", "–", "{lr: '0.01'}")]
    assert touches == {"more"}


def test_preconditions_are_terms_of_their_claim(suite):
    required = (
        "says: it learns, ",
        "says: it learns, requires: {metric: test/accuracy, stage: s, of: {lr: 0.1, noise: 0}, HIGHER}, ",
    )
    higher = required[0], required[1].replace("HIGHER", "higher_than: 20")
    items, touches = changed(suite, higher)
    assert [item for item, _, _ in items] == ["claim loss: requires"] and touches == {"loss"}
    before = declaration(suite(BODY.replace(*higher)))
    after = suite(BODY.replace(*higher).replace("margin: 2}", "margin: 5}"))
    assert touched(after, changes(before, declaration(after))) == {"more", "gaps", "loss"}
