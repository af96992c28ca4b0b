"""Holm's correction."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from bench.reports.statistics import holm

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_what_was_not_tested_does_not_count():
    assert holm([0.04, None, 0.5, 0.001, None, 0.03]) == pytest.approx([0.09, None, 0.5, 0.004, None, 0.09])
    assert holm([]) == []
    assert holm([None]) == [None]


@settings(max_examples=15)  # statsmodels takes a tenth of a second each time
@given(SHARES)
def test_agrees_with_statsmodels(p):
    assert holm(p) == pytest.approx(list(multipletests(p, method="holm")[1]))


@given(SHARES, st.randoms(use_true_random=False))
def test_the_order_of_the_tests_does_not_matter(p, random):
    order = random.sample(range(len(p)), len(p))
    corrected = holm(p)
    assert holm([p[i] for i in order]) == [corrected[i] for i in order]


@given(SHARES)
def test_never_below_the_raw_p_nor_above_bonferronis(p):
    assert all(raw <= fixed <= min(1.0, len(p) * raw) + 1e-15 for raw, fixed in zip(p, holm(p), strict=True))
