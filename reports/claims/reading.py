"""A claim read back as an English sentence, so that whoever wrote it sees what will be tested."""

from collections.abc import Mapping

from bench.reports.claims.grammar import Condition, Share
from bench.reports.claims.relations import Claim
from bench.reports.claims.relations.two import told


def read_back(claim: Claim) -> str:
    """Return what a claim says: "val/accuracy in stage accuracy with model=simple is higher than with model=complex, for each
    noise"."""
    subject = f"the standard deviation of {claim.spread} over the seeds" if claim.spread else str(claim.metric)
    text = subject + (f" in stage {claim.stage}" if claim.stage else "")
    text += f" {told(claim.of)}" if claim.of else ""
    text += f" {claim.relation.sentence(claim)}"
    if claim.mean_over:
        text += f", on average over {_axes(claim.mean_over)}"
    if claim.each:
        text += f", for each {_axes(claim.each)}"
    if claim.exclude:
        text += ", leaving out " + "; ".join(told(dict(partial)).removeprefix("with ") for partial in claim.exclude)
    if claim.requires:
        text += ", provided that " + " and ".join(_condition(condition) for condition in claim.requires)
    if claim.margin is not None:
        margin = f"{100 * claim.margin:g} %" if isinstance(claim.margin, Share) else f"{claim.margin:g}"
        text += f" (margin {margin})"
    return text


def _condition(condition: Condition) -> str:
    subject = f"that {told(condition.of).replace('with ', 'of ', 1)}" if condition.of else "it"
    subject += f" ({condition.metric})" if condition.metric else ""
    if condition.above_chance is not None:
        return f"{subject} is above chance by {condition.above_chance:g}"
    value = getattr(condition, condition.relation)
    return f"{subject} is {condition.relation.replace('_', ' ')} {told(value)}"


def _axes(axes: Mapping[str, list[str] | None]) -> str:
    return " and ".join(f"{axis} ({', '.join(labels)})" if labels else axis for axis, labels in axes.items())
