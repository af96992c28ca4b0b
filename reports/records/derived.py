"""Metrics of a run: those that were stored, and those that a suite derives from them."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.errors import did_you_mean
from bench.grammar.derived import described
from bench.trackers.rows import LARGEST

if TYPE_CHECKING:
    from bench.grammar.derived import Derived

RULES: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": statistics.fmean, "sum": math.fsum, "sd": statistics.pstdev, "min": min, "max": max,
}  # fmt: skip
NEVER = "never reached"
"""How the reason says it of a trial that ended short of a level."""
Curves = Mapping[str, Sequence[tuple[int, float]]]
"""metric → [(epoch, value), …] of a run."""


def measured(
    metric: str, stored: Mapping[str, float], derived: Mapping[str, "Derived"], curves: Curves | None = None
) -> float | None:
    """Return a metric of a run, None where it has none that can be reckoned with. stored: what was recorded. curves: by epoch."""
    rule = derived.get(metric)
    if rule is None or rule.logged:
        value = stored.get(metric)
    elif rule.over:
        kind, prefix = rule.over
        by_class = of_classes(stored, prefix)
        names = rule.classes or list(by_class)
        chosen = [by_class[name] for name in names if name in by_class]
        value = RULES[kind](chosen) if chosen and len(chosen) == len(names) else None
    elif rule.correlation:
        value = _correlation(stored, rule.correlation)
    elif rule.first:
        value = rule.reached((curves or {}).get(rule.first, ()), described(rule.first, derived).factor)
    else:
        left, right = (measured(part, stored, derived, curves) for part in rule.minus or ())
        value = left - right if left is not None and right is not None else None
    return value if value is not None and abs(value) <= LARGEST else None


def _correlation(stored: Mapping[str, float], prefixes: Sequence[str]) -> float | None:
    """Return Pearson's r of two metrics over the classes that have both; None where either is the same for all of them."""
    pairs = list(class_pairs([stored], *prefixes).values())
    if len(pairs) < 2 or any(len(set(values)) < 2 for values in zip(*pairs, strict=True)):
        return None
    return statistics.correlation(*zip(*pairs, strict=True))


def of_classes(stored: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Return the metrics `PREFIX/<class>` by class."""
    size = len(prefix) + 1
    return {
        name[size:]: value
        for name, value in stored.items()
        if name.startswith(prefix) and name[size - 1 : size] == "/" and abs(value) <= LARGEST
    }


def class_pairs(runs: Sequence[Mapping[str, float]], x: str, y: str) -> dict[str, tuple[float, float]]:
    """Return class → two metrics `PREFIX/*` of it, each the mean over the runs; only classes that have both."""
    means = []
    for metric in (x, y):
        values = defaultdict(list)
        for stored in runs:
            for name, value in of_classes(stored, metric.removesuffix("/*")).items():
                values[name].append(value)
        means.append({name: statistics.fmean(measurements) for name, measurements in values.items()})
    return {name: (value, means[1][name]) for name, value in means[0].items() if name in means[1]}


def absent(metric: str, stored: Mapping[str, float], derived: Mapping[str, "Derived"], curves: Curves | None = None) -> str:
    """Say why a run has no metric."""
    rule = derived.get(metric)
    if rule is None or rule.logged:
        value = stored.get(metric)
        return f"no metric {metric!r}" if value is None else f"{metric} is {value:.3g}"
    if rule.over:
        by_class = of_classes(stored, rule.over[1])
        unknown = [name for name in rule.classes or () if name not in by_class]
        if not by_class or not unknown:
            return f"no metrics {f'{rule.over[1]}/<class>'!r}"
        return f"{metric!r} is over class {unknown[0]!r}, which the runs do not have ({did_you_mean(unknown[0], by_class)})"
    if rule.correlation:
        lacking = next((prefix for prefix in rule.correlation if not of_classes(stored, prefix)), None)
        if lacking is not None:
            return f"no metrics {f'{lacking}/<class>'!r}"
        return f"{' or '.join(rule.correlation)} is the same for all classes"
    if rule.first:
        level = rule.at_most if rule.at_least is None else rule.at_least
        return f"{rule.first} {NEVER} {level:g}" if (curves or {}).get(rule.first) else f"no epochs of {rule.first!r}"
    lacking = next(part for part in rule.minus or () if measured(part, stored, derived, curves) is None)
    return absent(lacking, stored, derived, curves)
