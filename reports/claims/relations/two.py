"""Two arms, or an arm and a number: what relations with an arm share."""

from typing import Any

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, Measured, Question, Relation, as_text
from bench.reports.claims.estimates import estimate
from bench.reports.claims.grammar import OPERATORS, ArmOrNumber
from bench.reports.claims.rules import Rule


class OfTwo(Relation):
    """The subject against another arm, or a number. rule: how that is judged."""

    value = ArmOrNumber
    of_spread = True
    words: str
    """What is claimed, before the other arm. than: what stands between them, where that is no number."""

    def __init__(self, name: str, rule: Rule, words: str, than: str = ""):
        self.name, self.rule, self.words, self.than = name, rule, words, than

    def check(self, claim: Any) -> None:
        if isinstance(claim.than, dict):
            return
        if claim.spread is not None:
            raise ValueError("a spread is compared with that of another arm, not with a number")
        if claim.test in ("welch", "crossed"):
            raise ValueError(f"a number has no seeds of its own: take test t or sign-flip, not {claim.test}")

    def contrasts(self, claim: Any, find: ArmFinder) -> list[ClaimContrast]:
        subject = find.subject()
        if not isinstance(claim.than, dict):
            return [ClaimContrast("", (subject,), (1.0,), self.rule, number=claim.than)]
        return [ClaimContrast("", (subject, find.side(claim.than, self.name)), (1.0, -1.0), self.rule)]

    def measure(self, question: Question) -> Measured:
        return estimate(question)

    def sentence(self, claim: Any) -> str:
        return f"{self.words}{self.than if isinstance(claim.than, dict) else ''} {told(claim.than)}"


def told(value: Any) -> str:
    """Return an arm, or a number, as one says it."""
    if not isinstance(value, dict):
        return f"{value:.4g}"
    text = as_text({axis: " and ".join(said) for axis, said in value.items() if isinstance(said, list)})
    if "stage" in value:
        text += f" of stage {value['stage']}"
    for operator in OPERATORS:
        if value.get(operator):
            text += f" {operator.replace('_', ' ')} {told(value[operator]).removeprefix('with ')}"
    return f"with {text}" if text else "of the same"
