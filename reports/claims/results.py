"""What became of claims, as data."""

from dataclasses import dataclass, field
from typing import Literal

from bench.reports.statistics import Comparison, Pairing

Due = dict[tuple[str, tuple], int]
"""(stage, labels) of a cell → the look, from 0, for which its seeds are due."""


@dataclass(frozen=True)
class Variance:
    """Where the variance of one trial's difference comes from, over seeds and `of`: images or splits.

    items: how many of these. seed_sd, item_sd, rest_sd: the standard deviations between seeds, between items, and of the rest, of
    one trial on one item, in the unit of the difference. error_of_seeds: the part of the squared error of the mean difference
    that more seeds would lower, from 0 to 1; the rest is the items'.
    """

    of: Literal["images", "splits"]
    seeds: int
    items: int
    seed_sd: float
    item_sd: float
    rest_sd: float
    error_of_seeds: float


@dataclass(frozen=True)
class ContrastResult:
    """What became of one contrast of a claim, of which all must hold.

    result: as the reader sees it, its interval at the family's level. quantity: what is estimated, with its unit. unit: of the
    estimate, "" without one. reference: what it is held
    against: 0, of a ratio 1 or the number that is claimed. p: of the hypothesis that the verdict turns on, two-sided. holm: p
    corrected within the family. detectable: the difference (for times the factor) found with 80 % power. seeds_needed: how many
    seeds would settle it at the margin; seeds_at_most: how many it may take, since the SD of few seeds is uncertain. preliminary:
    whether some of its trials are still to run, so that the verdict may change. beyond_images: whether it also holds for other
    images
    ("yes", "no" or "not known"); "" where that question does not arise. pairing, superiority: of two arms, how they go together
    over their seeds, and the share of seeds in which the first is above the second. variance: its sources, where they are known.
    """

    label: str
    contrast: str
    quantity: str
    reference: float
    result: Comparison
    p: float | None
    holm: float | None
    verdict: str
    why: str
    detectable: float | None
    seeds_needed: int | None
    seeds_at_most: int | None
    run_ids: tuple[str, ...]
    look: int = 0
    preliminary: bool = False
    beyond_images: str = ""
    unit: str = ""
    pairing: Pairing | None = None
    superiority: float | None = None
    variance: Variance | None = None


@dataclass(frozen=True)
class ClaimResult:
    """A claim and what became of it. holds: whether the sentence may be said; None while nobody knows.

    relation: its name. reading: the claim read back as a sentence. m: size of its family, in claims. alpha: level of each look.
    look: how many looks it took, "" where only one was declared. p: the level from which on it has a verdict, None without a
    test.
    """

    name: str
    says: str
    relation: str
    reading: str
    metric: str
    margin: float | None
    test: str
    family: str
    m: int
    alpha: float
    look: str
    parts: list[ContrastResult]
    verdict: str
    holds: bool | None
    p: float | None = None


@dataclass(frozen=True)
class NotAsked:
    """A claim of the suite that is not asked. reason: as its profile gives it, "" where it gives none."""

    name: str
    says: str
    reason: str = ""

    @property
    def why(self) -> str:
        """Why it is not asked, in words."""
        return self.reason or "left out by the profile, no reason given"


@dataclass(frozen=True)
class Judgement:
    """All claims, and the cells whose next seeds are due."""

    claims: list[ClaimResult]
    due: Due = field(default_factory=dict)
