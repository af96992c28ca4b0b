"""Every claim of a suite with its verdict, look by look.

A claim stands in a family, alone where the suite names none, once: with the level from which on it has a verdict. Holm's
procedure
over the family's claims says at which level each is read. With several looks, each has its share of alpha; what is settled at one
look stays settled, with the data of that look, and only the rest is due to more seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.grammar.schedule import Schedule
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.evidence import Evidence, beyond_images, gather
from bench.reports.claims.outlook import seeds_needed
from bench.reports.claims.reading import read_back
from bench.reports.claims.relations import Claim
from bench.reports.claims.results import ClaimResult, ContrastResult, Due, Judgement
from bench.reports.claims.rules import REFUTED, SETTLED, UNRESOLVED, Decision
from bench.reports.claims.selection import unlike_tuning
from bench.reports.claims.verdicts import ClaimDecision, judged, sentence, settles
from bench.reports.records.arms import Records
from bench.reports.records.predictions import Predictions
from bench.reports.statistics import holm, holm_levels, look_level, smallest_detectable


@dataclass
class _Part:
    """A contrast on its way to a verdict. held: how it upheld its claim at an earlier look, whose data stay."""

    contrast: ClaimContrast
    evidence: Evidence | None = None
    held: Decision | None = None
    look: int = 0


@dataclass
class _Open:
    """A claim on its way to a verdict. look: the last one that is complete, -1 before the first. partial: whether the first look
    lacks trials: it is shown, but nothing follows from it. p: the level from which on it has a verdict."""

    name: str
    claim: Claim
    parts: list[_Part]
    schedule: Schedule
    decision: ClaimDecision = field(default_factory=ClaimDecision)
    settled: bool = False
    look: int = -1
    partial: bool = False
    m: int = 1
    level: float = 0.0
    correction: float = 1.0
    """Holm's p of the claim, as a multiple of its own."""

    @property
    def alpha(self) -> float:
        """The level of each look."""
        return _alpha(self.claim, self.schedule)

    @property
    def evidence(self) -> list[Evidence]:
        return [part.evidence for part in self.parts if part.evidence]

    @property
    def p(self) -> float | None:
        return settles(self.evidence) if self.evidence else None


def _alpha(claim: Claim, schedule: Schedule) -> float:
    """Return the level of each look: for paired t-tests the constant one that keeps the total, else Bonferroni's."""
    if len(schedule.looks) > 1 and claim.test in (None, "t") and claim.relation.sample == "seeds" and claim.spread is None:
        return look_level([len(seeds) for seeds in schedule.looks], schedule.total_alpha)
    return schedule.total_alpha / len(schedule.looks)


def judge(
    claims: Mapping[str, tuple[Claim, Sequence[ClaimContrast]]],
    schedules: Mapping[str, Schedule],
    trials: Records,
    predictions: Predictions | None = None,
) -> Judgement:
    """Judge every claim whose cells are among the trials.

    schedules: stage → the seeds declared for it. predictions: see `bench.reports.records.predictions`.
    """
    families: dict[str, list[_Open]] = {}
    for name, (claim, contrasts) in claims.items():
        if all(trials.has(arm) for contrast in contrasts for arm in contrast.needed):
            schedule = schedules[contrasts[0].arms[0].stage]
            member = _Open(name, claim, [_Part(contrast) for contrast in contrasts], schedule)
            families.setdefault(claim.family or name, []).append(member)
    due: Due = {}
    results: dict[str, ClaimResult] = {}
    for family, members in families.items():
        for look in range(max(len(member.schedule.looks) for member in members)):
            _look(members, look, trials, predictions, due)
        results |= {member.name: _result(member, family, predictions) for member in members}
    return Judgement([results[name] for name in claims if name in results], due)


def _look(members: list[_Open], look: int, trials: Records, predictions: Predictions | None, due: Due) -> None:
    """Take one look at a family: measure what is still open, correct all together, decide."""
    for member in members:
        if not member.settled and not member.partial and member.look == look - 1 and look < len(member.schedule.looks):
            _measure(member, look, trials, predictions, due)
    p = [member.p for member in members]
    m = max(1, sum(value is not None for value in p))
    for i, member in enumerate(members):
        if (member.look == look or member.partial) and not member.settled:
            member.level, member.m = holm_levels(p, member.alpha)[i], m
            own, corrected = p[i], holm(p)[i]
            member.correction = corrected / own if own and corrected else float(m)
            held = [part.held for part in member.parts]
            member.decision = judged(member.evidence, member.level, m, member.alpha, held)
            if not member.partial:
                member.settled = member.decision.verdict in SETTLED
                for part, decision in zip(member.parts, member.decision.parts, strict=True):
                    part.held = decision if decision.holds else None


