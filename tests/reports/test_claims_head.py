"""What stands above the table of claims: how many verdicts there are, and how far they can be trusted together."""

import json
from dataclasses import replace

import pytest

from bench.reports.claims.results import ClaimResult
from bench.reports.formats import FORMATS
from bench.reports.layout.claims import claims as laid_out
from bench.reports.layout.head import head, totals
from tests.reports.assembling import assemble
from tests.reports.claims.study import THAN, Study, accuracy


def claim(name, verdict, p, *, family="", m=1, alpha=0.05, holds=None):
    return ClaimResult(
        name=name, says="so", relation="higher_than", reading="is so", metric="val/accuracy", margin=None, test="t",
        family=family or name, m=m, alpha=alpha, look="", parts=[], verdict=verdict, holds=holds, p=p,
    )  # fmt: skip


FOUR = [
    claim("a", "supported", 0.001),
    claim("b", "refuted", 0.03),
    claim("c", "unresolved", 0.4),
    claim("d", "insufficient seeds", None),
]


def of(claims, **alphas):
    """A report with these claims."""
    empty = assemble("suite", "Title", "default", {}, [])
    return replace(empty, claims=claims, claim_alphas=alphas)


def test_verdicts_are_counted_and_only_what_was_tested_can_be_false():
    found = totals(of(FOUR))
    assert found.verdicts == {"supported": 1, "refuted": 1, "unresolved": 1, "insufficient seeds": 1}
    assert (found.tested, found.families, found.decided) == (3, 3, 2)
    assert found.expected_false == pytest.approx(0.15)
    assert found.surviving == ["a"]  # 0.001 at 0.05 / 3; 0.03 is above 0.05 / 2
    assert found.discovered == ["a", "b"]  # 0.03 is below 0.05 times 2 / 3, which is not what Holm asks
    assert head(of(FOUR)) == (
        "4 claims: 1 supported, 1 refuted, 1 unresolved, 1 insufficient seeds. Of the 3 tested claims, at most 0.15 with "
        "a false verdict are to be expected by chance: alpha summed over all of them, as each has that chance whether or not it "
        "came to a verdict. 1 of 2 verdicts survives Holm over all 3 tested claims; 2 at a false-discovery rate of alpha."
    )


def test_a_family_has_its_alpha_once():
    together = [claim("a", "supported", 0.001, family="f", m=2), claim("b", "supported", 0.02, family="f", m=2), FOUR[2]]
    found = totals(of(together))
    assert (found.tested, found.families) == (3, 2) and found.expected_false == pytest.approx(0.1)
    assert "Of the 2 tested families, at most 0.1 with a false verdict" in head(of(together))


def test_alpha_is_that_of_all_looks_together():
    looked = [replace(FOUR[0], alpha=0.0212, look="look 1 of 3, 5 seeds")]
    assert totals(of(looked, a=0.05)).expected_false == pytest.approx(0.05)
    assert totals(of(looked, a=0.05)).surviving == ["a"]
    assert totals(of([replace(looked[0], p=0.03)], a=0.05)).surviving == []  # a verdict is read at the level of its look


def test_claims_of_other_levels_are_held_to_their_own():
    strict = [claim("a", "supported", 0.004, alpha=0.01), claim("b", "supported", 0.02)]
    found = totals(of(strict))
    assert found.expected_false == pytest.approx(0.06) and found.surviving == ["a", "b"]


def test_a_single_claim_and_none_tested():
    assert head(of(FOUR[:1])).startswith("1 claim: 1 supported. Of the 1 tested claim, at most 0.05 with a false verdict")
    assert head(of(FOUR[3:])) == "1 claim: 1 insufficient seeds. Nothing could be tested."


def test_it_stands_in_the_caption_and_in_json(claimed):
    sentence = head(claimed)
    grid = laid_out(claimed)
    assert grid.caption.startswith(f"{grid.title}. {sentence}") and "8 claims: " in sentence
    assert set(claimed.claim_alphas) == {one.name for one in claimed.claims} and set(claimed.claim_alphas.values()) == {0.05}
    told, found = json.loads(FORMATS["json"].load().render(claimed))["verdicts"], totals(claimed)
    assert told["counts"] == found.verdicts and told["expected_false"] == pytest.approx(found.expected_false)
    assert told["surviving"] == found.surviving


def test_an_exploratory_report_promises_nothing(claimed):
    grid = laid_out(replace(claimed, exploratory="the seeds changed"))
    assert "Of 8 exploratory claims alpha promises nothing." in grid.caption and "are to be expected" not in grid.caption


@pytest.mark.parametrize(("head", "estimate"), [("", "+0.0498 ("), ('metrics: {val/accuracy: {unit: "%"}}', "+4.98 (")])
def test_an_estimate_stands_with_its_unit(tmp_path, head, estimate):
    study = Study(tmp_path, {"c": THAN % "higher_than"}, accuracy(0.95, 0.9), head=head)
    data = assemble("tiny", "Title", "default", {}, study.records(), claims=study.claims, schedules=study.schedules)
    first = laid_out(data).rows[0][3].lines[0]
    assert first.startswith(estimate) and first.endswith(") pp" if head else ")"), first
