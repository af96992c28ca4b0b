"""What every kind of claim has: its shape in a suite, the cells it compares, what it measures, and its words."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from bench.config import Config, Positive
from bench.grammar.parts import Labels, Name
from bench.reports.claims.arms import ArmFinder
from bench.reports.records.arms import Arm, ArmValues, Records
from bench.reports.records.predictions import Predictions
from bench.reports.statistics import Comparison

SingleTest = Literal["t", "sign-flip"]
Test = Literal["t", "sign-flip", "welch", "crossed"]
"""t: paired t-test over the seeds · sign-flip: exact paired permutation test · welch: arms whose seeds are not paired ·
crossed: paired, over the seeds and the images of the metric's split, from the stored predictions."""


class ClaimSpec(Config):
    """A claim as a suite says it. A kind adds `kind: Literal[NAME, …]`, its arms, metric and test."""

    says: Annotated[str, Field(min_length=1)]
    """The report's sentence."""
    stage: str | None = None
    """The stage of every arm that does not name its own."""
    where: dict[str, Labels] = {}
    """Labels that every arm shares."""
    each: str | None = None
    """An axis: the claim is made, and must hold, for each of its levels (of which `where` may name some); they are one family."""
    margin: Positive | None = None
    """Largest difference that does not matter, in the metric's unit; for times and ratios the share (0.1: 1/1.1 to 1.1)."""
    family: Name | None = None
    """Claims of one family are corrected together (Holm); a claim alone is its own family."""


@dataclass(frozen=True)
class ClaimContrast:
    """One comparison of a claim. label: the level of `each`, "" without. arms: left, right; or first and second of the left, then
    of the right; or one a level of a trend; or one a cell of a correlation. scores: the levels' positions along a trend.
    number: what the only arm is compared with, where the right side is no arm."""

    label: str
    arms: tuple[Arm, ...]
    scores: tuple[float, ...] = ()
    number: float | None = None

    @property
    def shared(self) -> str:
        """What all arms have in common, as text."""
        return as_text(self._shared)

    @property
    def apart(self) -> list[dict[str, str]]:
        """Of each arm the labels that not all share."""
        return [{axis: text for axis, text in arm.labels.items() if axis not in self._shared} for arm in self.arms]

    @property
    def names(self) -> list[str]:
        """Of each arm what tells it from the others, as text."""
        return [as_text(labels) or arm.stage for labels, arm in zip(self.apart, self.arms, strict=True)]

    @property
    def _shared(self) -> dict[str, str]:
        first, *others = self.arms
        return {axis: text for axis, text in first.labels.items() if all(arm.labels.get(axis) == text for arm in others)}


@dataclass(frozen=True)
class Question:
    """A contrast of a claim with the values of some seeds. arms: of every metric of the claim those of the contrast, in this
    order; none of a metric of classes. predictions: gives a trial's stored predictions, for tests over seeds and images."""

    claim: Any
    contrast: ClaimContrast
    arms: list[ArmValues]
    trials: Records
    seeds: Sequence[int]
    confidence: float
    predictions: Predictions | None


@dataclass(frozen=True)
class Measured:
    """What a question came to. tested: the comparison, such that 0 (of a ratio 1) is the hypothesis. shown: the same as the
    reader sees it, where that is another. remark: what is to be said of it. run_ids: where they are not those of the arms."""

    tested: Comparison
    shown: Comparison | None = None
    remark: str = ""
    run_ids: tuple[str, ...] | None = None


class ClaimKind(ABC):
    """A kind of claim, or several of one shape."""

    spec: type[ClaimSpec]
    sample = "seeds"
    """What its tests are over."""
    effect = "difference"
    """What it estimates."""
    remark = figure_remark = ""
    """What the caption of the table of claims says of it, and that of their figure."""

    @property
    def names(self) -> tuple[str, ...]:
        names: tuple[str, ...] = get_args(self.spec.model_fields["kind"].annotation)
        return names

    @abstractmethod
    def contrast(self, claim: Any, label: str, arms: ArmFinder) -> ClaimContrast:
        """Return what is compared, at one level of `each`. Raises BenchError where it does not exist."""

    @abstractmethod
    def measure(self, question: Question) -> Measured:
        """Compare the arms, each of which has values."""

    @abstractmethod
    def direction(self, claim: Any) -> int:
        """Return 1 where the claim is of a higher value, -1 of a lower one, 0 where it is that no difference matters."""

    @abstractmethod
    def text(self, contrast: ClaimContrast) -> str:
        """Return what is compared with what; what all arms share comes last."""

    def quantity(self, metric: str, ratio: bool) -> str:
        """Return what is estimated, as the label of an axis."""
        return f"{self.effect} of {metric}"

    def metrics(self, claim: Any) -> Mapping[str, str]:
        """Return the metrics of a claim, by the key that names them."""
        return {"metric": claim.metric}

    def test(self, claim: Any) -> str:
        return str(claim.test)

    def stage(self, claim: Any) -> str:
        """Return the stage that `each` is of; "" where no arm names one."""
        return str(claim.stage or "")

    def is_vacuous(self, contrast: ClaimContrast) -> bool:
        """Whether arms that it compares are the same."""
        first, *others = contrast.arms
        return len(others) == 1 and others[0].is_same(first)

    def widest(self, span: float, contrast: ClaimContrast) -> float:
        """Return how large what it estimates can be. span: from the lowest value of the metric to the highest."""
        return span

    def is_ratio(self, claim: Any) -> bool:
        """Whether arms are compared by their ratio. claim: or what became of it, which has its metric and ratio too."""
        return False


def as_text(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{axis}={text}" for axis, text in labels.items())


def at_shared(text: str, contrast: ClaimContrast) -> str:
    """Return a comparison's text with what its arms share behind it."""
    return f"{text} at {contrast.shared}" if contrast.shared else text