def _measure(member: _Open, look: int, trials: Records, predictions: Predictions | None, due: Due) -> None:
    """Measure a claim at a look; one whose trials are still to run is due, unless it is the first."""
    seeds = member.schedule.looks[look]
    pending = [part for part in member.parts if not part.held]
    lacking = [part for part in pending if not _is_whole(part.contrast, seeds, trials)]
    if look and lacking:
        for part in pending:
            if not (part.evidence and part.evidence.empty):
                _make_due(part.contrast, look, due)
        return
    for part in pending:
        part.evidence = gather(member.claim, part.contrast, trials, seeds, member.alpha, predictions)
        part.look = look
    member.partial = bool(lacking)
    if not lacking:
        member.look = look


def _is_whole(contrast: ClaimContrast, seeds: Sequence[int], trials: Records) -> bool:
    wanted = [record for arm in contrast.needed for record in trials.of(arm, seeds)]
    return len({record.seed for record in wanted}) == len(seeds) and not any(record.outcome.is_open for record in wanted)


def _make_due(contrast: ClaimContrast, look: int, due: Due) -> None:
    for arm in contrast.needed:
        for cell in arm.cells:
            key = (arm.stage, tuple(cell.labels.items()))
            due[key] = max(due.get(key, 0), look)


def _result(member: _Open, family: str, predictions: Predictions | None) -> ClaimResult:
    """Return the result of a claim."""
    claim, schedule, alpha = member.claim, member.schedule, member.alpha
    parts = []
    for part, decision in zip(member.parts, member.decision.parts, strict=True):
        assert part.evidence, "what is decided was measured"
        evidence, tested = part.evidence, part.evidence.tested
        why = decision.why
        left_out = {seed: reason for arm in evidence.arms for seed, reason in arm.without.items()}
        if left_out and not evidence.empty:
            why += f" Without a result: {', '.join(f'seed {seed} ({reason})' for seed, reason in sorted(left_out.items()))}."
        if unlike := unlike_tuning(part.contrast):
            why += f" {sentence(unlike)}"
        if evidence.measured.remark:
            why += f" {sentence(evidence.measured.remark)}"
        beyond = ""
        if decision.holds is not None:
            beyond = beyond_images(evidence, decision.holds, member.level, 1 - alpha, predictions)
            why += f" Beyond these images: {beyond}." if beyond else ""
        needed = seeds_needed(part.contrast.rule, tested, evidence.margin, alpha / member.m)
        is_open = decision.verdict == UNRESOLVED
        p = evidence.p
        if decision.verdict == REFUTED and part.contrast.rule.asks in ("same", "not beyond"):
            p = evidence.against_p  # what the verdict turns on
        parts.append(
            ContrastResult(
                label=part.contrast.label,
                contrast=part.contrast.wording,
                quantity=claim.relation.quantity(_quantified(claim), part.contrast.ratio or claim.spread is not None),
                reference=_reference(part.contrast, tested),
                result=evidence.shown(1 - alpha / member.m),
                p=p,
                holm=None if p is None else min(1.0, p * member.correction),
                verdict=decision.verdict,
                why=why,
                detectable=None if evidence.measured.described else smallest_detectable(tested, alpha / member.m),
                seeds_needed=needed.seeds if is_open else None,
                seeds_at_most=needed.at_most if is_open else None,
                run_ids=evidence.run_ids,
                look=part.look,
                preliminary=member.partial,
                beyond_images=beyond,
                pairing=evidence.pairing,
                superiority=evidence.superiority,
            )
        )
    look = ""
    if len(schedule.looks) > 1:
        last = max(part.look for part in parts)
        look = f"look {last + 1} of {len(schedule.looks)}, {len(schedule.looks[last])} seeds"
    return ClaimResult(
        name=member.name,
        says=claim.says,
        relation=claim.relation.name,
        reading=read_back(claim),
        metric=" and ".join(claim.relation.metrics(claim).values()),
        margin=next((evidence.margin for evidence in member.evidence if evidence.margin is not None), None),
        test=next((evidence.tested.test for evidence in member.evidence if evidence.tested.p is not None), claim.test or "t"),
        family=family,
        m=member.m,
        alpha=alpha,
        look=look,
        parts=parts,
        verdict=member.decision.verdict,
        holds=member.decision.holds,
        p=member.p,
    )


def _quantified(claim: Claim) -> str:
    return f"the SD of {claim.measure}" if claim.spread else claim.measure


def _reference(contrast: ClaimContrast, tested: object) -> float:
    """Return what the estimate is held against as the reader sees it."""
    if contrast.ratio:
        return 1.0 if contrast.number is None else contrast.number
    return 1.0 if getattr(tested, "test", "") == "pitman-morgan" else 0.0
