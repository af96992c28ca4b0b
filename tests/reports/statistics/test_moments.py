"""Summaries of a few values."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reports.statistics import Moments, summary


def test_no_value_and_one_value_have_no_spread():
    assert summary(iter(())) == Moments(0, None, None)
    assert summary([0.5]) == Moments(1, 0.5, None)


@given(st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=10))
def test_mean_and_sd_agree_with_the_standard_library(values):
    found, largest = summary(values), max(map(abs, values))
    assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-12 * largest)
    assert found.sd == pytest.approx(statistics.stdev(values), rel=1e-9, abs=1e-12 * largest)


def test_tiny_values_keep_their_spread():
    assert summary([1e-200, 3e-200]).sd == pytest.approx(math.sqrt(2) * 1e-200)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1.7976931348623157e308])
def test_values_that_cannot_be_reckoned_with_have_neither_mean_nor_spread(bad):
    assert summary([0.5, bad]) == Moments(2, None, None)
