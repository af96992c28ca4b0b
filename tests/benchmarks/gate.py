"""The gate before ratios of time: do two ways of doing a suite reach the same accuracy?"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.reports.statistics import ALPHA, Comparison, Moments, equivalence, interval, summary, welch

Accuracies = dict[int, float]
"""seed → test accuracy."""


@dataclass(frozen=True)
class Verdict:
    """One network, trained by the product and by another arm. p: of accuracies that differ by the margin or more (TOST)."""

    network: str
    arm: str
    ours: Moments
    theirs: Moments
    difference: Comparison
    p: float | None

    @property
    def passed(self) -> bool:
        return self.p is not None and self.p <= ALPHA


def judge(network: str, arm: str, ours: Accuracies, theirs: Accuracies, margin: float) -> Verdict:
    """Compare two arms whose runs are independent, by Welch's t-test and its two one-sided tests."""
    difference = welch(ours, theirs)
    told = (summary(values.values()) for values in (ours, theirs))
    return Verdict(network, arm, *told, difference, equivalence(difference, margin))


def passed(verdicts: Sequence[Verdict], arm: str) -> bool:
    """Whether an arm was shown to agree with the product on every network. All must pass, so no correction is due."""
    return all(verdict.passed for verdict in verdicts if verdict.arm == arm)


def markdown(verdicts: Sequence[Verdict], margin: float) -> str:
    lines = [
        "| network | arm | test accuracy: mean ± SD | bench: mean ± SD | bench − arm [90 % interval] | p (Welch) "
        f"| p (differs by {100 * margin:g} points or more) | equal |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in verdicts:
        cells = [one.network, one.arm, _shown(one.theirs), _shown(one.ours), *_tested(one), "yes" if one.passed else "**no**"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _shown(arm: Moments) -> str:
    spread = "" if arm.sd is None else f" ± {100 * arm.sd:.1f}"
    return f"{100 * arm.mean:.1f}{spread} % ({arm.n} seeds)"


def _tested(one: Verdict) -> tuple[str, str, str]:
    found = one.difference
    if one.p is None:
        return found.reason, "", ""
    low, high = interval(found, 1 - 2 * ALPHA)  # it lies inside the margin exactly where the gate is passed
    return f"{100 * found.difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]", f"{found.p:.2g}", f"{one.p:.2g}"
