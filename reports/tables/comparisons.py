"""Comparisons within one line of a table: every pair of its arms, corrected together, and who comes out best."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

from bench.grammar.metrics import by_name
from bench.reports.records.arms import compared, unlike
from bench.reports.statistics import (
    RESOLUTION,
    Comparison,
    Friedman,
    Moments,
    Omnibus,
    Pairing,
    compared_over_splits,
    friedman,
    holm,
    interval,
    pairing,
    repeated_measures,
    smallest_detectable,
    summary,
    superiority,
)


@dataclass(frozen=True)
class TableCell:
    """One place of a table. `values` are by seed, in the unit shown."""

    planned: int = 0
    values: dict[int, float] = field(default_factory=dict)
    published: float | None = None
    without: dict[str, int] = field(default_factory=dict)
    """outcome → number of planned trials that gave no value."""
    why: dict[str, str] = field(default_factory=dict)
    """outcome → the reason, where one is known."""
    run_ids: dict[int, str] = field(default_factory=dict)
    """seed → the run that the value comes from."""
    conditions: frozenset[tuple[str, ...]] = frozenset()
    origins: tuple[str, ...] = ()
    """What its trials were made from, where that is another stage."""
    redrawn: float = 0.0
    """See `bench.reports.records.arms.redrawn`."""
    by_split: dict[int, dict[str, float]] = field(default_factory=dict)
    """seed → split → its value there, where several are crossed with the seeds."""
    resplit: float = 0.0
    """See `bench.reports.records.arms.resplit`."""
    splits: frozenset[str] = frozenset()
    """The splits that the suite names, of which it is; several or one."""

    @property
    def summary(self) -> Moments:
        return summary(self.values.values())


@dataclass(frozen=True)
class TableContrast:
    """The difference left - right (of times: the ratio) within one family, and its p-value corrected within that family.

    result: its interval is Bonferroni's, at 1 - alpha / m. detectable: the difference that these seeds find with 80 % power at
    the first step of Holm's correction, in the unit shown (of times: the factor). line: the row or column of the table that the
    family is. competing: whether its arms are what the table lets compete. m: comparisons of the family that were tested.
    against_baseline: p corrected among the line's comparisons with the baseline alone; None of all others. superiority: the
    share of seeds (of unpaired arms: of their pairs) in which left is above right.
    """

    family: str
    left: str
    right: str
    result: Comparison
    holm: float | None
    detectable: float | None = None
    run_ids: tuple[str, ...] = ()
    line: str = ""
    competing: bool = True
    m: int = 0
    against_baseline: float | None = None
    pairing: Pairing | None = None
    superiority: float | None = None


@dataclass(frozen=True)
class FamilyOmnibus:
    """All arms of one family (three or more) at once: context for its comparisons, never a gate."""

    family: str
    anova: Omnibus
    friedman: Friedman


def family(
    name: str,
    metric: str,
    arms: Mapping[str, TableCell],
    test: str,
    alpha: float,
    *,
    line: str,
    competing: bool,
    baseline: str | None = None,
) -> list[TableContrast]:
    """Compare all pairs of arms, later minus earlier, and correct them together by Holm's procedure; those with the baseline
    also among themselves."""
    pairs = [(later, earlier) for earlier, later in combinations(arms, 2)]
    results = [compare(metric, arms[left], arms[right], test, 1 - alpha) for left, right in pairs]
    corrected = holm([result.p for result in results])
    with_baseline = holm([result.p if baseline in pair else None for pair, result in zip(pairs, results, strict=True)])
    m = sum(p is not None for p in corrected)
    level = alpha / max(1, m)
    contrasts = []
    for (left, right), result, p, against in zip(pairs, results, corrected, with_baseline, strict=True):
        values, is_paired = (arms[left].values, arms[right].values), test != "welch"
        contrasts.append(
            TableContrast(
                family=name,
                left=left,
                right=right,
                result=_with_interval(result, 1 - level),
                holm=p,
                detectable=smallest_detectable(result, level),
                run_ids=(*arms[left].run_ids.values(), *arms[right].run_ids.values()),
                line=line,
                competing=competing,
                m=m,
                against_baseline=against,
                pairing=pairing(*values, ratio=result.ratio) if is_paired and result.difference is not None else None,
                superiority=superiority(*values, paired=is_paired) if result.difference is not None else None,
            )
        )
    return contrasts


def _with_interval(result: Comparison, confidence: float) -> Comparison:
    """Return a comparison with its interval at another confidence, where it has one."""
    if (ends := interval(result, confidence)) is None:
        return result
    return replace(result, ci_low=ends[0], ci_high=ends[1], confidence=confidence)


def compare(metric: str, left: TableCell, right: TableCell, test: str, confidence: float) -> Comparison:
    """Compare two cells: times by their ratio, and only where they were taken under like conditions."""
    if not left.values or not right.values:
        return Comparison(reason="no finished trial on one side")
    ratio = by_name(metric).is_ratio
    if reason := unlike(left.conditions | right.conditions, metric):
        return Comparison(reason=reason)
    if (left.by_split or right.by_split) and left.splits != right.splits:
        return Comparison(reason="the arms do not run on the same splits")
    if test == "t" and left.by_split:
        arms = (1.0, left.by_split), (-1.0, right.by_split)
        overlap = max(left.resplit, right.resplit)
        return compared_over_splits(arms, ratio=ratio, confidence=confidence, test_to_train=overlap).comparison
    return compared(
        left.values,
        right.values,
        test=test,
        ratio=ratio,
        confidence=confidence,
        test_to_train=max(left.redrawn, right.redrawn),
    )


def omnibus(name: str, metric: str, arms: Mapping[str, TableCell]) -> FamilyOmnibus | None:
    """Test all arms that have values at once, over the seeds that they share; None for fewer than three, or unlike times."""
    arms = {arm: cell for arm, cell in arms.items() if cell.values}
    if len(arms) < 3 or unlike(frozenset().union(*(cell.conditions for cell in arms.values())), metric):
        return None
    seeds = sorted(set.intersection(*(set(cell.values) for cell in arms.values())))
    blocks = [[cell.values[seed] for cell in arms.values()] for seed in seeds]
    return FamilyOmnibus(name, repeated_measures(blocks), friedman(blocks)) if len(seeds) > 1 else None


def leaders(arms: Mapping[str, TableCell], better: str, tested: list[TableContrast], alpha: float) -> tuple[list[str], list[str]]:
    """Return the arm with the best mean (exact ties are best too), and those that these seeds cannot tell from it: tested against
    it, and not significantly worse.

    None of either where nothing could be tested, or nobody said which way is better.
    """
    means = {arm: mean for arm, cell in arms.items() if (mean := cell.summary.mean) is not None}
    corrected = {frozenset((contrast.left, contrast.right)): contrast.holm for contrast in tested if contrast.holm is not None}
    if not better or not corrected:
        return [], []
    top = (max if better == "higher" else min)(means, key=means.__getitem__)
    slack = RESOLUTION * max(map(abs, means.values()))

    best = [arm for arm in means if abs(means[arm] - means[top]) <= slack]
    near = [arm for arm in means if arm not in best and corrected.get(frozenset((arm, top)), 0.0) > alpha]
    return best, near


def differing(baseline: str | None, tested: list[TableContrast], alpha: float) -> list[str]:
    """Return the arms that differ significantly from the baseline, corrected for the comparisons with it alone."""
    return [
        contrast.left if contrast.right == baseline else contrast.right
        for contrast in tested
        if contrast.against_baseline is not None and contrast.against_baseline <= alpha
    ]
