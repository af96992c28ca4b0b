"""What a claim comes to: contrasts of arms, each with a rule by which it is judged; and what every relation has."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bench.grammar.metrics import Metric
from bench.reports.claims.rules import Rule
from bench.reports.records.arms import Arm, ArmValues, Records
from bench.reports.records.predictions import Predictions
from bench.reports.statistics import Comparison, Crossed

if TYPE_CHECKING:
    from bench.reports.claims.arms import ArmFinder
    from bench.reports.claims.relations import Claim

NO_WEIGHT = 1e-12
"""Sums of weights below this are rounding."""
SIGNS = {"minus": "−", "divided_by": "÷"}


@dataclass(frozen=True)
class Side:
    """An arm, less another one or divided by it. operator: `minus`, `divided_by`, or "" of an arm alone."""

    arm: Arm
    other: "Side | None" = None
    operator: str = ""

    @property
    def terms(self) -> tuple[tuple[float, Arm], ...]:
        """The arms of which it is the sum (where it divides, of their logarithms), each with its weight."""
        others = self.other.terms if self.other else ()
        return ((1.0, self.arm), *((-weight, arm) for weight, arm in others))

    @property
    def subtracts(self) -> bool:
        return self.operator == "minus" or (self.other is not None and self.other.subtracts)

    @property
    def divides(self) -> bool:
        return self.operator == "divided_by" or (self.other is not None and self.other.divides)


@dataclass(frozen=True)
class ClaimContrast:
    """One comparison of a claim, judged by itself. label: the level of `each`, or what else tells it from the claim's others; ""
    where it is alone.

    sides: what is compared; weights: of each side, in the sum that is tested against 0. rule: how it is judged. number: what the
    only side is compared with, where that is no arm. ratio: whether logarithms are summed. joint: whether it is tested that any
    of the sides differs, rather than their weighted sum.
    """

    label: str
    sides: tuple[Side, ...]
    weights: tuple[float, ...]
    rule: Rule
    number: float | None = None
    ratio: bool = False
    joint: bool = False
    text: str = ""
    """What is compared with what, where that is not told by the sides."""
    requires: tuple["Requirement", ...] = ()
    of_class: str = ""
    """The class that the `*` of the claim's metric stands for, where the claim holds for each of several."""

    @property
    def terms(self) -> list[tuple[float, Arm]]:
        """Every arm with its weight in the sum that is tested."""
        return [
            (factor * weight, arm) for factor, side in zip(self.weights, self.sides, strict=True) for weight, arm in side.terms
        ]

    @property
    def once(self) -> list[tuple[float, int]]:
        """The summed weight of each different arm, with its first place among the terms."""
        places: list[tuple[float, int]] = []
        arms = self.arms
        for place, (weight, arm) in enumerate(self.terms):
            same = next((i for i, (_, first) in enumerate(places) if arms[first].is_same(arm)), None)
            if same is None:
                places.append((weight, place))
            else:
                places[same] = (places[same][0] + weight, places[same][1])
        return [(0.0 if abs(weight) < NO_WEIGHT else weight, place) for weight, place in places]

    @property
    def is_of_two(self) -> bool:
        """Whether one arm is compared with another, and no more."""
        return self.number is None and not self.joint and [weight for weight, _ in self.terms] == [1.0, -1.0]

    @property
    def arms(self) -> tuple[Arm, ...]:
        return tuple(arm for _, arm in self.terms)

    @property
    def needed(self) -> tuple[Arm, ...]:
        """The arms whose results it needs: its own, and those of its preconditions."""
        return (*self.arms, *(arm for required in self.requires for arm in required.contrast.arms))

    @property
    def widest(self) -> float:
        """How large the sum can be, in units of the metric's range."""
        return sum(abs(weight) for weight, _ in self.terms) / (1 if self.number is not None and len(self.arms) == 1 else 2)

    @property
    def wording(self) -> str:
        """What is compared with what; what all arms share comes last."""
        if self.text:
            return at_shared(self.text, self.arms)
        names = iter(names_of(self.arms))
        texts = [_side_text(side, names) for side in self.sides]
        if self.number is not None:
            return at_shared(
                f"{texts[0] or self.sides[0].arm.stage} vs {self.number:.4g}", self.arms if len(self.arms) > 1 else ()
            )
        if any(side.other for side in self.sides):
            texts = [f"({text})" for text in texts]
        return at_shared(" vs ".join(texts), self.arms)


@dataclass(frozen=True)
class Requirement:
    """A precondition of a contrast, as a claim of its own. above_chance: by how much, where chance is what it is held against."""

    claim: "Claim"
    contrast: ClaimContrast
    above_chance: float | None = None


def _side_text(side: Side, names: Any) -> str:
    own = next(names)
    if side.other is None:
        return own
    other = _side_text(side.other, names)
    return f"{own} {SIGNS[side.operator]} {f'({other})' if side.other.other else other}"


