"""What was measured for a contrast, before any correction; also what it would come to with the worst results for lost seeds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.grammar.metrics import Metric
from bench.reports.claims.base import ClaimContrast, Measured, Question, Requirement
from bench.reports.claims.estimates import in_unit, shown
from bench.reports.claims.relations import Claim
from bench.reports.claims.results import Variance
from bench.reports.claims.rules import LEAST_SEEDS, against_p, decide, for_p
from bench.reports.claims.selection import on_its_own_data
from bench.reports.records.arms import ArmValues, Records, unlike
from bench.reports.records.derived import NEVER
from bench.reports.records.predictions import OF_IMAGES, Predictions, crossed_comparison
from bench.reports.statistics import Comparison, Crossed, Pairing, interval, pairing, superiority
from bench.trackers.record import Outcome

PAIRED = ("t", "resampled", "splits", "sign-flip")
"""Tests of two paired arms."""
INDEPENDENT = ("sign-flip", "welch", "permutation", "pitman-morgan")
"""Tests that take the seeds for independent, also where their splits overlap."""
SPLITS_OVERLAP = "this test takes the seeds for independent: it speaks of other splits of these images, not of other images"
THESE_SPLITS = "this test is over the seeds alone: it speaks of these splits"
SeedsOf = Callable[[str], Sequence[int]]
"""stage → the seeds that count."""


@dataclass(frozen=True)
class Evidence:
    """What was measured for one contrast.

    margin: in the unit of what is estimated; None without one. empty: whether an arm has no value at all, so that more seeds
    would not help. requires: of its preconditions. worst: the comparison with the worst result that the metric can have for each
    lost seed; None where none is lost, `unbounded` where there is no worst. selected: which runs chose an arm that they test,
    where that speaks for the claim; selected_against: where it speaks against. above_chance: of a precondition, by how much.
    factor: what values were multiplied by to be in its unit. unit: the metric's.
    """

    claim: Claim
    contrast: ClaimContrast
    measured: Measured
    arms: list[ArmValues]
    margin: float | None = None
    empty: bool = False
    run_ids: tuple[str, ...] = ()
    requires: tuple["Evidence", ...] = ()
    worst: Comparison | None = None
    unbounded: bool = False
    selected: str = ""
    selected_against: str = ""
    factor: float = 1.0
    unit: str = ""
    above_chance: float | None = None

    @property
    def tested(self) -> Comparison:
        return self.measured.tested

    @property
    def common(self) -> set[int]:
        """The seeds for which every arm has a value."""
        return set.intersection(*(set(arm.values) for arm in self.arms)) if self.arms else set()

    @property
    def all_arms(self) -> list[ArmValues]:
        """Its arms, and those of its preconditions."""
        return [*self.arms, *(arm for required in self.requires for arm in required.arms)]

    @property
    def is_judged(self) -> bool:
        """Whether there is a test from which a verdict can follow."""
        return self.tested.p is not None and not self.measured.described and not self.is_short and not self.measured.identical

    @property
    def is_short(self) -> bool:
        """Whether it has fewer seeds than a verdict needs."""
        if self.tested.test == "welch":
            return min(len(arm.values) for arm in self.arms) < LEAST_SEEDS
        return self.tested.test in (*PAIRED, "permutation") and self.tested.n < LEAST_SEEDS

    @property
    def holds_identical(self) -> bool:
        """Whether a claim of its rule holds of arms that are identical."""
        return self.contrast.rule.asks in ("same", "not beyond")

    @property
    def for_p(self) -> float:
        """The level from which on it upholds the claim."""
        if self.measured.identical:
            return 0.0 if self.holds_identical else 1.0
        return for_p(self.contrast.rule, self.tested, self.margin) if self.is_judged else 1.0

    @property
    def against_p(self) -> float:
        """The level from which on it speaks against the claim."""
        if self.measured.identical:
            return 1.0 if self.holds_identical else 0.0
        return against_p(self.contrast.rule, self.tested, self.margin) if self.is_judged else 1.0

    @property
    def p(self) -> float | None:
        """The p of the claim: that of no difference, or where a margin decides that of the margin."""
        if self.measured.described:
            return None
        if self.tested.p is None or self.contrast.rule.asks in ("beyond", "differs"):
            return self.tested.p
        return for_p(self.contrast.rule, self.tested, self.margin)

    @property
    def is_of_two(self) -> bool:
        """Whether the means of two arms are compared with each other."""
        return self.contrast.is_of_two and not self.claim.spread

    @property
    def pairing(self) -> Pairing | None:
        """How two paired arms go together; None of others."""
        if not self.is_of_two or self.tested.test not in PAIRED or self.tested.p is None:
            return None
        left, right = self.arms
        return pairing(left.values, right.values, ratio=self.tested.ratio)

    @property
    def superiority(self) -> float | None:
        """The share of seeds (of unpaired arms of pairs of seeds) in which the first of two arms is above the second."""
        if not self.is_of_two or self.tested.test not in (*PAIRED, "welch") or self.tested.p is None:
            return None
        left, right = self.arms
        return superiority(left.values, right.values, paired=self.tested.test != "welch")

    def shown(self, confidence: float) -> Comparison:
        """Return the comparison as the reader sees it, with its interval at a confidence."""
        ends = interval(self.tested, confidence)
        c = self.tested if ends is None else replace(self.tested, ci_low=ends[0], ci_high=ends[1], confidence=confidence)
        return shown(c, self.contrast.number)


def gather(
    claim: Claim, contrast: ClaimContrast, trials: Records, seeds: SeedsOf, alpha: float, predictions: Predictions | None
) -> Evidence:
    """Measure one contrast of a claim, and its preconditions. seeds: each arm is read with those of its own stage. predictions:
    gives a trial's stored predictions, for tests over seeds and images."""
    metric = trials.described(claim.measure)
    named = [name.replace("*", contrast.of_class or "*") for name in claim.relation.metrics(claim).values()]
    names = [name for name in named if "*" not in name]
    arms = [trials.values(arm, name, seeds(arm.stage)).scaled(metric.factor) for name in names for arm in contrast.arms]
    if not names:  # of classes, whose values the relation reads itself
        arms = [trials.finished(arm, seeds(arm.stage)) for arm in contrast.arms]
    run_ids = tuple(dict.fromkeys(run_id for arm in arms for run_id in arm.run_ids))
    requires = tuple(_required(required, trials, seeds, alpha, predictions) for required in contrast.requires)
    if lacking := [arm for arm in arms if not arm.values]:
        reasons = list(dict.fromkeys(lacking[0].without.values())) or ["not run"]
        nothing = Comparison(reason=f"there is no result of {lacking[0].name or 'an arm'} ({'; '.join(reasons)})")
        return Evidence(claim, contrast, Measured(nothing), arms, empty=True, run_ids=run_ids, requires=requires)
    question = Question(claim, contrast, arms, trials, seeds, 1 - alpha, metric, predictions)
    if reason := unlike(set().union(*(arm.conditions for arm in arms)), *claim.relation.metrics(claim).values()):
        measured = Measured(Comparison(reason=reason))
    else:
        measured = claim.relation.measure(question)
        if doubt := _doubt(question, measured.tested.test):
            measured = replace(measured, remark="; ".join(filter(None, (measured.remark, doubt))))
    own = claim.margin is None and not contrast.joint and claim.spread is None and contrast.ratio == metric.is_ratio
    lost = any(_is_lost(reason) for arm in arms for reason in arm.without.values())
    worst = _with_the_worst(question) if lost and measured.tested.p is not None else None
    return Evidence(
        claim=claim,
        contrast=contrast,
        measured=measured,
        arms=arms,
        margin=metric.margin if own else claim.margin,
        run_ids=run_ids if measured.run_ids is None else measured.run_ids,
        requires=requires,
        worst=worst,
        unbounded=lost and worst is None,
        factor=metric.factor,
        unit=metric.unit,
        selected=on_its_own_data(contrast, arms, metric, claim.measure, trials),
        selected_against=on_its_own_data(contrast, arms, metric, claim.measure, trials, against=True),
    )


