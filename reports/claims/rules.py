"""How a contrast is judged: every verdict is read off one two-sided interval of its estimate.

Each question, such as whether the interval lies above the margin, has a p on the two-sided scale: the largest level at which the
interval does not yet lie there. So what is decided at level alpha is what the interval of confidence 1 - alpha says, and the
false verdicts of a contrast together stay at or under alpha.
"""

import math
from dataclasses import dataclass
from typing import Literal

from bench.reports.numbers import digits
from bench.reports.numbers import number as number_text
from bench.reports.statistics import Comparison, above, below, edge_of, interval

SUPPORTED, REFUTED = "supported", "refuted"
EQUIVALENT, NEGLIGIBLE, IDENTICAL = "equivalent", "different but negligible", "identical"
UNRESOLVED, INSUFFICIENT = "unresolved", "insufficient seeds"
DESCRIPTIVE, REGIME, SURVIVORS = "descriptive", "regime not reached", "survivors only"
SELECTED = "selected on its own data"
NOT_ASKED = "not asked"
"""Of a claim that the profile drops."""
LEAST_SEEDS = 3
"""Two seeds give a t-test one degree of freedom: what it finds rests on the shape of the distribution alone."""
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


def decide(rule: Rule, c: Comparison, margin: float | None, level: float, number: float | None = None) -> Decision:
    """Read a contrast at a level. c: with a p. number: what the only side is held against, for the words alone."""
    words = _Words(c, margin, level, number if c.ratio and number is not None else 1.0)
    edge = _edge(c, margin)
    if edge and rule.asks != "not beyond" and _inside(c, edge) <= level:
        holds = rule.asks == "same"
        within = f"{words.interval} lies within {words.band}."
        if _or_one(c.p) <= level:
            return Decision(NEGLIGIBLE, holds, f"Different, but {within}")
        return Decision(EQUIVALENT, holds, _capital(within))
    if for_p(rule, c, margin) <= level:
        return Decision(SUPPORTED, True, _supported(rule, c, edge, words))
    if against_p(rule, c, margin) <= level:
        return Decision(REFUTED, False, f"{_capital(words.interval)} lies {_refuted(rule, edge, words)}.")
    return Decision(UNRESOLVED, None, "")


def _refuted(rule: Rule, edge: float, words: "_Words") -> str:
    if rule.asks == "same":
        return f"beyond the margin, {words.band}"
    side = "below" if rule.sign > 0 else "above"
    return f"{side} {words.zero}" if rule.asks == "beyond" or not edge else f"{side} the margin, {words.end(-rule.sign)}"


def _supported(rule: Rule, c: Comparison, edge: float, words: "_Words") -> str:
    if c.test == "permutation":
        return "At least two of them differ."
    text, level = _capital(words.interval), words.level
    if rule.asks == "not beyond":
        clears = not edge or _towards(c, rule.sign, 0.0) <= level
        at = words.zero if clears else f"the margin, {words.end(-rule.sign)}"
        return f"{text} lies {'above' if rule.sign > 0 else 'below'} {at}."
    sign = rule.sign or (1 if c.difference is not None and c.tested(c.difference) > 0 else -1)
    side = "above" if sign > 0 else "below"
    if edge and _towards(c, sign, edge) <= level:
        return f"{text} lies {side} the margin, {words.end(sign)}."
    return f"{text} lies {side} {words.zero}" + (f", but not {side} the margin, {words.end(sign)}." if edge else ".")


@dataclass(frozen=True)
class _Words:
    """How an interval and a margin read. base: what a ratio is held against."""

    c: Comparison
    margin: float | None
    level: float
    base: float

    @property
    def zero(self) -> str:
        return f"{self.base:.4g}" if self.c.ratio else "0"

    @property
    def band(self) -> str:
        return band(self.margin or 0.0, self.c, self.base)

    @property
    def interval(self) -> str:
        """The interval that decides, as part of a sentence."""
        c = self.c
        if c.test in ("sign-flip", "mcnemar") or (ends := interval(c, 1 - self.level)) is None:
            if c.correlates:
                return "by exchanging the points of each block the correlation"
            exact = {"sign-flip": "by the exact sign-flip test "}.get(c.test, "")
            return f"{exact}the {'ratio' if c.ratio else 'difference'}" if exact else "the difference, the same in every seed,"
        low, high = (self.base * end for end in ends) if c.ratio else ends
        return f"the {100 * (1 - self.level):.4g} % interval, {span(low, high, c.ratio)},"

    def end(self, sign: int) -> str:
        """One end of the margin."""
        size = self.margin or 0.0
        if self.c.ratio:
            return f"{self.base * (1 + size if sign > 0 else 1 / (1 + size)):.3g} times"
        return f"{sign * size:g}".replace("-", "−")


def band(margin: float, c: Comparison, base: float = 1.0) -> str:
    """Return the margin as one reads it."""
    return f"{base / (1 + margin):.3g} to {base * (1 + margin):.3g} times" if c.ratio else f"±{margin:g}"


def span(low: float, high: float, ratio: bool) -> str:
    """Return an interval as one reads it."""
    places = digits((high - low) / 2, 2)
    return f"{number_text(low, places)} to {number_text(high, places)}" + (" times" if ratio else "")


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