@dataclass(frozen=True)
class Question:
    """A contrast of a claim with the values of some seeds, each stage's. arms: those of the contrast, in its order. metric: what
    is known of the claim's. predictions: gives a trial's stored predictions, for tests over seeds and images."""

    claim: "Claim"
    contrast: ClaimContrast
    arms: list[ArmValues]
    trials: Records
    seeds: Callable[[str], Sequence[int]]
    confidence: float
    metric: Metric
    predictions: Predictions | None

    @property
    def splits(self) -> list[str]:
        """The splits that its arms cross with their seeds; none, where each is of one split, be it the same or not."""
        several = any(len(arm.splits) > 1 for arm in self.contrast.arms)
        return list(dict.fromkeys(split for arm in self.contrast.arms for split in arm.splits)) if several else []

    @property
    def of_these_splits(self) -> bool:
        """Whether an arm is of some splits that the suite names, one or several."""
        return any(arm.splits for arm in self.contrast.arms)

    @property
    def test_to_train(self) -> float:
        """The ratio of images measured on to images trained on, where each seed splits the former off anew; else 0."""
        return max((arm.redrawn(self.claim.measure) for arm in self.arms), default=0.0)

    @property
    def test_to_train_of_splits(self) -> float:
        """The same where each of several splits holds the former out anew."""
        return max((arm.resplit(self.claim.measure) for arm in self.arms), default=0.0)


@dataclass(frozen=True)
class Measured:
    """What a question came to. tested: the comparison, such that 0 (of a ratio 1) is the hypothesis. remark: what is to be said
    of it. run_ids: where they are not those of the arms. described: why it is not to be judged, only described; "" where it is.
    identical: whether the arms made the same predictions in every seed. crossed: the comparison over two sources of
    variation, where it is tested so."""

    tested: Comparison
    remark: str = ""
    run_ids: tuple[str, ...] | None = None
    described: str = ""
    identical: bool = False
    crossed: Crossed | None = None


class Relation(ABC):
    """What a claim says of its subject. A subclass gives its name, the type of its value, its contrasts and its words."""

    name: str
    value: Any
    """The type of what stands behind its name in a claim."""
    kind: Literal["an arm", "an axis", "the best", "a metric"] = "an arm"
    """With what it relates the subject."""
    sample = "seeds"
    """What its tests are over."""
    needs_margin = False
    tests: tuple[str, ...] = ("t", "sign-flip", "welch", "crossed")
    of_spread = False
    """Whether it can be of a spread."""
    pins_its_axes = False
    """Whether the subject is at one level of the axes that it names."""
    remark = ""
    """What the caption of the table of claims says of it."""

    def check(self, claim: "Claim") -> None:
        """Raise ValueError where a claim's keys do not go together."""
        return

    @abstractmethod
    def contrasts(self, claim: "Claim", find: "ArmFinder") -> list[ClaimContrast]:
        """Return what is compared at one combination of the levels of `each`; all of it must hold. Raises BenchError where an
        arm is not there."""

    @abstractmethod
    def measure(self, question: Question) -> Measured:
        """Compare the arms, each of which has values."""

    @abstractmethod
    def sentence(self, claim: "Claim") -> str:
        """Return what is claimed as an English clause: "is higher than that of model=a"."""

    def quantity(self, metric: str, ratio: bool) -> str:
        """Return what is estimated, as the label of an axis."""
        return f"{'ratio' if ratio else 'difference'} of {metric}"

    def axes(self, claim: "Claim") -> Mapping[str, list[str] | None]:
        """Return the axes that its own value accounts for, with the levels that it names."""
        return {}

    def metrics(self, claim: "Claim") -> dict[str, str]:
        """Return the metrics of a claim, by the key that names them."""
        return {"metric" if claim.metric else "spread": claim.measure}

    def is_vacuous(self, contrast: ClaimContrast) -> bool:
        """Whether what it compares is the same."""
        return contrast.number is None and not any(weight for weight, _ in contrast.once)


def as_text(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{axis}={text}" for axis, text in labels.items())


def names_of(arms: Sequence[Arm]) -> list[str]:
    """Return of each arm what tells it from the others, as text; all its labels, where it is alone."""
    shared = _shared(arms) if len(arms) > 1 else {}
    apart = [{axis: text for axis, text in arm.labels.items() if axis not in shared} for arm in arms]
    return [as_text(labels) or arm.stage for labels, arm in zip(apart, arms, strict=True)]


def at_shared(text: str, arms: Sequence[Arm]) -> str:
    """Return a comparison's text with what its arms share behind it."""
    shared = as_text(_shared(arms)) if arms else ""
    return f"{text} at {shared}" if shared else text


def _shared(arms: Sequence[Arm]) -> dict[str, str]:
    first, *others = arms
    return {axis: text for axis, text in first.labels.items() if all(arm.labels.get(axis) == text for arm in others)}