def _doubt(question: Question, test: str) -> str:
    """Say of which splits a test over seeds alone speaks, where that is not of all."""
    if question.of_these_splits and (test in INDEPENDENT or (test == "t" and not question.splits)):
        return THESE_SPLITS
    return SPLITS_OVERLAP if test in INDEPENDENT and question.test_to_train else ""


def over_images(part: Evidence, confidence: float, predictions: Predictions | None) -> Crossed | None:
    """Return the comparison of two arms' accuracies over seeds and images; None where that question does not arise."""
    asked = part.is_of_two and part.claim.measure in OF_IMAGES and part.tested.test != "crossed"
    if predictions is None or not asked or part.measured.identical:
        return None
    left, right = part.arms
    return crossed_comparison(left, right, part.claim.measure, confidence, predictions)


def beyond_images(part: Evidence, holds: bool, level: float, found: Crossed) -> str:
    """Return whether a verdict on two arms' accuracies holds beyond the images that they were measured on too: "yes", "no" or
    "not known". found: see `over_images`."""
    tested = found.comparison
    if tested.p is None or tested.test != "crossed" or any(arm.redrawn(part.claim.measure) for arm in part.arms):
        return "not known"  # or no image is measured on with every seed
    there = decide(part.contrast.rule, in_unit(tested, part.factor), part.margin, level)
    return "not known" if there.holds is None else "yes" if there.holds == holds else "no"


