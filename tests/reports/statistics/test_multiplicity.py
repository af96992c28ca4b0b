"""Holm's correction and its levels, and Benjamini and Hochberg's."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.reports.statistics import benjamini_hochberg, holm, holm_levels

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
    for correct in (holm, benjamini_hochberg):
        corrected = correct(p)
        assert correct([p[i] for i in order]) == [corrected[i] for i in order]


@given(SHARES)
def test_never_below_the_raw_p_nor_above_bonferronis(p):
    assert all(raw <= fixed <= min(1.0, len(p) * raw) + 1e-15 for raw, fixed in zip(p, holm(p), strict=True))


def test_levels_rise_until_one_is_not_rejected():
    assert holm_levels([0.001, 0.03, 0.04, 0.5], 0.05) == pytest.approx([0.0125, 0.05 / 3, 0.05 / 3, 0.05 / 3])
    assert holm_levels([0.04, 0.02, 0.001], 0.05) == pytest.approx([0.05, 0.025, 0.05 / 3])
    assert holm_levels([0.9, 0.001], 0.05) == pytest.approx([0.05, 0.025])
    assert holm_levels([0.04, 0.03], 0.05) == [0.025, 0.025]


def test_what_was_not_tested_is_read_at_bonferronis_level():
    assert holm_levels([None, 0.001, 0.03], 0.05) == pytest.approx([0.025, 0.025, 0.05])
    assert holm_levels([None, None], 0.05) == [0.05, 0.05]
    assert holm_levels([], 0.05) == []


@given(SHARES, st.sampled_from([0.01, 0.05, 0.2]))
def test_levels_reject_what_the_correction_rejects(p, alpha):
    corrected = holm(p)
    assume(all(abs(value - alpha) > 1e-9 for value in corrected))
    levels = holm_levels(p, alpha)
    assert [value <= level for value, level in zip(p, levels, strict=True)] == [value <= alpha for value in corrected]
    assert all(alpha / len(p) <= level <= alpha for level in levels)


def test_a_level_must_be_a_share():
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1, not 5"):
        holm_levels([0.1], 5)


def test_six_false_discovery_rates():
    assert benjamini_hochberg([0.01, 0.02, 0.03, 0.04, 0.05, 0.5]) == pytest.approx([0.06] * 5 + [0.5])
    assert benjamini_hochberg([0.5, None, 0.01]) == pytest.approx([0.5, None, 0.02])
    assert benjamini_hochberg([]) == []


@given(SHARES)
def test_false_discovery_rates_agree_with_scipy(p):
    assert benjamini_hochberg(p) == pytest.approx(list(stats.false_discovery_control(p)))
    assert all(rate <= bound + 1e-15 for rate, bound in zip(benjamini_hochberg(p), holm(p), strict=True))
