"""The result of one test, and its interval on the scale that was tested."""

import math
from dataclasses import dataclass, field

from bench.reports.statistics.cochran import weighted_quantile, weighted_tail

ALPHA = 0.05
CONFIDENCE = 0.95
LARGEST_EXPONENT = 700.0
"""Beyond this a ratio is no longer a number."""
STEEPEST = 600.0
"""The hyperbolic sine of more may be too large for a number once it is divided by an error."""
CLEAR = 10
"""A difference of so many steps of its metric needs no count of signs, however small its spread."""


@dataclass(frozen=True)
class Comparison:
    """One tested quantity: a difference of two arms, a double difference, a slope, a ratio or a correlation.

    `reason`, part of a sentence, says why there is no p-value; "" where there is one.
    """

    n: int = 0
    """Seeds; seeds of both arms together where they are not paired; items of a correlation; images of McNemar's test."""
    difference: float | None = None
    """The estimate in the metric's unit; the geometric-mean ratio; r or Spearman's rho."""
    ci_low: float | None = None
    """Ends of the interval at `confidence`; of a ratio exponentiated."""
    ci_high: float | None = None
    t: float | None = None
    df: float | None = None
    p: float | None = None
    """Two-sided, of the test that `test` names."""
    error: float | None = None
    """Standard error of the estimate on the scale tested: of a ratio the log's, of a correlation Fisher's z."""
    sd: float | None = None
    """Sample standard deviation of the per-seed quantities on the scale tested; None where arms are not paired."""
    d_z: float | None = None
    """The mean of the per-seed quantities in units of `sd`, not bias-corrected."""
    exact_p: float | None = None
    """The exact sign-flip p of up to 20 paired seeds."""
    smallest_p: float | None = None
    """The smallest `exact_p` that n allows."""
    deltas: dict[int, float] = field(default_factory=dict)
    """seed → its quantity (of a ratio the ratio itself); empty where arms are not paired."""
    test: str = "t"
    """t, sign-flip, welch, crossed, mcnemar, pearson, spearman, pitman-morgan, permutation, resampled or splits."""
    ratio: bool = False
    confidence: float = CONFIDENCE
    reason: str = ""
    n_left: int = 0
    """Seeds of either arm, where they are not paired."""
    n_right: int = 0
    scale: float = 0.0
    """The size, on the scale tested, of the values that the quantities come from: what their rounding is a share of."""
    resolution: float = 0.0
    """The step of a metric that counts N items, 1 / N; 0 of one that has no step."""
    errors: tuple[tuple[float, int], ...] = ()
    """Of a crossed test, the variance and the degrees of freedom of each source of chance (in any unit, the same for all)."""
    test_to_train: float = 0.0
    """Of overlapping splits, images measured on to images trained on: of a resampled test the share of `sd` squared in the error
    that does not shrink with n; of a crossed one that of the variance of the items' means, which does not with their number."""

    @property
    def unbiased_d_z(self) -> float | None:
        """d_z times Hedges' exact correction for few seeds (Hedges 1981); None without d_z or with two seeds."""
        if self.d_z is None or self.n < 3:
            return None
        df = self.n - 1
        return self.d_z * math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) * math.sqrt(2 / df)

    @property
    def correlates(self) -> bool:
        """Whether the estimate is a correlation, whose scale is Fisher's z and whose error is normal."""
        return self.test in ("pearson", "spearman")

    def tested(self, value: float) -> float:
        """Put an estimate on the scale tested: log of a ratio, Fisher's z of a correlation."""
        if self.ratio:
            return math.log(value)
        if self.correlates:
            return math.atanh(value) if abs(value) < 1 else math.copysign(math.inf, value)
        return value

    def shown(self, value: float) -> float:
        """Take a value on the scale tested back to the scale of the estimate."""
        if self.ratio:
            return math.exp(max(-LARGEST_EXPONENT, min(value, LARGEST_EXPONENT)))
        return math.tanh(value) if self.correlates else value

    @property
    def scaled(self) -> tuple[float, float] | None:
        """The estimate on the scale tested, and its standard error; None without one of them."""
        if self.difference is None or self.error is None:
            return None
        return self.tested(self.difference), self.error

    @property
    def floored(self) -> bool:
        """Whether `sd` is the least that the metric's step allows, as the seeds differ by less."""
        return self.resolution > 0 and self.sd is not None and self.sd <= least_sd(self.resolution)

    def counts_signs(self, edge: float = 0.0) -> bool:
        """Whether a test at this edge, on the scale tested, goes by the exact sign-flip test (alone, or besides the t-test)."""
        if self.test == "sign-flip":
            return True
        if not self.floored or self.difference is None:
            return False
        clear = CLEAR * self.resolution
        return abs(self.tested(self.difference) - edge) < clear * (1 - 1e-9)  # ten steps are ten steps, whatever their rounding

    def studentised(self, edge: float = 0.0) -> float | None:
        """Return how many errors the estimate lies above an edge on the scale tested; None without estimate or error."""
        if self.scaled is None:
            return None
        middle, error = self.scaled
        distance = middle - edge
        if self.test == "pitman-morgan":
            distance = math.sinh(max(-STEEPEST, min(distance, STEEPEST)))
        return distance / error

    def distance(self, t: float) -> float | None:
        """Return how far from the estimate, on the scale tested, an edge lies t errors away: the inverse of `studentised`."""
        if self.error is None:
            return None
        return math.asinh(t * self.error) if self.test == "pitman-morgan" else t * self.error

    def critical(self, alpha: float) -> float:
        """Return how many errors lie between the estimate and either end of its interval at confidence 1 - alpha."""
        from scipy.special import ndtri, stdtrit

        if self.correlates:
            return -float(ndtri(alpha / 2))
        if self.errors:
            return float(weighted_quantile(self.errors, alpha / 2))
        assert self.df is not None  # as in `tail`
        return -float(stdtrit(self.df, alpha / 2))

    def tail(self, t: float) -> float:
        """Return the chance of a studentised estimate of t or more."""
        from scipy.special import ndtr, stdtr

        if self.correlates:
            return float(ndtr(-t))
        if self.errors:
            return weighted_tail(self.errors, t)
        assert self.df is not None  # what is no correlation and has an error has degrees of freedom
        return float(stdtr(self.df, -t))


def interval(c: Comparison, confidence: float) -> tuple[float, float] | None:
    """Return the estimate's interval at another confidence, such as .9 for an equivalence test; None where it has none.

    The interval is Student's, also beside a sign-flip test; of a correlation it is Fisher's. ValueError unless
    0 < confidence < 1.
    """
    check_share("confidence", confidence)
    if c.scaled is None or not math.isfinite(c.scaled[0]):
        return None
    middle, half = c.scaled[0], c.distance(c.critical(1 - confidence))
    assert half is not None  # there is an error
    return c.shown(middle - half), c.shown(middle + half)


def least_sd(resolution: float) -> float:
    """Return the standard deviation that rounding to steps of this size has, uniform over a step."""
    return resolution / math.sqrt(12)


def check_share(name: str, value: float) -> None:
    """Raise ValueError unless the value lies between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, not {value}")
