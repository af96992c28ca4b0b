"""Every claim of a suite with its verdict, look by look.

A claim stands in a family, alone where the suite names none, once: with the level from which on it has a verdict. Holm's
procedure over the family's claims says at which level each is read. With several looks, each has its share of alpha; what is
settled at one look stays settled, with the data of that look, and only the rest is due to more seeds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bench.grammar.metrics import of_differences
from bench.grammar.schedule import Schedule
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.evidence import Evidence, SeedsOf, beyond_images, gather, over_images, variance
from bench.reports.claims.outlook import seeds_needed
from bench.reports.claims.reading import read_back
from bench.reports.claims.relations import Claim
from bench.reports.claims.results import ClaimResult, ContrastResult, Due, Judgement
from bench.reports.claims.rules import INSUFFICIENT, REFUTED, SETTLED, UNRESOLVED, Decision
from bench.reports.claims.selection import unlike_tuning
from bench.reports.claims.verdicts import ClaimDecision, judged, sentence, settles
from bench.reports.records.arms import Records
from bench.reports.records.predictions import Predictions
from bench.reports.statistics import holm, holm_levels, look_level, smallest_detectable

FILES = 256
"""Prediction files that are kept in memory while claims are judged."""


@dataclass
class _Part:
    """A contrast on its way to a verdict. held: how it upheld its claim at an earlier look, whose data stay."""

    contrast: ClaimContrast
    evidence: Evidence | None = None
    held: Decision | None = None
    look: int = 0


@dataclass
class _Open:
    """A claim on its way to a verdict. schedules: stage → its seeds. look: the last one that is complete, -1 before the first.
    partial: whether the first look lacks trials: it is shown, but nothing follows from it. m: claims of its family with a
    test."""

    name: str
    claim: Claim
    parts: list[_Part]
    schedules: Mapping[str, Schedule]
    decision: ClaimDecision = field(default_factory=ClaimDecision)
    settled: bool = False
    look: int = -1
    partial: bool = False
    m: int = 1
    level: float = 0.0
    correction: float = 1.0
    """Holm's p of the claim, as a multiple of its own."""

    @property
    def schedule(self) -> Schedule:
        """The seeds of its first arm."""
        return self.schedules[self.parts[0].contrast.arms[0].stage]

    @property
    def alpha(self) -> float:
        """The level of each look."""
        return alpha_of_look(self.claim, self.schedule, self.m * len(self.parts))

    def seeds(self, stage: str) -> Sequence[int]:
        """Return the seeds of a stage at the look that is taken now."""
        looks = self.schedules[stage].looks
        return looks[min(self.look + 1, len(looks) - 1)]

    @property
    def evidence(self) -> list[Evidence]:
        return [part.evidence for part in self.parts if part.evidence]

    @property
    def p(self) -> float | None:
        return settles(self.evidence) if self.evidence else None


def alpha_of_look(claim: Claim, schedule: Schedule, tests: int) -> float:
    """Return the level of each look: for paired t-tests the constant one that keeps the total, else Bonferroni's.

    tests: among how many it is shared out. The constant level is no fixed share of the total: it is that of a test's own share,
    times their number.
    """
    if len(schedule.looks) > 1 and claim.test in (None, "t") and claim.relation.sample == "seeds" and claim.spread is None:
        return tests * look_level([len(seeds) for seeds in schedule.looks], schedule.total_alpha / tests)
    return schedule.total_alpha / len(schedule.looks)


def judge(
    claims: Mapping[str, tuple[Claim, Sequence[ClaimContrast]]],
    schedules: Mapping[str, Schedule],
    trials: Records,
    predictions: Predictions | None = None,
    *,
    for_report: bool = True,
) -> Judgement:
    """Judge every claim whose cells are among the trials.

    schedules: stage → the seeds declared for it. predictions: see `bench.reports.records.predictions`. for_report: also ask
    whether verdicts hold beyond the images, which reads every prediction.
    """
    predictions = lru_cache(FILES)(predictions) if predictions else None  # several contrasts ask for the same run's
    families: dict[str, list[_Open]] = {}
    left_out: Counter[str] = Counter()
    for name, (claim, contrasts) in claims.items():
        if all(trials.has(arm) for contrast in contrasts for arm in contrast.needed):
            member = _Open(name, claim, [_Part(contrast) for contrast in contrasts], schedules)
            families.setdefault(claim.family or name, []).append(member)
        else:
            left_out[claim.family or name] += 1  # `--only` makes no family smaller
    due: Due = {}
    results: dict[str, ClaimResult] = {}
    for family, members in families.items():
        for look in range(max(len(member.schedule.looks) for member in members)):
            _look(members, look, left_out[family], trials, predictions, due)
        asked = predictions if for_report else None
        results |= {member.name: _result(member, family, asked) for member in members}
    return Judgement([results[name] for name in claims if name in results], due)


