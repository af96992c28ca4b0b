"""Whether the tests that a suite declares can reach significance at all with the seeds that it plans."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import comb
from typing import TYPE_CHECKING

from bench.reports.claims.kinds import KINDS, Claim
from bench.reports.statistics import smallest_sign_flip

if TYPE_CHECKING:
    from bench.grammar.schedule import Schedule
    from bench.reports.claims.base import ClaimContrast
    from bench.reports.tables.grammar import Table


def warnings(
    claims: Mapping[str, tuple[Claim, Sequence["ClaimContrast"]]],
    tables: Mapping[str, "Table"],
    arms: Mapping[str, tuple[int, int]],
    schedules: Mapping[str, "Schedule"],
) -> list[str]:
    """Return a sentence for each test that cannot reach its level.

    arms: table → its numbers of rows and columns.
    """
    sentences = []
    sizes: Counter[str] = Counter()
    for name, (claim, contrasts) in claims.items():
        sizes[claim.family or name] += len(contrasts)
    for name, (claim, contrasts) in claims.items():
        schedule = schedules[contrasts[0].arms[0].stage]
        n, m = (
            min(len(schedules[arm.stage].looks[-1]) for contrast in contrasts for arm in contrast.arms),
            sizes[claim.family or name],
        )
        kind = KINDS[claim.kind]
        if kind.sample == "seeds":
            sentences += _unreachable(f"claim {name!r}", kind.test(claim), n, m, schedule.alpha)
    for name, table in tables.items():
        schedule, (rows, columns) = schedules[table.stage], arms[name]
        m = max(comb(rows, 2), comb(columns, 2))
        if m:
            sentences += _unreachable(f"table {name!r}", table.test, len(schedule.looks[-1]), m, schedule.alpha)
    return sentences


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
