"""The metrics of a suite's own: what it derives from others when a report is made, or declares as logged by something else."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from bench.config import Config, Positive
from bench.grammar.metrics import BY_CLASS, RECORDED, Metric, by_name, is_recorded
from bench.grammar.parts import Labels

MetricName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")]
Over = Literal["mean", "sum", "sd", "min", "max"]
OVER: tuple[Over, ...] = ("mean", "sum", "sd", "min", "max")


class Derived(Config):
    """A metric computed from others when a report is made: over classes, a difference, a correlation, or the first epoch at a
    level. `{}`: one that something else logs."""

    mean: str | None = None
    """PREFIX: the mean of the metrics `PREFIX/<class>`."""
    sum: str | None = None
    """PREFIX: their sum, such as the share of images that are predicted as one of several classes."""
    sd: str | None = None
    """PREFIX: their standard deviation. The classes are all that there are, no sample of them: ddof=0."""
    min: str | None = None
    """PREFIX: the smallest of them."""
    max: str | None = None
    """PREFIX: the largest of them."""
    classes: Labels | None = None
    """Only these classes, by name; all where left out."""
    minus: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    """[a, b]: a minus b."""
    correlation: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    """[PREFIX, PREFIX]: Pearson's r over the classes of the metrics `PREFIX/<class>`, one number a trial."""
    first: str | None = None
    """METRIC: the first epoch (from 1) in which a metric of each epoch is at the level of `at_least` or `at_most`. A trial that
    never is there has no value."""
    at_least: FiniteFloat | None = None
    """Of `first`: the level to reach, in the unit of its metric."""
    at_most: FiniteFloat | None = None
    """Of `first`: the level to fall to, such as that of a loss."""
    better: Literal["higher", "lower"] | None = None
    """Which end is better, where its name does not say so."""
    range: Annotated[list[FiniteFloat | None], Field(min_length=2, max_length=2)] | None = None
    """[lowest, highest] that it can be; null for an open end."""
    unit: str | None = None
    """Its unit. With "%", claims of a share give their numbers and margins in percent, and their results are told so."""
    margin: Positive | None = None
    """The largest difference that does not matter, in its unit, for all claims that declare none; of times the share."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        rules = [rule for rule in (*OVER, "minus", "correlation", "first") if getattr(self, rule) is not None]
        if len(rules) > 1:
            raise ValueError(f"should have one rule, not {' and '.join(rules)}")
        if self.classes is not None and self.over is None:
            raise ValueError("'classes' belong to mean, sum, sd, min or max")
        levels = [level for level in ("at_least", "at_most") if getattr(self, level) is not None]
        if self.first is not None and len(levels) != 1:
            raise ValueError("'first' needs one level: `at_least: 0.6`, or `at_most` of what falls")
        if levels and self.first is None:
            raise ValueError(f"{levels[0]!r} belongs to first")
        low, high = self.range or (None, None)
        if low is not None and high is not None and low >= high:
            raise ValueError(f"'range' should be [lowest, highest], not [{low:g}, {high:g}]")
        return self

    @property
    def facts(self) -> bool:
        """Whether it says something of a metric, rather than how it is computed."""
        return any(getattr(self, key) is not None for key in ("better", "range", "unit", "margin"))

    @property
    def over(self) -> tuple[Over, str] | None:
        """What is computed over classes, and the prefix of their metrics; None of other rules."""
        return next(((rule, prefix) for rule in OVER if (prefix := getattr(self, rule)) is not None), None)

    def reached(self, curve: Iterable[tuple[int, float]], factor: float = 1.0) -> float | None:
        """Return the first epoch of a curve [(epoch, value), …] that is at the level of `first`; None where none is. factor: what
        values are multiplied by to be in the unit of the level."""
        low = -math.inf if self.at_least is None else self.at_least / factor
        high = math.inf if self.at_most is None else self.at_most / factor
        return next((float(epoch) for epoch, value in curve if low <= value <= high), None)

    @property
    def logged(self) -> bool:
        """Whether something else logs it, so that nothing is computed."""
        return self.over is None and self.minus is None and self.correlation is None and self.first is None


def is_known(metric: str, derived: Mapping[str, Derived]) -> bool:
    """Whether a metric is recorded, derived, or declared as logged by something else (of the whole, or of each class)."""
    return is_recorded(metric) or metric in derived or any(metric.startswith(f"{name}/") for name in _logged(derived))


def metric_names(derived: Mapping[str, Derived]) -> list[str]:
    """Return the names of all metrics that do not depend on the classes, and those of classes as `PREFIX/*`."""
    return [*RECORDED, *derived, *(f"{prefix}/*" for prefix in (*BY_CLASS, *_logged(derived)))]


def is_prefix(prefix: str, derived: Mapping[str, Derived]) -> bool:
    """Whether there are metrics `PREFIX/<class>`."""
    return prefix in BY_CLASS or prefix in _logged(derived)


def stored(metric: str, derived: Mapping[str, Derived]) -> Iterator[str]:
    """Yield the recorded metrics that a metric is made from, those of classes as `PREFIX/*`. There must be no cycle."""
    rule = derived.get(metric)
    if rule is None or rule.logged:
        yield metric
    elif rule.over:
        yield f"{rule.over[1]}/*"
    elif rule.correlation:
        yield from (f"{prefix}/*" for prefix in rule.correlation)
    elif rule.first:
        yield from (rule.first, "epochs")  # which ensembles have none of
    else:
        for part in rule.minus or ():
            yield from stored(part, derived)


def cycle(metric: str, derived: Mapping[str, Derived]) -> list[str]:
    """Return the metrics from one back to itself through differences; [] where it does not lead back."""

    def leads(path: list[str]) -> list[str]:
        for part in (derived[path[-1]].minus or ()) if path[-1] in derived else ():
            if part == metric:
                return [*path, part]
            if part not in path and (loop := leads([*path, part])):
                return loop
        return []

    return leads([metric])


def curves_of(derived: Mapping[str, Derived]) -> list[str]:
    """Return the metrics whose values in each epoch derived ones are made from."""
    return list(dict.fromkeys(rule.first for rule in derived.values() if rule.first))


def _logged(derived: Mapping[str, Derived]) -> list[str]:
    return [name for name, rule in derived.items() if rule.logged and not is_recorded(name)]


def described(metric: str, derived: Mapping[str, Derived]) -> Metric:
    """Return what is known of a metric: what the suite says, else what it is made from, else what its name says."""
    rule = derived.get(metric)
    if rule is None:
        prefix = next((name for name in _logged(derived) if metric.startswith(f"{name}/")), "")
        return _declared(by_name(metric), derived[prefix]) if prefix else by_name(metric)
    if rule.over:
        kind, prefix = rule.over
        whole = by_name(prefix) if prefix in BY_CLASS else described(prefix, derived)
        whole = _declared(whole, derived[prefix]) if prefix in BY_CLASS and prefix in derived else whole
        low, high = whole.range
        if kind == "sd":  # the population's is at most half of the range
            return _declared(Metric(range=(0.0, (high - low) / 2), unit=whole.unit), rule)
        if kind == "sum" and whole.counts != "images":  # shares of the same images come to one at most
            whole = replace(whole, range=_multiple(whole.range, len(rule.classes or ()) or math.inf), chance=None)
        return _declared(replace(whole, counts=""), rule)
    if rule.minus:
        left, right = (described(part, derived) for part in rule.minus)
        ends = left.range[0] - right.range[1], left.range[1] - right.range[0]
        return _declared(Metric(range=ends, unit=left.unit if left.unit == right.unit else ""), rule)
    if rule.correlation:
        return _declared(Metric(range=(-1.0, 1.0)), rule)
    if rule.first:
        return _declared(Metric("lower", (1.0, math.inf), "epochs"), rule)
    return _declared(by_name(metric), rule)


def _multiple(ends: tuple[float, float], count: float) -> tuple[float, float]:
    """Return the range of a sum of so many values, each between two ends."""
    low, high = (end * count if end else 0.0 for end in ends)
    return low, high


def _declared(known: Metric, rule: Derived) -> Metric:
    """Return what is known of a metric with what the suite declares instead."""
    if rule.range is not None:
        low, high = rule.range
        known = replace(known, range=(-math.inf if low is None else low, math.inf if high is None else high))
    declared = {key: value for key in ("better", "unit", "margin") if (value := getattr(rule, key)) is not None}
    return replace(known, **declared)
