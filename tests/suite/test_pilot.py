"""Pilots in the grammar: which seeds they have, what is declared of them, and what is refused."""

import pytest

from bench.errors import BenchError
from bench.grammar.schedule import PILOT_FROM
from bench.suite.declaration import declaration
from bench.suite.load import load_suite

HEAD = """\
suite: tiny
title: A tiny suite
data: {source: digits}
base: {model: {name: simple_cnn}, train: {epochs: 2, optimizer: {name: sgd, lr: 0.1, momentum: 0.9}}}
seeds: SEEDS
"""
STAGE = "stages:\n  s: {axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}\n"
FRESH = STAGE + "  again: {patch: {start: {stage: s, seeds: fresh}}, axes: {n: {x: {}}}}\n"
PILOT = [PILOT_FROM, PILOT_FROM + 1]


def head(seeds) -> str:
    return HEAD.replace("SEEDS", str(seeds))


@pytest.mark.parametrize(
    ("plain", "piloted", "text"),
    [
        ("3", "{pilot: 2, count: 3}", "0, 1, 2"),
        ("[3, 4, 7]", "{pilot: 2, count: [3, 4, 7]}", "3, 4, 7"),
        ("{looks: [3, 5], alpha: 0.1}", "{pilot: 2, looks: [3, 5], alpha: 0.1}", "looks 3, 5 at alpha 0.1"),
    ],
)
def test_a_pilot_has_seeds_of_its_own_and_leaves_the_others_theirs(suite, plain, piloted, text):
    without, with_one = suite(STAGE, head(plain)), suite(STAGE, head(piloted))
    assert with_one.schedule("s") == without.schedule("s") and not without.has_pilot and with_one.has_pilot
    assert list(with_one.schedule("s").pilot) == PILOT and list(without.schedule("s").pilot) == []
    assert (without.schedule("s").text, with_one.schedule("s").text) == (text, f"pilot of 2, then {text}")
    assert declaration(with_one)["seeds"] == {"s": f"pilot of 2, then {text}"}


def test_the_same_may_be_said_without_a_pilot(suite):
    assert suite(STAGE, head("{count: 3}")).schedule("s").text == suite(STAGE, head("3")).schedule("s").text == "0, 1, 2"


def test_a_profile_takes_the_pilot_out_or_changes_the_sizes(suite):
    body = STAGE + "profiles: {quick: {seeds: {pilot: null, count: 2}}, more: {seeds: {count: 8}}, one: {seeds: 1}}\n"
    texts = {p: suite(body, head("{pilot: 2, count: 3}"), profile=p).schedule("s").text for p in ("quick", "more", "one")}
    assert texts == {"quick": "0, 1", "more": "pilot of 2, then 0, 1, 2, 3, 4, 5, 6, 7", "one": "0"}


def test_fresh_seeds_come_after_those_that_count(suite):
    """A pilot chooses nothing; and stages share its seeds, since claims compare them seed by seed."""
    made = suite(FRESH, head("{pilot: 2, count: 3}"))
    assert made.seeds("again") == [3, 4, 5] == suite(FRESH, head("3")).seeds("again")
    assert list(made.schedule("again").pilot) == PILOT
    assert declaration(made)["seeds"]["again"] == "pilot of 2, then 3, 4, 5"


def test_searches_and_ensembles_have_no_pilot(suite):
    body = """\
    stages:
      s: {axes: {a: {x: {}}}}
      hunt: {search: {trials: 2, space: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}}
      votes: {ensemble: {stages: s, pool: seed}}
    """
    made = suite(body, head("{pilot: 2, count: [3, 4]}"))
    assert {stage: len(made.schedule(stage).pilot) for stage in made.cells} == {"s": 2, "hunt": 0, "votes": 0}
    assert made.search_seeds("hunt") == [3, 4] and made.seeds("votes") == [3, 4]
    assert declaration(made)["seeds"] == {"s": "pilot of 2, then 3, 4", "hunt": "3, 4", "votes": "3, 4"}


@pytest.mark.parametrize(
    ("seeds", "message", "mend"),
    [
        ("{pilot: 1, count: 3}", "seeds.pilot: should be greater than or equal to 2", ""),
        ("{pilot: 2}", "should say either `count: 5`", ""),
        ("{pilot: 2, count: 3, looks: [3, 5]}", "should say either `count: 5`", ""),
        ("{pilot: 2, count: 0}", "seeds.count: should be how many seeds, from 1, or a list", ""),
        ("{pilot: 2, count: {looks: [3, 5]}}", "seeds.count: should be how many seeds, from 1, or a list", ""),
        ("{pilot: 2, count: [3, 3]}", "3 stands twice", ""),
        ("{pilot: 2, count: 3, alpha: 0.1}", "'alpha' belongs to looks", ""),
        ("[0, 1000000]", "seed 1000000 of stage 's' is a pilot's", "from 1,000,000 to 1,000,999"),
        ("{pilot: 1001, count: 3}", "should be less than or equal to 1000", ""),
        ("{pilot: 2, count: [0, 1000001]}", "seed 1000001 of stage 's' is a pilot's", "list others"),
    ],
)
def test_mistakes(suite, seeds, message, mend):
    path = suite.write(STAGE, head(seeds))
    with pytest.raises(BenchError) as caught:
        load_suite(path)
    told = str(caught.value)
    assert f"{path}:5: " in told and message in told and mend in told, told


@pytest.mark.parametrize(
    ("body", "line", "message", "mend"),
    [
        (
            "stages:\n  s:\n    seeds: {pilot: 2, count: 3}\n"
            "    search: {trials: 2, space: {lr: {path: train.optimizer.lr, values: [1]}}}",
            8,
            "stage 's' is a search, whose trials choose",
            "take `pilot` out",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  v: {ensemble: {stages: s, pool: seed}, seeds: {pilot: 2, count: 3}}",
            8,
            "stage 'v' is an ensemble, in which no pilot votes",
            "take `pilot` out",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  t:\n    seeds: {pilot: 2, count: 2}\n"
            "    patch: {model: {weights: {stage: s}}}\n    axes: {a: {x: {}}}",
            10,
            "no trial with seed 1000000 whose weights",
            "the same seeds",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}, seeds: {pilot: 2, count: 2}}\n  t:\n    seeds: {pilot: 2, count: 2}\n"
            "    patch: {model: {weights: {stage: s, seed: 1000000}}}\n    axes: {a: {x: {}}}",
            10,
            "no trial with seed 1000000 whose weights",
            "",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}, seeds: {pilot: 3, count: 2}}\n  t: {axes: {a: {x: {}}}, seeds: [1000002]}",
            8,
            "seed 1000002 of stage 't' is a pilot's",
            "list others",
        ),
    ],
)
def test_a_pilot_that_does_not_fit_the_other_stages(suite, body, line, message, mend):
    suite.refuses(body, line, message, mend)