def variance(part: Evidence, found: Crossed | None) -> Variance | None:
    """Return where the variance of a difference comes from; None where that cannot be told. found: see `over_images`."""
    over_splits = part.tested.test == "splits"
    crossed = part.measured.crossed or found
    if crossed is None or crossed.error_of_seeds is None:
        return None
    assert crossed.seed_sd is not None and crossed.item_sd is not None and crossed.residual_sd is not None
    factor = 1.0 if over_splits else part.factor  # what splits are compared by is in the metric's unit already
    return Variance(
        of="splits" if over_splits else "images",
        seeds=crossed.comparison.n,
        items=crossed.items,
        seed_sd=factor * crossed.seed_sd,
        item_sd=factor * crossed.item_sd,
        rest_sd=factor * crossed.residual_sd,
        error_of_seeds=crossed.error_of_seeds,
    )


def _required(required: Requirement, trials: Records, seeds: SeedsOf, alpha: float, predictions: Predictions | None) -> Evidence:
    contrast = required.contrast
    if required.above_chance is not None:
        metric = trials.described(required.claim.measure)
        (arm,) = contrast.arms
        classes = trials.values(arm, required.claim.measure, seeds(arm.stage)).classes
        if metric.chance is None or not classes:
            nothing = Comparison(reason=f"what guessing comes to in {required.claim.measure} is not known of these trials")
            return Evidence(required.claim, contrast, Measured(nothing), [], above_chance=required.above_chance)
        contrast = replace(contrast, number=metric.factor / classes + required.above_chance)
    evidence = gather(required.claim, contrast, trials, seeds, alpha, predictions)
    return replace(evidence, above_chance=required.above_chance)


def _is_lost(reason: str) -> bool:
    """Whether a seed has no value since its training came to nothing, or to less than the level that was asked for."""
    return reason == Outcome.DIVERGED or NEVER in reason or reason.endswith((" is nan", " is inf", " is -inf"))


def _with_the_worst(question: Question) -> Comparison | None:
    """Return the comparison with the worst value for each lost seed; None where there is no worst, or it cannot be made."""
    if question.contrast.joint and question.claim.relation.sample != "seeds":
        return None
    arms = []
    seen = [value for arm in question.arms for value in arm.values.values()]
    for arm in question.arms:
        value = _worst(question.metric, arm, seen)
        lost = [seed for seed, reason in arm.without.items() if _is_lost(reason)]
        if lost and value is None:
            return None
        arms.append(replace(arm, values=arm.values | dict.fromkeys(lost, value or 0.0)))
    if question.claim.test == "crossed" or question.splits:
        return None
    return question.claim.relation.measure(replace(question, arms=arms)).tested


def _worst(metric: Metric, arm: ArmValues, seen: Sequence[float]) -> float | None:
    """Return the worst that a metric can be: what guessing comes to, else the end of its range, or what was seen beyond it; None
    without one."""
    if metric.chance == "classes" and arm.classes:
        return metric.factor / arm.classes
    if not metric.better:
        return None
    end = metric.range[0] if metric.better == "higher" else metric.range[1]
    if not math.isfinite(end):
        return None
    return (min if metric.better == "higher" else max)(metric.factor * end, *seen)
