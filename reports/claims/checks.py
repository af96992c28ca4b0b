"""Whether a claim can be true or false at all: its arms differ, and its numbers are ones that the metric can have."""

from collections.abc import Mapping, Sequence

from bench.grammar.derived import Derived, described
from bench.grammar.document import DocPath, Document
from bench.grammar.metrics import Metric
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.grammar import Share
from bench.reports.claims.relations import RELATIONS, Claim


def check_claim(
    document: Document, name: str, claim: Claim, contrasts: Sequence[ClaimContrast], derived: Mapping[str, Derived]
) -> None:
    """Check a claim's arms and numbers. derived: the suite's own metrics. Raises BenchError with file and line."""
    at, relation, metric = ("claims", name), claim.relation, claim.measure
    known = described(metric, derived)
    for contrast in contrasts:
        if relation.is_vacuous(contrast):
            message = f"its arms are the same: {contrast.wording}"
            raise document.error(at, message, "let them differ in an axis, or in their stage")
    if claim.spread is not None and claim.margin is not None and claim.margin >= 1:
        message = f"{claim.margin:g} is no share, and standard deviations are compared by their ratio"
        raise document.error((*at, "margin"), message, "write one such as 50%")
    if relation.kind != "a metric" and claim.spread is None:
        _check_numbers(document, at, claim, contrasts, known)
    compared_alike = claim.spread is None and all(contrast.ratio == known.is_ratio for contrast in contrasts)
    if relation.needs_margin and claim.margin is None and not (compared_alike and known.margin is not None):
        mend = "add `margin: …`, the largest difference that does not matter"
        if isinstance(claim.than, float):
            mend += f"; or say exactly, `{'lower' if relation.name == 'at_most' else 'higher'}_than: {claim.than:g}`"
        raise document.error((*at, relation.name), f"`{relation.name}` needs a margin", mend)

    for i, condition in enumerate(claim.requires):
        of = described(condition.metric or metric, derived)
        if condition.above_chance is not None and of.chance is None:
            message = f"what guessing comes to in {condition.metric or metric} is not known"
            raise document.error((*at, "requires", i, "above_chance"), message, "take an accuracy, or `higher_than: NUMBER`")
        rule = RELATIONS.get(condition.relation)  # none of `above_chance`
        if rule and rule.needs_margin and condition.margin is None and of.margin is None:
            mend = "add `margin: …`, or say it exactly by higher_than or lower_than"
            raise document.error((*at, "requires", i), f"`{condition.relation}` needs a margin", mend)


def _check_numbers(document: Document, at: DocPath, claim: Claim, contrasts: Sequence[ClaimContrast], known: Metric) -> None:
    metric, name = claim.measure, claim.relation.name
    low, high = (factor_end * known.factor for factor_end in known.range)
    for contrast in contrasts:
        if contrast.ratio:
            if contrast.number is not None and contrast.number <= 0:
                raise document.error((*at, name), f"{contrast.number:g} is no ratio", "write a number above 0, such as 1/7")
            continue
        if contrast.number is not None and len(contrast.arms) == 1 and not low <= contrast.number <= high:
            raise _beyond(document, (*at, name), contrast.number, metric, known)
    if claim.margin is None:
        return
    ratio = any(contrast.ratio for contrast in contrasts)
    if ratio and not isinstance(claim.margin, Share) and claim.margin >= 1:
        message = f"{claim.margin:g} is no share, and {metric} is compared by its ratio"
        raise document.error((*at, "margin"), message, "write one such as 10%")
    if not ratio and isinstance(claim.margin, Share):
        mend = f"write {100 * claim.margin:g}" if known.factor != 1 else f"write {claim.margin:g}" if known.is_share else ""
        message = f"{100 * claim.margin:g}% is a share, and {metric} is compared by its difference"
        raise document.error((*at, "margin"), message, mend or "give the margin in the metric's unit")
    if not ratio:
        widest = max((high - low) * contrast.widest for contrast in contrasts)
        if claim.margin >= widest:
            raise _beyond(document, (*at, "margin"), claim.margin, metric, known, f": what is compared is {widest:.3g} at most")


def _beyond(document: Document, at: DocPath, number: float, metric: str, known: Metric, why: str = "") -> Exception:
    low, high = (end * known.factor for end in known.range)
    if known.is_share and known.factor == 1 and 1 < number <= 100:
        mend = f'write {number / 100:g}, or declare `metrics: {{{metric}: {{unit: "%"}}}}`'
    else:
        mend = f"take one that {metric} can have, or declare its `range:` in `metrics:` where it is of your own"
    return document.error(at, f"{number:g} is no number for {metric}, which is {low:g} to {high:g}{why}", mend)
