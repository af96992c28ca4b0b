"""What must not change a verdict: which arm stands first, the listing order, names, other cells, and units."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.reports.claims.study import ALONG, SMALL, THAN, THREE, Study

STEP = 0.001
MORE = "{small: {}, large: {train: {batch_size: 8}}, odd: {train: {epochs: 2}}}"
NOISE = ("0", "0.01", "0.04")
MIRRORED = {"higher": "lower", "lower": "higher", "at_least": "at_most", "at_most": "at_least"}
TWO = ("higher_than", "lower_than", "differs_from", "at_least", "at_most", "same_as")
AXIS = ("higher_along", "lower_along", "differs_along", "same_along", "higher_each_step", "lower_each_step")
BEST = ("highest_of", "lowest_of")
values = st.lists(st.tuples(*[st.integers(-40, 40)] * 3), min_size=3, max_size=7)
"""Of each seed the values of three arms, in steps of 0.001 from 0.5."""


def study(folder, claim, axis, labels, drawn, **options):
    """A study in which the levels of an axis, by their place, have the values drawn."""

    def value(found, seed):
        return {"val/accuracy": 0.5 + STEP * drawn[seed][labels.index(found[axis])]}

    return Study(folder, {"c": claim}, value, seeds=len(drawn), **options)


def of_models(folder, claim, drawn, **options):
    return study(folder, claim, "model", ("small", "large"), drawn, **options)


def of_levels(folder, claim, drawn, **options):
    return study(folder, claim, "noise", NOISE, drawn, **options)


def mirrored(relation):
    name = next((name for name in MIRRORED if relation.startswith(name)), None)
    return relation.replace(name, MIRRORED[name], 1) if name else relation


def check_alike(one, other):
    """Assert that the same came of two claims, but for what their arms are called, and for rounding."""
    assert (one.verdict, one.holds, one.m) == (other.verdict, other.holds, other.m)
    for part, its in zip(one.parts, other.parts, strict=True):
        assert (part.verdict, part.result.n) == (its.verdict, its.result.n)
        assert numbers(its) == pytest.approx(numbers(part), rel=1e-6, abs=1e-9)


def numbers(part, difference=1.0):
    """difference: what the estimate is multiplied by."""
    found = (part.p, part.holm, part.detectable, part.seeds_needed, part.result.difference)
    *rest, estimate = (-1.0 if one is None else one for one in found)
    return [*rest, difference * estimate]


@pytest.mark.parametrize("relation", TWO)
@settings(max_examples=20)
@given(values, st.sampled_from(["", ", test: sign-flip", ", test: welch"]))
def test_exchanging_the_arms_flips_signs_and_nothing_else(tmp_path_factory, relation, drawn, test):
    folder, more = tmp_path_factory.mktemp("s"), f", margin: 0.01{test}"
    back = SMALL.replace("small", "large") + f"{mirrored(relation)}: {{model: small}}"
    there, back = (of_models(folder, claim + more, drawn).one() for claim in (THAN % relation, back))
    assert (there.verdict, there.holds) == (back.verdict, back.holds)
    assert numbers(back.parts[0], -1.0) == pytest.approx(numbers(there.parts[0]), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("relation", [*AXIS, *BEST])
@settings(max_examples=15)
@given(drawn=values, order=st.permutations(NOISE))
def test_the_listing_order_changes_nothing(tmp_path_factory, relation, drawn, order):
    claim = ALONG % relation + (", margin: 0.01" if relation == "same_along" else "")
    if relation in BEST:
        claim = SMALL.replace("noise: 0", "noise: 0.01") + f"{relation}: noise, margin: 0.01"
    folder = tmp_path_factory.mktemp("s")
    as_listed, other = (of_levels(folder, claim, drawn, noise=", ".join(one)).one() for one in (NOISE, order))
    if relation in BEST:
        other = replace(other, parts=sorted(other.parts, key=lambda part: part.label))
    check_alike(as_listed, other)
    assert [part.contrast for part in as_listed.parts] == [part.contrast for part in other.parts]


@pytest.mark.parametrize("relation", [*TWO, *BEST])
@settings(max_examples=10)
@given(drawn=values)
def test_what_levels_are_called_changes_nothing(tmp_path_factory, relation, drawn):
    folder, found = tmp_path_factory.mktemp("s"), []
    for a, b, c in ("abc", ("zeta", "no", "1e3")):
        models = THREE.replace("a:", f"'{a}':").replace(" b:", f" '{b}':").replace(" c:", f" '{c}':")
        than = "model" if relation in BEST else f"{{model: '{b}'}}"
        claim = f"metric: val/accuracy, stage: s, of: {{model: '{a}', noise: 0}}, {relation}: {than}, margin: 0.01"
        found.append(study(folder, claim, "model", (a, b, c), drawn, models=models).one())
    check_alike(*found)


@pytest.mark.parametrize("relation", [*TWO, *AXIS])
@settings(max_examples=10)
@given(drawn=values, odd=st.floats(0, 1))
def test_a_cell_that_no_claim_names_changes_nothing(tmp_path_factory, relation, drawn, odd):
    folder = tmp_path_factory.mktemp("s")
    if relation in TWO:
        make, claim, cells = of_models, THAN % relation + ", margin: 0.01", {"models": MORE}
    else:
        make, claim, cells = (
            of_levels,
            ALONG.replace("noise", "{noise: [0, 0.01, 0.04]}") % relation,
            {"noise": "0, 0.01, 0.04, 0.09"},
        )
        claim += ", margin: 0.01" if relation == "same_along" else ""
    plain, more = make(folder, claim, drawn), make(folder, claim, drawn, **cells)
    named = more.value
    more.value = lambda labels, seed: {"val/accuracy": odd} if {"odd", "0.09"} & set(labels.values()) else named(labels, seed)
    one, other = plain.one(), more.one()
    assert replace(one, parts=[]) == replace(other, parts=[])
    assert [replace(part, run_ids=()) for part in one.parts] == [replace(part, run_ids=()) for part in other.parts]


@pytest.mark.parametrize("relation", [*TWO, *AXIS])
@settings(max_examples=10)
@given(drawn=values)
def test_another_unit_changes_the_numbers_and_no_verdict(tmp_path_factory, relation, drawn):
    folder = tmp_path_factory.mktemp("s")
    make, claim = (of_models, THAN % relation) if relation in TWO else (of_levels, ALONG % relation)
    margins = ("", "") if relation == "differs_along" else (", margin: 0.01", ", margin: 1")  # of three levels it has none
    share = make(folder, claim + margins[0], drawn).one()
    percent = make(folder, claim + margins[1], drawn, head='metrics: {val/accuracy: {unit: "%"}}').one()
    assert (share.verdict, share.holds) == (percent.verdict, percent.holds)
    for one, other in zip(share.parts, percent.parts, strict=True):
        assert one.verdict == other.verdict
        assert [other.p or 0, other.holm or 0] == pytest.approx([one.p or 0, one.holm or 0], abs=1e-9)
        assert other.result.difference == pytest.approx(100 * one.result.difference, abs=1e-9)
        assert (one.seeds_needed, one.seeds_at_most) == (other.seeds_needed, other.seeds_at_most)


@pytest.mark.parametrize("relation", TWO)
@settings(max_examples=20)
@given(drawn=values, margin=st.integers(1, 40))
def test_the_verdict_is_what_the_interval_says(tmp_path_factory, relation, drawn, margin):
    """By the shown interval alone, of whatever p: the same verdict."""
    edge = margin * STEP + 1e-5
    (part,) = of_models(tmp_path_factory.mktemp("s"), THAN % relation + f", margin: {edge}", drawn).one().parts
    if part.result.ci_low is None:
        assert part.verdict == "unresolved"
        return
    low, high = part.result.ci_low, part.result.ci_high
    low, high = (-high, -low) if relation in ("lower_than", "at_most") else (low, high)
    ends = (abs(low), abs(high), abs(abs(low) - edge), abs(abs(high) - edge))
    assume(min(ends) > 1e-9)
    apart, inside = low > 0 or high < 0, low > -edge and high < edge
    negligible = "different but negligible" if apart else "equivalent"
    bound = "supported" if low > -edge else "refuted" if high < -edge else "unresolved"
    expected = {
        "than": negligible if inside else "supported" if low > 0 else "refuted" if high < 0 else "unresolved",
        "from": negligible if inside else "supported" if apart else "unresolved",
        "least": bound,
        "most": bound,
        "as": negligible if inside else "refuted" if low > edge or high < -edge else "unresolved",
    }
    assert part.verdict == expected[relation.split("_")[1]]
