"""Whether an arm is tested on the runs that chose it: the best of several equal cells looks better on them than it is."""

from collections.abc import Iterator, Sequence

from bench.grammar.metrics import Metric
from bench.grammar.stages import Start
from bench.reports.claims.base import ClaimContrast, names_of
from bench.reports.records.arms import Arm, ArmValues, Records


def favoured(contrast: ClaimContrast, metric: Metric, *, against: bool = False) -> Iterator[tuple[Arm, Start]]:
    """Yield the arms that were chosen as the best of a stage where that speaks for the claim (or against it), and how they were
    chosen.

    Arms that start from the same stage were chosen alike, and their difference is not favoured.
    """
    better = (-1.0 if metric.better == "lower" else 1.0) * (-1.0 if against else 1.0)
    for weight, arm in contrast.terms:
        towards = weight * better * contrast.rule.sign
        if contrast.rule.asks == "same" or (towards <= 0 and (against or contrast.rule.asks != "differs")):
            continue
        others = {start.stage for other_weight, other in contrast.terms if other_weight * weight < 0 for start in _starts(other)}
        yield from ((arm, start) for start in _starts(arm) if start.stage not in others)


def on_its_own_data(
    contrast: ClaimContrast, arms: Sequence[ArmValues], metric: Metric, trials: Records, *, against: bool = False
) -> str:
    """Say which arm is tested, in the claim's favour (or to its harm), on runs that chose it; "" where none is."""
    by_arm = dict(zip(map(id, contrast.arms), arms, strict=False))
    for arm, start in favoured(contrast, metric, against=against):
        shared = trials.run_ids(start.stage) & set(by_arm[id(arm)].run_ids)
        if shared:
            return f"{len(shared)} of its runs chose it as the best of stage {start.stage} by {start.metric}"
    return ""


def unlike_tuning(contrast: ClaimContrast) -> str:
    """Say which arms were not tuned alike: one starts from the best of a stage, and its rival does not; "" else."""
    for weight, arm in contrast.terms:
        tuned = [start.stage for start in _starts(arm)]
        rivals = [other for other_weight, other in contrast.terms if other_weight * weight < 0]
        for rival in rivals:
            if tuned and not _starts(rival) and not any(cell.ensemble for cell in rival.cells):
                names = names_of((arm, rival))
                return f"{names[0]} starts from the best of stage {tuned[0]}, {names[1]} does not: they were not tuned alike"
    return ""


def _starts(arm: Arm) -> list[Start]:
    unique: list[Start] = []
    for cell in arm.cells:
        if cell.start and cell.start not in unique:
            unique.append(cell.start)
    return unique