def _look(members: list[_Open], look: int, left_out: int, trials: Records, predictions: Predictions | None, due: Due) -> None:
    """Take one look at a family: measure what is still open, correct all together, decide. left_out: its claims that are not
    here."""
    for member in members:
        if not member.settled and not member.partial and member.look == look - 1 and look < len(member.schedule.looks):
            _measure(member, look, trials, predictions, due)
    own_p = [member.p for member in members]
    m = max(1, left_out + sum(p is not None for p in own_p))
    for i, member in enumerate(members):
        if (member.look == look or member.partial) and not member.settled:
            member.m = m
            # what is not complete may change, and must not loosen the level of what is
            others = zip(members, own_p, strict=True)
            p = [1.0 if q is not None and other is not member and other.partial else q for other, q in others] + [1.0] * left_out
            member.level = holm_levels(p, member.alpha)[i]
            own, corrected = p[i], holm(p)[i]
            member.correction = corrected / own if own and corrected else float(m)
            held = [part.held for part in member.parts]
            member.decision = judged(member.evidence, member.level, m, member.alpha, held)
            if not member.partial:
                member.settled = _is_settled(member.decision)
                for part, decision in zip(member.parts, member.decision.parts, strict=True):
                    part.held = decision if decision.holds else None


def _is_settled(decision: ClaimDecision) -> bool:
    """Whether more seeds would change nothing: what withholds a verdict in one part leaves the others open."""
    still_open = any(part.verdict in (UNRESOLVED, INSUFFICIENT) for part in decision.parts)
    return decision.verdict in SETTLED and (decision.holds is not None or not still_open)


def _measure(member: _Open, look: int, trials: Records, predictions: Predictions | None, due: Due) -> None:
    """Measure a claim at a look; one whose trials are still to run is due, unless it is the first."""
    pending = [part for part in member.parts if not part.held]
    lacking = [part for part in pending if not _is_whole(part.contrast, member.seeds, trials)]
    if look and lacking:
        for part in pending:
            if not (part.evidence and part.evidence.empty):
                _make_due(part.contrast, look, due)
        return
    for part in pending:
        part.evidence = gather(member.claim, part.contrast, trials, member.seeds, member.alpha, predictions)
        part.look = look
    member.partial = bool(lacking)
    if not lacking:
        member.look = look


def _is_whole(contrast: ClaimContrast, seeds: SeedsOf, trials: Records) -> bool:
    """Whether every arm has all of its seeds, and none is still to run."""
    for arm in contrast.needed:
        records = trials.of(arm, seeds(arm.stage))
        if len({record.seed for record in records}) < len(seeds(arm.stage)) or any(record.outcome.is_open for record in records):
            return False
    return True


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
        without = {seed: reason for arm in evidence.all_arms for seed, reason in arm.without.items()}
        if without and not evidence.empty:
            why += f" Without a result: {', '.join(f'seed {seed} ({reason})' for seed, reason in sorted(without.items()))}."
        if unlike := unlike_tuning(part.contrast):
            why += f" {sentence(unlike)}"
        if evidence.measured.remark:
            why += f" {sentence(evidence.measured.remark)}"
        beyond, crossed = "", over_images(evidence, 1 - alpha, predictions)
        if decision.holds is not None and crossed is not None:
            beyond = beyond_images(evidence, decision.holds, member.level, crossed)
            why += f" Beyond these images: {beyond}."
        needed = seeds_needed(part.contrast.rule, tested, evidence.margin, alpha / member.m)
        is_open = decision.verdict == UNRESOLVED
        p = evidence.p
        if decision.verdict == REFUTED and part.contrast.rule.asks in ("same", "not beyond"):
            p = evidence.against_p  # what the verdict turns on
        parts.append(
            ContrastResult(
                label=part.contrast.label,
                contrast=part.contrast.wording,
                quantity=_quantity(claim, evidence),
                unit=_unit(claim, evidence),
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
                variance=variance(evidence, crossed),
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


def _quantity(claim: Claim, evidence: Evidence) -> str:
    """Return what is estimated, with its unit."""
    is_ratio = evidence.contrast.ratio or claim.spread is not None
    text = claim.relation.quantity(f"the SD of {claim.measure}" if claim.spread else claim.measure, is_ratio)
    unit = _unit(claim, evidence)
    return f"{text} ({unit})" if unit else text


def _unit(claim: Claim, evidence: Evidence) -> str:
    """Return the unit of what is estimated; "" of ratios, correlations, and metrics without one."""
    if evidence.contrast.ratio or claim.spread is not None or claim.relation.sample != "seeds":
        return ""
    return of_differences(evidence.unit)


def _reference(contrast: ClaimContrast, tested: object) -> float:
    """Return what the estimate is held against as the reader sees it."""
    if contrast.ratio:
        return 1.0 if contrast.number is None else contrast.number
    return 1.0 if getattr(tested, "test", "") == "pitman-morgan" else 0.0
