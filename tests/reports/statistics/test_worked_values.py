"""Published and hand-checked examples, each with the value that is printed for it."""

import math

import pytest
from scipy import stats

from bench.reports.statistics import (
    against_control,
    detectable,
    detectable_independent,
    friedman,
    friedman_uncorrected,
    holm,
    iman_davenport,
    interval,
    nemenyi,
    one_sample,
    paired,
    ranks,
    repeated_measures,
    seeds_to_detect,
    sign_flip,
    smallest_permutation,
    smallest_sign_flip,
    summary,
    welch,
)


def arm(*values):
    return dict(enumerate(values))


A, B = arm(0.912, 0.905, 0.921, 0.908, 0.916), arm(0.900, 0.896, 0.906, 0.901, 0.905)
DARWIN = arm(6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75)
THREE_ARMS = [(0.90, 0.92, 0.93), (0.89, 0.91, 0.915), (0.91, 0.915, 0.94), (0.88, 0.905, 0.92), (0.90, 0.93, 0.925)]
DEMSAR = """.763 .768 .771 .798; .599 .591 .590 .569; .954 .971 .968 .967; .628 .661 .654 .657; .882 .888 .886 .898;
.936 .931 .916 .931; .661 .668 .609 .685; .583 .583 .563 .625; .775 .838 .866 .875; 1 1 1 1; .940 .962 .965 .962;
.619 .666 .614 .669; .972 .981 .975 .975; .957 .978 .946 .970"""


def demsar(paper: bool):
    """The 14 data sets of Demsar (2006) with C4.5, +m, +cf, +m+cf; `paper` ranks row 13 before rounding, as the paper did."""
    tasks = [[float(value) for value in row.split()] for row in DEMSAR.split(";")]
    if paper:
        tasks[12][2] = 0.97501
    return tasks


def test_five_seeds_summary():
    five = summary(A.values())
    assert (five.n, five.mean, five.sd) == (5, pytest.approx(0.9124), pytest.approx(0.00634823, abs=5e-9))


def test_five_seeds_paired():
    result = paired(A, B)
    assert (result.n, result.df, result.reason) == (5, 4, "")
    assert result.difference == pytest.approx(0.0108)
    assert result.sd == pytest.approx(0.0030332, abs=5e-8)
    assert result.error == pytest.approx(result.sd / math.sqrt(5))
    assert result.t == pytest.approx(7.96187, abs=5e-6)
    assert result.p == pytest.approx(0.00134817, abs=5e-9)
    assert (result.ci_low, result.ci_high) == pytest.approx((0.0070338, 0.0145662), abs=5e-8)
    assert result.d_z == pytest.approx(3.56065, abs=5e-6)
    assert result.unbiased_d_z == pytest.approx(2.84099, abs=5e-6)
    assert (result.exact_p, result.smallest_p) == (0.0625, 0.0625)
    assert result.deltas == pytest.approx({0: 0.012, 1: 0.009, 2: 0.015, 3: 0.007, 4: 0.011})
    assert stats.pearsonr(list(A.values()), list(B.values())).statistic == pytest.approx(0.9247, abs=5e-5)


def test_five_seeds_by_sign_flip_cannot_be_significant():
    result = paired(A, B, test="sign-flip")
    assert (result.p, result.test) == (0.0625, "sign-flip")
    assert (result.t, result.ci_low) == (paired(A, B).t, paired(A, B).ci_low)


def test_five_seeds_unpaired():
    result = welch(A, B)
    assert (result.n, result.n_left, result.n_right, result.test) == (10, 5, 5, "welch")
    assert result.t == pytest.approx(3.20997, abs=5e-6)
    assert result.df == pytest.approx(6.78081, abs=5e-6)
    assert result.p == pytest.approx(0.0155166, abs=5e-8)
    # 6 / 252: three of the 252 ways to part ten values are at least as far apart, on either side
    values = list(A.values()), list(B.values())
    counted = stats.permutation_test(values, lambda a, b: a.mean(-1) - b.mean(-1), vectorized=False, n_resamples=math.inf)
    assert counted.pvalue == pytest.approx(6 / 252)
    assert smallest_permutation(5, 5) == pytest.approx(2 / 252)


def test_darwins_plants():
    result = one_sample(DARWIN, 100.0)
    assert result.t == pytest.approx(2.14799, abs=5e-6)
    assert result.p == pytest.approx(0.04970, abs=5e-6)
    assert sign_flip(DARWIN) == result.exact_p == pytest.approx(1726 / 32768)
    assert result.exact_p == pytest.approx(0.0526733, abs=5e-8)
    wilcoxon = stats.wilcoxon(list(DARWIN.values()))
    assert (wilcoxon.statistic, wilcoxon.pvalue) == (24, 0.041259765625)


