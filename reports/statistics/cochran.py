"""Student's t where the error has several sources, each with degrees of freedom of its own.

The critical value is the mean of the sources' own, weighted by their variances: Cochran (1964), Approximate significance levels
of the Behrens-Fisher test, Biometrics 20; Cochran and Cox (1957), Experimental Designs, section 4.14.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Source = tuple[float, int]
"""A variance, 0 or above, and its degrees of freedom."""
SMALLEST = 1e-300
"""Shares below this are 0."""


def weighted_quantile(sources: "Sequence[tuple[ArrayLike, int]]", share: float) -> "NDArray[np.float64]":
    """Return what the studentised estimate exceeds with this chance, 0 < share < 1; arrays of variances are taken one by one."""
    import numpy as np
    from scipy.special import stdtrit

    variances = [np.asarray(variance, dtype=float) for variance, _ in sources]
    quantiles = [-stdtrit(df, share) for _, df in sources]
    total = np.sum(variances, axis=0)
    weighted = [variance / total * q for variance, q in zip(variances, quantiles, strict=True)]
    return np.asarray(np.sum(weighted, axis=0), dtype=np.float64)


def weighted_tail(sources: Sequence[Source], t: float) -> float:
    """Return the chance that the studentised estimate is t or more: the share whose `weighted_quantile` is t."""
    from scipy.special import stdtr, stdtrit

    if t < 0:
        return 1 - weighted_tail(sources, -t)
    total = sum(variance for variance, _ in sources)
    # at the smallest of these shares every source's own quantile is t or more, at the largest none is above t
    tails = [float(stdtr(df, -t)) for variance, df in sources if variance > 0]
    low, high = max(min(tails), SMALLEST), max(tails)
    while high > low * (1 + 1e-13):
        middle = low**0.5 * high**0.5  # shares are spread over many powers of ten
        if not low < middle < high:
            break
        if sum(-variance / total * float(stdtrit(df, middle)) for variance, df in sources) > t:
            low = middle
        else:
            high = middle
    return high
