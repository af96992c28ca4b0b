import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as reference

from bench.reports.statistics import mcnemar, sign_flip

images = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=200)


@settings(deadline=None)
@given(images)
def test_p_is_statsmodels_exact_one_and_the_interval_scipys(pairs):
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    found = mcnemar(a.tolist(), b.tolist(), confidence=0.9)
    table = [[int((a & b).sum()), int((a & ~b).sum())], [int((~a & b).sum()), int((~a & ~b).sum())]]
    assert found.n == len(pairs) and found.difference == pytest.approx(a.mean() - b.mean())
    if len(set((a.astype(int) - b.astype(int)).tolist())) == 1:
        assert found.p is None and found.ci_low is None and found.reason
        return
    assert found.p == pytest.approx(reference(table, exact=True).pvalue)
    low, high = scipy.stats.ttest_rel(a.astype(float), b.astype(float)).confidence_interval(0.9)
    assert (found.ci_low, found.ci_high) == pytest.approx((low, high))
    assert found.reason == "" and found.test == "mcnemar" and found.deltas == {}


@settings(deadline=None)
@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=2, max_size=12))
def test_it_is_the_sign_flip_test_of_the_images(differences):
    pairs = [(d >= 0.5, d <= -0.5) for d in differences]
    found = mcnemar(*(list(side) for side in zip(*pairs, strict=True)))
    if found.p is not None:
        assert found.p == pytest.approx(sign_flip(dict(enumerate(differences))))


def test_a_worked_table():
    """Of 100 images one model alone has 9 right and the other 1: p is twice (1 + 10) / 2^10."""
    a = [True] * 9 + [False] + [True] * 90
    b = [False] * 9 + [True] + [True] * 90
    found = mcnemar(a, b)
    assert found.p == pytest.approx(2 * 11 / 1024) and found.difference == pytest.approx(0.08)
    assert found.error == pytest.approx(math.sqrt((10 - 64 / 100) / 99 / 100))


def test_what_has_no_p_says_why():
    assert mcnemar([True, False], [True, False]).reason == "both have the same images right"
    assert mcnemar([True, True], [False, False]).reason == "one has every image right that the other has wrong"
    assert mcnemar([True], [False]).reason == "a test over images needs two of them"
    with pytest.raises(ValueError, match="2 images and the other 1"):
        mcnemar([True, False], [True])
    with pytest.raises(ValueError):
        mcnemar([True, False], [True, True], confidence=1)
