"""How many seeds each claim needs, by a pilot: its trials set sizes, and nothing else is made from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.grammar.metrics import of_differences
from bench.grammar.schedule import Schedule
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.evidence import Evidence, gather
from bench.reports.claims.judge import alpha_of_look
from bench.reports.claims.outlook import UNSIZED, Needed, seeds_needed, spread
from bench.reports.claims.relations import Claim
from bench.reports.claims.rules import band
from bench.reports.records.arms import Records
from bench.reports.records.collect import Record
from bench.reports.statistics.power import MOST
from bench.trackers.record import Outcome


@dataclass(frozen=True)
class PilotSize:
    """How many seeds one contrast of a claim needs.

    label: tells it from the claim's others. n: seeds of the pilot that have a result. sd: of the differences over these, on the
    scale tested; unit: of sd, `log` of the logarithms of a ratio. seeds: with 80 % power at the margin; at_most: if the SD is as
    large as it may be (80 % bound); None where that cannot be told, and `why` says why. apart: whether they are seeds of each
    arm, which are not paired. declared: how many seeds count, at each look.
    """

    claim: str
    label: str
    contrast: str
    n: int
    sd: float | None
    unit: str
    margin: float | None
    at: str
    """The margin as one reads it."""
    seeds: int | None
    at_most: int | None
    apart: bool
    declared: tuple[int, ...]
    why: str = ""


def sizes(
    claims: Mapping[str, tuple[Claim, Sequence[ClaimContrast]]], schedules: Mapping[str, Schedule], pilot: Sequence[Record]
) -> list[PilotSize]:
    """Return the seeds that each contrast needs at the level of its family, as it is declared; nothing before a trial of the
    pilot has finished.

    pilot: its trials. Claims of stages without a pilot are left out. The margin is the declared one, never the difference that
    the pilot shows: a study that is sized for that is too small wherever the pilot was lucky.
    """
    if not any(record.outcome is Outcome.FINISHED for record in pilot):
        return []
    trials = Records(pilot)
    families = Counter(claim.family or name for name, (claim, _) in claims.items())
    return [
        _size(name, claim, contrast, schedules, trials, families[claim.family or name], len(contrasts))
        for name, (claim, contrasts) in claims.items()
        for contrast in contrasts
        if all(trials.has(arm) for arm in contrast.needed)
    ]


def _size(
    name: str,
    claim: Claim,
    contrast: ClaimContrast,
    schedules: Mapping[str, Schedule],
    trials: Records,
    m: int,
    parts: int,
) -> PilotSize:
    """Return the seeds that one contrast needs. m: claims of its family; parts: contrasts of its claim."""
    schedule = schedules[contrast.arms[0].stage]
    alpha = alpha_of_look(claim, schedule, m * parts)
    found = gather(claim, contrast, trials, lambda stage: schedules[stage].pilot, alpha, None)
    tested, over_seeds = found.tested, claim.relation.sample == "seeds"
    needed = seeds_needed(contrast.rule, tested, found.margin, alpha / m) if over_seeds else Needed()
    return PilotSize(
        claim=name,
        label=contrast.label,
        contrast=contrast.wording,
        n=min(len(arm.values) for arm in found.arms) if tested.test == "welch" else len(found.common),
        sd=spread(tested) if over_seeds and tested.test not in UNSIZED else None,
        unit="log" if tested.ratio else of_differences(found.unit),
        margin=found.margin,
        at=band(found.margin, tested) if found.margin else "",
        seeds=needed.seeds,
        at_most=needed.at_most,
        apart=tested.test == "welch",
        declared=tuple(len(seeds) for seeds in schedule.looks),
        why="" if needed.seeds else _why(found, over_seeds),
    )


def _why(found: Evidence, over_seeds: bool) -> str:
    """Say why no number of seeds can be told."""
    tested = found.tested
    if not over_seeds:
        return "it is not tested over seeds"
    if reason := UNSIZED.get(found.claim.test or "") or UNSIZED.get(tested.test):
        return reason
    if tested.p is None:
        return tested.reason
    if found.margin is None:
        return "no margin is declared"
    if spread(tested) is None:
        return "its test goes by no standard deviation"
    return f"more than {MOST:,}"
