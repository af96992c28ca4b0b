"""The result of one test, and its interval on the scale that was tested."""

import math
from dataclasses import dataclass, field

ALPHA = 0.05
CONFIDENCE = 0.95
LARGEST_EXPONENT = 700.0
"""Beyond this a ratio is no longer a number."""


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
    """t, sign-flip, welch, crossed, mcnemar, pearson or spearman."""
    ratio: bool = False
    confidence: float = CONFIDENCE
    reason: str = ""
    n_left: int = 0
    """Seeds of either arm, where they are not paired."""
    n_right: int = 0
    scale: float = 0.0
    """The size, on the scale tested, of the values that the quantities come from: what their rounding is a share of."""

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

    def tail(self, t: float) -> float:
        """Return the chance of a studentised estimate of t or more."""
        from scipy.special import ndtr, stdtr

        if self.correlates:
            return float(ndtr(-t))
        assert self.df is not None  # what is no correlation and has an error has degrees of freedom
        return float(stdtr(self.df, -t))


def interval(c: Comparison, confidence: float) -> tuple[float, float] | None:
    """Return the estimate's interval at another confidence, such as .9 for an equivalence test; None where it has none.

    The interval is Student's, also beside a sign-flip test; of a correlation it is Fisher's. ValueError unless
    0 < confidence < 1.
    """
    from scipy.special import ndtri, stdtrit

    check_share("confidence", confidence)
    if c.scaled is None:
        return None
    middle, error = c.scaled
    if not math.isfinite(middle):
        return None
    upper = (1 + confidence) / 2
    if c.correlates:
        half = float(ndtri(upper)) * error
    else:
        assert c.df is not None  # as in `tail`
        half = float(stdtrit(c.df, upper)) * error
    return c.shown(middle - half), c.shown(middle + half)


def check_share(name: str, value: float) -> None:
    """Raise ValueError unless the value lies between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, not {value}")
