"""A short part of `python -m tests.verdicts`: no relation's verdicts are false much more often than alpha allows."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.reports.claims.relations import RELATIONS

from .__main__ import main
from .cases import CASES, LOOKED_AT, SEEDS, seeds_of
from .studies import CONDITION, verdicts_alone
from .studies import studies as studies_of

STUDIES = 100
MOST = STUDIES * 0.05 + 4.5 * math.sqrt(STUDIES * 0.05 * 0.95)
"""What chance alone exceeds about once in 200,000 times."""
NAMES = [f"{case.group}: {case.name}" for case in CASES]
WITH_MARGIN = [case for case in CASES if "margin" in case.name][:6]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_false_verdicts_are_rare(tmp_path, case):
    counts = studies_of(tmp_path, case, seeds_of(case)[1]).count(STUDIES, np.random.default_rng(1))
    assert counts["studies"] == STUDIES and counts["false"] <= MOST, counts


def test_every_relation_has_a_case():
    texts = [claimed.text for case in CASES for claimed in case.claims]
    assert not [name for name in RELATIONS if not any(f" {name}: " in text for text in texts)]


def test_the_rates_of_every_case_are_published():
    text = (Path(__file__).parents[2] / "docs/statistics.md").read_text()
    assert not [case.name for case in CASES if f"| {case.name} |" not in text]


def test_the_best_on_its_own_runs_would_be_called_better_too_often(tmp_path):
    """What is withheld would be false: the case is one in which the guard is needed."""
    case = next(case for case in CASES if case.withheld == "selected on its own data")
    counts = studies_of(tmp_path, case, (5,)).count(400, np.random.default_rng(1))
    assert counts[case.withheld] > 400 * 0.04 and counts["supported"] == 0


def test_a_condition_is_judged_as_a_claim_of_its_own(tmp_path):
    case = next(case for case in CASES if case.condition)
    drawn = studies_of(tmp_path, case, (5,))
    verdicts = [drawn.verdicts(np.random.default_rng(seed)) for seed in range(60)]
    failed = [claim["c0"] for claim in verdicts if claim[CONDITION] == "refuted"]
    assert failed and set(failed) == {"regime not reached"}
    assert all(claim["c0"] != "regime not reached" for claim in verdicts if claim[CONDITION] != "refuted")


@pytest.mark.parametrize("case", WITH_MARGIN + LOOKED_AT[:1], ids=lambda case: case.name)
def test_what_is_left_out_for_speed_changes_no_verdict(tmp_path, case):
    drawn = studies_of(tmp_path, case, seeds_of(case)[0])
    whole = [drawn.verdicts(np.random.default_rng(seed)) for seed in range(20)]
    with verdicts_alone():
        assert [drawn.verdicts(np.random.default_rng(seed)) for seed in range(20)] == whole


def test_the_command_writes_counts_goes_on_from_them_and_prints_tables(tmp_path, monkeypatch, capsys):
    path = tmp_path / "counts.json"
    command = f"verdicts --studies 500 --only higher_along --seeds 3 --noise normal --jobs 1 --json {path} --markdown"
    monkeypatch.setattr(sys, "argv", command.split())
    main()
    (line,) = json.loads(path.read_text())
    studies = line["counts"]["studies"]
    share = line["counts"]["false"] / studies
    assert studies in (500, 1000) and line["looks"] == list(SEEDS[0])  # twice as many, where chance lifted the first ones
    table = capsys.readouterr().out
    assert f"| {share:.4f} ± {math.sqrt(share * (1 - share) / studies):.4f} |  |  | {studies:,} |" in table
    monkeypatch.setattr("tests.verdicts.__main__.count", lambda task: pytest.fail("it was counted before"))
    main()
    assert capsys.readouterr().out == table and json.loads(path.read_text()) == [line]
