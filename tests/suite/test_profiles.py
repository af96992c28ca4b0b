"""Profiles that say what they are, and claims that they drop."""

import pytest

from bench.errors import BenchError

STAGES = "stages: {s: {axes: {a: {x: {}, y: {}, z: {}}}}}\n"
CLAIMS = """\
claims:
  c: {says: first, metric: val/accuracy, of: {a: x}, higher_than: {a: y}}
  d: {says: second, metric: val/accuracy, of: {a: z}, higher_than: {a: y}}
  e: {says: third, metric: val/accuracy, of: {a: z}, higher_than: {a: x}}
"""


def not_asked(made):
    return [(claim.name, claim.says, claim.why) for claim in made.not_asked]


def test_a_profile_says_what_it_is(suite):
    body = STAGES + "profiles: {small: {about: ' not  a replication ', seeds: 1}}\n"
    made = suite(body, profile="small")
    assert made.about == "not a replication" and made.seeds("s") == [0]
    assert suite(body).about == "" and suite(STAGES + "profiles: {small: {seeds: 1}}\n", profile="small").about == ""


@pytest.mark.parametrize("about", ["3", "''", "null", "[a]"])
def test_what_a_profile_says_is_text(suite, about):
    with pytest.raises(BenchError, match=r"tiny.yaml:8: `about` should be text") as caught:
        suite(STAGES + f"profiles:\n  small: {{about: {about}}}\n", profile="small")
    assert "what the profile is, and what it is not" in str(caught.value)


def test_a_dropped_claim_is_listed_with_its_reason_and_its_levels_may_be_gone(suite):
    profile = """\
profiles:
  small:
    stages: {s: {axes: {a: {z: null}}}}
    claims: {d: {drop: z is too large}, e: null}
"""
    made = suite(STAGES + CLAIMS + profile, profile="small")
    assert list(made.claims) == ["c"]
    assert not_asked(made) == [("d", "second", "z is too large"), ("e", "third", "left out by the profile, no reason given")]
    assert [claim.reason for claim in made.not_asked] == ["z is too large", ""]
    whole = suite(STAGES + CLAIMS + profile)
    assert list(whole.claims) == ["c", "d", "e"] and whole.not_asked == []


def test_all_claims_can_be_left_out(suite):
    made = suite(STAGES + CLAIMS + "profiles: {small: {claims: null}}\n", profile="small")
    assert made.claims == {} and [name for name, _, _ in not_asked(made)] == ["c", "d", "e"]


def test_a_sentence_of_the_suite_itself_can_be_listed_without_a_test(suite):
    made = suite(
        STAGES + CLAIMS + "  f: {says: a fourth, drop: it names no metric}\nprofiles: {small: {claims: {c: {drop: x}}}}\n"
    )
    assert not_asked(made) == [("f", "a fourth", "it names no metric")]


def test_overrides_drop_claims_and_ask_dropped_ones(suite):
    body = STAGES + CLAIMS + "profiles: {small: {claims: {c: {drop: too small}, d: null}}}\n"
    made = suite(body, profile="small", overrides=["claims.c.drop=null", "claims.e=null"])
    assert list(made.claims) == ["c"]
    assert not_asked(made) == [
        ("d", "second", "left out by the profile, no reason given"),
        ("e", "third", "left out by --set"),
    ]


def test_claims_in_the_old_grammar_can_be_dropped(suite):
    old = "claims: {c: {says: first, kind: greater, metric: val/accuracy, left: {a: x}, right: {a: y}}}\n"
    made = suite(
        STAGES + old + "profiles: {small: {stages: {s: {axes: {a: {x: null}}}}, claims: {c: {drop: why}}}}\n", profile="small"
    )
    assert not_asked(made) == [("c", "first", "why")]


@pytest.mark.parametrize(
    ("patch", "message", "mend"),
    [
        ("{c: {drop: ''}}", "`drop` should be text", "say why the claim is not asked"),
        ("{c: {drop: true}}", "`drop` should be text", "say why the claim is not asked"),
        ("{cc: {drop: why}}", "there is no claim 'cc' to drop", "did you mean 'c'?"),
        ("{f: {says: 3, drop: why}}", "`says` should be text", "say the report's sentence"),
    ],
)
def test_mistakes_of_dropped_claims(suite, patch, message, mend):
    with pytest.raises(BenchError) as caught:
        suite(STAGES + CLAIMS + f"profiles:\n  small:\n    claims: {patch}\n", profile="small")
    assert f"tiny.yaml:13: {message}" in str(caught.value) and mend in str(caught.value)
