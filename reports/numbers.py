"""Numbers as text: rounded to what they are worth, with a true minus sign."""

import math
import re

MOST_DECIMALS = 6
LONG = re.compile(r"(?<![\w.])\d+\.\d{5,}(e-?\d+)?(?![\w.])")


def number(value: float, places: int, sign: bool = False) -> str:
    """Return a number with a true minus sign, and never a negative zero."""
    text = f"{value:{'+' if sign else ''}.{places}f}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def shortened(text: str) -> str:
    """Return text with its long decimal fractions, such as parameters that a search drew, rounded to four significant digits."""
    return LONG.sub(lambda match: f"{float(match[0]):.4g}", text)


def probability(p: float) -> str:
    """Return a p-value to three decimals, or a small one to two significant digits."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}" if p >= 1e-12 else "< 1e-12"


def p_is(p: float) -> str:
    """Return a p-value with its sign, for running text."""
    text = probability(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def several(count: int, noun: str) -> str:
    """Return a count with its noun: 1 claim, 2 claims."""
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def digits(value: float, significant: int) -> int:
    """Return the decimals that show so many significant digits of a value."""
    if not value:
        return 0
    return min(max(significant - 1 - math.floor(math.log10(abs(value))), 0), MOST_DECIMALS)
