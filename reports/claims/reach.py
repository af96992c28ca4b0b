"""Whether the tests that a suite declares can reach significance at all with the seeds that it plans."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import comb
from typing import TYPE_CHECKING

from bench.grammar.derived import described
from bench.grammar.metrics import Metric
from bench.reports.claims.relations import Claim
from bench.reports.claims.rules import LEAST_SEEDS
from bench.reports.claims.selection import favoured, unlike_tuning
from bench.reports.statistics import smallest_sign_flip

if TYPE_CHECKING:
    from bench.grammar.derived import Derived
    from bench.grammar.schedule import Schedule
    from bench.reports.claims.base import ClaimContrast
    from bench.reports.records.arms import Arm
    from bench.reports.tables.grammar import Table


def warnings(
    claims: Mapping[str, tuple[Claim, Sequence["ClaimContrast"]]],
    tables: Mapping[str, "Table"],
    arms: Mapping[str, tuple[int, int]],
    schedules: Mapping[str, "Schedule"],
    derived: Mapping[str, "Derived"] | None = None,
) -> list[str]:
    """Return a sentence for each test that cannot reach its level.

    arms: table → its numbers of rows and columns. derived: the suite's own metrics.
    """
    sentences = []
    sizes = Counter(claim.family or name for name, (claim, _) in claims.items())
    for name, (claim, contrasts) in claims.items():
        schedule, m = schedules[contrasts[0].arms[0].stage], sizes[claim.family or name]
        seeds = [set(schedules[arm.stage].looks[-1]) for contrast in contrasts for arm in contrast.arms]
        paired = claim.test != "welch"
        n = len(set.intersection(*seeds)) if paired else min(map(len, seeds))
        if paired and n < LEAST_SEEDS <= min(map(len, seeds)):
            sentences.append(f"claim {name!r} pairs arms that share {n} seeds; give their stages the same, or take `test: welch`")
            continue
        if claim.relation.sample == "seeds":
            sentences += _unreachable(f"claim {name!r}", claim.test or "t", n, m, schedule.total_alpha / len(schedule.looks))
            if 1 < n < LEAST_SEEDS and claim.test not in ("crossed", "sign-flip"):
                sentences.append(f"claim {name!r} gets no verdict with {n} seeds; plan at least {LEAST_SEEDS}")
        sentences += _doubts(name, claim, contrasts, schedules, described(claim.measure, derived or {}))
    for name, table in tables.items():
        schedule, (rows, columns) = schedules[table.stage], arms[name]
        m = max(comb(rows, 2), comb(columns, 2))
        if m:
            sentences += _unreachable(f"table {name!r}", table.test, len(schedule.looks[-1]), m, schedule.alpha)
    return sentences


def _doubts(
    name: str, claim: Claim, contrasts: Sequence["ClaimContrast"], schedules: Mapping[str, "Schedule"], metric: Metric
) -> list[str]:
    """Say what a verdict would not be worth, before anything runs: arms tested on the runs that chose them, and preconditions on
    the claim's own arms and metric."""
    doubts = []
    choices = {choice.start.stage: choice for contrast in contrasts for choice in favoured(contrast, metric)}
    for stage, choice in choices.items():
        if not set(schedules[stage].looks[-1]) & set(schedules[choice.stage].looks[-1]):
            continue
        more = choice.cells * len(schedules[choice.stage].looks[0])
        doubts.append(
            f"claim {name!r} may test the best of stage {stage} on the runs that chose it: with `start: {{stage: {stage}, "
            f"seeds: fresh}}` stage {choice.stage} runs it again, {more} trials"
        )
    unlike = dict.fromkeys(filter(None, map(unlike_tuning, contrasts)))
    doubts += [f"claim {name!r}: {text}" for text in unlike]
    own = {_cells(arm) for contrast in contrasts for arm in contrast.arms}
    conditions = [required for contrast in contrasts for required in contrast.requires]
    doubts += [
        f"claim {name!r}: {claim.than:g} is a number; the arm of that level is {{{axis}: {claim.than:g}}}"
        for axis, labels in claim.of.items()
        if isinstance(claim.than, float) and isinstance(labels, list) and f"{claim.than:g}" in _levels(contrasts, axis)
    ]
    alike = [required for required in conditions if required.claim.measure == claim.measure]
    if any(_cells(arm) in own for required in alike for arm in required.contrast.arms):
        why = "where that holds, the verdict is wrong more often than alpha says"
        doubts.append(f"claim {name!r} has a condition on its own arms and metric: {why}")
    return doubts


def _levels(contrasts: Sequence["ClaimContrast"], axis: str) -> set[str]:
    """Return the levels of an axis in the stages that a claim compares, as far as its arms name them."""
    return {cell.labels[axis] for contrast in contrasts for arm in contrast.arms for cell in arm.cells if axis in cell.labels}


def _cells(arm: "Arm") -> frozenset[tuple[str, tuple[tuple[str, str], ...]]]:
    return frozenset((arm.stage, tuple(cell.labels.items())) for cell in arm.cells)


def _unreachable(what: str, test: str, n: int, m: int, alpha: float) -> list[str]:
    if n < 2:
        return [] if test == "crossed" else [f"{what} cannot be tested with one seed; plan at least 3"]  # crossed: over images
    if test == "sign-flip" and (smallest := _smallest(n)) * m > alpha:
        enough = next(k for k in range(n, 64) if _smallest(k) * m <= alpha)
        times = f" times m={m}" if m > 1 else ""
        return [
            f"{what} can never be significant: a sign-flip test of n={n} seeds has a smallest p of {smallest:.4g}{times}, above "
            f"alpha {alpha:.3g}; plan {enough} seeds, or `test: t`"
        ]
    return []


def _smallest(n: int) -> float:
    return smallest_sign_flip(n) or 1.0  # None of no seed
