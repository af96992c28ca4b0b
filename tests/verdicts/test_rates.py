"""A short part of `python -m tests.verdicts`: no relation's verdicts are false much more often than alpha allows."""

import math

import pytest

from .studies import CASES, Studies

STUDIES = 200
MOST = STUDIES * 0.05 + 4.5 * math.sqrt(STUDIES * 0.05 * 0.95)
"""What chance alone exceeds about once in 200,000 times."""


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_false_verdicts_are_rare(tmp_path, case):
    counts = Studies(tmp_path, case, seeds=5).count(STUDIES, seed=1)
    assert sum(counts[verdict] for verdict in case.false) <= MOST, counts
