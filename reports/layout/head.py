"""What is said of all claims together: how many verdicts there are, and how far they can be trusted."""

from collections import Counter
from dataclasses import dataclass

from bench.reports.claims.rules import EQUIVALENT, IDENTICAL, NEGLIGIBLE, NOT_ASKED, REFUTED, SUPPORTED
from bench.reports.numbers import several
from bench.reports.report import ReportData
from bench.reports.statistics import benjamini_hochberg, holm_levels

DECIDED = (SUPPORTED, REFUTED, EQUIVALENT, NEGLIGIBLE, IDENTICAL)
"""Verdicts on the sentence itself, which may be false."""


@dataclass(frozen=True)
class Totals:
    """All claims together.

    verdicts: each with its number of claims. tested: claims that a test could have settled, without exploratory ones. families:
    those that these are in. decided: how many of them have a verdict on their sentence. expected_false: the most families with a
    false verdict that are to be expected. surviving: the decided ones that stay so under Holm's correction over all that were
    tested. discovered: those that stay so where alpha is the share of false ones among them (Benjamini and Hochberg 1995).
    exploratory: how many claims are. not_asked: how many more the suite has.
    """

    verdicts: dict[str, int]
    tested: int
    families: int
    decided: int
    expected_false: float
    surviving: list[str]
    discovered: list[str]
    exploratory: int
    not_asked: int = 0


def totals(report: ReportData) -> Totals:
    """Sum up the claims of a report.

    Holm's correction holds the chance of any false verdict in a family at alpha, before its data are seen. So alpha summed over
    all tested families, those without a verdict too, bounds the expected number of families with a false one, however they depend
    on each other. For exploratory claims alpha promises nothing. In Holm's correction over all, each p is weighed by its claim's
    level.
    """
    counts = Counter(claim.verdict for claim in report.claims)
    order = sorted(counts, key=lambda verdict: DECIDED.index(verdict) if verdict in DECIDED else len(DECIDED))
    confirming = [claim for claim in report.claims if not report.is_exploratory(claim.name)]
    tested = [(claim, claim.p) for claim in confirming if claim.p is not None]
    families: dict[str, float] = {}
    for claim, _ in tested:
        families[claim.family] = max(families.get(claim.family, 0.0), report.claim_alphas.get(claim.name, claim.alpha))
    least = min((claim.alpha for claim, _ in tested), default=1.0)
    weighed = [p * least / claim.alpha for claim, p in tested]
    levels = holm_levels(weighed, least) if tested else []
    decided = [claim.name for claim, _ in tested if claim.verdict in DECIDED]
    rejected = [claim.name for (claim, _), p, level in zip(tested, weighed, levels, strict=True) if p <= level]
    rates = benjamini_hochberg(weighed)
    kept = [claim.name for (claim, _), p in zip(tested, rates, strict=True) if p is not None and p <= least]
    return Totals(
        verdicts={verdict: counts[verdict] for verdict in order},
        tested=len(tested),
        families=len(families),
        decided=len(decided),
        expected_false=sum(families.values()),
        surviving=[name for name in rejected if name in decided],
        discovered=[name for name in kept if name in decided],
        exploratory=len(report.claims) - len(confirming),
        not_asked=len(report.not_asked),
    )


def head(report: ReportData) -> str:
    """Return the sentences on all claims of a report."""
    sums = totals(report)
    counts = [f"{count} {verdict}" for verdict, count in sums.verdicts.items()]
    if sums.not_asked:
        counts.append(f"{sums.not_asked} {NOT_ASKED}{'' if report.profile == 'default' else ' in this profile'}")
    text = f"{several(len(report.claims) + sums.not_asked, 'claim')}: {', '.join(counts)}."
    if not report.claims:
        return text
    if sums.exploratory:
        text += f" Of {several(sums.exploratory, 'exploratory claim')} alpha promises nothing."
    if not sums.tested:
        return text if sums.exploratory else f"{text} Nothing could be tested."
    other = "other " if sums.exploratory else ""
    what = several(sums.families, f"{other}tested {'claim' if sums.families == sums.tested else 'family'}")
    text += (
        f" Of the {what}, at most {sums.expected_false:.2g} with a false verdict are to be expected by chance: alpha summed "
        "over all of them, as each has that chance whether or not it came to a verdict."
    )
    if sums.decided:
        survive = "survives" if len(sums.surviving) == 1 else "survive"
        of = f"{len(sums.surviving)} of {several(sums.decided, f'{other}verdict')}"
        text += f" {of} {survive} Holm over all {sums.tested} tested claims; {len(sums.discovered)} at a false-discovery rate of "
        text += "alpha."
    return text
