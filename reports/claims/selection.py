"""Whether an arm is tested on the runs that chose it: the best of several equal cells looks better on them than it is."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bench.grammar.derived import stored
from bench.grammar.metrics import Metric
from bench.grammar.stages import Ensemble, Start
from bench.reports.claims.base import ClaimContrast, names_of
from bench.reports.records.arms import Arm, ArmValues, Records


@dataclass(frozen=True)
class Choice:
    """How an arm was chosen. arm: the arm. start: from whose best its cells start, or those of its members, where it is a vote.
    stage: whose trials these are. cells: how many."""

    arm: Arm
    start: Start
    stage: str
    cells: int


def favoured(contrast: ClaimContrast, metric: Metric, *, against: bool = False) -> Iterator[Choice]:
    """Yield how arms were chosen as the best of a stage, where that speaks for the claim (or against it).

    Arms that start from the same stage were chosen alike, and their difference is not favoured.
    """
    for arm, rivals in _favoured_arms(contrast, metric, against):
        others = {choice.start.stage for rival in rivals for choice in _choices(rival)}
        yield from (choice for choice in _choices(arm) if choice.start.stage not in others)


def _favoured_arms(contrast: ClaimContrast, metric: Metric, against: bool) -> Iterator[tuple[Arm, list[Arm]]]:
    """Yield the arms that speak for the claim (or against it) the better they are, each with those on the other side."""
    better = (-1.0 if metric.better == "lower" else 1.0) * (-1.0 if against else 1.0)
    for weight, arm in contrast.terms:
        towards = weight * better * contrast.rule.sign
        if contrast.rule.asks == "same" or (towards <= 0 and (against or contrast.rule.asks != "differs")):
            continue
        rivals = [other for factor, other in contrast.terms if other is not arm and (contrast.joint or factor * weight < 0)]
        yield arm, rivals


def on_its_own_data(
    contrast: ClaimContrast, arms: Sequence[ArmValues], metric: Metric, measure: str, trials: Records, *, against: bool = False
) -> str:
    """Say which arm is tested, in the claim's favour (or to its harm), on what chose it; "" where none is.

    An arm that starts from the best of a stage is, on runs that chose it; a vote of the best members is, on the images by which
    they are the best. measure: the metric that is compared.
    """
    by_arm = dict(zip(map(id, contrast.arms), arms, strict=False))
    for choice in favoured(contrast, metric, against=against):
        of_members = choice.stage != choice.arm.stage
        own = trials.run_ids(choice.stage) if of_members else set(by_arm[id(choice.arm)].run_ids)
        if shared := trials.run_ids(choice.start.stage) & own:
            whose = "its members' runs" if of_members else "its runs"
            return f"{len(shared)} of {whose} chose it as the best of stage {choice.start.stage} by {choice.start.metric}"
    for arm, rivals in _favoured_arms(contrast, metric, against):
        splits = {name.partition("/")[0] for name in stored(measure, trials.derived)}
        alike = [ensemble for rival in rivals for ensemble in _selective(rival, splits)]
        for ensemble in _selective(arm, splits):
            if ensemble not in alike:
                return f"its members were chosen by {ensemble.rank}, on the images on which it is measured"
    return ""


def unlike_tuning(contrast: ClaimContrast) -> str:
    """Say which arms were not tuned alike: one starts from the best of a stage, and its rival does not; "" else."""
    for weight, arm in contrast.terms:
        tuned = [choice.start.stage for choice in _choices(arm) if choice.stage == arm.stage]
        rivals = [other for other_weight, other in contrast.terms if other_weight * weight < 0]
        for rival in rivals:
            if tuned and not _choices(rival) and not any(cell.ensemble for cell in rival.cells):
                names = names_of((arm, rival))
                return f"{names[0]} starts from the best of stage {tuned[0]}, {names[1]} does not: they were not tuned alike"
    return ""


def _choices(arm: Arm) -> list[Choice]:
    """Return how an arm's cells, or those of its members, were chosen, each way once."""
    choices: dict[tuple[str, str], Choice] = {}
    for cell in (*arm.cells, *arm.members):
        if cell.start:
            first = choices.get(place := (cell.stage, cell.start.model_dump_json()))
            choices[place] = Choice(arm, cell.start, cell.stage, 1 + (first.cells if first else 0))
    return list(choices.values())


def _selective(arm: Arm, splits: Collection[str]) -> list[Ensemble]:
    """Return an arm's ensembles that take the best of their members by images of one of these splits."""
    ensembles = [cell.voting.config for cell in arm.cells if cell.ensemble]
    return [ensemble for ensemble in ensembles if ensemble.share < 1 and ensemble.rank.partition("/")[0] in splits]
