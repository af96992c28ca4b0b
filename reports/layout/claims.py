"""The table of claims and their verdicts."""

import re

from bench.reports.claims.relations import RELATIONS
from bench.reports.claims.results import ClaimResult, ContrastResult, NotAsked
from bench.reports.claims.rules import NOT_ASKED
from bench.reports.layout.contrasts import together
from bench.reports.layout.grid import NOTHING, SHORT, TESTS, Text, TextGrid, estimate
from bench.reports.layout.head import head
from bench.reports.layout.scope import OVERLAP, scope
from bench.reports.numbers import probability
from bench.reports.report import ReportData

TOGETHER = "Below an estimate, A the first arm and B the second: r, their correlation over seeds; relative efficiency, above 1 "
TOGETHER += "where pairing gained; P(A > B), the share of seeds with A above B."


def claims(report: ReportData) -> TextGrid | None:
    """Lay out the claims with their verdicts, at the end those that are not asked; None where the suite makes none."""
    if not report.claims and not report.not_asked:
        return None
    title = "Claims of the report"
    header = ["claim", "verdict", "comparison", "estimate", "p", "Holm p", "m", "n"]
    how = f" {_how(report)}" if report.claims else ""
    grid = TextGrid(title, f"{title}. {head(report)}{how}", header)
    for claim in report.claims:
        if len(claim.parts) > 1:
            scope = "in all of" if claim.holds else "over"
            told = (verdict(report, claim, claim.verdict, claim.parts), f"{scope} the {len(claim.parts)} comparisons below")
            grid.rows.append([_head(claim), Text(told, bold=True, verdict=claim.verdict), *[Text(("",)) for _ in header[2:]]])
        for part in claim.parts:
            first = Text((part.label,)) if len(claim.parts) > 1 else _head(claim)
            grid.rows.append([first, *_part(grid, report, claim, part)])
    for dropped in report.not_asked:
        why = Text((NOT_ASKED, dropped.why), bold=True, verdict=NOT_ASKED)
        grid.rows.append([_title(dropped), why, *[Text((NOTHING,)) for _ in header[2:]]])
    return grid


def anchor(claim: str) -> str:
    """Return the name of the place of a claim. Distinct claims have distinct ones."""
    return "claim-" + re.sub(r"[^A-Za-z0-9-]", lambda found: f"_{ord(found[0]):x}_", claim)


def _how(report: ReportData) -> str:
    """Say how the claims were tested: the second half of the caption."""
    intervals = {part.result.confidence for claim in report.claims for part in claim.parts if part.result.ci_low is not None}
    levels = " or ".join(f"{100 * confidence:.4g} %" for confidence in sorted(intervals)) or "95 %"
    tests = ", ".join(dict.fromkeys(TESTS[claim.test] for claim in report.claims))
    alphas = " or ".join(sorted({f"{claim.alpha:.3g}" for claim in report.claims}))
    share = " at each look" if any(claim.look for claim in report.claims) else ""
    how = f"Estimate with its {levels} interval, below it every seed's own; {tests}, two-sided; "
    how += f"Holm within each family of m claims; alpha={alphas}{share}. {scope(report.varying)}"
    if any(part.result.test == "resampled" for claim in report.claims for part in claim.parts):
        how += f" {OVERLAP}"
    if any(claim.m > 1 for claim in report.claims):
        how += " Intervals are Bonferroni's, 1 − alpha/m; Holm may reject where one still holds zero."
    said = {claim.relation for claim in report.claims}
    remarks = [relation.remark for name, relation in RELATIONS.items() if name in said and relation.remark]
    how += "".join(f" {remark}" for remark in dict.fromkeys(remarks))
    if any(part.pairing for claim in report.claims for part in claim.parts):
        how += f" {TOGETHER}"
    if any(part.preliminary for claim in report.claims for part in claim.parts):
        how += " Preliminary: some of its trials are still to run."
    if any(part.result.ratio for claim in report.claims for part in claim.parts):
        how += " Times are compared by their ratio, left divided by right."
    return how


def _head(claim: ClaimResult) -> Text:
    return _title(claim, claim.reading + (f"; {claim.look}" if claim.look else ""))


def _title(claim: ClaimResult | NotAsked, *below: str) -> Text:
    return Text((claim.name, f"“{claim.says}”", *below), bold=True, anchor=anchor(claim.name))


def _part(grid: TextGrid, report: ReportData, claim: ClaimResult, part: ContrastResult) -> list[Text]:
    p = [NOTHING if value is None else probability(value) for value in (part.p, part.holm)]
    return [
        Text((verdict(report, claim, part.verdict, [part]), part.why), bold=True, verdict=part.verdict),
        Text((part.contrast,)),
        Text((*estimate_with_unit(grid, part), *together(part.pairing, part.superiority)), runs=part.run_ids),
        *[Text((text,)) for text in (*p, str(claim.m), str(part.result.n))],
    ]


def estimate_with_unit(grid: TextGrid, part: ContrastResult) -> list[str]:
    """Return the lines of a part's estimate, the first with its interval and its unit."""
    first, *rest = estimate(grid, part.result)
    return [f"{first} {SHORT.get(part.unit, part.unit)}" if part.unit and part.result.difference is not None else first, *rest]


def verdict(report: ReportData, claim: ClaimResult, verdict: str, parts: list[ContrastResult]) -> str:
    """Return a verdict with what limits it: that trials are still to run, or that it is no confirmation."""
    remarks = ["preliminary"] if any(part.preliminary for part in parts) else []
    remarks += ["exploratory"] if report.is_exploratory(claim.name) else []
    return f"{verdict} ({', '.join(remarks)})" if remarks else verdict
