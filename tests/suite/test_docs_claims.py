"""What docs/claims.md and docs/statistics.md show is so: every claim loads, every relation, key and verdict is there."""

import re
from pathlib import Path

import pytest
import yaml

from bench.errors import BenchError
from bench.reports.claims import rules
from bench.reports.claims.grammar import CONDITIONS, ClaimSpec
from bench.reports.claims.reading import read_back
from bench.reports.claims.relations import RELATIONS
from bench.reports.statistics import look_level, smallest_sign_flip
from bench.reports.statistics.power import detectable, detectable_independent
from bench.suite.load import load_suite

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "claims.md").read_text(encoding="utf-8")
STATISTICS = (DOCS / "statistics.md").read_text(encoding="utf-8")
(SUITE,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
STAGES = SUITE[: SUITE.index("\nclaims:\n")]
CLAIMS = re.findall(r"`(\{(?:metric|spread): [^`]*stage: [^`]*\})`", PAGE)
"""Claims in the text, without their sentence."""
CONDITIONED = re.findall(r"^\| `(\{[^`]*\})` \|", PAGE.partition("## Conditions")[2].partition("\n## ")[0], re.MULTILINE)
VERDICTS = [value for name, value in vars(rules).items() if name.isupper() and isinstance(value, str)]


def rows(text, heading):
    """Return the cells of the tables below a heading, without their heads."""
    below = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split(" | ") for line in below.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines][1:]


def load(folder, claim):
    path = folder / "suite.yaml"
    path.write_text(f"{STAGES}\nclaims:\n  c: {claim}\n", encoding="utf-8")
    return load_suite(path)


def the_suite(folder):
    path = folder / "suite.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return load_suite(path)


def test_the_suite_has_every_relation_once(tmp_path):
    suite = the_suite(tmp_path)
    assert sorted(claim.relation.name for claim in suite.spec.claims.values()) == sorted(RELATIONS)
    assert all(suite.claims.values())


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_of_the_text_loads(tmp_path, claim):
    made = load(tmp_path, f"{{says: it is so, {claim[1:]}")
    assert made.claims["c"]


def test_there_are_claims_in_the_text():
    assert len(CLAIMS) >= 15 and len(CONDITIONED) == 4


@pytest.mark.parametrize("condition", CONDITIONED)
def test_a_condition_of_the_text_loads(tmp_path, condition):
    claim = "metric: val/accuracy, stage: noisy, of: {model: small}, higher_than: 50, each: noise"
    made = load(tmp_path, f"{{says: it is so, {claim}, requires: {condition}}}")
    (relation,) = [key for key in yaml.safe_load(condition) if key in CONDITIONS]
    assert [contrast.requires[0].claim.each for contrast in made.claims["c"]] == [{"noise": None}] * 3
    assert made.spec.claims["c"].requires[0].relation == relation


def test_every_relation_and_every_key_is_in_its_table():
    told = [name for relation, *_ in rows(PAGE, "Relations") for name in re.findall(r"`(\w+)`", relation)]
    assert sorted(told) == sorted(RELATIONS)
    keys = [name for key, *_ in rows(PAGE, "Keys") for name in re.findall(r"`(\w+)`", key)]
    assert sorted(keys) == sorted(ClaimSpec.model_fields)


def test_the_claims_that_are_not_asked(tmp_path):
    section = PAGE.partition("## Claims that are not asked")[2].partition("\n## ")[0]
    (profiles,) = re.findall(r"`(profiles: \{.*\})`", section)
    sentence, override = re.findall(r"`(\{says: .*\})`", section)[0], re.findall(r"`--set (\S*)`", section)
    path = tmp_path / "suite.yaml"
    path.write_text(f"{SUITE}  unread: {sentence}\n{profiles}\n", encoding="utf-8")
    small, again = (load_suite(path, profile="cpu", overrides=overrides) for overrides in ([], override))
    silent = "left out by the profile, no reason given"
    assert [(claim.name, claim.why) for claim in small.not_asked] == [
        ("harmless", silent),
        ("shift-is-best", "so few images do not tell"),
        ("unread", "no metric tells it"),
    ]
    assert silent in section and [claim.name for claim in again.not_asked] == ["harmless", "unread"]


def test_the_claims_that_are_read_back(tmp_path):
    spec = the_suite(tmp_path).spec
    shown = rows(PAGE, "Checking")
    assert len(shown) == 3
    for name, sentence in shown:
        assert read_back(spec.claims[name.strip("`")]) == sentence


def test_the_axis_that_is_open(tmp_path):
    (quoted,) = re.findall(r"^> (.*)$", PAGE, re.MULTILINE)
    message, mend = quoted.split(". It must ")
    with pytest.raises(BenchError) as caught:
        load(tmp_path, "{says: so, metric: val/accuracy, stage: noisy, of: {model: small}, higher_than: {model: large}}")
    assert message in str(caught.value) and f"it must {mend}" in str(caught.value)


@pytest.mark.parametrize(
    "relation",
    [
        "of: {small: large}, higher_than: 50",
        "of: {model: small}, higher_than: {model: large}, each: {noise: all}",
        "of: {model: small}, higher_than: {model: large}, lower_than: 50, each: noise",
        "of: {model: small}, higher_than: large, each: noise",
        "of: {model: small}, same_as: {model: large}, each: noise, margin: 10%",
        "of: {model: small}, higher_than: 101, each: noise",
        "of: {model: small}, higher_than: {model: small}, each: noise",
    ],
)
def test_what_is_said_to_be_refused_is(tmp_path, relation):
    with pytest.raises(BenchError, match=r"suite\.yaml:\d+: "):
        load(tmp_path, f"{{says: so, metric: val/accuracy, stage: noisy, {relation}}}")


def test_every_verdict_is_in_the_table():
    told = [verdict.strip("* ") for verdict, *_ in rows(STATISTICS, "Verdicts")]
    assert sorted(told) == sorted([*VERDICTS, "exploratory"])


def test_what_few_seeds_can_find():
    shown = rows(STATISTICS, "Few seeds")
    assert len(shown) >= 5
    for n, smallest, paired, independent in shown:
        seeds = int(n)
        assert float(smallest) == pytest.approx(smallest_sign_flip(seeds), rel=0.02)
        assert float(paired) == pytest.approx(detectable(seeds), abs=0.006)
        assert float(independent) == pytest.approx(detectable_independent(seeds), abs=0.006)


def test_the_level_of_three_looks():
    level = re.search(r"with looks at 5, 8 and 12 seeds it is ([.\d]+)", STATISTICS)
    assert level and float(level[1]) == pytest.approx(look_level([5, 8, 12], 0.05), abs=6e-5)
