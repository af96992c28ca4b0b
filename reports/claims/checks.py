"""Whether a claim can be true or false at all: its arms differ, and its numbers are ones that the metric can have."""

from collections.abc import Mapping, Sequence

from bench.errors import BenchError
from bench.grammar.derived import Derived, described
from bench.grammar.document import DocPath, Document
from bench.grammar.metrics import Metric
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.kinds import KINDS, Claim


def check_claim(
    document: Document, name: str, claim: Claim, contrasts: Sequence[ClaimContrast], derived: Mapping[str, Derived]
) -> None:
    """Check a claim's arms and numbers. derived: the suite's own metrics. Raises BenchError with file and line."""
    kind, at = KINDS[claim.kind], ("claims", name)
    for contrast in contrasts:
        if kind.is_vacuous(contrast):
            message = f"its arms are the same: {kind.text(contrast)}"
            raise document.error(at, message, "let them differ in an axis, or in their stage")
    for metric in kind.metrics(claim).values():
        known = described(metric, derived)
        for contrast in contrasts:
            if contrast.number is not None and not known.range[0] <= contrast.number <= known.range[1]:
                raise _beyond(document, (*at, "right"), contrast.number, metric, known)
        if claim.margin is not None and not known.is_ratio and not kind.is_ratio(claim):
            widest = max(kind.widest(known.range[1] - known.range[0], contrast) for contrast in contrasts)
            if claim.margin >= widest:
                why = f": what is compared is {widest:.3g} at most"
                raise _beyond(document, (*at, "margin"), claim.margin, metric, known, why)


def _beyond(document: Document, at: DocPath, number: float, metric: str, known: Metric, why: str = "") -> BenchError:
    low, high = known.range
    if known.is_share and 1 < number <= 100:
        mend = f"write {number / 100:g}"
    else:
        mend = f"take one that {metric} can have, or declare its `range:` in `metrics:` where it is of your own"
    return document.error(at, f"{number:g} is no number for {metric}, which is {low:g} to {high:g}{why}", mend)
