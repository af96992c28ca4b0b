"""How a contrast is judged: every verdict is read off one two-sided interval of its estimate.

Each question, such as whether the interval lies above the margin, has a p on the two-sided scale: the largest level at which the
interval does not yet lie there. So what is decided at level alpha is what the interval of confidence 1 - alpha says, and the
false verdicts of a contrast together stay at or under alpha.
"""

import math
from dataclasses import dataclass
from typing import Literal

from bench.reports.numbers import digits, number
from bench.reports.statistics import Comparison, above, below, edge_of, interval

SUPPORTED, REFUTED = "supported", "refuted"
EQUIVALENT, NEGLIGIBLE, IDENTICAL = "equivalent", "different but negligible", "identical"
UNRESOLVED, INSUFFICIENT = "unresolved", "insufficient seeds"
DESCRIPTIVE, REGIME, SURVIVORS = "descriptive", "regime not reached", "survivors only"
SELECTED = "selected on its own data"
SETTLED = (SUPPORTED, REFUTED, EQUIVALENT, NEGLIGIBLE, IDENTICAL, REGIME, SELECTED)


@dataclass(frozen=True)
class Rule:
    """What a contrast must show. asks: `beyond` (on the side of `sign`), `not beyond` (no further than the margin on the other
    side), `same` (inside the margin) or `differs`. sign: 1 for higher, -1 for lower, 0 where no side is meant."""

    asks: Literal["beyond", "not beyond", "same", "differs"]
    sign: int = 0


@dataclass(frozen=True)
class Decision:
    """A verdict, whether the claim holds by it (None while nobody knows), and why."""

    verdict: str
    holds: bool | None
    why: str


def for_p(rule: Rule, c: Comparison, margin: float | None) -> float:
    """Return the level from which on a contrast upholds its claim."""
    if rule.asks == "beyond":
        return _towards(c, rule.sign, 0.0)
    if rule.asks == "differs":
        return _or_one(c.p)
    edge = _edge(c, margin)
    return _inside(c, edge) if rule.asks == "same" else _towards(c, rule.sign, -edge)


def against_p(rule: Rule, c: Comparison, margin: float | None) -> float:
    """Return the level from which on a contrast speaks against its claim."""
    edge = _edge(c, margin)
    inside = _inside(c, edge) if edge else 1.0
    if rule.asks == "beyond":
        return min(_towards(c, -rule.sign, 0.0), inside)
    if rule.asks == "differs":
        return inside
    if rule.asks == "same":
        return min(_towards(c, 1, edge), _towards(c, -1, edge))
    return _towards(c, -rule.sign, edge)


def decide(rule: Rule, c: Comparison, margin: float | None, level: float) -> Decision:
    """Read a contrast at a level. c: with a p."""
    edge = _edge(c, margin)
    zero = "1" if c.ratio else "0"
    apart = _or_one(c.p) <= level
    if edge and rule.asks != "not beyond" and _inside(c, edge) <= level:
        text = f"{interval_text(c, level)} lies within {band(margin or 0.0, c)}"
        holds = rule.asks == "same"
        return (
            Decision(NEGLIGIBLE, holds, f"Different, but {text}.")
            if apart
            else Decision(EQUIVALENT, holds, f"{text[:1].upper()}{text[1:]}.")
        )
    if for_p(rule, c, margin) <= level:
        return Decision(SUPPORTED, True, _supported(rule, c, margin, level, zero))
    if against_p(rule, c, margin) <= level:
        return Decision(REFUTED, False, f"{_capital(interval_text(c, level))} lies {_refuted(rule, c, margin, zero)}.")
    return Decision(UNRESOLVED, None, "")


def _refuted(rule: Rule, c: Comparison, margin: float | None, zero: str) -> str:
    if rule.asks == "same":
        return f"beyond the margin, {band(margin or 0.0, c)}"
    side = "below" if rule.sign > 0 else "above"
    return f"{side} {zero}" if rule.asks == "beyond" or not margin else f"{side} the margin, {_end(c, margin, -rule.sign)}"


def _supported(rule: Rule, c: Comparison, margin: float | None, level: float, zero: str) -> str:
    if c.test == "permutation":
        return "At least two of them differ."
    edge, text = _edge(c, margin), _capital(interval_text(c, level))
    if rule.asks == "not beyond":
        clears = not edge or _towards(c, rule.sign, 0.0) <= level
        at = zero if clears else f"the margin, {_end(c, margin, -rule.sign)}"
        return f"{text} lies {'above' if rule.sign > 0 else 'below'} {at}."
    sign = rule.sign or (1 if c.difference is not None and c.tested(c.difference) > 0 else -1)
    side = "above" if sign > 0 else "below"
    if edge and _towards(c, sign, edge) <= level:
        return f"{text} lies {side} the margin, {_end(c, margin, sign)}."
    return f"{text} lies {side} {zero}" + (f", but not {side} the margin, {_end(c, margin, sign)}." if edge else ".")


def interval_text(c: Comparison, level: float) -> str:
    """Return the interval that decides at a level, as part of a sentence."""
    if c.test in ("sign-flip", "mcnemar") or (ends := interval(c, 1 - level)) is None:
        if c.correlates:
            return "by exchanging the points of each block the correlation"
        exact = {"sign-flip": "by the exact sign-flip test ", "mcnemar": "by McNemar's exact test "}.get(c.test, "")
        return f"{exact}the {'ratio' if c.ratio else 'difference'}" if exact else "the difference, the same in every seed,"
    return f"the {100 * (1 - level):.4g} % interval, {span(*ends, c.ratio)},"


def band(margin: float, c: Comparison) -> str:
    """Return the margin as one reads it."""
    return f"{1 / (1 + margin):.3g} to {1 + margin:.3g} times" if c.ratio else f"±{margin:g}"


def span(low: float, high: float, ratio: bool) -> str:
    """Return an interval as one reads it."""
    places = digits((high - low) / 2, 2)
    return f"{number(low, places)} to {number(high, places)}" + (" times" if ratio else "")


def _end(c: Comparison, margin: float | None, sign: int) -> str:
    """Return one end of the margin as one reads it."""
    size = margin or 0.0
    if c.ratio:
        return f"{1 + size if sign > 0 else 1 / (1 + size):.3g} times"
    return f"{sign * size:g}".replace("-", "−")


def _edge(c: Comparison, margin: float | None) -> float:
    return edge_of(c, margin) if margin else 0.0


def _towards(c: Comparison, sign: int, edge: float) -> float:
    """Return the level from which on the interval lies beyond an edge on one side. edge: counted towards that side."""
    p = above(c, edge) if sign > 0 else below(c, -edge)
    return _or_one(p)


def _inside(c: Comparison, edge: float) -> float:
    return max(_or_one(above(c, -edge)), _or_one(below(c, edge)))


def _or_one(p: float | None) -> float:
    return 1.0 if p is None or math.isnan(p) else p


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