def test_three_arms_of_five_seeds():
    found = repeated_measures(THREE_ARMS)
    assert (found.statistic, found.df1, found.df2) == (pytest.approx(28.0), 2, 8)
    assert found.p == pytest.approx(0.000244, abs=5e-7)
    ranked = friedman(THREE_ARMS)
    assert ranked.statistic == pytest.approx(8.4)
    assert ranked.p_chi2 == pytest.approx(0.0150, abs=5e-5)
    assert ranked.p_exact == pytest.approx(66 / 7776)
    a, b, c = (arm(*column) for column in zip(*THREE_ARMS, strict=True))
    corrected = holm([paired(a, b).p, paired(a, c).p, paired(b, c).p])
    assert corrected == pytest.approx([0.0175393, 0.00118348, 0.1161165], abs=5e-8)


def test_times():
    slow, fast = arm(120, 118, 131, 125, 122), arm(100, 101, 104, 99, 103)
    result = paired(slow, fast, ratio=True)
    assert result.difference == pytest.approx(1.214382, abs=5e-7)
    assert (result.ci_low, result.ci_high) == pytest.approx((1.161643, 1.269516), abs=5e-7)
    assert interval(result, 0.95) == (result.ci_low, result.ci_high)
    assert result.p == pytest.approx(0.000263666, abs=5e-10)
    assert result.deltas[0] == pytest.approx(1.2)


def test_multiplicity():
    assert holm([0.001, 0.03, 0.04, 0.5]) == pytest.approx([0.004, 0.09, 0.09, 0.5])


def test_seeds_for_half_a_standard_deviation():
    assert seeds_to_detect(0.5) == 34


@pytest.mark.parametrize(
    ("n", "flip", "permutation", "half", "paired_effect", "independent_effect", "correlation"),
    [
        (3, 0.25, 0.10, 2.48, 3.26, 3.07, 0.56),
        (4, 0.125, 0.0286, 1.59, 2.13, 2.38, 0.37),
        (5, 0.0625, 0.0079, 1.24, 1.68, 2.02, 0.28),
        (6, 0.03125, 0.0022, 1.05, 1.44, 1.80, 0.22),
        (8, 0.0078, 0.00016, 0.84, 1.16, 1.51, 0.15),
        (10, 0.0020, 1.1e-5, 0.72, 1.00, 1.33, 0.12),
    ],
)
def test_what_n_seeds_can_reach(n, flip, permutation, half, paired_effect, independent_effect, correlation):
    assert smallest_sign_flip(n) == pytest.approx(flip, rel=0.025)
    assert smallest_permutation(n, n) == pytest.approx(permutation, rel=0.03)
    some = one_sample(arm(*range(n)), n)
    assert (some.ci_high - some.ci_low) / 2 / some.sd == pytest.approx(half, abs=0.0051)
    d_z, d = detectable(n), detectable_independent(n)
    assert d_z == pytest.approx(paired_effect, abs=0.0056)  # with n = 6, 1.4345 was printed as 1.44
    assert d == pytest.approx(independent_effect, abs=0.0051)
    # differences of arms that correlate by r have an SD of sqrt(2 (1 - r)) times an arm's
    assert 1 - (d / d_z) ** 2 / 2 == pytest.approx(correlation, abs=0.0051)


def test_demsars_data_sets():
    tasks = demsar(paper=True)
    mean_ranks = ranks(tasks)
    assert mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    chi2 = friedman_uncorrected(mean_ranks, 14)
    assert (chi2.statistic, chi2.df1, chi2.df2) == (pytest.approx(9.2786, abs=5e-5), 3, None)
    assert chi2.p == pytest.approx(0.0258, abs=5e-5)
    f = iman_davenport(mean_ranks, 14)
    assert (f.statistic, f.df1, f.df2) == (pytest.approx(3.6863, abs=5e-5), 3, 39)
    assert f.p == pytest.approx(0.0198, abs=5e-5)
    corrected = friedman(tasks)
    assert corrected.statistic == pytest.approx(10.228, abs=5e-4)
    assert corrected.p_chi2 == pytest.approx(0.0167, abs=5e-5)
    assert nemenyi(4, 14) == pytest.approx(1.2536, abs=5e-5)
    assert nemenyi(4, 14, 0.10) == pytest.approx(1.1181, abs=5e-5)


def test_demsars_data_sets_as_printed_do_not_give_the_papers_statistic():
    assert friedman_uncorrected(ranks(demsar(paper=False)), 14).statistic == pytest.approx(9.8571, abs=5e-5)


def test_demsars_methods_against_the_first():
    z, p = against_control(ranks(demsar(paper=True)), 14, 0)
    assert z[0] is None and p[0] is None
    assert z[1:] == pytest.approx([2.342, 0.512, 2.415], abs=5e-4)
    assert p[1:] == pytest.approx([0.04716, 0.6084, 0.04716], abs=5e-5)
